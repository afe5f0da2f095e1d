# 記録の状態とその理由。キーは D-Bus の RunState、RunReason、ConsentState、OverwriteDoubt の名前。

state-no-consent = 停止中（利用への同意がありません）
state-running = 記録しています
state-degraded = 一部だけ動いています
state-stopped = 記録していません

reason-ready = 発信も受信も正常です。
reason-starting = 起動したばかりで、準備をしています。
reason-consent-missing = 利用規約とプライバシーポリシーへの同意がないため、何も発信・受信・記録していません。
    .advice = 始めるには sesshoku agree を実行してください。
reason-consent-outdated = 利用規約が改定されました。新しい版に同意するまで、発信・受信・記録を止めています。
    .advice = 内容を確かめるには sesshoku agree を実行してください。
reason-adapter-absent = Bluetooth アダプターが見つかりません。
    .advice = アダプターの接続と、bluetooth サービスが動いているかを確かめてください。
reason-adapter-incapable = この Bluetooth アダプターは Bluetooth Low Energy に対応していないため、使えません。
    .advice = Bluetooth 4.0 以降に対応したアダプターが必要です。
reason-adapter-off = Bluetooth がオフになっています。
    .advice = Bluetooth をオンにしてください。オフの間は記録されません。
reason-adapter-blocked = Bluetooth が遮断されています。
    .advice = 機内モードや本体のスイッチを確かめてください。
reason-privacy-discoverable = この端末が「検出可能」になっているため、発信を止めています。固有のアドレスが周囲に見えてしまいます。
    .advice = Bluetooth の設定画面を閉じるか、検出可能の設定をオフにしてください。
reason-privacy-connectable = この端末が接続を待ち受けているため、発信を止めています。固有のアドレスが周囲に見えてしまいます。
    .advice = 接続待ちをしているほかのプログラムを止めてください。
reason-privacy-exposed = 発信を止めています。この端末が「検出可能」または接続待ちになったあと、固有のアドレスが周囲に見えたままになっているおそれがあります。
    .advice = Bluetooth をいったんオフにして、もう一度オンにしてください。ほかの方法では止まりません。sesshoku restart-bluetooth を実行すると、入れ直せます。
reason-privacy-resolvable = 発信を止めています。Bluetooth が、ペアリングした機器に見分けられるアドレスを使う設定になっており、符号が変わってもアドレスが変わらないことがあります。この端末だと見分けられるおそれがあります。
    .advice = /etc/bluetooth/main.conf から Privacy の行を取り除き、bluetooth サービスを再起動してください。
reason-adapter-searching = 発信を止めています。ほかのプログラムが Bluetooth 機器を休みなく探していて、その間このアダプターはアドレスを変えられません。
    .advice = Bluetooth の設定画面など、機器を探しているプログラムを閉じてください。閉じると、1分以内に発信を再開します。
reason-broadcast-failed = アダプターが発信をしていません。
    .advice = Bluetooth をいったんオフにして、もう一度オンにしてください。sesshoku restart-bluetooth を実行すると、入れ直せます。
reason-scan-failed = アダプターが受信をしていません。
    .advice = Bluetooth をいったんオフにして、もう一度オンにしてください。sesshoku restart-bluetooth を実行すると、入れ直せます。
reason-storage-failed = 記録を保存できません。
    .advice = ディスクの空き容量を確かめてください。
reason-clock-not-set = 時計が合っていないため、正しい符号を作れません。
    .advice = 日付と時刻を合わせてください。
reason-key-lost = 記録を開く鍵（デバイス鍵）が見つからないため、これまでの記録を読めません。鍵が戻るか、新しく始めるまで、何も動きません。
    .advice = 記録のない状態から始めるには sesshoku agree（設置端末では sesshoku erase）を実行してください。鍵の心当たりがあれば、先に戻してください。
reason-log-ended = 再生中のログが終わりました。

consent-none = 同意していません
consent-agreed = 同意済み
consent-outdated = 以前の版に同意済み（改定あり）

doubt-copy-on-write = 消した記録がディスクに残っているかもしれません。保存先のフォルダーが btrfs にあり、上書きしても前の内容が残ります。
    .advice = 管理者は、デーモンを止めて、空のファイルに chattr +C を行い、そこへ保存先の wrapping.key の中身を写して置き換えてください。
doubt-journal = 消した記録がディスクに残っているかもしれません。保存先のファイルシステムが、書き込む内容をすべて先にジャーナルへ書いています。
    .advice = 管理者は、data=journal を付けずにマウントし直してください。
doubt-file-system = 消した記録がディスクに残っているかもしれません。保存先のファイルシステムは同じ場所に上書きしないか、上書きするかどうか分かりません。
    .advice = 管理者は、保存先のフォルダーを ext4 か XFS に移してください。

# 新しいデーモンが返した、この版の知らない名前。
name-unknown = 不明（{ $name }）
