# What to do after a contact. Keys are guidance's names of Question, Outcome and First.

question-symptoms = Hiện giờ bạn có triệu chứng nào không?
    .advice = Như sốt, ho, khó thở, mệt mỏi nhiều
question-close-contact = Trong 2 tuần qua, trong số những người bạn đã ở gần, có ai bị nhiễm hoặc có triệu chứng nghi nhiễm không?
    .advice = Gia đình, bạn bè, người cùng làm việc: những người bạn thật sự đã ở gần. Triệu chứng nghi nhiễm là khó thở, mệt mỏi nhiều, sốt cao. Với người dễ bị bệnh nặng (người cao tuổi, người có bệnh mạn tính), sốt nhẹ hoặc ho nhẹ cũng tính. Với những người khác, triệu chứng nhẹ cũng tính nếu kéo dài. Trả lời đại khái cũng được.
question-answer = Có [y] / không [n]:
question-prefecture = Tỉnh, thành phố nơi bạn sống (tên hoặc số; không biết thì nhấn Enter):
question-again = Xin trả lời y hoặc n.
question-no-prefecture = Không có tỉnh, thành phố đó.

guide-visit = Xin sớm đặt hẹn khám
    .advice = Trước hết hãy gọi số dưới đây, và đeo khẩu trang khi đi khám.
guide-visit-and-stay-home = Bạn rất có thể là người tiếp xúc gần
    .advice = Để được khám sớm, trước hết hãy gọi số dưới đây, và đeo khẩu trang khi đi khám. Hãy ở nhà trong 14 ngày.
guide-watch = Hãy theo dõi sức khỏe trong 14 ngày
    .advice = Ít có khả năng bạn là người tiếp xúc gần. Nếu sức khỏe thay đổi, hãy trả lời lại.
guidance-urgent = Nếu khẩn cấp, ví dụ rất khó thở, đừng tiếp tục ở đây: hãy liên hệ bác sĩ ngay.
guidance-negative-test = Nếu kết quả xét nghiệm là âm tính, nơi khám sẽ hỏi về những người bạn đã ở gần.
guidance-kept = Câu trả lời của bạn không được lưu, kể cả trên thiết bị này.
guidance-nobody = Chưa có số điện thoại cho tỉnh, thành phố này. Xin hỏi trung tâm y tế công cộng (保健所) gần bạn.
call-first-clinic = Hãy gọi thẳng đến đây để đặt hẹn khám.
call-first-centre = Ở tỉnh, thành phố này, trước hết hãy gọi đến đây. Họ sẽ cho biết cần đến đâu.
call-by-phone = Bạn cũng có thể được hướng dẫn qua điện thoại với những câu hỏi này.
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = Đây là mẫu, không phải số thật. Người quản trị sẽ cài danh bạ thật.
