# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = 18歳《さい》より 下《した》の 人《ひと》は、先《さき》に 保護者《ほごしゃ》（お父《とう》さん、お母《かあ》さん など）に「いいです」と 言《い》って もらって ください。
terms-version = { $version }番目《ばんめ》の 文《ぶん》
