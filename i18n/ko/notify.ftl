# Notifications. One text for every kind, so that nobody looking at a lock screen can
# tell which it is.

notify-title = 접촉 확인
notify-body = 앱을 열어 확인해 주십시오.
notify-open = 열기
