# What the command line shows.

status-state = 今《いま》: { $state }
status-consent = 同意《どうい》: { $state }
status-consent-agreed = 同意《どうい》: { $state }（{ $version }番目《ばんめ》の 文《ぶん》、{ $time }）
status-radio = 電波《でんぱ》: { $radio }
status-radio-simulated = 電波《でんぱ》: { $radio }（練習《れんしゅう》です。本当《ほんとう》の 電波《でんぱ》では ありません）
status-adapter = アダプター: { $adapter }
status-broadcasting = 送《おく》る: { $state }
status-scan-method = 受《う》け取《と》る: { $method }
status-last-scan = さいごに 受《う》け取《と》った とき: { $time }
status-counters = 始《はじ》めてから: 受《う》け取《と》り { $cycles }回《かい》（とちゅうで おわり { $cut-short }回《かい》）、符号《ふごう》を 変《か》えた { $rotations }回《かい》、送《おく》れなかった { $broadcast-failures }回《かい》、受《う》け取《と》れなかった { $scan-failures }回《かい》
status-misdated = 時計《とけい》が 進《すす》んで いた ときの 記録《きろく》: { $time }。いつの ものか わからないので 消《け》しました。記録《きろく》した 時間《じかん》に 入《い》れません。
status-heard = 始《はじ》めてから 受《う》け取《と》った 符号《ふごう》: { $heard }、置《お》いた { $stored }、落《お》とした { $dropped }
status-notice = お知《し》らせ: { $notice }（sesshoku notices）
status-last-check = さいごに 調《しら》べた とき: { $time }（{ $outcome }）
status-checking = 調《しら》べて います…
status-next-check = 次《つぎ》に 調《しら》べる とき: { $time }
status-version = sesshokud { $version }
on = はい
off = いいえ

agree-question = この 2つの きまり（{ $version }番目《ばんめ》の 文《ぶん》）に 同意《どうい》しますか [y/N]
agree-done = { $version }番目《ばんめ》の 文《ぶん》に 同意《どうい》しました。記録《きろく》を 始《はじ》めます。
agree-already = { $version }番目《ばんめ》の 文《ぶん》には、もう 同意《どうい》して います。
withdraw-warning = 同意《どうい》を やめると、送《おく》ること、受《う》け取《と》ること、調《しら》べることを 止《と》めます。この 端末《たんまつ》の 記録《きろく》を ぜんぶ 消《け》します。もとに もどせません。
withdraw-question = やめますか [y/N]
withdraw-done = 同意《どうい》を やめました。記録《きろく》を ぜんぶ 消《け》しました。
erase-warning = この 端末《たんまつ》の 鍵《かぎ》と 記録《きろく》を ぜんぶ 消《け》します。もとに もどせません。同意《どうい》は そのままです。また 新《あたら》しく 記録《きろく》を 始《はじ》めます。
erase-question = ぜんぶ 消《け》しますか [y/N]
erase-done = 記録《きろく》を ぜんぶ 消《け》しました。
restart-bluetooth-warning = Bluetooth アダプター { $adapter } を オフに して、もう一度《いちど》 オンに します。キーボードや イヤホンなど、つながって いる 機械《きかい》は 少《すこ》しの あいだ 切《き》れます。
restart-bluetooth-question = オフに して、オンに しますか [y/N]
restart-bluetooth-done = { $adapter } を オフに して、もう一度《いちど》 オンに しました。
check-done = 調《しら》べました: { $outcome }。
declined = やめました。何《なに》も 変《か》わって いません。
needs-yes = ここは ターミナルでは ないので、質問《しつもん》が できません。--yes を つけて ください。

checks-row = { $time }  { $outcome }
checks-row-counted = { $time }  { $outcome }（鍵《かぎ》の ファイル { $listed }、見《み》た もの { $compared }）

notices-none = 運営者《うんえいしゃ》からの お知《し》らせは ありません。
notices-from-operator = お知《し》らせの サーバーの 運営者《うんえいしゃ》が 書《か》いた 文《ぶん》を、そのまま 見《み》せます（やさしい日本語《にほんご》では ありません）:
notice-maintenance = { $from } から { $to } まで 休《やす》む 予定《よてい》
notice-terms = 新《あたら》しい きまり（利用規約《りようきやく》）、{ $version }番目《ばんめ》の 文《ぶん》
notice-terms-from = 新《あたら》しい きまり（利用規約《りようきやく》）、{ $version }番目《ばんめ》の 文《ぶん》、{ $from } から
notice-other = お知《し》らせ

watch-connected = sesshokud { $version } に つながりました。電波《でんぱ》: { $radio }
watch-waiting = sesshokud が 動《うご》いて いません。始《はじ》まるのを 待《ま》って います…
watch-disconnected = sesshokud が 止《と》まりました。また 始《はじ》まるのを 待《ま》って います…
watch-scan = 受《う》け取《と》り { $cycles }回《かい》、置《お》いた 符号《ふごう》 { $stored }
watch-scan-alone = 受《う》け取《と》り { $cycles }回《かい》
watch-checking = お知《し》らせの サーバーに 聞《き》いて います…
watch-check = 調《しら》べた 結果《けっか》: { $outcome }
watch-next-check = 次《つぎ》に 調《しら》べる とき: { $time }
watch-notices = 運営者《うんえいしゃ》からの お知《し》らせが 変《か》わりました。
watch-contact-days = 接触《せっしょく》: { $days }
watch-result-hidden = 結果《けっか》が 変《か》わったかもしれません。sesshoku contacts で わかります。
list-separator = 、

status-consent-configured = 同意《どうい》: { $state }（{ $version }番目《ばんめ》の 文《ぶん》、この 端末《たんまつ》の 管理者《かんりしゃ》が 同意《どうい》しました）
