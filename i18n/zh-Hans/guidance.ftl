# What to do after a contact. Keys are guidance's names of Question, Outcome and First.

question-symptoms = 您现在有症状吗
    .advice = 例如发热、咳嗽、呼吸困难、强烈乏力
question-close-contact = 近两周内与您近距离相处的人里，有没有感染者，或有怀疑感染症状的人
    .advice = 指家人、朋友、同事等真正近距离相处过的人。怀疑感染的症状是呼吸困难、强烈乏力、高烧。容易转为重症的人（老年人、有慢性病的人等）有轻微发热或咳嗽也算。其他人的轻微症状如果持续，也算。大致判断即可。
question-answer = 是 [y] / 否 [n]：
question-prefecture = 您居住的都道府县（名称或编号；不知道请直接按 Enter）：
question-again = 请回答 y 或 n。
question-no-prefecture = 没有这个都道府县。

guide-visit = 请尽早预约就诊
    .advice = 请先拨打下面的号码，去的时候请戴口罩。
guide-visit-and-stay-home = 您很可能是密切接触者
    .advice = 为了尽早就诊，请先拨打下面的号码，去的时候请戴口罩。请在家中度过 14 天。
guide-watch = 请在 14 天内留意身体状况
    .advice = 您是密切接触者的可能性不大。如果身体状况有变化，请重新回答。
guidance-urgent = 如果情况紧急，例如呼吸非常困难，请不要继续回答，立即联系医生。
guidance-negative-test = 如果检测结果为阴性，就诊时会询问与您近距离相处的人的情况。
guidance-kept = 您的回答不会保存，本设备上也不保存。
guidance-nobody = 还没有这个都道府县的电话号码。请询问附近的保健所（公共卫生机构）。
call-first-clinic = 请直接拨打以下电话预约就诊。
call-first-centre = 在这个都道府县，请先拨打以下电话，由对方告诉您去哪里就诊。
call-by-phone = 也可以通过电话，按同样的问题得到指引。
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = 这是示例，不是真实的号码。真实的名单由管理员装入。
