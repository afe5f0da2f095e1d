# 陽性登録。同意の版はデーモンの AGREEMENT_VERSION で、内容とともに変わる。
# 後半のキーは D-Bus の RegistrationState と RegistrationReason の名前。

agreement-title = 陽性登録への同意（第 { $version } 版）
agreement-voluntary = 登録は任意です。ご自身で決めてください。登録しなくても、不利益はありません。
agreement-sends = 通知サーバーへ送るのは、人にうつした可能性のある日の鍵（接触符号のもとになる日次鍵）です。症状がある場合は症状が出た日の 3 日前から 10 日後まで、ない場合は検査の日の 3 日前から 7 日後までで、過去 14 日間の分に限ります。あわせて、その日付、症状の有無、処理番号を送ります。名前・電話番号・位置情報は送りません。
agreement-others = 鍵はサーバーからすべての機器に配られます。その期間に近くにいた人には、陽性と登録した人の近くにいた可能性があることと、その日付が伝わります。誰であるかは伝わりませんが、会った人が少ない場合は見当がつくことがあります。
agreement-number = 処理番号は、あなたと結び付かない乱数です。一度だけ使え、確認が済みしだい消されます。この機器には保存しません。
agreement-final = 送った鍵は、利用の同意を取り消しても取り戻せません。サーバーでは 14 日後に消えます。この機器は、登録の時点から新しい鍵を使います。
agreement-minor = 未成年の方は、保護者の同意を得てから登録してください。
agreement-place-title = 場所としての登録への同意（{ $version }）
agreement-place-who = これは、この機器を置いた場所の登録です。人の登録ではありません。その場所を管理し、保健所などから処理番号を受け取った方が、任意で行うものです。
agreement-place-sends = 通知サーバーへ送るのは、次に答える最初の日から最後の日まで（協定世界時、過去 14 日間に限り、最長 11 日）に、この機器が使った日次鍵です。あわせて、最初の日と処理番号を送ります。場所の名前・所在地・客や従業員の情報は送りません。
agreement-place-others = 鍵はサーバーからすべての機器に配られます。その日にこの機器の近くに 15 分以上いた人には、陽性と登録した人の近くにいた可能性があることと、その日付が伝わります。どこであったかは伝わりませんが、その日の行き先から見当がつくことがあります。
agreement-place-number = 処理番号は乱数です。一度だけ使え、確認が済みしだい消されます。この機器には保存しません。
agreement-place-final = 送った鍵は取り戻せません。サーバーでは 14 日後に消えます。この機器は、登録の時点から新しい鍵を使います。
agreement-question = 以上に同意して登録しますか？ [y/N]

ask-symptoms = 発熱・せき・だるさなどの症状はありますか？ [y/n]
ask-onset = 症状が出た日はいつですか？（例: 2020-08-01）
ask-test = 検査を受けた日はいつですか？（例: 2020-08-01）
ask-place-first = 感染した人がいた最初の日はいつですか？（例: 2020-08-01）
ask-place-last = 最後の日はいつですか？（例: 2020-08-01）
ask-number = 処理番号（8 桁の数字）:
not-yes-or-no = y か n で答えてください。
not-a-date = 日付として読めません。2020-08-01 のように書いてください。
not-a-number = 8 桁の数字ではありません。
register-resumes = { $date } の登録がまだ送れていません。処理番号を入力すると、続きから送ります。
register-sending = 通知サーバーへ送っています…
forget-warning = まだ届いていない登録を取りやめます。終わった登録なら、その結果の表示を消します。サーバーに届いたものは取り消せません。
forget-question = 取りやめますか？ [y/N]
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
registration-tries-left = 一時停止までに間違えられる回数: { $count }
registration-paused = 処理番号を 3 回間違えたため、{ $time } まで登録できません。

obstacle-none = 問題はありません。
obstacle-number-refused = 処理番号が受け付けられませんでした。番号が違うか、使用済みか、期限切れです。
    .advice = 届いた番号と見比べて、もう一度 sesshoku register を実行してください。合っている場合は、番号を送った窓口に新しい番号を求めてください。
obstacle-management-unavailable = 管理システムが応答せず、今は処理番号を確認できません。
    .advice = そのままお待ちください。この機器が動いていれば、自動でもう一度送ります。
obstacle-unreachable = 通知サーバーに接続できません。
    .advice = インターネットへの接続を確かめてください。この機器が動いていれば、自動でもう一度送ります。
obstacle-too-many-tries = 通知サーバーが混み合っていて、今は受け付けられません。
    .advice = そのままお待ちください。この機器が動いていれば、自動でもう一度送ります。
obstacle-number-needed = 途中で中断しました。処理番号は保存していません。
    .advice = sesshoku register を実行し、同じ番号をもう一度入力してください。すでに届いていた場合も、二重にはなりません。
obstacle-invalid = 送った内容が通知サーバーに受け付けられませんでした。
    .advice = 日付と時計が合っているかを確かめてください。合っている場合は、この版の Sesshoku がサーバーに対して古い可能性があります。
obstacle-not-allowed = 通知サーバーが、この機器からの登録を受け付けていません。
    .advice = どのサーバーを使うべきか、機器の管理者に確かめてください。
obstacle-bad-answer = 通知サーバーから、意味の分からない応答がありました。
    .advice = しばらくしてから、もう一度 sesshoku register を実行してください。続く場合は、機器の管理者に知らせてください。
obstacle-expired = 1 日たっても送れませんでした。処理番号の期限も切れています。
    .advice = 新しい番号を受け取り、もう一度 sesshoku register を実行してください。
