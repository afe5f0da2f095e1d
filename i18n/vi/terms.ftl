# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = Nếu bạn chưa thành niên, trước hết xin hãy được người giám hộ đồng ý.
terms-version = Bản { $version }

# Who runs the service (/etc/sesshoku/operator.toml), at the end of terms and policy.
operator-title = Đơn vị vận hành
operator-none = Thiết bị này không cho biết ai vận hành dịch vụ. Chỉ dùng để thử, và xin đừng đăng ký dương tính.
operator-sample = Đây là mẫu: các tên này không có thật. Chỉ dùng để thử, và xin đừng đăng ký dương tính.
operator-unusable = Không đọc được tệp ghi đơn vị vận hành. Xin báo cho người quản trị thiết bị này.
operator-notification = Máy chủ thông báo: { $what }
operator-management = Hệ thống quản lý: { $what }
operator-processor = Bên được giao việc: { $what } ({ $task })
operator-since = Có hiệu lực từ { $what }
operator-court = Tòa án: { $what }
operator-inquiries = Liên hệ hỏi đáp: { $what }
