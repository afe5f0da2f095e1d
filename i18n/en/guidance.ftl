# What to do after a contact. Keys are guidance's names of Question, Outcome and First.

question-symptoms = Do you have any symptoms now?
    .advice = Such as fever, cough, breathlessness or strong tiredness
question-close-contact = In the last 2 weeks, have you spent time close to anyone who has the infection, or symptoms that may be it?
    .advice = Family, friends, people at work: anyone you really spent time close to. Such symptoms are breathlessness, strong tiredness and high fever. If someone is at higher risk of severe illness (older people, people with chronic illness), even a mild fever or cough counts. For everyone else, mild symptoms count if they persist. A rough answer is fine.
question-answer = Yes [y] / no [n]:
question-prefecture = Your prefecture (name or number; Enter if you do not know):
question-again = Please answer y or n.
question-no-prefecture = There is no such prefecture.

guide-visit = Please book a visit soon
    .advice = Call the number below first, and wear a mask when you go.
guide-visit-and-stay-home = You are probably a close contact
    .advice = To be seen soon, call the number below first, and wear a mask when you go. Stay at home for 14 days.
guide-watch = Watch your health for 14 days
    .advice = You are probably not a close contact. If your health changes, answer again.
guidance-urgent = If it is urgent, such as severe breathlessness, do not go on here: contact a doctor at once.
guidance-negative-test = If the test is negative, they will ask you about people you spent time close to.
guidance-kept = Your answers are not kept, not even on this device.
guidance-nobody = There is no phone number for this prefecture yet. Please ask your local public health centre.
call-first-clinic = Call here directly to book a visit.
call-first-centre = In this prefecture, call here first. They tell you where to go.
call-by-phone = They can also take you through these questions on the phone.
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = This is an example, not a real number. The administrator installs the real directory.
