# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = If you are a minor, please ask a guardian for agreement first.
terms-version = Version { $version }
