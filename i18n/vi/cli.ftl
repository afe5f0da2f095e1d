# What the command line shows.

status-state = Trạng thái: { $state }
status-consent = Đồng ý: { $state }
status-consent-agreed = Đồng ý: { $state } (bản { $version }, { $time })
status-radio = Sóng: { $radio }
status-radio-simulated = Sóng: { $radio } (mô phỏng, không có sóng thật)
status-adapter = Bộ thu phát: { $adapter }
status-broadcasting = Gửi: { $state }
status-scan-method = Nhận: { $method }
status-last-scan = Lần nhận gần nhất: { $time }
status-counters = Từ khi khởi động: { $cycles } lượt nhận ({ $cut-short } bị cắt ngắn), { $rotations } lần đổi mã, { $broadcast-failures } lần gửi lỗi, { $scan-failures } lần nhận lỗi
status-misdated = Đã ghi khi đồng hồ chạy trước: { $time }. Vì không biết là khi nào nên đã xóa, và không tính là thời gian được ghi.
status-heard = Đã nhận từ khi khởi động: { $heard } mã, lưu { $stored }, bỏ sót { $dropped }
status-notice = Tin: { $notice } (sesshoku notices)
status-last-check = Lần kiểm tra gần nhất: { $time } ({ $outcome })
status-checking = Đang kiểm tra…
status-next-check = Lần kiểm tra tiếp theo: { $time }
status-version = sesshokud { $version }
on = có
off = không

agree-question = Bạn có đồng ý với điều khoản sử dụng và chính sách quyền riêng tư này (bản { $version }) không? [y/N]
agree-done = Bạn đã đồng ý với bản { $version }. Bắt đầu ghi.
agree-already = Bạn đã đồng ý với bản { $version } rồi.
withdraw-warning = Rút lại sự đồng ý sẽ dừng việc gửi, nhận và kiểm tra, và xóa mọi thứ đã ghi trên thiết bị này, không thể khôi phục.
withdraw-question = Rút lại? [y/N]
withdraw-done = Đã rút lại sự đồng ý và xóa mọi thứ đã ghi.
erase-warning = Việc này xóa tất cả khóa và mọi thứ đã ghi trên thiết bị này, không thể khôi phục. Sự đồng ý của bạn vẫn còn, và việc ghi bắt đầu lại.
erase-question = Xóa tất cả? [y/N]
erase-done = Đã xóa mọi thứ đã ghi.
restart-bluetooth-warning = Việc này tắt bộ thu phát Bluetooth { $adapter } rồi bật lại. Những gì đang kết nối, như bàn phím hay tai nghe, sẽ bị ngắt trong chốc lát.
restart-bluetooth-question = Tắt rồi bật lại? [y/N]
restart-bluetooth-done = Đã tắt rồi bật lại { $adapter }.
check-done = Đã kiểm tra: { $outcome }.
declined = Đã hủy. Không có gì thay đổi.
needs-yes = Ở đây không phải cửa sổ dòng lệnh nên không hỏi được. Hãy thêm --yes.

checks-row = { $time }  { $outcome }
checks-row-counted = { $time }  { $outcome } (tệp khóa: { $listed }, đã so sánh: { $compared })

notices-none = Đơn vị vận hành không có tin nào.
notices-from-operator = Do đơn vị vận hành máy chủ thông báo viết, giữ nguyên lời (tiếng Nhật hoặc tiếng Anh):
notice-maintenance = Bảo trì từ { $from } đến { $to }
notice-terms = Điều khoản sử dụng mới, bản { $version }
notice-terms-from = Điều khoản sử dụng mới, bản { $version }, từ { $from }
notice-other = Tin

watch-connected = Đã kết nối với sesshokud { $version }. Sóng: { $radio }
watch-waiting = sesshokud không chạy. Đang chờ nó khởi động…
watch-disconnected = sesshokud đã dừng. Đang chờ nó khởi động lại…
watch-scan = { $cycles } lượt nhận, lưu { $stored } mã
watch-scan-alone = { $cycles } lượt nhận
watch-checking = Đang kiểm tra với máy chủ thông báo…
watch-check = Kiểm tra: { $outcome }
watch-next-check = Lần kiểm tra tiếp theo: { $time }
watch-notices = Tin của đơn vị vận hành đã thay đổi.
watch-contact-days = Tiếp xúc: { $days }
watch-result-hidden = Kết quả có thể đã thay đổi. Để xem, hãy chạy: sesshoku contacts
list-separator = {", "}

status-consent-configured = Đồng ý: { $state } (bản { $version }, do người quản trị thiết bị này)
