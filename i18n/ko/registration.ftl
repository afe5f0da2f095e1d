# Registering as positive. The agreements themselves are in documents/. Further keys are
# the D-Bus names of RegistrationState
# and RegistrationReason.

agreement-question = 위 내용에 동의하고 등록하시겠습니까? [y/N]

ask-symptoms = 발열, 기침, 권태감 등의 증상이 있습니까? [y/n]
ask-onset = 증상이 시작된 날은 언제입니까? (예: 2020-08-01)
ask-test = 검사한 날은 언제입니까? (예: 2020-08-01)
ask-place-first = 감염된 사람이 그곳에 있었던 첫날은 언제입니까? (예: 2020-08-01)
ask-place-last = 마지막 날은 언제입니까? (예: 2020-08-01)
ask-number = 처리번호(処理番号)의 숫자:
not-yes-or-no = y 또는 n으로 답해 주십시오.
not-a-date = 날짜가 아닙니다. 2020-08-01과 같이 써 주십시오.
not-a-number = 숫자 8~16자리가 아닙니다.
register-resumes = { $date }의 등록을 아직 보내지 못했습니다. 번호를 입력하면 이어서 보냅니다.
register-sending = 알림 서버로 보내는 중…
forget-warning = 아직 도착하지 않은 등록을 취소하거나, 끝난 등록의 결과 표시를 지웁니다. 서버에 도착한 것은 그대로 남습니다.
forget-question = 취소하시겠습니까? [y/N]
forget-done = 등록을 취소하고 표시를 지웠습니다.

registration-none = 등록이 없습니다.
registration-sending = 등록을 보내고 있습니다.
registration-waiting-to-retry = 등록을 아직 보내지 못했습니다.
registration-done = 양성 판정을 등록했습니다. 감사합니다. 가까이 있었던 사람들이 이제 주의할 수 있습니다.
registration-place-done = 이 장소를 등록했습니다. 가까이 있었던 사람들이 이제 주의할 수 있습니다.
registration-place-first = 첫날: { $date }
registration-failed = 등록하지 못했습니다.
registration-since = 시각: { $time }
registration-onset = 증상이 시작된 날: { $date }
registration-test = 검사한 날: { $date }
registration-days-sent = 키를 보낸 날(UTC): { $days }
registration-days-to-send = 키를 보낼 날(UTC): { $days }
registration-next-try = 다음 시도: { $time }
registration-tries-left = 멈추기 전에 시도할 수 있는 번호의 횟수: { $count }
registration-paused = 쓸 수 없는 번호가 세 번 이어졌습니다. { $time } 이후에 다시 등록할 수 있습니다.

obstacle-none = 문제가 없습니다.
obstacle-number-refused = 처리번호를 쓸 수 없습니다. 번호가 다르거나 이미 사용했거나 기한이 지났습니다.
    .advice = 받은 메시지와 비교하고 sesshoku register 명령을 다시 실행하십시오. 번호가 맞으면 보건소 등 발급한 곳에 새 번호를 요청하십시오.
obstacle-management-unavailable = 관리 시스템이 응답하지 않아 지금은 처리번호를 확인할 수 없습니다.
    .advice = 아무것도 하지 않으셔도 됩니다. 이 기기가 켜져 있는 동안 계속 다시 시도합니다.
obstacle-unreachable = 알림 서버에 연결할 수 없습니다.
    .advice = 인터넷 연결을 확인하십시오. 이 기기가 켜져 있는 동안 계속 다시 시도합니다.
obstacle-too-many-tries = 알림 서버가 혼잡합니다.
    .advice = 아무것도 하지 않으셔도 됩니다. 이 기기가 켜져 있는 동안 계속 다시 시도합니다.
obstacle-number-needed = 등록이 중간에 멈췄으며, 처리번호는 저장하지 않습니다.
    .advice = sesshoku register 명령을 실행하고 같은 번호를 다시 입력하십시오. 이미 도착했더라도 두 번 등록되지 않습니다.
obstacle-invalid = 이 기기가 보낸 내용을 알림 서버가 받지 않습니다.
    .advice = 날짜와 시각이 맞는지 확인하십시오. 맞으면 이 버전의 Sesshoku가 서버에 비해 오래되었을 수 있습니다.
obstacle-not-allowed = 알림 서버가 이 기기의 등록을 받지 않습니다.
    .advice = 어느 서버를 써야 하는지 이 기기의 관리자에게 문의하십시오.
obstacle-bad-answer = 알림 서버의 응답을 읽을 수 없습니다.
    .advice = 나중에 sesshoku register 명령을 다시 실행하십시오. 그대로이면 이 기기의 관리자에게 문의하십시오.
obstacle-expired = 24시간 안에 보내지 못했습니다. 처리번호의 기한이 지났습니다.
    .advice = 새 번호를 받아 sesshoku register 명령을 다시 실행하십시오.

number-mistyped = 숫자 하나가 다르거나 두 개의 순서가 바뀌었습니다. 받은 메시지와 비교해 주십시오.
ask-link = 받은 링크:
not-a-link = 처리번호가 든 링크가 아닙니다. 메시지에서 sesshoku://register/ 로 시작하는 링크를 끝까지 복사해 주십시오.
