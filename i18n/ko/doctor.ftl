# What `sesshoku doctor` says: a title and a sentence for each part that a warning depends on.

doctor-line = { $mark } { $check }: { $finding }
doctor-all-well = 문제가 없습니다.
doctor-notes = 문제가 없습니다. 알아 두면 좋은 점이 { $notes }가지 있습니다.
doctor-faults = 문제가 { $faults }가지 있습니다. 알림이 오지 않을 수 있습니다.

doctor-service = 서비스
doctor-service-ok = sesshokud { $detail } 버전이 작동하고 있습니다.
doctor-service-away = 작동하지 않습니다. 아무것도 기록하지 않습니다.
    .advice = 지금, 그리고 기기와 함께 시작하려면 실행하십시오: sudo systemctl enable --now sesshoku
doctor-service-silent = 응답하지 않습니다({ $detail }).
    .advice = 다시 시작하려면 실행하십시오: sudo systemctl restart sesshoku
doctor-service-no-bus = 시스템 버스에 연결할 수 없습니다.
    .advice = dbus가 설치되어 작동하는지 확인하십시오.

doctor-policy = 버스 정책
doctor-policy-ok = 다른 프로그램이 서비스를 부를 수 있습니다.
doctor-policy-refused = 시스템 버스가 다음 호출을 거부합니다: { $detail }
    .advice = 패키지를 다시 설치하십시오. /usr/share/dbus-1/system.d의 org.sesshoku.Tracing1.conf가 없거나 오래되었습니다.

doctor-agreement = 동의
doctor-agreement-ok = 현재 약관에 동의했습니다.
doctor-recording = 기록
doctor-recording-simulated = 모의입니다({ $detail }). 실제 접촉은 기록하지 않습니다.

doctor-listening = 수신
doctor-listening-ok = 마지막 수신: { $time }.
doctor-listening-old = 마지막 수신: { $time }. 너무 오래되었습니다.
    .advice = 위의 이유로 설명되지 않으면 블루투스를 다시 시작하십시오: sesshoku restart-bluetooth
doctor-listening-never = 서비스가 시작된 뒤 아직 수신하지 않았습니다.

doctor-check = 확인
    .advice = 인터넷에 연결하십시오. 지금 확인하려면 실행하십시오: sesshoku check
doctor-check-ok = 마지막으로 마친 때: { $time }.
doctor-check-old = 마지막으로 마친 때: { $time }. 하루가 넘었습니다.
doctor-check-never = 아직 확인하지 않았습니다.

doctor-deleting = 삭제
doctor-deleting-ok = 삭제한 것은 디스크에 남지 않습니다.

doctor-permission = 권한
doctor-permission-ok = 결과를 볼 수 있습니다.
doctor-permission-denied = 결과를 보려면 인증해야 합니다.
    .advice = 이 기기 앞에 있는 사람은 인증 없이 볼 수 있습니다. SSH나 서비스에서는 관리자의 비밀번호가 필요합니다.

doctor-bluetooth = bluetoothd
doctor-bluetooth-ok = { $detail } 버전이 작동하고 있습니다.
doctor-bluetooth-unknown = 작동하고 있습니다.
doctor-bluetooth-away = 작동하지 않습니다.
    .advice = 시작하려면 실행하십시오: sudo systemctl enable --now bluetooth

doctor-adapter = 어댑터
doctor-adapter-ok = Bluetooth Low Energy와 광고 모니터를 지원합니다.
doctor-adapter-plain = Bluetooth Low Energy를 지원하지만 광고 모니터는 지원하지 않아 거리가 덜 정확합니다.
    .advice = bluetoothd를 --experimental 옵션으로 실행하면 가까운 기기를 더 자주 잽니다.

doctor-clock = 시계
doctor-clock-ok = 자동으로 맞춥니다.
doctor-clock-alone = 자동으로 맞추지 않습니다.
    .advice = 자동으로 맞추려면 실행하십시오: sudo timedatectl set-ntp true
doctor-clock-unknown = 자동으로 맞추는지 알 수 없습니다.
    .advice = systemd-timesyncd나 chrony 같은 시각 서비스가 작동하는지 확인하십시오.

doctor-sleep = 절전
doctor-sleep-ok = 송신을 멈춘 뒤에 기기가 절전에 들어갑니다.
doctor-sleep-unguarded = 기기가 절전에 들어갈 때 서비스가 알 수 없습니다.
    .advice = 방금 시작했다면 다시 확인하십시오. 아니면 다시 시작하십시오: sudo systemctl restart sesshoku
doctor-sleep-unknown = 기기가 절전에 들어갈 때를 알려 주는 logind가 없습니다.

doctor-disk = 디스크
doctor-disk-ok = 남은 공간은 { $detail } MiB입니다.
doctor-disk-full = 남은 공간이 { $detail } MiB뿐입니다.
    .advice = 다른 것을 지우십시오. 디스크가 가득 차면 기록할 수 없습니다.

doctor-notifications = 알림
doctor-notifications-ok = 알림이 옵니다.
doctor-notifications-off = 꺼져 있습니다.
    .advice = 앱의 설정에서 켤 수 있습니다.
doctor-notifications-no-session = 알림을 표시할 데스크톱이 없습니다.
doctor-notifications-no-agent = 알림을 보여 주는 프로그램이 작동하지 않습니다.
    .advice = 시작하려면 실행하십시오: systemctl --user enable --now sesshoku-notify
doctor-notifications-no-desktop = 이 데스크톱에는 알림을 표시하는 기능이 없습니다.
    .advice = 알림을 표시하는 프로그램을 설치하거나 가끔 앱을 여십시오.

doctor-operator = 운영자
doctor-operator-ok = 약관의 상대방이 적혀 있습니다: { $detail }
doctor-operator-none = 운영자가 적혀 있지 않습니다.
    .advice = 사람들이 쓰기 전에 /etc/sesshoku/operator.toml 에 운영자를 적으십시오. 견본은 /usr/share/doc/sesshoku/examples 에 있습니다.
doctor-operator-sample = 운영자의 파일이 아직 견본입니다.
    .advice = 사람들이 쓰기 전에 /etc/sesshoku/operator.toml 에 실제 운영자를 적고 sample 줄을 지우십시오.
doctor-operator-incomplete = 운영자의 파일에 없는 것: { $detail }
doctor-operator-unusable = 운영자의 파일을 쓸 수 없습니다: { $detail }
