# この端末の無線の特性を測る。

calibration-configured = 設定による値
calibration-model = この機種について知られている値
calibration-default = 既定値。測った人がいません

calibrate-model = 機種: { $model }
calibrate-no-model = 機種: 一覧にありません
calibrate-power = 発信: { $power } dBm、確かさ { $confidence }／3（{ $source }）
calibrate-correction = 受信: { $correction } dB の補正（{ $source }）

calibrate-prepare =
    接触通知の電波を出しているスマートフォンを1台用意してください。この端末と同じ高さで 1 m 離し、金属や壁から遠ざけ、
    間に人が入らないようにします。ほかのスマートフォンは 10 m 以上離すか、電源を切ってください。
calibrate-ask-power = そのスマートフォンの送信電力（校正一覧の値、dBm。不明なら空のまま）:
calibrate-no-power = -50 から 20 までの整数で入力してください。
calibrate-turn = 向き { $turn }／{ $turns }: スマートフォンを前の向きから90度回し、離れてから Enter を押してください。
calibrate-listening = { $seconds }秒間、受信しています…
calibrate-heard = { $median } dBm で受信しました（{ $samples }回、その半数が { $spread } dB の幅の中）。
calibrate-nobody-heard = スマートフォンの電波が届きませんでした。接触通知と、双方の Bluetooth が有効かを確かめてください。
calibrate-too-few-samples = 受信できた回数が少なすぎます。発信が止まったか、遠すぎるようです。
calibrate-unsteady = 強さのばらつきが大きすぎます。受信中は端末を動かさず、人も近づかないでください。
calibrate-another-near = ほかにも同じくらい強い電波があるか、途中で符号が変わりました。ほかの端末を遠ざけて、もう一度測ってください。
calibrate-turns-differ = 向きによる差が大きすぎます。もっと開けた場所を選んでください。
calibrate-out-of-range = 無線機としてありえない値になります。距離と送信電力を確かめてください。

calibrate-result = 全体で { $median } dBm、今の補正を加えると { $corrected } dBm です。
calibrate-unusable = この測定からは何も決められません。設定は変えていません。
calibrate-nothing-expected = 本来の強さが不明なため、設定できる値はありません。この端末が受信した相手の側では sesshoku calibrate --heard-at で使えます。
calibrate-written = { $path } に書き込みました:
calibrate-to-write = /etc/sesshoku/sesshokud.toml.d/50-calibration.toml に書く内容（--write で書き込みます）:
calibrate-restart = sesshokud を起動し直すと有効になります: systemctl restart sesshokud
