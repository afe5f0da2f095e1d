# Notifications. One text for every kind, so that nobody looking at a lock screen can
# tell which it is.

notify-title = 接触确认
notify-body = 请打开应用查看。
notify-open = 打开
