# 利用規約とプライバシーポリシーに添える言葉。本文は documents/ にある。

terms-minor = 未成年の方は、保護者の同意を得てからお使いください。
terms-version = 第{ $version }版

# だれが運営しているか（/etc/sesshoku/operator.toml）。規約とポリシーの終わりに出る。
operator-title = 運営者
operator-none = この端末には、このサービスの運営者が書かれていません。試すためだけに使い、陽性の登録はしないでください。
operator-sample = これは見本です。ここに書かれた名前のところは、実在しません。試すためだけに使い、陽性の登録はしないでください。
operator-unusable = 運営者が書かれたファイルを読めません。この端末の管理者に伝えてください。
operator-notification = 通知サーバー: { $what }
operator-management = 管理システム: { $what }
operator-processor = 委託先: { $what }（{ $task }）
operator-since = { $what } から有効
operator-court = 裁判所: { $what }
operator-inquiries = 問い合わせ: { $what }
