# Measuring what this device's radio is like.

calibration-configured = 設定《せってい》の 数《かず》
calibration-model = この 機種《きしゅ》の 数《かず》
calibration-default = はじめからの 数《かず》。測《はか》った 人《ひと》は いません

calibrate-model = 機種《きしゅ》: { $model }
calibrate-no-model = 機種《きしゅ》: リストに ありません
calibrate-power = 送《おく》る: { $power } dBm、たしかさ { $confidence }／3（{ $source }）
calibrate-correction = 受《う》け取《と》る: { $correction } dB 直《なお》す（{ $source }）

calibrate-prepare =
    接触通知《せっしょくつうち》（Exposure Notification）の 電波《でんぱ》を 出《だ》して いる スマホが いります。この 端末《たんまつ》と 同《おな》じ 高《たか》さで、1 m 離《はな》して ください。
    金属《きんぞく》や 壁《かべ》から 遠《とお》くに 置《お》いて ください。あいだに 人《ひと》が 入《はい》らないように して ください。ほかの スマホは 10 m 以上《いじょう》 離《はな》すか、電源《でんげん》を 切《き》って ください。
calibrate-ask-power = その スマホの 送《おく》る 強《つよ》さ（dBm、リストの 数《かず》。わからない ときは 空《から》の まま）:
calibrate-no-power = -50 から 20 までの 数《かず》を 入《い》れて ください。
calibrate-turn = 向《む》き { $turn }／{ $turns }: スマホを 前《まえ》の 向《む》きから 90度《ど》 回《まわ》して、離《はな》れてから Enter を 押《お》して ください。
calibrate-listening = { $seconds }秒《びょう》 受《う》け取《と》って います…
calibrate-heard = { $median } dBm で 受《う》け取《と》りました（{ $samples }回《かい》、その 半分《はんぶん》が { $spread } dB の 中《なか》）。
calibrate-nobody-heard = スマホの 電波《でんぱ》が 来《き》ませんでした。スマホの 接触通知《せっしょくつうち》と、両方《りょうほう》の Bluetooth が オンか 見《み》て ください。
calibrate-too-few-samples = 受《う》け取《と》った 回数《かいすう》が 少《すく》ないです。止《と》まったか、遠《とお》いかもしれません。
calibrate-unsteady = 強《つよ》さが とても 変《か》わりました。受《う》け取《と》って いる あいだ、動《うご》かさないで ください。人《ひと》も 近《ちか》くに 来《こ》ないで ください。
calibrate-another-near = ほかにも 同《おな》じくらい 強《つよ》い 電波《でんぱ》が あるか、符号《ふごう》が 変《か》わりました。ほかの スマホを 遠《とお》くに して、もう一度《いちど》 測《はか》って ください。
calibrate-turns-differ = 向《む》きで とても ちがいます。もっと 広《ひろ》い 場所《ばしょ》で 測《はか》って ください。
calibrate-out-of-range = 電波《でんぱ》の 機械《きかい》では ない 数《かず》に なりました。長《なが》さと 送《おく》る 強《つよ》さを 見《み》て ください。

calibrate-result = ぜんぶで { $median } dBm、今《いま》の 直《なお》しを 入《い》れると { $corrected } dBm です。
calibrate-unusable = この 結果《けっか》からは 何《なに》も わかりません。設定《せってい》は 変《か》えて いません。
calibrate-nothing-expected = どの 強《つよ》さが 正《ただ》しいか わからないので、設定《せってい》できる 数《かず》は ありません。この 端末《たんまつ》が 受《う》け取《と》った 相手《あいて》の 端末《たんまつ》で 使《つか》えます: sesshoku calibrate --heard-at
calibrate-written = { $path } に 書《か》きました:
calibrate-to-write = /etc/sesshoku/sesshokud.toml.d/50-calibration.toml に 書《か》く 内容《ないよう》（--write で 書《か》きます）:
calibrate-restart = sesshokud を もう一度《いちど》 始《はじ》めると 変《か》わります: systemctl restart sesshokud
