# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = Nếu bạn chưa thành niên, trước hết xin hãy được người giám hộ đồng ý.
terms-version = Bản { $version }
