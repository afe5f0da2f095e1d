# Registering as positive. The agreements themselves are in documents/. Further keys are
# the D-Bus names of RegistrationState
# and RegistrationReason.

agreement-question = Do you agree to this, and want to register? [y/N]

ask-symptoms = Do you have symptoms, such as fever, cough or tiredness? [y/n]
ask-onset = On which day did they begin? (YYYY-MM-DD)
ask-test = On which day was the test? (YYYY-MM-DD)
ask-place-first = What was the first day an infected person was there? (YYYY-MM-DD)
ask-place-last = And the last day? (YYYY-MM-DD)
ask-number = The digits of the processing number:
not-yes-or-no = Please answer y or n.
not-a-date = That is not a date. Please write it like 2020-08-01.
not-a-number = That is not 8 to 16 digits.
register-resumes = The registration of { $date } has not been sent yet. Once you enter the number, it continues.
register-sending = Sending to the notification server…
forget-warning = This cancels a registration that has not arrived yet, or clears how the last one ended. What has arrived at the server stays there.
forget-question = Cancel it? [y/N]
forget-done = The registration is cancelled and cleared.

registration-none = There is no registration.
registration-sending = A registration is being sent.
registration-waiting-to-retry = The registration has not been sent yet.
registration-done = You are registered as positive. Thank you: people who were near you can take care now.
registration-place-done = The place is registered. People who were near it can take care now.
registration-place-first = First day: { $date }
registration-failed = The registration failed.
registration-since = Since: { $time }
registration-onset = Symptoms began on: { $date }
registration-test = Tested on: { $date }
registration-days-sent = Keys were sent of these days (UTC): { $days }
registration-days-to-send = Keys of these days (UTC) are to be sent: { $days }
registration-next-try = Next try: { $time }
registration-tries-left = Numbers you can try before a pause: { $count }
registration-paused = Three numbers did not work. You can register again from { $time }.

obstacle-none = Nothing is in the way.
obstacle-number-refused = The processing number was not accepted: it is wrong, was used before, or has expired.
    .advice = Compare it with the message you got, and run sesshoku register again. If it is right, ask the place that issued it, such as a public health centre, for a new one.
obstacle-management-unavailable = The processing number cannot be checked now: the management system does not answer.
    .advice = You do not need to do anything. This device keeps trying as long as it is on.
obstacle-unreachable = The notification server cannot be reached.
    .advice = Check the connection to the internet. This device keeps trying as long as it is on.
obstacle-too-many-tries = The notification server is busy.
    .advice = You do not need to do anything. This device keeps trying as long as it is on.
obstacle-number-needed = The registration was interrupted, and the processing number is not kept.
    .advice = Run sesshoku register and enter the same number again. If it had arrived already, this does no harm.
obstacle-invalid = The notification server does not accept what this device sent.
    .advice = Check that the date and the clock are right. If they are, this version of Sesshoku may be too old for the server.
obstacle-not-allowed = The notification server does not take registrations from this device.
    .advice = Ask the administrator of this device which server it should use.
obstacle-bad-answer = The notification server sent a reply that could not be read.
    .advice = Try again later with sesshoku register. If this lasts, ask the administrator of this device.
obstacle-expired = It was not sent within 24 hours. The processing number has expired.
    .advice = Ask for a new number, and run sesshoku register again.

number-mistyped = A digit is wrong, or two have changed places. Please compare the number with the message.
ask-link = The link in the message:
not-a-link = That is not a link with a processing number. Please copy it whole from the message; it begins with sesshoku://register/
