# Measuring what this device's radio is like.

calibration-configured = 来自设置
calibration-model = 已知的此机型数值
calibration-default = 默认值：没有人测量过

calibrate-model = 机型：{ $model }
calibrate-no-model = 机型：不在列表中
calibrate-power = 发送：{ $power } dBm，可信度 { $confidence }/3（{ $source }）
calibrate-correction = 接收：修正 { $correction } dB（{ $source }）

calibrate-prepare =
    您需要一部正在发送接触通知（Exposure Notification）信号的手机。把它和本设备放在相距 1 米、同样的高度，
    远离金属和墙壁，中间不要有人。其他这样的手机要离得远（10 米），或者关机。
calibrate-ask-power = 该手机的发射功率（dBm，按其校准列表；不知道请留空）：
calibrate-no-power = 必须是 -50 至 20 之间的整数。
calibrate-turn = 方向 { $turn }/{ $turns }：把手机从上一个方向转四分之一圈，退后，然后按 Enter。
calibrate-listening = 正在接收 { $seconds } 秒…
calibrate-heard = 收到的强度为 { $median } dBm（{ $samples } 次，其中一半在 { $spread } dB 之内）。
calibrate-nobody-heard = 没有收到手机的信号。请检查手机的接触通知和双方的蓝牙是否打开。
calibrate-too-few-samples = 收到手机信号的次数太少。它可能停止了，或者离得太远。
calibrate-unsteady = 信号变化太大。接收时请不要移动，也不要让人靠近。
calibrate-another-near = 另一部手机的信号几乎一样强，或者这部手机更换了代码。请把其他手机移远，再试一次。
calibrate-turns-differ = 各个方向相差太大。请选择更空旷的地方。
calibrate-out-of-range = 得出的数值超出了任何无线设备的范围。请检查距离和发射功率。

calibrate-result = 总体：{ $median } dBm；加上现在的修正为 { $corrected } dBm。
calibrate-unusable = 从这次测量得不出结论，没有更改任何设置。
calibrate-nothing-expected = 不知道应该收到多强的信号，因此没有可以设置的数值。可以告诉被本设备收到的那台设备：sesshoku calibrate --heard-at
calibrate-written = 已写入 { $path }：
calibrate-to-write = 要写入 /etc/sesshoku/sesshokud.toml.d/50-calibration.toml 的内容（用 --write 写入）：
calibrate-restart = 重新启动 sesshokud 后生效：systemctl restart sesshokud
