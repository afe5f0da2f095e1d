# The state of recording and why. Keys are the D-Bus names of RunState, RunReason, ConsentState and OverwriteDoubt.

state-no-consent = đã dừng (chưa đồng ý)
state-running = đang ghi
state-degraded = hoạt động một phần
state-stopped = không ghi

reason-ready = Gửi và nhận đều hoạt động.
reason-starting = Vừa khởi động và đang chuẩn bị.
reason-consent-missing = Trước khi bạn đồng ý với điều khoản sử dụng và chính sách quyền riêng tư, không có gì được gửi, nhận hay ghi lại.
    .advice = Để bắt đầu, hãy chạy: sesshoku agree
reason-consent-outdated = Điều khoản sử dụng đã thay đổi. Không có gì được gửi, nhận hay ghi lại cho đến khi bạn đồng ý với bản mới.
    .advice = Để đọc thay đổi, hãy chạy: sesshoku agree
reason-adapter-absent = Không tìm thấy bộ thu phát Bluetooth.
    .advice = Hãy xem bộ thu phát đã được gắn chưa và dịch vụ bluetooth có đang chạy không.
reason-adapter-incapable = Không dùng được bộ thu phát Bluetooth này: nó không có Bluetooth Low Energy.
    .advice = Cần bộ thu phát có Bluetooth 4.0 trở lên.
reason-adapter-off = Bluetooth đang tắt.
    .advice = Hãy bật Bluetooth. Khi tắt, không có gì được ghi lại.
reason-adapter-blocked = Bluetooth bị chặn.
    .advice = Hãy xem chế độ máy bay và công tắc trên thiết bị.
reason-privacy-discoverable = Tạm dừng gửi vì thiết bị này đang ở chế độ có thể tìm thấy: mọi người ở gần sẽ thấy địa chỉ cố định của nó.
    .advice = Hãy đóng phần cài đặt Bluetooth, hoặc tắt chế độ có thể tìm thấy.
reason-privacy-connectable = Tạm dừng gửi vì thiết bị này đang chờ kết nối: mọi người ở gần sẽ thấy địa chỉ cố định của nó.
    .advice = Hãy dừng chương trình khác đang chờ kết nối.
reason-privacy-exposed = Tạm dừng gửi vì mọi người ở gần có thể thấy địa chỉ cố định của thiết bị này: sau khi ở chế độ có thể tìm thấy hoặc chờ kết nối, bộ thu phát vẫn tiếp tục cho thấy nó.
    .advice = Hãy tắt Bluetooth rồi bật lại; không có cách khác. Để làm việc đó, hãy chạy: sesshoku restart-bluetooth
reason-privacy-resolvable = Tạm dừng gửi vì Bluetooth dùng địa chỉ mà các thiết bị đã ghép đôi nhận ra, và địa chỉ đó đổi chậm hơn mã: thiết bị này có thể bị nhận ra.
    .advice = Hãy xóa dòng Privacy trong /etc/bluetooth/main.conf và khởi động lại dịch vụ bluetooth.
reason-adapter-searching = Tạm dừng gửi vì một chương trình khác đang tìm thiết bị Bluetooth liên tục; trong lúc đó bộ thu phát này không đổi được địa chỉ.
    .advice = Hãy đóng phần cài đặt Bluetooth, hoặc chương trình khác đang tìm. Việc gửi sẽ tiếp tục trong vòng một phút sau đó.
reason-broadcast-failed = Bộ thu phát Bluetooth không gửi.
    .advice = Hãy tắt Bluetooth rồi bật lại. Để làm việc đó, hãy chạy: sesshoku restart-bluetooth
reason-scan-failed = Bộ thu phát Bluetooth không nhận.
    .advice = Hãy tắt Bluetooth rồi bật lại. Để làm việc đó, hãy chạy: sesshoku restart-bluetooth
reason-storage-failed = Không lưu được mã đã nhận.
    .advice = Hãy xem ổ đĩa còn chỗ trống không.
reason-clock-not-set = Đồng hồ sai nên mã cũng sẽ sai.
    .advice = Hãy đặt đúng ngày và giờ.
reason-key-lost = Không tìm thấy khóa để mở bản ghi (khóa của thiết bị) nên không đọc được. Không có gì chạy cho đến khi tìm lại được khóa, hoặc bạn bắt đầu lại từ đầu.
    .advice = Để bắt đầu lại không có bản ghi nào, hãy chạy: sesshoku agree (trên thiết bị tại chỗ: sesshoku erase). Nếu khóa có thể vẫn còn ở đâu đó, hãy đưa về trước.
reason-log-ended = Bản ghi đã được phát đến hết.

consent-none = chưa đồng ý
consent-agreed = đã đồng ý
consent-outdated = đã đồng ý với bản trước (điều khoản đã thay đổi)

doubt-copy-on-write = Những gì đã xóa có thể vẫn còn trên ổ đĩa: thư mục dữ liệu nằm trên btrfs, loại này giữ bản cũ của những gì bị ghi đè.
    .advice = Người quản trị có thể dừng daemon, sao chép wrapping.key trong thư mục đó vào một tệp trống đã chạy chattr +C, rồi đặt bản sao vào chỗ cũ.
doubt-journal = Những gì đã xóa có thể vẫn còn trên ổ đĩa: hệ thống tệp của thư mục dữ liệu ghi mọi thứ vào nhật ký trước.
    .advice = Người quản trị có thể gắn lại mà không có data=journal.
doubt-file-system = Những gì đã xóa có thể vẫn còn trên ổ đĩa: hệ thống tệp của thư mục dữ liệu không ghi đè tại chỗ, hoặc không rõ có ghi đè hay không.
    .advice = Người quản trị có thể chuyển thư mục dữ liệu sang ext4 hoặc XFS.

# A name from a newer daemon that this version does not know.
name-unknown = không rõ ({ $name })
