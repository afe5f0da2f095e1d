# What `sesshoku doctor` says: a title and a sentence for each part that a warning depends on.

doctor-line = { $mark } { $check }：{ $finding }
doctor-all-well = 没有问题。
doctor-notes = 没有问题。有 { $notes } 点值得了解。
doctor-faults = 有 { $faults } 处问题：提醒可能无法送达。

doctor-service = 服务
doctor-service-ok = sesshokud { $detail } 正在运行。
doctor-service-away = 没有运行：没有任何记录。
    .advice = 要立即启动，并随设备启动，请运行：sudo systemctl enable --now sesshoku
doctor-service-silent = 没有回复（{ $detail }）。
    .advice = 要重新启动，请运行：sudo systemctl restart sesshoku
doctor-service-no-bus = 无法连接到系统总线。
    .advice = 请检查 dbus 是否已安装并在运行。

doctor-policy = 总线策略
doctor-policy-ok = 其他程序可以调用服务。
doctor-policy-refused = 系统总线拒绝对 { $detail } 的调用。
    .advice = 请重新安装软件包：/usr/share/dbus-1/system.d 中的 org.sesshoku.Tracing1.conf 缺失或过旧。

doctor-agreement = 同意
doctor-agreement-ok = 已同意现行条款。
doctor-recording = 记录
doctor-recording-simulated = 模拟（{ $detail }）：没有记录真实的接触。

doctor-listening = 接收
doctor-listening-ok = 上次接收：{ $time }。
doctor-listening-old = 上次接收：{ $time }，间隔太久。
    .advice = 如果上面的原因无法解释，请重新启动蓝牙：sesshoku restart-bluetooth
doctor-listening-never = 服务启动后还没有接收过。

doctor-check = 查询
    .advice = 请连接网络。要立即查询，请运行：sesshoku check
doctor-check-ok = 上次完成：{ $time }。
doctor-check-old = 上次完成：{ $time }，已超过一天。
doctor-check-never = 还没有查询过。

doctor-deleting = 删除
doctor-deleting-ok = 删除的内容不会留在磁盘上。

doctor-permission = 权限
doctor-permission-ok = 您可以查看结果。
doctor-permission-denied = 需要认证才能查看结果。
    .advice = 本设备前的人无需认证；通过 SSH 或服务查看时，会要求输入管理员的密码。

doctor-bluetooth = bluetoothd
doctor-bluetooth-ok = 版本 { $detail } 正在运行。
doctor-bluetooth-unknown = 正在运行。
doctor-bluetooth-away = 没有运行。
    .advice = 要启动它，请运行：sudo systemctl enable --now bluetooth

doctor-adapter = 适配器
doctor-adapter-ok = 支持低功耗蓝牙（Bluetooth Low Energy）和广播监视。
doctor-adapter-plain = 支持低功耗蓝牙（Bluetooth Low Energy），不支持广播监视：距离不太精确。
    .advice = 如果 bluetoothd 带 --experimental 运行，可以更频繁地测量附近的每台设备。

doctor-clock = 时钟
doctor-clock-ok = 自动校准。
doctor-clock-alone = 没有自动校准。
    .advice = 要自动校准，请运行：sudo timedatectl set-ntp true
doctor-clock-unknown = 不知道是否自动校准。
    .advice = 请确认 systemd-timesyncd 或 chrony 等时间服务正在运行。

doctor-sleep = 休眠
doctor-sleep-ok = 停止发送之后，设备才会休眠。
doctor-sleep-unguarded = 设备休眠时，服务不会得到通知。
    .advice = 如果刚刚启动，请再检查一次。否则请重新启动：sudo systemctl restart sesshoku
doctor-sleep-unknown = 没有 logind 来通知设备何时休眠。

doctor-disk = 磁盘
doctor-disk-ok = 剩余 { $detail } MiB。
doctor-disk-full = 只剩余 { $detail } MiB。
    .advice = 请删除其他文件：磁盘满了就无法记录。

doctor-notifications = 通知
doctor-notifications-ok = 可以收到。
doctor-notifications-off = 已关闭。
    .advice = 可以在应用的设置中打开。
doctor-notifications-no-session = 这里没有可以显示通知的桌面。
doctor-notifications-no-agent = 显示通知的程序没有运行。
    .advice = 要启动它，请运行：systemctl --user enable --now sesshoku-notify
doctor-notifications-no-desktop = 此桌面不显示通知。
    .advice = 请安装显示通知的程序，或不时打开应用。

doctor-operator = 运营方
doctor-operator-ok = 已写明条款的另一方：{ $detail }
doctor-operator-none = 没有写明运营方。
    .advice = 在让人们使用之前，请在 /etc/sesshoku/operator.toml 中写明运营方。样本在 /usr/share/doc/sesshoku/examples 中。
doctor-operator-sample = 运营方的文件仍是样本。
    .advice = 在让人们使用之前，请在 /etc/sesshoku/operator.toml 中写明真实的运营方，并删除 sample 一行。
doctor-operator-incomplete = 运营方的文件缺少：{ $detail }
doctor-operator-unusable = 无法使用运营方的文件：{ $detail }
