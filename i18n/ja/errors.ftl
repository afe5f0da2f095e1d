# D-Bus のエラー名ごとの文。

error-consent-required = 先に利用規約への同意が必要です。sesshoku agree を実行してください。
error-terms-version-mismatch = 指定された版は現在の利用規約の版ではありません。もう一度内容を確かめてください。
error-busy = 同じ操作がすでに実行されています。終わるまでお待ちください。
error-not-configured = 通知サーバーが設定されていません。
error-storage = 記録を読み書きできませんでした。
error-shutting-down = sesshokud は終了処理中です。
error-denied = この操作は許可されていません。
error-unreachable = sesshokud に接続できません。動いているかを確かめてください（systemctl status sesshokud）。
error-bus = バスに接続できません: { $detail }
error-failed = 失敗しました: { $detail }
error-input = 入力ファイルを使えません: { $detail }
error-keys = 鍵を照合できません: { $detail }
