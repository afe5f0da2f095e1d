# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = 미성년자는 먼저 보호자의 동의를 받아 주십시오.
terms-version = 제{ $version }판

# Who runs the service (/etc/sesshoku/operator.toml), at the end of terms and policy.
operator-title = 운영자
operator-none = 이 기기에는 누가 서비스를 운영하는지 적혀 있지 않습니다. 시험용으로만 쓰고, 양성 판정 등록은 하지 마십시오.
operator-sample = 이것은 견본이며, 여기에 적힌 이름의 곳은 실제로 없습니다. 시험용으로만 쓰고, 양성 판정 등록은 하지 마십시오.
operator-unusable = 운영자가 적힌 파일을 읽을 수 없습니다. 이 기기의 관리자에게 알려 주십시오.
operator-notification = 알림 서버: { $what }
operator-management = 관리 시스템: { $what }
operator-processor = 업무를 맡은 곳: { $what }({ $task })
operator-since = { $what }부터 유효
operator-court = 법원: { $what }
operator-inquiries = 문의: { $what }
