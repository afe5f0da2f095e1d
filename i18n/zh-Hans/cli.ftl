# What the command line shows.

status-state = 状态：{ $state }
status-consent = 同意：{ $state }
status-consent-agreed = 同意：{ $state }（第 { $version } 版，{ $time }）
status-radio = 无线：{ $radio }
status-radio-simulated = 无线：{ $radio }（模拟，没有真实的信号）
status-adapter = 适配器：{ $adapter }
status-broadcasting = 发送：{ $state }
status-scan-method = 接收：{ $method }
status-last-scan = 上次接收：{ $time }
status-counters = 启动以来：接收 { $cycles } 轮（中断 { $cut-short } 轮），更换代码 { $rotations } 次，发送失败 { $broadcast-failures } 次，接收失败 { $scan-failures } 次
status-misdated = 时钟走快期间的记录：{ $time }。因为不知道是什么时候的，已经删除，不算作记录的时间。
status-heard = 启动以来收到：代码 { $heard } 个，保存 { $stored } 个，丢失 { $dropped } 个
status-notice = 通知：{ $notice }（sesshoku notices）
status-last-check = 上次查询：{ $time }（{ $outcome }）
status-checking = 正在查询…
status-next-check = 下次查询：{ $time }
status-version = sesshokud { $version }
on = 有
off = 没有

agree-question = 您同意这份使用条款和隐私政策（第 { $version } 版）吗？[y/N]
agree-done = 您已同意第 { $version } 版。开始记录。
agree-already = 您已经同意过第 { $version } 版。
withdraw-warning = 撤回同意后，会停止发送、接收和查询，并删除本设备上的所有记录，无法恢复。
withdraw-question = 要撤回吗？[y/N]
withdraw-done = 已撤回同意，并删除了所有记录。
erase-warning = 这会删除本设备上的所有密钥和记录，无法恢复。同意会保留，并重新开始记录。
erase-question = 要全部删除吗？[y/N]
erase-done = 已删除所有记录。
restart-bluetooth-warning = 这会关闭蓝牙适配器 { $adapter }，再重新打开。正在连接的键盘、耳机等会暂时断开。
restart-bluetooth-question = 要关闭再打开吗？[y/N]
restart-bluetooth-done = 已关闭并重新打开 { $adapter }。
check-done = 查询结束：{ $outcome }。
declined = 已取消。没有任何改变。
needs-yes = 这里不是终端，无法提问。请加上 --yes。

checks-row = { $time }  { $outcome }
checks-row-counted = { $time }  { $outcome }（密钥文件 { $listed } 个，已比对 { $compared } 个）

notices-none = 没有运营方的通知。
notices-from-operator = 以下是通知服务器运营方所写的原文（日文或英文）：
notice-maintenance = 计划停机：{ $from } 至 { $to }
notice-terms = 使用条款更新，第 { $version } 版
notice-terms-from = 使用条款更新，第 { $version } 版，自 { $from } 起
notice-other = 通知

watch-connected = 已连接到 sesshokud { $version }。无线：{ $radio }
watch-waiting = sesshokud 没有运行。正在等待它启动…
watch-disconnected = sesshokud 已停止。正在等待它重新启动…
watch-scan = 接收 { $cycles } 轮，保存 { $stored } 个代码
watch-scan-alone = 接收 { $cycles } 轮
watch-checking = 正在向通知服务器查询…
watch-check = 查询：{ $outcome }
watch-next-check = 下次查询：{ $time }
watch-notices = 运营方的通知有变化。
watch-contact-days = 接触：{ $days }
watch-result-hidden = 结果可能有变化。要查看，请运行：sesshoku contacts
list-separator = 、

status-consent-configured = 同意：{ $state }（第 { $version } 版，由本设备的管理员同意）
