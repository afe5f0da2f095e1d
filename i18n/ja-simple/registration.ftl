# Registering as positive. The agreements themselves are in documents/. Further keys are
# the D-Bus names of RegistrationState
# and RegistrationReason.

agreement-question = これに 同意《どうい》して、登録《とうろく》しますか [y/N]

ask-symptoms = 熱《ねつ》、せき、だるさなど、体《からだ》の 具合《ぐあい》の 悪《わる》い ところが ありますか [y/n]
ask-onset = いつ 悪《わる》く なりましたか（れい: 2020-08-01）
ask-test = 検査《けんさ》の 日《ひ》は いつですか（れい: 2020-08-01）
ask-place-first = 病気《びょうき》の 人《ひと》が そこに いた、さいしょの 日《ひ》は いつですか（れい: 2020-08-01）
ask-place-last = さいごの 日《ひ》は いつですか（れい: 2020-08-01）
ask-number = 処理番号《しょりばんごう》（数字《すうじ》）:
not-yes-or-no = y か n で 答《こた》えて ください。
not-a-date = 日《ひ》にちでは ありません。2020-08-01 のように 書《か》いて ください。
not-a-number = 8つから 16の 数字《すうじ》では ありません。
register-resumes = { $date } の 登録《とうろく》を まだ 送《おく》って いません。番号《ばんごう》を 入《い》れると、続《つづ》けます。
register-sending = お知《し》らせの サーバーに 送《おく》って います…
forget-warning = まだ とどいて いない 登録《とうろく》を やめます。おわった 登録《とうろく》の ときは、結果《けっか》を 消《け》します。サーバーに とどいた ものは、そのままです。
forget-question = やめますか [y/N]
forget-done = 登録《とうろく》を やめて、消《け》しました。

registration-none = 登録《とうろく》は ありません。
registration-sending = 登録《とうろく》を 送《おく》って います。
registration-waiting-to-retry = 登録《とうろく》を まだ 送《おく》って いません。
registration-done = 陽性《ようせい》の 登録《とうろく》が できました。ありがとうございます。近《ちか》くに いた 人《ひと》が、気《き》を つけることが できます。
registration-place-done = この 場所《ばしょ》の 登録《とうろく》が できました。近《ちか》くに いた 人《ひと》が、気《き》を つけることが できます。
registration-place-first = さいしょの 日《ひ》: { $date }
registration-failed = 登録《とうろく》できませんでした。
registration-since = 時間《じかん》: { $time }
registration-onset = 具合《ぐあい》が 悪《わる》く なった 日《ひ》: { $date }
registration-test = 検査《けんさ》の 日《ひ》: { $date }
registration-days-sent = 鍵《かぎ》を 送《おく》った 日《ひ》（UTC）: { $days }
registration-days-to-send = 鍵《かぎ》を 送《おく》る 日《ひ》（UTC）: { $days }
registration-next-try = 次《つぎ》に 送《おく》る とき: { $time }
registration-tries-left = 止《と》まるまでに 入《い》れることが できる 番号《ばんごう》の 数《かず》: { $count }
registration-paused = 使《つか》えない 番号《ばんごう》が 3回《かい》 続《つづ》きました。{ $time } から、また 登録《とうろく》できます。

obstacle-none = こまった ことは ありません。
obstacle-number-refused = 処理番号《しょりばんごう》が 使《つか》えません。番号《ばんごう》が ちがうか、もう 使《つか》ったか、使《つか》える 時間《じかん》が すぎました。
    .advice = 来《き》た メッセージと くらべて、もう一度《いちど》 sesshoku register を 実行《じっこう》して ください。合《あ》って いる ときは、番号《ばんごう》を 出《だ》した 保健所《ほけんじょ》などに 新《あたら》しい 番号《ばんごう》を たのんで ください。
obstacle-management-unavailable = 今《いま》は 処理番号《しょりばんごう》を 調《しら》べることが できません。番号《ばんごう》を 出《だ》す コンピューターの 返事《へんじ》が ありません。
    .advice = 何《なに》も しなくて いいです。この 端末《たんまつ》が 動《うご》いて いる あいだ、何度《なんど》も 送《おく》ります。
obstacle-unreachable = お知《し》らせの サーバーに つながりません。
    .advice = インターネットを 見《み》て ください。この 端末《たんまつ》が 動《うご》いて いる あいだ、何度《なんど》も 送《おく》ります。
obstacle-too-many-tries = お知《し》らせの サーバーが こんで います。
    .advice = 何《なに》も しなくて いいです。この 端末《たんまつ》が 動《うご》いて いる あいだ、何度《なんど》も 送《おく》ります。
obstacle-number-needed = 登録《とうろく》が とちゅうで 止《と》まりました。処理番号《しょりばんごう》は 記録《きろく》しません。
    .advice = sesshoku register を 実行《じっこう》して、同《おな》じ 番号《ばんごう》を もう一度《いちど》 入《い》れて ください。もう とどいて いても、2回《かい》には なりません。
obstacle-invalid = この 端末《たんまつ》が 送《おく》った ものを、お知《し》らせの サーバーが 受《う》け取《と》りません。
    .advice = 日《ひ》にちと 時計《とけい》が 合《あ》って いるか 見《み》て ください。合《あ》って いる ときは、この Sesshoku が サーバーより 古《ふる》いかもしれません。
obstacle-not-allowed = お知《し》らせの サーバーが、この 端末《たんまつ》の 登録《とうろく》を 受《う》け取《と》りません。
    .advice = どの サーバーを 使《つか》うか、この 端末《たんまつ》の 管理者《かんりしゃ》に 聞《き》いて ください。
obstacle-bad-answer = お知《し》らせの サーバーの 返事《へんじ》が 読《よ》めませんでした。
    .advice = あとで もう一度《いちど》 sesshoku register を 実行《じっこう》して ください。同《おな》じ ときは、この 端末《たんまつ》の 管理者《かんりしゃ》に 聞《き》いて ください。
obstacle-expired = 24時間《じかん》の あいだに 送《おく》れませんでした。処理番号《しょりばんごう》の 使《つか》える 時間《じかん》が すぎました。
    .advice = 新《あたら》しい 番号《ばんごう》を もらって、もう一度《いちど》 sesshoku register を 実行《じっこう》して ください。

number-mistyped = 数字《すうじ》が ちがうか、2つの 数字《すうじ》の 場所《ばしょ》が ちがいます。来《き》た メッセージと くらべて ください。
ask-link = 来《き》た リンク:
not-a-link = 処理番号《しょりばんごう》の リンクでは ありません。sesshoku://register/ で 始《はじ》まる リンクを、さいごまで コピーして ください。
