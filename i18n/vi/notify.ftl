# Notifications. Contacts, notices and new terms have one text, so that nobody looking at
# a lock screen can tell which it is.

notify-title = Xác nhận tiếp xúc
notify-body = Xin mở ứng dụng để xem.
notify-open = Mở

remind-not-recording = Tiếp xúc không được ghi lại. Xin mở ứng dụng để xem.
remind-not-checked = Đã một ngày rưỡi chưa kiểm tra tiếp xúc. Xin mở ứng dụng để xem.
remind-key-lost = Không mở được những gì đã ghi. Xin mở ứng dụng để xem.
