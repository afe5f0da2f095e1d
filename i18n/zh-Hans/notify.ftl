# Notifications. Contacts, notices and new terms have one text, so that nobody looking at
# a lock screen can tell which it is.

notify-title = 接触确认
notify-body = 请打开应用查看。
notify-open = 打开

remind-not-recording = 没有在记录接触。请打开应用查看。
remind-not-checked = 已有一天半没有查询接触。请打开应用查看。
remind-key-lost = 无法打开已有的记录。请打开应用查看。
