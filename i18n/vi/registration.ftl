# Registering as positive. The agreements themselves are in documents/. Further keys are
# the D-Bus names of RegistrationState
# and RegistrationReason.

agreement-question = Bạn có đồng ý với những điều trên và muốn đăng ký không? [y/N]

ask-symptoms = Bạn có triệu chứng như sốt, ho, mệt mỏi không? [y/n]
ask-onset = Triệu chứng bắt đầu ngày nào? (ví dụ 2020-08-01)
ask-test = Xét nghiệm ngày nào? (ví dụ 2020-08-01)
ask-place-first = Ngày đầu tiên người nhiễm ở đó là ngày nào? (ví dụ 2020-08-01)
ask-place-last = Và ngày cuối cùng? (ví dụ 2020-08-01)
ask-number = Các chữ số của mã số xử lý (処理番号):
not-yes-or-no = Xin trả lời y hoặc n.
not-a-date = Đó không phải là ngày. Xin viết như 2020-08-01.
not-a-number = Đó không phải là 8 đến 16 chữ số.
register-resumes = Đăng ký của { $date } chưa được gửi. Khi bạn nhập mã số, việc gửi sẽ tiếp tục.
register-sending = Đang gửi đến máy chủ thông báo…
forget-warning = Việc này hủy đăng ký chưa đến nơi, hoặc xóa kết quả của lần đăng ký trước. Những gì đã đến máy chủ thì vẫn ở đó.
forget-question = Hủy? [y/N]
forget-done = Đăng ký đã được hủy và xóa.

registration-none = Không có đăng ký nào.
registration-sending = Đang gửi đăng ký.
registration-waiting-to-retry = Đăng ký chưa được gửi.
registration-done = Bạn đã đăng ký kết quả dương tính. Cảm ơn bạn: những người đã ở gần bạn giờ có thể chú ý.
registration-place-done = Đã đăng ký địa điểm này. Những người đã ở gần đó giờ có thể chú ý.
registration-place-first = Ngày đầu tiên: { $date }
registration-failed = Đăng ký không thành công.
registration-since = Thời gian: { $time }
registration-onset = Ngày bắt đầu có triệu chứng: { $date }
registration-test = Ngày xét nghiệm: { $date }
registration-days-sent = Đã gửi khóa của những ngày này (UTC): { $days }
registration-days-to-send = Sẽ gửi khóa của những ngày này (UTC): { $days }
registration-next-try = Lần gửi tiếp theo: { $time }
registration-tries-left = Số lần còn có thể thử mã số trước khi tạm dừng: { $count }
registration-paused = Ba mã số không dùng được. Bạn có thể đăng ký lại từ { $time }.

obstacle-none = Không có trở ngại.
obstacle-number-refused = Mã số xử lý không dùng được: sai, đã dùng rồi hoặc đã hết hạn.
    .advice = Hãy so với tin nhắn bạn nhận được và chạy lại sesshoku register. Nếu mã số đúng, hãy xin nơi đã cấp, như trung tâm y tế công cộng, mã số mới.
obstacle-management-unavailable = Hiện không kiểm tra được mã số xử lý: hệ thống quản lý không trả lời.
    .advice = Bạn không cần làm gì. Chừng nào thiết bị này còn bật, nó sẽ tiếp tục thử.
obstacle-unreachable = Không kết nối được với máy chủ thông báo.
    .advice = Hãy xem lại kết nối internet. Chừng nào thiết bị này còn bật, nó sẽ tiếp tục thử.
obstacle-too-many-tries = Máy chủ thông báo đang bận.
    .advice = Bạn không cần làm gì. Chừng nào thiết bị này còn bật, nó sẽ tiếp tục thử.
obstacle-number-needed = Việc đăng ký bị gián đoạn, và mã số xử lý không được lưu.
    .advice = Hãy chạy sesshoku register và nhập lại mã số đó. Nếu đăng ký đã đến nơi thì cũng không bị tính hai lần.
obstacle-invalid = Máy chủ thông báo không nhận nội dung thiết bị này gửi.
    .advice = Hãy xem ngày và giờ có đúng không. Nếu đúng, có thể phiên bản Sesshoku này quá cũ đối với máy chủ.
obstacle-not-allowed = Máy chủ thông báo không nhận đăng ký từ thiết bị này.
    .advice = Hãy hỏi người quản trị thiết bị này nên dùng máy chủ nào.
obstacle-bad-answer = Không đọc được trả lời của máy chủ thông báo.
    .advice = Hãy chạy lại sesshoku register sau. Nếu vẫn vậy, hãy hỏi người quản trị thiết bị này.
obstacle-expired = Không gửi được trong vòng 24 giờ. Mã số xử lý đã hết hạn.
    .advice = Hãy xin mã số mới và chạy lại sesshoku register.

number-mistyped = Có một chữ số sai, hoặc hai chữ số bị đổi chỗ. Xin so mã số với tin nhắn.
ask-link = Liên kết trong tin nhắn:
not-a-link = Đó không phải là liên kết có mã số xử lý. Xin chép trọn vẹn liên kết bắt đầu bằng sesshoku://register/ từ tin nhắn.
