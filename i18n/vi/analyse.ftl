# What sesshoku analyse shows.

analyse-day = { $date }  điểm { $score } (lớn nhất { $maximum }), { $seconds } giây
analyse-day-contact = { $date }  điểm { $score } (lớn nhất { $maximum }), { $seconds } giây  → tiếp xúc
analyse-no-days = Không có ngày nào có tiếp xúc.
analyse-export-verified = { $file }: chữ ký đúng
analyse-export-unchecked = { $file }: chữ ký chưa được kiểm tra (không có --public-key)
analyse-export-refused = { $file }: bị từ chối: { $detail }
analyse-export-contents = vùng { $region }, { $start } đến { $end }, phần { $number }/{ $size }, { $keys } khóa, { $revised } khóa được sửa
analyse-export-contents-no-period = vùng { $region }, không ghi thời gian, phần { $number }/{ $size }, { $keys } khóa, { $revised } khóa được sửa
analyse-capture = { $packets } gói, { $adverts } quảng bá, { $rpis } RPI, { $addresses } địa chỉ ({ $several-addresses } RPI có nhiều địa chỉ, { $several-rpis } địa chỉ có nhiều RPI)
analyse-capture-ended-early = Bản ghi bị đứt ({ $how }); phần trước đó đã được dùng.
analyse-capture-identifier = { $rpi }  { $count } lần trong { $seconds } giây, RSSI { $min } đến { $max }
analyse-match = Đã tìm { $keys } khóa trong { $sightings } lần nhận ({ $dropped } lần khác bị bỏ qua): tìm thấy { $found }
analyse-match-no-period = Có { $count } tệp không ghi thời gian, được coi là cũ hơn các tệp khác.
analyse-match-key = { $key }  { $rpis } RPI, { $sightings } lần nhận, { $windows } cửa sổ
analyse-windows-list = [{ $name }]
analyse-windows-negative = Có { $count } lượt nhận với thời gian âm, được tính là 0 giây.
