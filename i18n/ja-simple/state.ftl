# The state of recording and why. Keys are the D-Bus names of RunState, RunReason, ConsentState and OverwriteDoubt.

state-no-consent = 止《と》まって います（同意《どうい》が ありません）
state-running = 記録《きろく》して います
state-degraded = 一部《いちぶ》だけ 動《うご》いて います
state-stopped = 記録《きろく》して いません

reason-ready = 送《おく》ることも 受《う》け取《と》ることも できて います。
reason-starting = 今《いま》 始《はじ》めました。じゅんびを して います。
reason-consent-missing = 使《つか》う ときの きまりと 個人《こじん》の 情報《じょうほう》の きまりに 同意《どうい》するまで、送《おく》りません。受《う》け取《と》りません。記録《きろく》しません。
    .advice = 始《はじ》める ときは sesshoku agree を 実行《じっこう》して ください。
reason-consent-outdated = 使《つか》う ときの きまりが 新《あたら》しく なりました。新《あたら》しい きまりに 同意《どうい》するまで、送《おく》りません。受《う》け取《と》りません。記録《きろく》しません。
    .advice = 読《よ》む ときは sesshoku agree を 実行《じっこう》して ください。
reason-adapter-absent = Bluetooth アダプターが 見《み》つかりません。
    .advice = アダプターが つながって いるか、bluetooth サービスが 動《うご》いて いるか、見《み》て ください。
reason-adapter-incapable = この Bluetooth アダプターは 使《つか》えません。Bluetooth Low Energy が ありません。
    .advice = Bluetooth 4.0 か、それより 新《あたら》しい アダプターが いります。
reason-adapter-off = Bluetooth が オフです。
    .advice = Bluetooth を オンに して ください。オフの ときは 記録《きろく》しません。
reason-adapter-blocked = Bluetooth が 使《つか》えません。
    .advice = 機内《きない》モードと、端末《たんまつ》の スイッチを 見《み》て ください。
reason-privacy-discoverable = 送《おく》るのを 止《と》めて います。この 端末《たんまつ》が まわりから 見《み》えます。端末《たんまつ》の 番号《ばんごう》（アドレス）が みんなに わかるかもしれません。
    .advice = Bluetooth の 設定《せってい》の 画面《がめん》を とじるか、まわりから 見《み》える 設定《せってい》を オフに して ください。
reason-privacy-connectable = 送《おく》るのを 止《と》めて います。この 端末《たんまつ》が つながりを 待《ま》って います。端末《たんまつ》の 番号《ばんごう》（アドレス）が みんなに わかるかもしれません。
    .advice = つながりを 待《ま》って いる ほかの プログラムを 止《と》めて ください。
reason-privacy-exposed = 送《おく》るのを 止《と》めて います。端末《たんまつ》の 番号《ばんごう》（アドレス）が みんなに わかるかもしれません。アダプターは、まわりから 見《み》えた あとや つながりを 待《ま》った あと、番号《ばんごう》を 出《だ》し続《つづ》けます。
    .advice = Bluetooth を オフに して、もう一度《いちど》 オンに して ください。ほかの やりかたでは 止《と》まりません。sesshoku restart-bluetooth を 実行《じっこう》すると、できます。
reason-privacy-resolvable = 送《おく》るのを 止《と》めて います。Bluetooth が、前《まえ》に つないだ 機械《きかい》が 知《し》って いる 番号《ばんごう》（アドレス）を 使《つか》って います。番号《ばんごう》は 符号《ふごう》より あとに 変《か》わります。ほかの 人《ひと》が この 端末《たんまつ》だと わかるかもしれません。
    .advice = /etc/bluetooth/main.conf から Privacy の 行《ぎょう》を 消《け》して、bluetooth サービスを もう一度《いちど》 始《はじ》めて ください。
reason-adapter-searching = 送《おく》るのを 止《と》めて います。ほかの プログラムが Bluetooth の 機械《きかい》を ずっと さがして います。その あいだ、この アダプターは 番号《ばんごう》（アドレス）を 変《か》えることが できません。
    .advice = Bluetooth の 設定《せってい》の 画面《がめん》や、さがして いる プログラムを とじて ください。とじると、1分《ぷん》くらいで また 送《おく》ります。
reason-broadcast-failed = アダプターが 送《おく》って いません。
    .advice = Bluetooth を オフに して、もう一度《いちど》 オンに して ください。sesshoku restart-bluetooth を 実行《じっこう》すると、できます。
reason-scan-failed = アダプターが 受《う》け取《と》って いません。
    .advice = Bluetooth を オフに して、もう一度《いちど》 オンに して ください。sesshoku restart-bluetooth を 実行《じっこう》すると、できます。
reason-storage-failed = 受《う》け取《と》った 符号《ふごう》を 置《お》く ことが できません。
    .advice = ディスクの あいて いる 場所《ばしょ》を 見《み》て ください。
reason-clock-not-set = 時計《とけい》が 合《あ》って いないので、正《ただ》しい 符号《ふごう》を 作《つく》れません。
    .advice = 日《ひ》にちと 時間《じかん》を 合《あ》わせて ください。
reason-key-lost = 記録《きろく》を 開《あ》ける 鍵《かぎ》（端末《たんまつ》の 鍵《かぎ》）が ありません。記録《きろく》が 読《よ》めません。鍵《かぎ》が もどるか、新《あたら》しく 始《はじ》めるまで、動《うご》きません。
    .advice = 記録《きろく》が ない ところから 始《はじ》める ときは sesshoku agree（置《お》いて ある 端末《たんまつ》では sesshoku erase）を 実行《じっこう》して ください。鍵《かぎ》が どこかに あるかもしれない ときは、先《さき》に もどして ください。
reason-log-ended = 記録《きろく》を さいごまで 見《み》せました。

consent-none = 同意《どうい》して いません
consent-agreed = 同意《どうい》しました
consent-outdated = 前《まえ》の きまりに 同意《どうい》しました（きまりは 新《あたら》しく なりました）

doubt-copy-on-write = 消《け》した 記録《きろく》が ディスクに のこって いるかもしれません。記録《きろく》を 置《お》く フォルダーが btrfs に あります。btrfs は 前《まえ》の 内容《ないよう》を のこします。
    .advice = 管理者《かんりしゃ》は、デーモンを 止《と》めて、空《から》の ファイルに chattr +C を して、そこへ フォルダーの wrapping.key の 内容《ないよう》を 写《うつ》して、とりかえて ください。
doubt-journal = 消《け》した 記録《きろく》が ディスクに のこって いるかもしれません。ファイルシステムが、ぜんぶの 内容《ないよう》を 先《さき》に ジャーナルに 書《か》きます。
    .advice = 管理者《かんりしゃ》は、data=journal を つけないで マウントして ください。
doubt-file-system = 消《け》した 記録《きろく》が ディスクに のこって いるかもしれません。ファイルシステムが 同《おな》じ 場所《ばしょ》に 書《か》かないか、書《か》くか どうか わかりません。
    .advice = 管理者《かんりしゃ》は、記録《きろく》を 置《お》く フォルダーを ext4 か XFS に 移《うつ》して ください。

# A name from a newer daemon that this version does not know.
name-unknown = わかりません（{ $name }）
