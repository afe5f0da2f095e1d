# What `sesshoku doctor` says: a title and a sentence for each part that a warning depends on.

doctor-line = { $mark } { $check }: { $finding }
doctor-all-well = 悪《わる》い ところは ありません。
doctor-notes = 悪《わる》い ところは ありません。知《し》って おくと いいことが { $notes }つ あります。
doctor-faults = 悪《わる》い ところが { $faults }つ あります。お知《し》らせが 来《こ》ないかもしれません。

doctor-service = サービス
doctor-service-ok = sesshokud { $detail } が 動《うご》いて います。
doctor-service-away = 動《うご》いて いません。何《なに》も 記録《きろく》して いません。
    .advice = 今《いま》 始《はじ》めて、端末《たんまつ》と いっしょに 始《はじ》めるように する ときは、実行《じっこう》して ください: sudo systemctl enable --now sesshoku
doctor-service-silent = 返事《へんじ》が ありません（{ $detail }）。
    .advice = もう一度《いちど》 始《はじ》める ときは、実行《じっこう》して ください: sudo systemctl restart sesshoku
doctor-service-no-bus = システムバスに つながりません。
    .advice = dbus が あるか、動《うご》いて いるか、見《み》て ください。

doctor-policy = バスの 設定《せってい》
doctor-policy-ok = ほかの プログラムが サービスを 使《つか》えます。
doctor-policy-refused = システムバスが { $detail } を 使《つか》わせません。
    .advice = パッケージを もう一度《いちど》 入《い》れて ください。/usr/share/dbus-1/system.d の org.sesshoku.Tracing1.conf が ないか、古《ふる》いです。

doctor-agreement = 同意《どうい》
doctor-agreement-ok = 今《いま》の きまりに 同意《どうい》して います。
doctor-recording = 記録《きろく》
doctor-recording-simulated = 練習《れんしゅう》の 電波《でんぱ》です（{ $detail }）。本当《ほんとう》の 接触《せっしょく》は 記録《きろく》しません。

doctor-listening = 受《う》け取《と》る
doctor-listening-ok = さいごに 受《う》け取《と》った とき: { $time }。
doctor-listening-old = さいごに 受《う》け取《と》った とき: { $time }。長《なが》い 時間《じかん》が すぎました。
    .advice = 上《うえ》の 理由《りゆう》では ない ときは、Bluetooth を オフに して、オンに して ください: sesshoku restart-bluetooth
doctor-listening-never = サービスを 始《はじ》めてから、まだ 受《う》け取《と》って いません。

doctor-check = 調《しら》べる
    .advice = インターネットに つないで ください。今《いま》 調《しら》べる ときは、実行《じっこう》して ください: sesshoku check
doctor-check-ok = さいごに ぜんぶ 調《しら》べた とき: { $time }。
doctor-check-old = さいごに ぜんぶ 調《しら》べた とき: { $time }。1日以上《にちいじょう》 すぎました。
doctor-check-never = まだ 一度《いちど》も 調《しら》べて いません。

doctor-deleting = 消《け》す
doctor-deleting-ok = 消《け》した ものは、ディスクに のこりません。

doctor-permission = 見《み》ても いいか
doctor-permission-ok = あなたは 結果《けっか》を 見《み》ることが できます。
doctor-permission-denied = 結果《けっか》を 見《み》る ときは、パスワードなどが いります。
    .advice = この 端末《たんまつ》の 前《まえ》に いる 人《ひと》は、そのまま 見《み》ることが できます。SSH や サービスからは、管理者《かんりしゃ》の パスワードが いります。

doctor-bluetooth = bluetoothd
doctor-bluetooth-ok = バージョン { $detail } が 動《うご》いて います。
doctor-bluetooth-unknown = 動《うご》いて います。
doctor-bluetooth-away = 動《うご》いて いません。
    .advice = 始《はじ》める ときは、実行《じっこう》して ください: sudo systemctl enable --now bluetooth

