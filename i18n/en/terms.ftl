# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = If you are a minor, please ask a guardian for agreement first.
terms-version = Version { $version }

# Who runs the service (/etc/sesshoku/operator.toml), at the end of terms and policy.
operator-title = Who runs the service
operator-none = This device does not say who runs the service. Use it for trying out only, and do not register as positive.
operator-sample = This is a sample: nobody of these names exists. Use it for trying out only, and do not register as positive.
operator-unusable = The file that names the operator cannot be read. Please tell the administrator of this device.
operator-notification = Notification server: { $what }
operator-management = Management system: { $what }
operator-processor = Works for them: { $what } ({ $task })
operator-since = In force from { $what }
operator-court = Court: { $what }
operator-inquiries = Inquiries: { $what }
