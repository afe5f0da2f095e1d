# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = 18歳《さい》より 下《した》の 人《ひと》は、先《さき》に 保護者《ほごしゃ》（お父《とう》さん、お母《かあ》さん など）に「いいです」と 言《い》って もらって ください。
terms-version = { $version }番目《ばんめ》の 文《ぶん》

# Who runs the service (/etc/sesshoku/operator.toml), at the end of terms and policy.
operator-title = 運営者《うんえいしゃ》（サービスを する ところ）
operator-none = この 端末《たんまつ》には、運営者《うんえいしゃ》の 名前《なまえ》が ありません。試《ため》す ためだけに 使《つか》って ください。陽性《ようせい》の 登録《とうろく》は しないで ください。
operator-sample = これは 見本《みほん》です。ここに ある 名前《なまえ》の ところは、本当《ほんとう》は ありません。試《ため》す ためだけに 使《つか》って ください。陽性《ようせい》の 登録《とうろく》は しないで ください。
operator-unusable = 運営者《うんえいしゃ》の ファイルが 読《よ》めません。この 端末《たんまつ》の 管理者《かんりしゃ》に 言《い》って ください。
operator-notification = お知《し》らせの サーバー: { $what }
operator-management = 番号《ばんごう》を 出《だ》す コンピューター: { $what }
operator-processor = 仕事《しごと》を たのむ ところ: { $what }（{ $task }）
operator-since = { $what } から 始《はじ》まります
operator-court = 裁判所《さいばんしょ》: { $what }
operator-inquiries = 聞《き》く ところ: { $what }
