# What the command line shows.

status-state = 상태: { $state }
status-consent = 동의: { $state }
status-consent-agreed = 동의: { $state } (제{ $version }판, { $time })
status-radio = 무선: { $radio }
status-radio-simulated = 무선: { $radio } (모의이며 실제 전파가 아님)
status-adapter = 어댑터: { $adapter }
status-broadcasting = 송신: { $state }
status-scan-method = 수신: { $method }
status-last-scan = 마지막 수신: { $time }
status-counters = 시작한 뒤: 수신 { $cycles }회(중단 { $cut-short }회), 코드 변경 { $rotations }회, 송신 실패 { $broadcast-failures }회, 수신 실패 { $scan-failures }회
status-misdated = 시계가 앞서 있는 동안의 기록: { $time }. 언제의 것인지 알 수 없어 삭제했으며, 기록한 시간에 넣지 않습니다.
status-heard = 시작한 뒤 받은 코드: { $heard }개, 저장 { $stored }개, 놓침 { $dropped }개
status-notice = 공지: { $notice } (sesshoku notices)
status-last-check = 마지막 확인: { $time } ({ $outcome })
status-checking = 확인하는 중…
status-next-check = 다음 확인: { $time }
status-version = sesshokud { $version }
on = 예
off = 아니요

agree-question = 이 이용약관과 개인정보 처리방침(제{ $version }판)에 동의하십니까? [y/N]
agree-done = 제{ $version }판에 동의했습니다. 기록을 시작합니다.
agree-already = 제{ $version }판에 이미 동의했습니다.
withdraw-warning = 동의를 철회하면 송신, 수신, 확인을 멈추고 이 기기의 기록을 되돌릴 수 없게 모두 삭제합니다.
withdraw-question = 철회하시겠습니까? [y/N]
withdraw-done = 동의를 철회하고 기록을 모두 삭제했습니다.
erase-warning = 이 기기의 모든 키와 기록을 되돌릴 수 없게 삭제합니다. 동의는 남으며 기록을 새로 시작합니다.
erase-question = 모두 삭제하시겠습니까? [y/N]
erase-done = 기록을 모두 삭제했습니다.
restart-bluetooth-warning = 블루투스 어댑터({ $adapter })의 전원을 껐다가 다시 켭니다. 연결된 키보드나 이어폰 등은 잠시 끊어집니다.
restart-bluetooth-question = 껐다가 켜시겠습니까? [y/N]
restart-bluetooth-done = 껐다가 다시 켰습니다: { $adapter }
check-done = 확인이 끝났습니다: { $outcome }.
declined = 취소했습니다. 아무것도 바뀌지 않았습니다.
needs-yes = 여기는 터미널이 아니어서 질문할 수 없습니다. --yes를 붙이십시오.

checks-row = { $time }  { $outcome }
checks-row-counted = { $time }  { $outcome } (키 파일 { $listed }개, 대조 { $compared }개)

notices-none = 운영자의 공지가 없습니다.
notices-from-operator = 알림 서버의 운영자가 쓴 글을 그대로 보여 드립니다(일본어 또는 영어):
notice-maintenance = { $from }부터 { $to }까지 점검
notice-terms = 새 이용약관, 제{ $version }판
notice-terms-from = 새 이용약관, 제{ $version }판, { $from }부터
notice-other = 공지

watch-connected = sesshokud { $version }에 연결했습니다. 무선: { $radio }
watch-waiting = sesshokud가 작동하지 않습니다. 시작을 기다리는 중…
watch-disconnected = sesshokud가 멈췄습니다. 다시 시작하기를 기다리는 중…
watch-scan = 수신 { $cycles }회, 저장 { $stored }개
watch-scan-alone = 수신 { $cycles }회
watch-checking = 알림 서버에 확인하는 중…
watch-check = 확인: { $outcome }
watch-next-check = 다음 확인: { $time }
watch-notices = 운영자의 공지가 바뀌었습니다.
watch-contact-days = 접촉: { $days }
watch-result-hidden = 결과가 바뀌었을 수 있습니다. 보려면 실행하십시오: sesshoku contacts
list-separator = {", "}

status-consent-configured = 동의: { $state } (제{ $version }판, 이 기기의 관리자가 동의)
