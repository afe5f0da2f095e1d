# Registering as positive. The agreements themselves are in documents/. Further keys are
# the D-Bus names of RegistrationState
# and RegistrationReason.

agreement-question = 您同意以上内容并要登记吗？[y/N]

ask-symptoms = 您有发热、咳嗽、乏力等症状吗？[y/n]
ask-onset = 症状是哪一天开始的？（例如 2020-08-01）
ask-test = 检测是哪一天做的？（例如 2020-08-01）
ask-place-first = 感染者在那里的第一天是哪一天？（例如 2020-08-01）
ask-place-last = 最后一天是哪一天？（例如 2020-08-01）
ask-number = 受理编号（処理番号）的数字：
not-yes-or-no = 请回答 y 或 n。
not-a-date = 这不是日期。请写成 2020-08-01 的样子。
not-a-number = 这不是 8 至 16 位数字。
register-resumes = { $date } 的登记还没有发送。输入编号后会继续。
register-sending = 正在发送到通知服务器…
forget-warning = 这会取消还没有送达的登记，或清除上次登记的结果。已经送达服务器的内容会留在那里。
forget-question = 要取消吗？[y/N]
forget-done = 已取消并清除登记。

registration-none = 没有登记。
registration-sending = 正在发送登记。
registration-waiting-to-retry = 登记还没有发送出去。
registration-done = 阳性信息登记完成。谢谢您：曾在您附近的人现在可以留意了。
registration-place-done = 此场所已登记。曾在附近的人现在可以留意了。
registration-place-first = 第一天：{ $date }
registration-failed = 登记没有成功。
registration-since = 时间：{ $time }
registration-onset = 症状开始的日期：{ $date }
registration-test = 检测的日期：{ $date }
registration-days-sent = 已发送这些天（UTC）的密钥：{ $days }
registration-days-to-send = 将发送这些天（UTC）的密钥：{ $days }
registration-next-try = 下次发送：{ $time }
registration-tries-left = 暂停之前还可以尝试的编号次数：{ $count }
registration-paused = 有三个编号不能使用。从 { $time } 起可以重新登记。

obstacle-none = 没有问题。
obstacle-number-refused = 受理编号不能使用：有误、已用过或已过期。
    .advice = 请与收到的通知核对，并再次运行 sesshoku register。如果没有错，请向发放编号的保健所等索取新的编号。
obstacle-management-unavailable = 现在无法核对受理编号：管理系统没有回复。
    .advice = 您不需要做什么。只要本设备开着，就会不断重试。
obstacle-unreachable = 无法连接到通知服务器。
    .advice = 请检查网络连接。只要本设备开着，就会不断重试。
obstacle-too-many-tries = 通知服务器繁忙。
    .advice = 您不需要做什么。只要本设备开着，就会不断重试。
obstacle-number-needed = 登记中途中断，受理编号没有保存。
    .advice = 请运行 sesshoku register，并再次输入同一个编号。即使已经送达，也不会重复登记。
obstacle-invalid = 通知服务器不接受本设备发送的内容。
    .advice = 请检查日期和时间是否正确。如果正确，可能是这个版本的 Sesshoku 对服务器来说太旧了。
obstacle-not-allowed = 通知服务器不接受本设备的登记。
    .advice = 请询问本设备的管理员应该使用哪个服务器。
obstacle-bad-answer = 无法读懂通知服务器的回复。
    .advice = 请稍后再次运行 sesshoku register。如果仍是这样，请询问本设备的管理员。
obstacle-expired = 24 小时之内没有发送成功。受理编号已过期。
    .advice = 请索取新的编号，并再次运行 sesshoku register。

number-mistyped = 有一位数字错误，或两位数字颠倒。请与收到的通知核对。
ask-link = 收到的链接：
not-a-link = 这不是带有受理编号的链接。请从通知中完整复制以 sesshoku://register/ 开头的链接。
