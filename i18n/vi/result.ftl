# Checks and what they found. Keys are the D-Bus names of CheckOutcome, Verdict and UnknownReason.

outcome-never = chưa kiểm tra lần nào
outcome-complete = đã kiểm tra xong tất cả
outcome-unreachable = không kết nối được với máy chủ thông báo
outcome-bad-answer = không đọc được trả lời của máy chủ thông báo
outcome-export-refused = một tệp khóa không xác minh được nên không được chấp nhận
outcome-list-refused = danh sách tệp khóa đã cũ hoặc thiếu nên không được chấp nhận
outcome-not-configured = chưa thiết lập máy chủ thông báo
outcome-storage-failed = không đọc hoặc ghi được bản ghi

verdict-none = Không ghi nhận tiếp xúc nào với người đã đăng ký dương tính.
verdict-contact = Có khả năng bạn đã tiếp xúc với người đã đăng ký dương tính.
verdict-unknown = Chưa thể xác định có tiếp xúc hay không.

unknown-consent-missing = Chưa đồng ý với điều khoản hiện hành nên không có gì được ghi hay kiểm tra.
    .advice = Hãy chạy: sesshoku agree
unknown-never-checked = Chưa có lần kiểm tra nào hoàn tất.
    .advice = Khi có internet, hãy chạy: sesshoku check
unknown-check-too-old = Lần kiểm tra trọn vẹn gần nhất đã hơn 24 giờ.
    .advice = Khi có internet, hãy chạy: sesshoku check
unknown-check-in-future = Lần kiểm tra trọn vẹn gần nhất có thời gian ở tương lai: đồng hồ đã bị chỉnh lùi.
    .advice = Hãy đặt đúng ngày và giờ, rồi chạy: sesshoku check
unknown-check-failed = Sau lần kiểm tra trọn vẹn gần nhất, có một lần kiểm tra dở dang.
    .advice = Sau một lúc, hãy chạy: sesshoku check
unknown-list-refused = Danh sách tệp khóa của máy chủ đã cũ hoặc thiếu. Có thể một số khóa chưa đến.
    .advice = Hãy dùng mạng khác và chạy: sesshoku check. Nếu hơn một ngày vẫn vậy, hãy báo cho đơn vị vận hành máy chủ thông báo.
unknown-export-not-compared = Một tệp khóa do máy chủ phát chưa được so sánh.
    .advice = Sau một lúc, hãy chạy: sesshoku check. Tệp không còn lấy được nữa sẽ không ảnh hưởng đến kết quả sau 14 ngày.
unknown-server-silent = Máy chủ thông báo đã không phát hành gì lâu hơn thời gian đã hứa.
    .advice = Hãy dùng mạng khác và chạy: sesshoku check. Nếu vẫn vậy, hãy hỏi đơn vị vận hành máy chủ thông báo.
unknown-too-little-recorded = Trong 14 ngày qua ghi được chưa đến một giờ, quá ít để xác định.
    .advice = Hãy luôn bật Bluetooth. Để xem có đang ghi không, hãy chạy: sesshoku status
unknown-storage-damaged = Một phần bản ghi bị hỏng và không đọc được.
    .advice = Phần còn lại đã được kiểm tra. Phần hỏng sẽ bị xóa sau 14 ngày.
unknown-clock-not-set = Đồng hồ sai.
    .advice = Hãy đặt đúng ngày và giờ.

contacts-title = Các tiếp xúc trong 14 ngày qua
contacts-count = { $count } tiếp xúc
contacts-row = { $date }  { $count }  khoảng { $minutes } phút (rất gần: khoảng { $near } phút)  mức tiếp xúc { $score }
contacts-meaning = Số tiếp xúc là số khóa của người đã đăng ký dương tính ở gần bạn trong ngày đó (cùng một người ở ngày khác được tính thêm một lần). Phút là thời gian nhận được tín hiệu; “rất gần” là những phút tín hiệu mạnh hơn mức thường thấy ở khoảng 3 m (nhưng khoảng ba lần thì một lần thiết bị cách 1 m bị tính là xa, và thiết bị cách 10 m bị tính là gần). Mức tiếp xúc từ 100 trở lên tương ứng với 15 phút trong khoảng 1 m.
contacts-utc = Ngày được tính theo giờ UTC (ở Nhật Bản là từ 9 giờ sáng đến 9 giờ sáng hôm sau).
contacts-accuracy = Điều này được ước tính từ cường độ sóng; không bảo đảm chính xác.
period = Thời gian: { $start } đến { $end }
last-success = Lần kiểm tra trọn vẹn gần nhất: { $time }
unrecorded = Thời gian không được ghi trong khoảng này: { $duration }

date = { $day2 }/{ $month2 }/{ $year }
never = chưa có
duration-days = { $days } ngày { $hours } giờ
duration-hours = { $hours } giờ { $minutes } phút
duration-minutes = { $minutes } phút
