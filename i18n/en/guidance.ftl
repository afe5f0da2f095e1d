# What to do after a contact. Keys are guidance's names of Question, Outcome and First.

question-symptoms = Do you have any symptoms now?
    .advice = Such as fever, cough, breathlessness or strong tiredness
question-close-contact = In the last 2 weeks, was anyone close to you infected, or did they have suspicious symptoms?
    .advice = Family, friends, people at work. Suspicious symptoms are breathlessness, strong tiredness and high fever. For people at higher risk also a mild fever or cough; for others, mild symptoms that go on. A rough answer is fine.
question-answer = Yes [y] / no [n]:
question-prefecture = Your prefecture (name or number; Enter if you do not know):
question-again = Please answer y or n.
question-no-prefecture = There is no such prefecture.

guide-visit = Please book a visit soon
    .advice = Phone the outpatient clinic for returnees and contacts, and wear a mask when you go.
guide-visit-and-stay-home = Close contact is likely
    .advice = Phone the outpatient clinic for returnees and contacts to book a visit soon, and wear a mask when you go. Stay at home for 14 days.
guide-watch = Watch your health for 14 days
    .advice = Close contact is not likely. If your health changes, answer again.
guidance-urgent = If it is urgent, such as severe breathlessness, contact a doctor at once rather than going on here.
guidance-negative-test = If a later test is negative, the clinic will ask about people close to you.
guidance-kept = Your answers are not kept, not even on this device.
guidance-nobody = No contact is known for this prefecture. Please ask your local public health centre.
call-first-clinic = Phone the clinic directly to book.
call-first-centre = In this prefecture, call the consultation centre first.
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = This contact is a sample and cannot be called. The administrator installs the real directory.