doctor-adapter = アダプター
doctor-adapter-ok = Bluetooth Low Energy と、アドバタイズの モニターが あります。
doctor-adapter-plain = Bluetooth Low Energy が あります。アドバタイズの モニターは ありません。近《ちか》さが あまり 正《ただ》しく ありません。
    .advice = bluetoothd を --experimental で 動《うご》かすと、近《ちか》くの 端末《たんまつ》を もっと 測《はか》ります。

doctor-clock = 時計《とけい》
doctor-clock-ok = 自動《じどう》で 合《あ》わせて います。
doctor-clock-alone = 自動《じどう》で 合《あ》わせて いません。
    .advice = 自動《じどう》で 合《あ》わせる ときは、実行《じっこう》して ください: sudo timedatectl set-ntp true
doctor-clock-unknown = 自動《じどう》で 合《あ》わせて いるか、わかりません。
    .advice = systemd-timesyncd や chrony などが 動《うご》いて いるか、見《み》て ください。

doctor-sleep = スリープ
doctor-sleep-ok = 送《おく》るのを 止《と》めてから、端末《たんまつ》が スリープに なります。
doctor-sleep-unguarded = 端末《たんまつ》が スリープに なる ときが、サービスに わかりません。
    .advice = 今《いま》 始《はじ》めた ときは、もう一度《いちど》 見《み》て ください。ちがう ときは、実行《じっこう》して ください: sudo systemctl restart sesshoku
doctor-sleep-unknown = 端末《たんまつ》が スリープに なる ときを 知《し》らせる logind が ありません。

doctor-disk = ディスク
doctor-disk-ok = あいて いる 場所《ばしょ》は { $detail } MiB です。
doctor-disk-full = あいて いる 場所《ばしょ》が { $detail } MiB しか ありません。
    .advice = ほかの ファイルを 消《け》して ください。場所《ばしょ》が ないと、記録《きろく》できません。

doctor-notifications = お知《し》らせ
doctor-notifications-ok = 来《き》ます。
doctor-notifications-off = オフです。
    .advice = アプリの 設定《せってい》で オンに できます。
doctor-notifications-no-session = お知《し》らせを 見《み》せる 画面《がめん》が ありません。
doctor-notifications-no-agent = お知《し》らせを 見《み》せる プログラムが 動《うご》いて いません。
    .advice = 始《はじ》める ときは、実行《じっこう》して ください: systemctl --user enable --now sesshoku-notify
doctor-notifications-no-desktop = この 画面《がめん》は、お知《し》らせを 見《み》せることが できません。
    .advice = お知《し》らせを 見《み》せる プログラムを 入《い》れるか、ときどき アプリを 開《ひら》いて ください。

doctor-operator = 運営者《うんえいしゃ》（サービスを する ところ）
doctor-operator-ok = 約束《やくそく》を する ところの 名前《なまえ》が あります: { $detail }
doctor-operator-none = 運営者《うんえいしゃ》の 名前《なまえ》が ありません。
    .advice = 人《ひと》が 使《つか》う 前《まえ》に、運営者《うんえいしゃ》を /etc/sesshoku/operator.toml に 書《か》いて ください。見本《みほん》は /usr/share/doc/sesshoku/examples に あります。
doctor-operator-sample = 運営者《うんえいしゃ》の ファイルは、まだ 見本《みほん》です。
    .advice = 人《ひと》が 使《つか》う 前《まえ》に、/etc/sesshoku/operator.toml に 本当《ほんとう》の 運営者《うんえいしゃ》を 書《か》いて、sample の 行《ぎょう》を 消《け》して ください。
doctor-operator-incomplete = 運営者《うんえいしゃ》の ファイルに ない もの: { $detail }
doctor-operator-unusable = 運営者《うんえいしゃ》の ファイルが 読《よ》めません: { $detail }
