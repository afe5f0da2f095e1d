# Measuring what this device's radio is like.

calibration-configured = theo thiết lập
calibration-model = đã biết cho kiểu máy này
calibration-default = mặc định: chưa ai đo

calibrate-model = Kiểu máy: { $model }
calibrate-no-model = Kiểu máy: không có trong danh sách
calibrate-power = Gửi ở mức: { $power } dBm, độ tin cậy { $confidence }/3 ({ $source })
calibrate-correction = Nhận: hiệu chỉnh { $correction } dB ({ $source })

calibrate-prepare =
    Bạn cần một điện thoại đang phát tín hiệu Exposure Notification. Đặt nó và thiết bị này cách nhau 1 m, cùng độ cao,
    xa kim loại và tường, không có ai ở giữa. Những điện thoại khác như vậy phải ở xa (10 m), hoặc tắt máy.
calibrate-ask-power = Công suất phát của điện thoại đó (dBm, theo danh sách hiệu chuẩn; không biết thì để trống):
calibrate-no-power = Phải là số nguyên từ -50 đến 20.
calibrate-turn = Hướng { $turn }/{ $turns }: xoay điện thoại một phần tư vòng so với hướng trước, lùi lại và nhấn Enter.
calibrate-listening = Đang nhận trong { $seconds } giây…
calibrate-heard = Nhận được ở mức { $median } dBm ({ $samples } mẫu, một nửa nằm trong { $spread } dB).
calibrate-nobody-heard = Không nhận được điện thoại nào. Hãy xem Exposure Notification trên điện thoại và Bluetooth ở cả hai có bật không.
calibrate-too-few-samples = Nhận được điện thoại quá ít lần. Có thể nó đã dừng, hoặc ở quá xa.
calibrate-unsteady = Tín hiệu thay đổi quá nhiều. Khi đang nhận, hãy giữ yên mọi thứ và không để người đến gần.
calibrate-another-near = Một điện thoại khác cũng mạnh gần bằng, hoặc điện thoại này đã đổi mã. Hãy đưa những máy khác ra xa hơn và thử lại.
calibrate-turns-differ = Các hướng khác nhau quá nhiều. Hãy chọn chỗ thoáng hơn.
calibrate-out-of-range = Kết quả vượt quá khả năng của mọi thiết bị vô tuyến. Hãy xem lại khoảng cách và công suất phát.

calibrate-result = Chung: { $median } dBm; với hiệu chỉnh hiện tại: { $corrected } dBm.
calibrate-unusable = Không kết luận được gì từ lần đo này, và không có gì thay đổi.
calibrate-nothing-expected = Không biết điện thoại phải được nhận ở mức nào nên không có gì để thiết lập. Có thể báo cho thiết bị mà máy này đã nhận: sesshoku calibrate --heard-at
calibrate-written = Đã ghi vào { $path }:
calibrate-to-write = Cần ghi vào /etc/sesshoku/sesshokud.toml.d/50-calibration.toml (dùng --write để ghi):
calibrate-restart = Có hiệu lực khi sesshokud được khởi động lại: systemctl restart sesshokud
