# The state of recording and why. Keys are the D-Bus names of RunState, RunReason, ConsentState and OverwriteDoubt.

state-no-consent = 已停止（尚未同意）
state-running = 正在记录
state-degraded = 部分工作
state-stopped = 没有记录

reason-ready = 发送和接收都正常。
reason-starting = 刚刚启动，正在准备。
reason-consent-missing = 在您同意使用条款和隐私政策之前，不发送、不接收、不记录。
    .advice = 要开始，请运行：sesshoku agree
reason-consent-outdated = 使用条款已更新。在您同意新版本之前，不发送、不接收、不记录。
    .advice = 要查看更新内容，请运行：sesshoku agree
reason-adapter-absent = 没有找到蓝牙适配器。
    .advice = 请检查适配器是否已接好，以及 bluetooth 服务是否在运行。
reason-adapter-incapable = 此蓝牙适配器无法使用：它不支持低功耗蓝牙（Bluetooth Low Energy）。
    .advice = 需要支持蓝牙 4.0 或更高版本的适配器。
reason-adapter-off = 蓝牙已关闭。
    .advice = 请打开蓝牙。关闭期间没有记录。
reason-adapter-blocked = 蓝牙被禁用。
    .advice = 请检查飞行模式和机身上的开关。
reason-privacy-discoverable = 已暂停发送，因为本设备可被发现：周围的人会看到它的固定地址。
    .advice = 请关闭蓝牙设置，或关闭可被发现模式。
reason-privacy-connectable = 已暂停发送，因为本设备正在等待连接：周围的人会看到它的固定地址。
    .advice = 请停止另一个正在等待连接的程序。
reason-privacy-exposed = 已暂停发送，因为周围的人可能看到本设备的固定地址：适配器在可被发现或等待连接之后，会一直显示它。
    .advice = 请关闭蓝牙，再重新打开：没有别的办法。可以运行：sesshoku restart-bluetooth
reason-privacy-resolvable = 已暂停发送，因为蓝牙使用的是已配对设备能认出的地址，它比代码更换得晚：本设备可能被认出。
    .advice = 请从 /etc/bluetooth/main.conf 中删除 Privacy 一行，并重新启动 bluetooth 服务。
reason-adapter-searching = 已暂停发送，因为另一个程序在不停地搜索蓝牙设备，期间此适配器无法更换地址。
    .advice = 请关闭蓝牙设置，或其他正在搜索的程序。关闭后一分钟之内会恢复发送。
reason-broadcast-failed = 蓝牙适配器没有发送。
    .advice = 请关闭蓝牙，再重新打开。可以运行：sesshoku restart-bluetooth
reason-scan-failed = 蓝牙适配器没有接收。
    .advice = 请关闭蓝牙，再重新打开。可以运行：sesshoku restart-bluetooth
reason-storage-failed = 收到的代码无法保存。
    .advice = 请检查磁盘的剩余空间。
reason-clock-not-set = 时间不正确，因此无法生成正确的代码。
    .advice = 请设好日期和时间。
reason-key-lost = 找不到打开记录的密钥（设备密钥），因此无法读取记录。在找回密钥或重新开始之前，一切都不会运行。
    .advice = 要从没有记录的状态开始，请运行：sesshoku agree（场所设备请运行：sesshoku erase）。如果密钥可能还在某处，请先把它放回来。
reason-log-ended = 录下的信号已播放到最后。

consent-none = 尚未同意
consent-agreed = 已同意
consent-outdated = 同意的是以前的版本（条款已更新）

doubt-copy-on-write = 已删除的内容可能仍在磁盘上：数据文件夹位于 btrfs，它会保留被覆盖内容的旧副本。
    .advice = 管理员可以停止守护进程，把该文件夹中的 wrapping.key 复制到一个执行过 chattr +C 的空文件中，再用这个副本替换原文件。
doubt-journal = 已删除的内容可能仍在磁盘上：数据文件夹所在的文件系统会先把所有内容写入日志。
    .advice = 管理员可以不带 data=journal 重新挂载它。
doubt-file-system = 已删除的内容可能仍在磁盘上：数据文件夹所在的文件系统不会原地覆盖，或者不清楚是否会。
    .advice = 管理员可以把数据文件夹移到 ext4 或 XFS。

# A name from a newer daemon that this version does not know.
name-unknown = 未知（{ $name }）
