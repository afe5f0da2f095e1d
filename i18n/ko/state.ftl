# The state of recording and why. Keys are the D-Bus names of RunState, RunReason, ConsentState and OverwriteDoubt.

state-no-consent = 멈춤(동의하지 않음)
state-running = 기록 중
state-degraded = 일부만 작동 중
state-stopped = 기록하지 않음

reason-ready = 송신과 수신이 모두 작동합니다.
reason-starting = 방금 시작하여 준비하고 있습니다.
reason-consent-missing = 이용약관과 개인정보 처리방침에 동의하기 전에는 보내거나 받거나 기록하지 않습니다.
    .advice = 시작하려면 실행하십시오: sesshoku agree
reason-consent-outdated = 이용약관이 바뀌었습니다. 새 버전에 동의할 때까지 보내거나 받거나 기록하지 않습니다.
    .advice = 바뀐 내용을 읽으려면 실행하십시오: sesshoku agree
reason-adapter-absent = 블루투스 어댑터를 찾을 수 없습니다.
    .advice = 어댑터가 연결되어 있는지, bluetooth 서비스가 작동하는지 확인하십시오.
reason-adapter-incapable = 이 블루투스 어댑터는 쓸 수 없습니다. Bluetooth Low Energy를 지원하지 않습니다.
    .advice = Bluetooth 4.0 이상을 지원하는 어댑터가 필요합니다.
reason-adapter-off = 블루투스가 꺼져 있습니다.
    .advice = 블루투스를 켜십시오. 꺼져 있는 동안에는 기록되지 않습니다.
reason-adapter-blocked = 블루투스가 차단되어 있습니다.
    .advice = 비행기 모드와 기기의 스위치를 확인하십시오.
reason-privacy-discoverable = 이 기기가 검색 가능한 상태여서 송신을 멈췄습니다. 고정 주소가 주위의 모든 사람에게 보일 수 있습니다.
    .advice = 블루투스 설정을 닫거나 검색 가능 모드를 끄십시오.
reason-privacy-connectable = 이 기기가 연결을 기다리고 있어서 송신을 멈췄습니다. 고정 주소가 주위의 모든 사람에게 보일 수 있습니다.
    .advice = 연결을 기다리는 다른 프로그램을 멈추십시오.
reason-privacy-exposed = 이 기기의 고정 주소가 주위의 모든 사람에게 보일 수 있어서 송신을 멈췄습니다. 어댑터는 검색 가능했거나 연결을 기다린 뒤에도 주소를 계속 드러냅니다.
    .advice = 블루투스를 껐다가 다시 켜십시오. 다른 방법은 없습니다. 다음을 실행하면 됩니다: sesshoku restart-bluetooth
reason-privacy-resolvable = 블루투스가 페어링한 기기에서 알아볼 수 있고 코드보다 늦게 바뀌는 주소를 써서 송신을 멈췄습니다. 이 기기를 알아볼 수 있습니다.
    .advice = /etc/bluetooth/main.conf에서 Privacy 줄을 지우고 bluetooth 서비스를 다시 시작하십시오.
reason-adapter-searching = 다른 프로그램이 블루투스 기기를 쉬지 않고 찾고 있어 송신을 멈췄습니다. 그동안 이 어댑터는 주소를 바꿀 수 없습니다.
    .advice = 블루투스 설정이나 기기를 찾고 있는 다른 프로그램을 닫으십시오. 닫으면 1분 안에 송신을 다시 시작합니다.
reason-broadcast-failed = 블루투스 어댑터가 보내지 못하고 있습니다.
    .advice = 블루투스를 껐다가 다시 켜십시오. 다음을 실행하면 됩니다: sesshoku restart-bluetooth
reason-scan-failed = 블루투스 어댑터가 받지 못하고 있습니다.
    .advice = 블루투스를 껐다가 다시 켜십시오. 다음을 실행하면 됩니다: sesshoku restart-bluetooth
reason-storage-failed = 받은 코드를 저장할 수 없습니다.
    .advice = 디스크에 남은 공간이 있는지 확인하십시오.
reason-clock-not-set = 시계가 맞지 않아 올바른 코드를 만들 수 없습니다.
    .advice = 날짜와 시각을 맞추십시오.
reason-key-lost = 기록을 여는 키(기기 키)를 찾을 수 없어 기록을 읽을 수 없습니다. 키가 돌아오거나 새로 시작할 때까지 아무것도 작동하지 않습니다.
    .advice = 기록이 없는 상태에서 시작하려면 실행하십시오: sesshoku agree (설치 기기에서는 sesshoku erase). 키가 아직 어딘가에 있을 수 있다면 먼저 되돌려 놓으십시오.
reason-log-ended = 저장된 기록을 끝까지 재생했습니다.

consent-none = 동의하지 않음
consent-agreed = 동의함
consent-outdated = 이전 버전에 동의함(약관이 바뀜)

doubt-copy-on-write = 삭제한 것이 디스크에 남아 있을 수 있습니다. 데이터 폴더가 btrfs에 있으며, 덮어써도 이전 사본이 남습니다.
    .advice = 관리자는 데몬을 멈추고, 그 폴더의 wrapping.key를 chattr +C 처리한 빈 파일에 복사하여 원래 자리에 놓을 수 있습니다.
doubt-journal = 삭제한 것이 디스크에 남아 있을 수 있습니다. 데이터 폴더의 파일 시스템이 모든 것을 먼저 저널에 씁니다.
    .advice = 관리자는 data=journal 없이 마운트할 수 있습니다.
doubt-file-system = 삭제한 것이 디스크에 남아 있을 수 있습니다. 데이터 폴더의 파일 시스템이 같은 자리에 덮어쓰지 않거나, 덮어쓰는지 알 수 없습니다.
    .advice = 관리자는 데이터 폴더를 ext4나 XFS로 옮길 수 있습니다.

# A name from a newer daemon that this version does not know.
name-unknown = 알 수 없음({ $name })
