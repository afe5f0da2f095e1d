# What sesshoku analyse shows.

analyse-day = { $date }  점수 { $score } (최대 { $maximum }), { $seconds }초
analyse-day-contact = { $date }  점수 { $score } (최대 { $maximum }), { $seconds }초  → 접촉
analyse-no-days = 접촉이 있는 날이 없습니다.
analyse-export-verified = { $file }: 서명이 맞습니다
analyse-export-unchecked = { $file }: 서명을 확인하지 않았습니다(--public-key 없음)
analyse-export-refused = { $file }: 거부했습니다: { $detail }
analyse-export-contents = 지역 { $region }, { $start } ~ { $end }, 묶음 { $number }/{ $size }, 키 { $keys }개, 수정된 키 { $revised }개
analyse-export-contents-no-period = 지역 { $region }, 기간 표시 없음, 묶음 { $number }/{ $size }, 키 { $keys }개, 수정된 키 { $revised }개
analyse-capture = 패킷 { $packets }개, 광고 { $adverts }개, RPI { $rpis }개, 주소 { $addresses }개(주소가 여럿인 RPI { $several-addresses }개, RPI가 여럿인 주소 { $several-rpis }개)
analyse-capture-ended-early = 로그가 중간에 끝납니다({ $how }). 그 앞까지 사용했습니다.
analyse-capture-identifier = { $rpi }  { $seconds }초 동안 { $count }번, RSSI { $min } ~ { $max }
analyse-match = 수신 기록 { $sightings }개(그 밖에 제외 { $dropped }개)에서 키 { $keys }개를 찾아 { $found }개를 발견했습니다
analyse-match-no-period = 기간이 적혀 있지 않은 파일 { $count }개는 다른 것보다 오래된 것으로 다뤘습니다.
analyse-match-key = { $key }  RPI { $rpis }개, 수신 { $sightings }개, 창 { $windows }개
analyse-windows-list = [{ $name }]
analyse-windows-negative = 시간이 음수인 수신 { $count }개는 0초로 셌습니다.
