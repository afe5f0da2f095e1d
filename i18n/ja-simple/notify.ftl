# Notifications. One text for every kind, so that nobody looking at a lock screen can
# tell which it is.

notify-title = 接触確認《せっしょくかくにん》
notify-body = アプリを 開《ひら》いて、見《み》て ください。
notify-open = 開《ひら》く
