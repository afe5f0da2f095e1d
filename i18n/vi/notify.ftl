# Notifications. One text for every kind, so that nobody looking at a lock screen can
# tell which it is.

notify-title = Xác nhận tiếp xúc
notify-body = Xin mở ứng dụng để xem.
notify-open = Mở
