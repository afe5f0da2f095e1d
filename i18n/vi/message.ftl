# What the person who is sent a 処理番号 reads: mail and SMS. The management system sends them. Người nhận được gọi là “quý vị”.

message-subject = Mã số xử lý để đăng ký kết quả dương tính
message-mail =
    Đây là mã số xử lý (処理番号) để quý vị đăng ký kết quả dương tính. Mã số được gửi cho người được chẩn đoán dương tính và cho người quản lý nơi đã có người nhiễm.

        Mã số xử lý (処理番号):  { $number }
        Dùng được đến:           { $expires }

    Mã số dùng để làm gì
    Khi quý vị đăng ký kết quả dương tính trong ứng dụng “Xác nhận tiếp xúc” (Sesshoku), những người dùng có thể đã ở gần sẽ biết rằng có khả năng họ đã ở gần người đã đăng ký dương tính. Họ thấy ngày nào, trong bao lâu và diễn biến của cường độ sóng. Tên, cách liên lạc và địa điểm không được gửi, nhưng người gặp ít người chẳng hạn có thể đoán ra. Đăng ký hay không là do quý vị quyết định.

    Cách sử dụng
    Hãy nhấn “Khi có kết quả dương tính” trên trang chính của ứng dụng và nhập mã số theo hướng dẫn. Người quản lý địa điểm hãy chạy sesshoku register trên thiết bị tại chỗ ở nơi đó. Mã số chỉ dùng được một lần. Nếu đã hết hạn hoặc không dùng được, hãy xin nơi đã cấp, như trung tâm y tế công cộng (保健所), mã số mới.

    { $link }Đừng cho ai biết mã số này
    Không ai hỏi mã số của quý vị qua điện thoại hay email.

    Nếu quý vị không rõ vì sao nhận được email này, xin hãy xóa đi. Không thể trả lời email này.
message-link =
    Trên máy tính hoặc thiết bị có ứng dụng, liên kết này mở ứng dụng với mã số đã điền sẵn. Liên kết cũng chỉ dùng được một lần và không chứa gì ngoài mã số. Cũng có thể dán vào sesshoku register --link.

        { $link }
message-sms =
    Mã số xử lý (処理番号) để đăng ký kết quả dương tính: { $number }
    Dùng được đến { $expires }
    Nhấn “Khi có kết quả dương tính” trên trang chính của ứng dụng “Xác nhận tiếp xúc” (Sesshoku) và nhập mã số (địa điểm: chạy sesshoku register trên thiết bị tại chỗ). Chỉ dùng một lần; đăng ký hay không là do quý vị. Đừng cho ai biết; không ai hỏi mã số.
message-sms-linked =
    Mã số xử lý (処理番号) để đăng ký kết quả dương tính: { $number }
    Dùng được đến { $expires }
    Nhấn “Khi có kết quả dương tính” trong ứng dụng “Xác nhận tiếp xúc” (Sesshoku) và nhập mã số, hoặc mở liên kết dưới đây (địa điểm: sesshoku register trên thiết bị tại chỗ). Dùng một lần; đăng ký là tùy quý vị. Đừng cho ai biết; không ai hỏi mã số.
    { $link }
