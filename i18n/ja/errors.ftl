# D-Bus のエラー名ごとの文。

error-consent-required = 先に利用規約への同意が必要です。sesshoku agree を実行してください。
error-terms-version-mismatch = 指定された版は現在の利用規約の版ではありません。もう一度内容を確かめてください。
error-busy = 同じ操作がすでに実行されています。終わるまでお待ちください。
error-not-configured = この操作のできる通知サーバーが設定されていません。
error-agreement-version-mismatch = 指定された版は現在の陽性登録の同意の版ではありません。もう一度内容を確かめてください。
error-invalid-date = 日付が使えません。過去 14 日以内の日付を、2020-08-01 のように書いてください。
error-invalid-number = 処理番号は 8 桁の数字です。
error-no-keys = 登録できる鍵がありません。対象の期間にこの機器が発信していなかったか、すでに送信済みです。
error-clock-not-set = 時計が合っていません。先に日付と時刻を合わせてください。
error-paused = 処理番号を 3 回間違えたため、しばらく登録できません。いつまでかは sesshoku registration で確かめられます。
error-pending = 送信待ちの登録がほかにあります。取りやめるには sesshoku registration forget を実行してください。
error-nothing-pending = 送信待ちの登録はありません。
error-number-required = 処理番号をもう一度入力する必要があります。sesshoku register を実行してください。
error-storage = 記録を読み書きできませんでした。
error-shutting-down = sesshokud は終了処理中です。
error-denied = この操作は、この機器の前にいる人か、管理者にだけ許可されています。管理者は sudo を付けて実行できます。
error-unreachable = sesshokud に接続できません。動いているかを確かめてください（systemctl status sesshoku）。
error-bus = バスに接続できません: { $detail }
error-failed = 失敗しました: { $detail }
error-needs-flag = 端末ではないため入力できません。{ $flag } を付けて実行してください。
error-input = 入力ファイルを使えません: { $detail }
error-keys = 鍵を照合できません: { $detail }
