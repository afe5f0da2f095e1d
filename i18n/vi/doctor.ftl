# What `sesshoku doctor` says: a title and a sentence for each part that a warning depends on.

doctor-line = { $mark } { $check }: { $finding }
doctor-all-well = Không có vấn đề gì.
doctor-notes = Không có vấn đề gì. Có { $notes } điều nên biết.
doctor-faults = Có { $faults } vấn đề: lời nhắc có thể không đến được.

doctor-service = Dịch vụ
doctor-service-ok = sesshokud { $detail } đang chạy.
doctor-service-away = Dịch vụ không chạy: không có gì được ghi.
    .advice = Để khởi động ngay và cùng với thiết bị, hãy chạy: sudo systemctl enable --now sesshoku
doctor-service-silent = Dịch vụ không trả lời ({ $detail }).
    .advice = Để khởi động lại, hãy chạy: sudo systemctl restart sesshoku
doctor-service-no-bus = Không kết nối được với bus hệ thống.
    .advice = Hãy xem dbus đã được cài và đang chạy chưa.

doctor-policy = Quy tắc của bus
doctor-policy-ok = Các chương trình gọi được dịch vụ.
doctor-policy-refused = Bus hệ thống từ chối các lời gọi { $detail }.
    .advice = Hãy cài lại gói: tệp org.sesshoku.Tracing1.conf trong /usr/share/dbus-1/system.d bị thiếu hoặc đã cũ.

doctor-agreement = Đồng ý
doctor-agreement-ok = Đã đồng ý với điều khoản hiện hành.
doctor-recording = Ghi
doctor-recording-simulated = Mô phỏng ({ $detail }): không ghi tiếp xúc thật nào.

doctor-listening = Nhận
doctor-listening-ok = Lần nhận gần nhất: { $time }.
doctor-listening-old = Lần nhận gần nhất: { $time }, đã quá lâu.
    .advice = Nếu lý do ở trên không giải thích được, hãy khởi động lại Bluetooth: sesshoku restart-bluetooth
doctor-listening-never = Chưa nhận gì từ khi dịch vụ khởi động.

doctor-check = Kiểm tra
    .advice = Hãy kết nối internet. Để kiểm tra ngay, hãy chạy: sesshoku check
doctor-check-ok = Lần hoàn tất gần nhất: { $time }.
doctor-check-old = Lần hoàn tất gần nhất: { $time }, đã hơn một ngày.
doctor-check-never = Chưa kiểm tra lần nào.

doctor-deleting = Xóa
doctor-deleting-ok = Những gì đã xóa không còn trên ổ đĩa.

doctor-permission = Quyền
doctor-permission-ok = Bạn có thể xem kết quả.
doctor-permission-denied = Bạn phải xác thực để xem kết quả.
    .advice = Người đang ở trước thiết bị này không cần xác thực; qua SSH và từ các dịch vụ thì cần mật khẩu của người quản trị.

doctor-bluetooth = bluetoothd
doctor-bluetooth-ok = Phiên bản { $detail } đang chạy.
doctor-bluetooth-unknown = Đang chạy.
doctor-bluetooth-away = Không chạy.
    .advice = Để khởi động, hãy chạy: sudo systemctl enable --now bluetooth

doctor-adapter = Bộ thu phát
doctor-adapter-ok = Có Bluetooth Low Energy và giám sát quảng bá.
doctor-adapter-plain = Có Bluetooth Low Energy nhưng không có giám sát quảng bá: khoảng cách kém chính xác hơn.
    .advice = Nếu bluetoothd chạy với --experimental, mỗi thiết bị ở gần được đo thường xuyên hơn.

doctor-clock = Đồng hồ
doctor-clock-ok = Được chỉnh tự động.
doctor-clock-alone = Không được chỉnh tự động.
    .advice = Để chỉnh tự động, hãy chạy: sudo timedatectl set-ntp true
doctor-clock-unknown = Không rõ có được chỉnh tự động không.
    .advice = Hãy xem một dịch vụ thời gian như systemd-timesyncd hoặc chrony có đang chạy không.

doctor-sleep = Ngủ
doctor-sleep-ok = Thiết bị chỉ ngủ sau khi đã ngừng gửi.
doctor-sleep-unguarded = Dịch vụ không được biết khi nào thiết bị ngủ.
    .advice = Nếu vừa khởi động, hãy xem lại. Nếu không, hãy khởi động lại: sudo systemctl restart sesshoku
doctor-sleep-unknown = Không có logind để báo khi nào thiết bị ngủ.

doctor-disk = Ổ đĩa
doctor-disk-ok = Còn trống { $detail } MiB.
doctor-disk-full = Chỉ còn trống { $detail } MiB.
    .advice = Hãy xóa thứ khác: khi ổ đĩa đầy thì không ghi được gì.

doctor-notifications = Thông báo
doctor-notifications-ok = Thông báo đến được.
doctor-notifications-off = Thông báo đang tắt.
    .advice = Có thể bật trong phần cài đặt của ứng dụng.
doctor-notifications-no-session = Ở đây không có màn hình nền nào để hiển thị.
doctor-notifications-no-agent = Chương trình hiển thị thông báo không chạy.
    .advice = Để khởi động, hãy chạy: systemctl --user enable --now sesshoku-notify
doctor-notifications-no-desktop = Màn hình nền này không hiển thị thông báo.
    .advice = Hãy cài chương trình hiển thị thông báo, hoặc thỉnh thoảng mở ứng dụng.

doctor-operator = Đơn vị vận hành
doctor-operator-ok = Đã ghi bên kia của điều khoản: { $detail }
doctor-operator-none = Chưa ghi đơn vị vận hành.
    .advice = Trước khi có người dùng, hãy ghi đơn vị vận hành vào /etc/sesshoku/operator.toml; mẫu ở /usr/share/doc/sesshoku/examples.
doctor-operator-sample = Tệp của đơn vị vận hành vẫn là mẫu.
    .advice = Trước khi có người dùng, hãy ghi đơn vị vận hành thật vào /etc/sesshoku/operator.toml và bỏ dòng sample.
doctor-operator-incomplete = Tệp của đơn vị vận hành còn thiếu: { $detail }
doctor-operator-unusable = Không dùng được tệp của đơn vị vận hành: { $detail }
