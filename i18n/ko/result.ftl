# Checks and what they found. Keys are the D-Bus names of CheckOutcome, Verdict and UnknownReason.

outcome-never = 아직 확인하지 않음
outcome-complete = 모두 확인함
outcome-unreachable = 알림 서버에 연결하지 못함
outcome-bad-answer = 알림 서버의 응답을 읽지 못함
outcome-export-refused = 진짜인지 확인하지 못한 키 파일이 있어 받아들이지 않음
outcome-list-refused = 키 파일 목록이 오래되었거나 빠진 것이 있어 받아들이지 않음
outcome-not-configured = 알림 서버가 설정되어 있지 않음
outcome-storage-failed = 기록을 읽거나 쓰지 못함

verdict-none = 양성 판정을 등록한 사람과의 접촉이 확인되지 않았습니다.
verdict-contact = 양성 판정을 등록한 사람과 접촉했을 가능성이 있습니다.
verdict-unknown = 접촉이 있었는지 아직 알 수 없습니다.

unknown-consent-missing = 현재 약관에 동의하지 않아 기록도 확인도 하지 않습니다.
    .advice = 실행하십시오: sesshoku agree
unknown-never-checked = 아직 한 번도 확인을 마치지 못했습니다.
    .advice = 인터넷에 연결된 상태에서 실행하십시오: sesshoku check
unknown-check-too-old = 마지막 전체 확인이 24시간보다 오래되었습니다.
    .advice = 인터넷에 연결된 상태에서 실행하십시오: sesshoku check
unknown-check-in-future = 마지막 전체 확인 시각이 지금보다 앞서 있습니다. 시계가 뒤로 돌려졌습니다.
    .advice = 날짜와 시각을 맞춘 뒤 실행하십시오: sesshoku check
unknown-check-failed = 마지막 전체 확인 뒤에 끝나지 않은 확인이 있습니다.
    .advice = 잠시 뒤에 실행하십시오: sesshoku check
unknown-list-refused = 서버의 키 파일 목록이 오래되었거나 빠진 것이 있습니다. 도착하지 않은 키가 있을 수 있습니다.
    .advice = 다른 네트워크에서 실행하십시오: sesshoku check. 하루가 지나도 그대로이면 알림 서버의 운영자에게 알리십시오.
unknown-export-not-compared = 서버가 배포한 키 파일 가운데 아직 대조하지 않은 것이 있습니다.
    .advice = 잠시 뒤에 실행하십시오: sesshoku check. 더 이상 구할 수 없는 파일은 14일이 지나면 결과와 상관이 없어집니다.
unknown-server-silent = 알림 서버에서 약속한 기간보다 오래 새 파일이 나오지 않았습니다.
    .advice = 다른 네트워크에서 실행하십시오: sesshoku check. 그대로이면 알림 서버의 운영자에게 문의하십시오.
unknown-too-little-recorded = 과거 14일간의 기록이 1시간이 되지 않아 알 수 없습니다.
    .advice = 블루투스를 켜 두십시오. 기록하고 있는지 보려면 실행하십시오: sesshoku status
unknown-storage-damaged = 기록의 일부가 손상되어 읽을 수 없습니다.
    .advice = 나머지는 확인했습니다. 손상된 부분은 14일 뒤에 삭제됩니다.
unknown-clock-not-set = 시계가 맞지 않습니다.
    .advice = 날짜와 시각을 맞추십시오.

contacts-title = 과거 14일간의 접촉 목록
contacts-count = { $count }건
contacts-row = { $date }  { $count }  약 { $minutes }분(그중 더 가까이 약 { $near }분)  접촉 정도 { $score }
contacts-meaning = 접촉 건수는 그날 가까이 있었던, 양성 판정을 등록한 사람의 키 수입니다(같은 사람이라도 다른 날에는 다시 셉니다). 분은 신호를 받은 시간이며, “더 가까이”는 그중 약 3m 떨어졌을 때의 기준보다 신호가 강했던 시간입니다(그러나 세 번에 한 번쯤은 1m 떨어진 기기도 “멂”이 되고, 10m 떨어진 기기도 “가까움”이 됩니다). 접촉 정도는 100 이상이 1m 이내에서 15분에 해당합니다.
contacts-utc = 날짜는 협정 세계시(UTC) 기준입니다. 일본에서는 오전 9시부터 다음 날 오전 9시까지가 하루입니다.
contacts-accuracy = 전파 세기로 추정한 것이며 정확성은 보장되지 않습니다.
period = 기간: { $start } ~ { $end }
last-success = 마지막 전체 확인: { $time }
unrecorded = 이 기간에 기록되지 않은 시간: { $duration }

date = { $year }-{ $month2 }-{ $day2 }
never = 없음
duration-days = { $days }일 { $hours }시간
duration-hours = { $hours }시간 { $minutes }분
duration-minutes = { $minutes }분
