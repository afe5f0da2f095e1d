# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = 如果您未成年，请先征得监护人的同意。
terms-version = 第 { $version } 版
