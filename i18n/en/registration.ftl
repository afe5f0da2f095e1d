# Registering as positive. The agreements themselves are in documents/. Further keys are
# the D-Bus names of RegistrationState
# and RegistrationReason.

agreement-question = Do you agree to this, and want to register? [y/N]

ask-symptoms = Are there symptoms, such as fever, cough or fatigue? [y/n]
ask-onset = On which day did they begin? (YYYY-MM-DD)
ask-test = On which day was the test? (YYYY-MM-DD)
ask-place-first = On which day was somebody infected first there? (YYYY-MM-DD)
ask-place-last = And on which day last? (YYYY-MM-DD)
ask-number = The digits of the processing number:
not-yes-or-no = Please answer y or n.
not-a-date = That is no date. Please write it like 2020-08-01.
not-a-number = That is not 8 to 16 digits.
register-resumes = The registration of { $date } has not been sent yet. It is taken up again with the number.
register-sending = Sending to the notification server…
forget-warning = This gives up a registration that has not arrived yet, or forgets how the last one ended. What has arrived at the server stays there.
forget-question = Forget it? [y/N]
forget-done = The registration is forgotten.

registration-none = Nothing is registered.
registration-sending = A registration is being sent.
registration-waiting-to-retry = The registration has not been sent yet.
registration-done = You are registered as positive. Thank you: people who were near you can take care now.
registration-place-done = The place is registered. People who were near it can take care now.
registration-place-first = First day: { $date }
registration-failed = The registration has failed.
registration-since = Since: { $time }
registration-onset = Symptoms began on: { $date }
registration-test = Tested on: { $date }
registration-days-sent = Keys were sent of these days (UTC): { $days }
registration-days-to-send = Keys of these days (UTC) are to be sent: { $days }
registration-next-try = Next try: { $time }
registration-tries-left = Numbers that may be tried before a pause: { $count }
registration-paused = Three numbers did not work. Registering is possible again from { $time }.

obstacle-none = There is nothing in the way.
obstacle-number-refused = The processing number was not accepted: it is wrong, was used before, or has expired.
    .advice = Compare it with the message you got, and run sesshoku register again. If it is right, ask whoever sent it for a new one.
obstacle-management-unavailable = The processing number cannot be checked at present: the management system does not answer.
    .advice = You need not do anything. It is tried again by itself, as long as this device is on.
obstacle-unreachable = The notification server cannot be reached.
    .advice = Check the connection to the internet. It is tried again by itself, as long as this device is on.
obstacle-too-many-tries = The notification server takes no more tries at present.
    .advice = You need not do anything. It is tried again by itself, as long as this device is on.
obstacle-number-needed = It was interrupted, and the processing number is not kept.
    .advice = Run sesshoku register and enter the same number again. It does no harm if it had arrived already.
obstacle-invalid = The notification server does not accept what this device sent.
    .advice = Check that the date and the clock are right. If they are, this version of Sesshoku may be too old for the server.
obstacle-not-allowed = The notification server does not take registrations from this device.
    .advice = Ask whoever looks after this device which server it is to use.
obstacle-bad-answer = The notification server answered in a way that is not known.
    .advice = Try again later with sesshoku register. If it stays so, ask whoever looks after this device.
obstacle-expired = It could not be sent for a day, and processing numbers are not good for longer.
    .advice = Ask for a new number, and run sesshoku register again.

number-mistyped = A digit is wrong, or two have changed places. Please compare the number with the message.
ask-link = The link in the message:
not-a-link = That is no link with a processing number. Please copy it whole from the message; it begins with sesshoku://register/
