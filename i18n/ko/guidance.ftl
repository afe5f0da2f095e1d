# What to do after a contact. Keys are guidance's names of Question, Outcome and First.

question-symptoms = 지금 증상이 있습니까
    .advice = 발열, 기침, 호흡 곤란, 심한 권태감 등
question-close-contact = 최근 2주 동안 가까이 지낸 사람 가운데, 감염된 사람이나 감염이 의심되는 증상이 있는 사람이 있습니까
    .advice = 가족, 친구, 직장 동료 등 실제로 가까이 지낸 사람입니다. 의심되는 증상은 호흡 곤란, 심한 권태감, 고열입니다. 중증이 되기 쉬운 사람(고령자, 만성 질환이 있는 사람 등)은 가벼운 열이나 기침도 해당합니다. 그 밖의 사람은 가벼운 증상이라도 계속되면 해당합니다. 대략 답하셔도 됩니다.
question-answer = 예 [y] / 아니요 [n]:
question-prefecture = 사시는 도도부현(이름이나 번호, 모르면 Enter):
question-again = y 또는 n으로 답해 주십시오.
question-no-prefecture = 그런 도도부현은 없습니다.

guide-visit = 빨리 진료를 예약하십시오
    .advice = 먼저 아래 번호로 전화하고, 갈 때는 마스크를 쓰십시오.
guide-visit-and-stay-home = 밀접 접촉자일 가능성이 높습니다
    .advice = 빨리 진료를 받기 위해 먼저 아래 번호로 전화하고, 갈 때는 마스크를 쓰십시오. 14일간 자택에서 지내십시오.
guide-watch = 14일간 건강 상태를 살펴 주십시오
    .advice = 밀접 접촉자일 가능성은 높지 않습니다. 몸 상태가 달라지면 다시 답해 주십시오.
guidance-urgent = 호흡이 몹시 곤란한 경우처럼 급하면, 여기서 계속하지 말고 바로 의사에게 연락하십시오.
guidance-negative-test = 검사 결과가 음성이면, 진료받는 곳에서 가까이 지낸 사람에 대해 묻습니다.
guidance-kept = 답변은 이 기기에도 저장하지 않습니다.
guidance-nobody = 이 도도부현의 전화번호가 아직 없습니다. 가까운 보건소(保健所)에 문의하십시오.
call-first-clinic = 다음 곳에 바로 전화하여 진료를 예약하십시오.
call-first-centre = 이 도도부현에서는 먼저 다음 곳에 전화하십시오. 어디로 갈지 안내해 드립니다.
call-by-phone = 같은 질문에 따라 전화로도 안내받을 수 있습니다.
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = 이것은 예시이며 실제 번호가 아닙니다. 실제 목록은 관리자가 넣습니다.
