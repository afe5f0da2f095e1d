# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = 如果您未成年，请先征得监护人的同意。
terms-version = 第 { $version } 版

# Who runs the service (/etc/sesshoku/operator.toml), at the end of terms and policy.
operator-title = 运营方
operator-none = 本设备没有写明由谁运营此服务。请仅用于试用，不要登记阳性信息。
operator-sample = 这是样本：这里写的名称并不存在。请仅用于试用，不要登记阳性信息。
operator-unusable = 无法读取写有运营方的文件。请告知本设备的管理员。
operator-notification = 通知服务器：{ $what }
operator-management = 管理系统：{ $what }
operator-processor = 受托方：{ $what }（{ $task }）
operator-since = 自 { $what } 起生效
operator-court = 法院：{ $what }
operator-inquiries = 咨询：{ $what }
