# Checks and what they found. Keys are the D-Bus names of CheckOutcome, Verdict and UnknownReason.

outcome-never = まだ 一度《いちど》も 調《しら》べて いません
outcome-complete = ぜんぶ 調《しら》べました
outcome-unreachable = お知《し》らせの サーバーに つながりませんでした
outcome-bad-answer = お知《し》らせの サーバーの 返事《へんじ》が 読《よ》めませんでした
outcome-export-refused = 本物《ほんもの》か どうか わからない 鍵《かぎ》の ファイルが あったので、使《つか》いませんでした
outcome-list-refused = 鍵《かぎ》の ファイルの リストが 古《ふる》いか 足《た》りないので、使《つか》いませんでした
outcome-not-configured = お知《し》らせの サーバーの 設定《せってい》が ありません
outcome-storage-failed = 記録《きろく》を 読《よ》むことか 書《か》くことが できませんでした

verdict-none = 陽性《ようせい》の 登録《とうろく》を した 人《ひと》との 接触《せっしょく》は 見《み》つかりませんでした。
verdict-contact = 陽性《ようせい》の 登録《とうろく》を した 人《ひと》の 近《ちか》くに いたかもしれません。
verdict-unknown = 接触《せっしょく》が あったか どうか、まだ わかりません。

unknown-consent-missing = 今《いま》の きまりに 同意《どうい》して いないので、記録《きろく》しません。調《しら》べません。
    .advice = sesshoku agree を 実行《じっこう》して ください。
unknown-never-checked = まだ 一度《いちど》も さいごまで 調《しら》べて いません。
    .advice = インターネットに つないで、sesshoku check を 実行《じっこう》して ください。
unknown-check-too-old = さいごに ぜんぶ 調《しら》べてから、24時間以上《じかんいじょう》 すぎました。
    .advice = インターネットに つないで、sesshoku check を 実行《じっこう》して ください。
unknown-check-in-future = さいごに ぜんぶ 調《しら》べた 時間《じかん》が、今《いま》より あとです。時計《とけい》が もどりました。
    .advice = 日《ひ》にちと 時間《じかん》を 合《あ》わせてから、sesshoku check を 実行《じっこう》して ください。
unknown-check-failed = さいごに ぜんぶ 調《しら》べた あと、とちゅうで おわった ことが あります。
    .advice = 少《すこ》し あとで、sesshoku check を 実行《じっこう》して ください。
unknown-list-refused = サーバーの 鍵《かぎ》の ファイルの リストが 古《ふる》いか、足《た》りません。来《き》て いない 鍵《かぎ》が あるかもしれません。
    .advice = ほかの ネットワークで sesshoku check を 実行《じっこう》して ください。1日《にち》 すぎても 同《おな》じ ときは、お知《し》らせの サーバーの 運営者《うんえいしゃ》に 言《い》って ください。
unknown-export-not-compared = サーバーが 配《くば》った 鍵《かぎ》の ファイルの 中《なか》に、まだ 見《み》て いない ものが あります。
    .advice = 少《すこ》し あとで、sesshoku check を 実行《じっこう》して ください。もう もらえない ファイルは、14日《にち》 すぎると 結果《けっか》に 関係《かんけい》が なくなります。
unknown-server-silent = お知《し》らせの サーバーから、約束《やくそく》の 時間《じかん》が すぎても 何《なに》も 来《き》て いません。
    .advice = ほかの ネットワークで sesshoku check を 実行《じっこう》して ください。同《おな》じ ときは、お知《し》らせの サーバーの 運営者《うんえいしゃ》に 聞《き》いて ください。
unknown-too-little-recorded = この 14日間《にちかん》の 記録《きろく》が 1時間《じかん》より 少《すく》ないので、わかりません。
    .advice = Bluetooth を いつも オンに して ください。記録《きろく》して いるかは sesshoku status で わかります。
unknown-storage-damaged = 記録《きろく》の 一部《いちぶ》が こわれて いて、読《よ》めません。
    .advice = ほかは 調《しら》べました。こわれた ところは、14日《にち》 すぎると 消《け》します。
unknown-clock-not-set = 時計《とけい》が 合《あ》って いません。
    .advice = 日《ひ》にちと 時間《じかん》を 合《あ》わせて ください。

contacts-title = この 14日間《にちかん》の 接触《せっしょく》
contacts-count = { $count }回《かい》
contacts-row = { $date }  { $count }  { $minutes }分《ふん》くらい（その中《なか》で 近《ちか》い { $near }分《ふん》くらい）  接触《せっしょく》の 強《つよ》さ { $score }
contacts-meaning = 接触《せっしょく》の 数《かず》は、その日《ひ》 近《ちか》くに いた、陽性《ようせい》の 登録《とうろく》を した 人《ひと》の 鍵《かぎ》の 数《かず》です（同《おな》じ 人《ひと》でも、ほかの 日《ひ》は もう一度《いちど》 数《かぞ》えます）。分《ふん》は、電波《でんぱ》を 受《う》け取《と》った 時間《じかん》です。「近《ちか》い」は、3m くらいの ときより 電波《でんぱ》が 強《つよ》かった 時間《じかん》です（でも 3回《かい》に 1回《かい》くらいは、1m の 端末《たんまつ》が「遠《とお》い」、10m の 端末《たんまつ》が「近《ちか》い」に なります）。接触《せっしょく》の 強《つよ》さが 100 以上《いじょう》は、1m くらいの ところに 15分《ふん》 いたのと 同《おな》じです。
contacts-utc = 1日《にち》は、世界《せかい》の 時間《じかん》（UTC）で 数《かぞ》えます。日本《にほん》では、朝《あさ》の 9時《じ》から 次《つぎ》の 日《ひ》の 朝《あさ》の 9時《じ》までです。
contacts-accuracy = 電波《でんぱ》の 強《つよ》さから 計算《けいさん》しました。正《ただ》しいと 約束《やくそく》は できません。
period = 調《しら》べた 日《ひ》: { $start } から { $end } まで
last-success = さいごに ぜんぶ 調《しら》べた とき: { $time }
unrecorded = その中《なか》で 記録《きろく》が ない 時間《じかん》: { $duration }

date = { $year }/{ $month }/{ $day }
never = まだ ありません
duration-days = { $days }日《にち》 { $hours }時間《じかん》
duration-hours = { $hours }時間《じかん》 { $minutes }分《ふん》
duration-minutes = { $minutes }分《ふん》
