# 陽性の登録。同意の本文は documents/ にある。後半のキーは D-Bus の RegistrationState と RegistrationReason の名前。

agreement-question = 以上に同意して登録しますか [y/N]

ask-symptoms = 発熱、せき、だるさなどの症状がありますか [y/n]
ask-onset = 症状が出た日はいつですか（例: 2020-08-01）
ask-test = 検査を受けた日はいつですか（例: 2020-08-01）
ask-place-first = 感染した人がいた最初の日はいつですか（例: 2020-08-01）
ask-place-last = 最後の日はいつですか（例: 2020-08-01）
ask-number = 処理番号（数字）:
not-yes-or-no = y か n で答えてください。
not-a-date = 日付として読めません。2020-08-01 のように書いてください。
not-a-number = 8〜16桁の数字ではありません。
register-resumes = { $date } の登録がまだ送れていません。処理番号を入力すると、続きから送ります。
register-sending = 通知サーバーへ送っています…
forget-warning = まだ届いていない登録を取りやめます。終わった登録なら、その結果の表示を消します。サーバーに届いたものは取り消せません。
forget-question = 取りやめますか [y/N]
forget-done = 登録を取りやめ、表示を消しました。

registration-none = 登録はありません。
registration-sending = 登録を送っています。
registration-waiting-to-retry = 登録はまだ送れていません。
registration-done = 陽性の登録が済みました。ご協力ありがとうございます。近くにいた人が、早めに備えられます。
registration-place-done = この場所の登録が済みました。近くにいた人が、早めに備えられます。
registration-place-first = 最初の日: { $date }
registration-failed = 登録できませんでした。
registration-since = 日時: { $time }
registration-onset = 症状が出た日: { $date }
registration-test = 検査を受けた日: { $date }
registration-days-sent = 鍵を送った日（協定世界時）: { $days }
registration-days-to-send = 鍵を送る日（協定世界時）: { $days }
registration-next-try = 次に試す日時: { $time }
registration-tries-left = 一時停止までに試せる処理番号の回数: { $count }
registration-paused = 使えない処理番号が3回続いたため、{ $time } まで登録できません。

obstacle-none = 問題はありません。
obstacle-number-refused = 処理番号が使えませんでした。番号が違うか、使用済みか、期限切れです。
    .advice = 届いた番号と見比べて、もう一度 sesshoku register を実行してください。合っているときは、番号を発行した保健所などに、新しい番号を求めてください。
obstacle-management-unavailable = 管理システムから返事がなく、今は処理番号を確かめられません。
    .advice = そのままお待ちください。この端末が動いていれば、自動でもう一度送ります。
obstacle-unreachable = 通知サーバーに接続できません。
    .advice = インターネットへの接続を確かめてください。この端末が動いていれば、自動でもう一度送ります。
obstacle-too-many-tries = 通知サーバーが混み合っていて、今は受け付けられません。
    .advice = そのままお待ちください。この端末が動いていれば、自動でもう一度送ります。
obstacle-number-needed = 登録が途中で止まりました。処理番号は保存していません。
    .advice = sesshoku register を実行し、同じ番号をもう一度入力してください。すでに届いていた場合も、二重にはなりません。
obstacle-invalid = 送った内容が通知サーバーに受け付けられませんでした。
    .advice = 日付と時計が合っているかを確かめてください。合っている場合は、この版の Sesshoku がサーバーに対して古い可能性があります。
obstacle-not-allowed = 通知サーバーが、この端末からの登録を受け付けていません。
    .advice = どのサーバーを使うべきか、この端末の管理者に確かめてください。
obstacle-bad-answer = 通知サーバーの返事を読み取れませんでした。
    .advice = しばらくしてから、もう一度 sesshoku register を実行してください。続く場合は、この端末の管理者に知らせてください。
obstacle-expired = 24時間以内に送れませんでした。処理番号の期限が切れています。
    .advice = 新しい番号を受け取り、もう一度 sesshoku register を実行してください。

number-mistyped = 数字のどれかが違うか、入れ替わっています。届いた番号と見比べてください。
ask-link = 届いたリンク:
not-a-link = 処理番号のリンクではありません。sesshoku://register/ で始まるリンクを、最後までコピーしてください。
