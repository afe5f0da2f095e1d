# Notifications. One text for every kind, so that nobody looking at a lock screen can
# tell which it is.

notify-title = Sesshoku
notify-body = Please open the app and check.
notify-open = Open
