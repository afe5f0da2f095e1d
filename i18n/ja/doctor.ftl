# `sesshoku doctor` の文。通知に必要な部分ごとに、題と文がある。

doctor-line = { $mark } { $check }: { $finding }
doctor-all-well = 問題はありません。
doctor-notes = 問題はありません。知っておくとよいことが{ $notes }件あります。
doctor-faults = 問題が{ $faults }件あります。お知らせが届かないおそれがあります。

doctor-service = サービス
doctor-service-ok = sesshokud { $detail } が動いています。
doctor-service-away = 動いていません。何も記録していません。
    .advice = 今すぐ始め、端末の起動時にも動くようにするには: sudo systemctl enable --now sesshoku
doctor-service-silent = 応答がありません（{ $detail }）。
    .advice = 始め直すには: sudo systemctl restart sesshoku
doctor-service-no-bus = システムバスにつながりません。
    .advice = dbus が入っていて、動いているかを確かめてください。

doctor-policy = バスの設定
doctor-policy-ok = ほかのプログラムからサービスを呼び出せます。
doctor-policy-refused = システムバスが { $detail } の呼び出しを拒んでいます。
    .advice = パッケージを入れ直してください。/usr/share/dbus-1/system.d の org.sesshoku.Tracing1.conf がないか、古いままです。

doctor-agreement = 同意
doctor-agreement-ok = 今の規約に同意しています。
doctor-recording = 記録
doctor-recording-simulated = 模擬の電波です（{ $detail }）。本当の接触は記録しません。

doctor-listening = 受信
doctor-listening-ok = 最後の受信は{ $time }です。
doctor-listening-old = 最後の受信は{ $time }です。間が空きすぎています。
    .advice = 上の理由に心当たりがなければ、Bluetooth を入れ直してください: sesshoku restart-bluetooth
doctor-listening-never = サービスが始まってから、まだ受信していません。

doctor-check = 確認
    .advice = インターネットにつないでください。今すぐ確認するには: sesshoku check
doctor-check-ok = 最後に確認できたのは{ $time }です。
doctor-check-old = 最後に確認できたのは{ $time }です。1日以上たっています。
doctor-check-never = まだ一度も確認していません。

doctor-deleting = 消去
doctor-deleting-ok = 消したものは、ディスクにも残りません。

doctor-permission = 権限
doctor-permission-ok = あなたは結果を見られます。
doctor-permission-denied = 結果を見るには、認証が必要です。
    .advice = 端末の前にいる人は、そのまま見られます。SSH やサービスからは、管理者のパスワードを求められます。

doctor-bluetooth = bluetoothd
doctor-bluetooth-ok = バージョン { $detail } が動いています。
doctor-bluetooth-unknown = 動いています。
doctor-bluetooth-away = 動いていません。
    .advice = 始めるには: sudo systemctl enable --now bluetooth

doctor-adapter = アダプター
doctor-adapter-ok = Bluetooth Low Energy に対応し、広告モニターも使えます。
doctor-adapter-plain = Bluetooth Low Energy に対応しています。広告モニターは使えないため、距離の目安が粗くなります。
    .advice = bluetoothd を --experimental 付きで動かすと、近くの端末をより多く測れます。

doctor-clock = 時計
doctor-clock-ok = 自動で合わせています。
doctor-clock-alone = 自動で合わせていません。
    .advice = 自動で合わせるには: sudo timedatectl set-ntp true
doctor-clock-unknown = 自動で合わせているかどうか、分かりません。
    .advice = systemd-timesyncd や chrony などが動いているかを確かめてください。

doctor-sleep = スリープ
doctor-sleep-ok = 端末は、発信を止めてからスリープに入ります。
doctor-sleep-unguarded = 端末がスリープに入るときが、サービスに伝わりません。
    .advice = 始まったばかりなら、もう一度確かめてください。そうでなければ: sudo systemctl restart sesshoku
doctor-sleep-unknown = 端末がスリープに入るときを知らせる logind がありません。

doctor-disk = ディスク
doctor-disk-ok = 空きは { $detail } MiB です。
doctor-disk-full = 空きが { $detail } MiB しかありません。
    .advice = ほかのファイルを消してください。空きがなくなると、記録できません。

doctor-notifications = 通知
doctor-notifications-ok = 届きます。
doctor-notifications-off = オフになっています。
    .advice = アプリの設定でオンにできます。
doctor-notifications-no-session = 通知を表示するデスクトップがありません。
doctor-notifications-no-agent = 通知を出すプログラムが動いていません。
    .advice = 始めるには: systemctl --user enable --now sesshoku-notify
doctor-notifications-no-desktop = この画面環境には、通知を表示するしくみがありません。
    .advice = 通知を表示するプログラムを入れるか、ときどきアプリを開いてください。

doctor-operator = 運営者
doctor-operator-ok = 規約の相手が書かれています: { $detail }
doctor-operator-none = 運営者が書かれていません。
    .advice = 人に使ってもらう前に、運営者を /etc/sesshoku/operator.toml に書いてください。見本は /usr/share/doc/sesshoku/examples にあります。
doctor-operator-sample = 運営者のファイルが、見本のままです。
    .advice = 人に使ってもらう前に、/etc/sesshoku/operator.toml に本当の運営者を書き、sample の行を消してください。
doctor-operator-incomplete = 運営者のファイルに足りないもの: { $detail }
doctor-operator-unusable = 運営者のファイルを読めません: { $detail }
