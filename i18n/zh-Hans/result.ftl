# Checks and what they found. Keys are the D-Bus names of CheckOutcome, Verdict and UnknownReason.

outcome-never = 还没有查询过
outcome-complete = 已全部查询完毕
outcome-unreachable = 无法连接到通知服务器
outcome-bad-answer = 无法读懂通知服务器的回复
outcome-export-refused = 有一个密钥文件无法确认是真实的，因此没有接受
outcome-list-refused = 密钥文件的列表过旧或不完整，因此没有接受
outcome-not-configured = 没有设置通知服务器
outcome-storage-failed = 无法读取或写入记录

verdict-none = 未确认到与阳性登记者的接触。
verdict-contact = 您可能与阳性登记者有过接触。
verdict-unknown = 目前还无法判断是否有过接触。

unknown-consent-missing = 还没有同意现行条款，因此不记录也不查询。
    .advice = 请运行：sesshoku agree
unknown-never-checked = 还没有完成过一次查询。
    .advice = 请在联网后运行：sesshoku check
unknown-check-too-old = 上次完整查询已超过 24 小时。
    .advice = 请在联网后运行：sesshoku check
unknown-check-in-future = 上次完整查询的时间比现在还晚：时钟被调回过。
    .advice = 请设好日期和时间，然后运行：sesshoku check
unknown-check-failed = 上次完整查询之后，有一次查询中途停止。
    .advice = 请过一会儿运行：sesshoku check
unknown-list-refused = 服务器的密钥文件列表过旧或不完整。可能有密钥没有送到。
    .advice = 请换一个网络，运行：sesshoku check。如果超过一天仍是这样，请告诉通知服务器的运营方。
unknown-export-not-compared = 服务器提供的密钥文件中，有一个还没有比对。
    .advice = 请过一会儿运行：sesshoku check。已经无法取得的文件，14 天后不再影响结果。
unknown-server-silent = 通知服务器超过其约定的时间没有发布新的文件。
    .advice = 请换一个网络，运行：sesshoku check。如果仍是这样，请询问通知服务器的运营方。
unknown-too-little-recorded = 过去 14 天里的记录不到一小时，不足以判断。
    .advice = 请保持蓝牙打开。要查看是否在记录，请运行：sesshoku status
unknown-storage-damaged = 部分记录已损坏，无法读取。
    .advice = 其余部分已经查询。损坏的部分会在 14 天后删除。
unknown-clock-not-set = 时间不正确。
    .advice = 请设好日期和时间。

contacts-title = 过去 14 天的接触一览
contacts-count = { $count } 次接触
contacts-row = { $date }  { $count }  约 { $minutes } 分钟（其中较近约 { $near } 分钟）  接触程度 { $score }
contacts-meaning = 次数是当天在您附近的阳性登记者的密钥数（同一个人在另一天会再计一次）。分钟是收到信号的时间；“较近”是其中信号强于约 3 米处常见强度的时间（但大约每三次就有一次，1 米处的设备被算作远，10 米处的设备被算作近）。接触程度在 100 以上，相当于 1 米以内 15 分钟。
contacts-utc = 日期按世界协调时间（UTC）划分（在日本为上午 9 点至次日上午 9 点）。
contacts-accuracy = 这是根据信号强度推算的，不保证准确。
period = 期间：{ $start } 至 { $end }
last-success = 上次完整查询：{ $time }
unrecorded = 此期间没有记录的时间：{ $duration }

date = { $year }-{ $month2 }-{ $day2 }
never = 没有
duration-days = { $days } 天 { $hours } 小时
duration-hours = { $hours } 小时 { $minutes } 分钟
duration-minutes = { $minutes } 分钟
