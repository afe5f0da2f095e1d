# The words of the window. Short present tense, no jargon, nothing that reassures.

app-name = Sesshoku
back = Back
settings = Settings
next = Next
later = Later
cancel = Cancel
close = Close
done = Done
to-home = Home
loading = Loading

## Welcome
welcome = Welcome
welcome-page = Page { $page } of { $of }
welcome-1 = Records being near, without names
welcome-1-swap = Devices near each other swap meaningless strings (codes) over Bluetooth. The codes change every 10 to 20 minutes.
welcome-1-compare = If someone later registers as positive, this device checks whether you were probably within about 1 m of them for 15 minutes or more. Nobody else does.
welcome-1-quiet = It keeps working when this window is closed.
welcome-2 = What is sent, and what is not
welcome-2-person = It never asks for your name, birth date, sex, address, phone number or email address.
welcome-2-place = It does not use your location.
welcome-2-codes = Codes it receives are kept encrypted, only here, and are deleted after 14 days.
welcome-2-keys = Your keys, whether you have symptoms, the date and the processing number go to the server only if you agree to register as positive.
welcome-3 = What it cannot tell you
welcome-3-estimate = Distance is estimated from radio strength. Walls, bodies and bags change it, and it can be wrong.
welcome-3-others = It cannot detect people who do not use it or who have not registered.
welcome-3-off = While Bluetooth is off, nothing is recorded.
welcome-3-care = It is not a diagnosis. If you feel ill, seek advice whatever it says.

## Agreement
agree = Agreement
agree-read = Please read before starting
agree-nothing-yet = Until you agree, nothing is sent, received or stored.
agree-again = The terms have changed
agree-again-sub = It is paused until you agree to the new version. Your records so far are kept.
agree-terms = Terms of use
agree-privacy = Privacy policy
agree-version = Version { $version }, about { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}
agree-box = I agree to the terms and the privacy policy
agree-guardian = I am 18 or older, or my guardian agrees too
agree-guardian-sub = Your age is not stored.
agree-withdraw = You can withdraw at any time in Settings. Withdrawing erases everything recorded on this device.
agree-start = Agree and start
agree-both = Please tick both items.
agree-first = Please tick the first item too.
agree-second = Please tick the second item too.

## Home
home-last-check = Last complete check
home-days = In use for
home-days-count = { $days ->
    [one] { $days } day
   *[other] { $days } days
}
home-health = If your health changes
home-positive = If you test positive
home-check = Check for contacts
home-simulated = Running on simulated radio. Nothing recorded is real.
time-unknown = Not known
time-none = None yet
time-today = Today, { $time }
time-yesterday = Yesterday, { $time }
time-tomorrow = Tomorrow, { $time }
time-other = { $day } { $month-name }, { $time }

state-loading = Loading
    .more = Please wait a moment.
state-away = The service is not running
    .more = Recording and checking have stopped. When you start the service, it carries on from your existing records.
    .act = Start the service
state-not-agreed = Not started
    .more = Until you agree, nothing is sent, received or recorded.
    .act = Read the terms
state-key-lost = The records cannot be read any more
    .more = The key that opens your records is missing, so they cannot be read. If you agree again, you start with empty records.
    .act = Read the terms
state-outdated = The terms have changed
    .more = Paused until you agree. Your records so far are kept.
    .act = Read the new terms
state-clock = The clock is wrong
    .more = Codes depend on the right time, so everything is paused.
    .act = What you can do
state-storage = Cannot record
    .more = Codes cannot be stored, so none are swapped.
    .act = Details
state-absent = No Bluetooth adapter
    .more = There is no Bluetooth adapter, so nothing is recorded. Recording starts when you connect one.
    .act = What you can do
state-incapable = This Bluetooth adapter is too old
    .more = It does not have Bluetooth Low Energy, so nothing is recorded. Recording starts when you connect one that does.
    .act = What you can do
state-blocked = Bluetooth is blocked
    .more = Airplane mode or a switch on the device has turned it off. Until it is back on, nothing is recorded.
    .act = Where to look
state-off = Bluetooth is off
    .more = Nothing is recorded. Recording resumes as soon as Bluetooth is on.
    .act = Turn on Bluetooth
state-visible = Sending is paused
    .more = Your device is visible to others over Bluetooth and could be recognised, so no codes are sent.
    .act = Make it invisible
state-visible-receiving = Sending is paused
    .more = Your device is visible to others over Bluetooth and could be recognised, so no codes are sent. Receiving continues.
    .act = Make it invisible
state-connectable = Sending is paused
    .more = Another program is accepting Bluetooth connections, which reveals this device's fixed address. It could be recognised, so no codes are sent.
    .act = What you can do
state-exposed = Sending is paused
    .more = Bluetooth was visible or accepting connections, and until it is turned off, its adapter may keep showing its fixed address to everybody nearby. It could be recognised, so no codes are sent.
    .act = Turn Bluetooth off and on
state-resolvable = Sending is paused
    .more = Bluetooth uses addresses that your paired devices recognise, and they may stay the same when a code changes. This device could be recognised, so no codes are sent.
    .act = What you can do
state-searching = Sending is paused
    .more = Another program is searching for Bluetooth devices without a pause, and until it stops, this adapter cannot change its address. It could be recognised, so no codes are sent. Receiving continues.
    .act = What you can do
state-failing = Bluetooth does not work well
    .more = The Bluetooth adapter is not sending or not receiving. Your records have gaps until it does.
    .act = What you can do
state-overdue = The check is overdue
    .more = Contacts with people who registered after { $time } are not known yet.
    .act = Check now
state-overdue-never = Not checked yet
    .more = It checks as soon as you are online.
    .act = Check now
state-starting = Getting ready
    .more = This takes a few seconds.
state-running = Working
    .more = Swapping codes with devices nearby. It keeps working when this window is closed.
state-ended = The recording has ended
    .more = A recorded radio log was played to its end.
checking = Checking
remedy-refused = That did not work. You may not have permission, or the adapter is not responding.
remedy-start-failed = It could not be started. Type this in a terminal:

## What to do
help = What you can do
help-more-clock-1 = Set date and time to “automatic” in the settings of the device.
help-more-clock-2 = It resumes when the clock is right.
help-more-storage-1 = Check how much space is free, and delete files you do not need.
help-more-storage-2 = If there is enough space, tell the administrator of this device. “systemctl status sesshoku” has the details.
help-more-absent-1 = Check that the Bluetooth adapter is connected.
help-more-absent-2 = Restarting the device may help.
help-more-absent-3 = “systemctl status bluetooth” shows whether Bluetooth itself is running.
help-more-incapable-1 = A Bluetooth adapter with Bluetooth 4.0 or newer is needed. Small ones that plug into a USB port will do.
help-more-incapable-2 = “btmgmt info” shows what each adapter can do: “le” must be among its supported settings.
help-more-blocked-1 = Turn off airplane mode in the settings or the menu at the top.
help-more-blocked-2 = The PinePhone has a radio switch under its back cover, the Librem 5 on its side. If that switch is off, turn it on by hand; this screen cannot.
help-more-connectable-1 = Close the Bluetooth settings if they are open.
help-more-connectable-2 = Turn off receiving files and anything else that waits for other devices to connect.
help-more-resolvable-1 = The setting is “Privacy” in /etc/bluetooth/main.conf. The administrator of this device can remove it, and restart Bluetooth with “systemctl restart bluetooth”.
help-more-searching-1 = Close the Bluetooth settings, or any other program that is searching for devices.
help-more-searching-2 = Sending resumes within a minute after that.
help-more-failing-1 = Turn Bluetooth off and on again.
help-more-failing-2 = If that does not help, restart the device.

## Result
result = Result
result-none = No contact confirmed with anyone who registered as positive
result-period = Period
result-period-value = { $start } to { $end }
result-gap = Time without records
result-not-proof = This does not prove there was no contact. Sesshoku cannot detect people who do not use it, or who have not registered yet.
result-about = About this result
result-unknown = Not known yet
result-unknown-sub = This does not mean “no contact”.
result-why = Why
result-next-check = Next automatic check
result-next-about = { $time }
result-ill = If you feel ill, do not wait for a result: open “If your health changes”.
result-check-now = Check now
result-list = Contacts in the past 14 days
result-count = { $count ->
    [one] { $count } contact
   *[other] { $count } contacts
}
result-meaning = Each contact is someone who registered as positive and was probably within about 1 m of you for 15 minutes or more that day. The app cannot tell who, so the same person is counted again on another day.
result-utc = Days are UTC days (in Japan, from 9 in the morning to 9 the next).
result-also-unknown = Part of the result is missing
result-next = What to do next
duration-days = { $days } d { $hours } h
duration-hours = { $hours } h { $minutes } min
duration-minutes = { $minutes } min

why-consent-missing = The current terms are not agreed to
    .more = Until they are, nothing is recorded or checked.
why-never-checked = No check has been completed yet
    .more = Check again once you are online.
why-check-too-old = The last complete check is more than 24 hours old
    .more = Later registrations have not been compared yet.
why-check-in-future = The last complete check has a time in the future
    .more = The clock was set back. Set the date and time, and check again.
why-check-failed = A check after the last complete one was not finished
    .more = Some files have not been compared, for example because they could not be verified.
why-list-refused = The list of key files is outdated or incomplete
    .more = Some keys may be held back. Check again on another network. If this lasts for more than a day, tell the operator of the notification server.
why-export-not-compared = A key file has not been compared yet
    .more = Check again after a while. A file that is no longer available stops mattering after 14 days.
why-server-silent = The notification server has published nothing for too long
    .more = Check again on another network. If this lasts, ask the operator of the notification server.
why-too-little-recorded = Less than an hour was recorded, too little to tell
    .more = Keep Bluetooth on.
why-storage-damaged = Part of the records cannot be read
    .more = The rest was checked. The damaged part is deleted after 14 days.
why-clock-not-set = The clock is wrong
    .more = Set the date and time.
why-away = The service is not running
    .more = Nothing is known until it is started.
why-denied = You are not allowed to read the result
    .more = Ask the administrator of this device.
why-other = The reason is not known
    .more = The service is newer than this window. Please update.

check-complete = Everything was checked.
check-unreachable = The notification server cannot be reached. Please look at your connection.
check-bad-answer = The notification server sent a reply that could not be read.
check-export-refused = A file from the notification server could not be verified.
check-list-refused = The list of key files is outdated or incomplete.
check-not-configured = No notification server is configured.
check-storage-failed = The records could not be read or written.
check-other = The check could not be made.

day-title = { $date }: { $count ->
    [one] { $count } contact
   *[other] { $count } contacts
}
day-pane = Details of the day
day-choose = Choose a day to see its details.
day-long = Time nearby
day-near = Of which near
day-strength = Exposure
minutes = min
percent = %
day-chart = Radio strength over time
day-chart-number = Contact { $number }
day-contact-minutes = { $minutes } min, { $near } of them near
day-more = Show { $count } more
day-chart-sentence = Radio strength over { $minutes } minutes: near for { $near } of them.
day-chart-first = { $minute } min
day-near-key = Near
day-far-key = Far
day-line-key = Border of near and far (typical of about 3 m)
day-chart-note = Minutes count from the first signal. The time of day is left out so that nobody can be guessed. Distance estimated from strength varies widely with walls, bodies and bags.
day-table = Show as a table
day-table-minute = Minute
day-table-strength = Strength
about-score = How to read this
about-1 = A “contact” means that you were probably within about 1 m of somebody for 15 minutes or more. It is estimated from radio strength, and its accuracy is not guaranteed.
about-2 = “Time nearby” is how long the signal was heard in all. “Near” is the part of it in which the signal was above the border, which is typical of about 3 m. But strength varies widely: about one time in three a device 1 m away counts as far, and one 10 m away as near.
about-3 = “Exposure” combines time and nearness. 100% stands for 15 minutes within about 1 m; only days of 100% or more are listed.
about-4 = The number is that of people registered as positive whom you were near that day. The same person is counted again on another day.
about-5 = “None confirmed” does not mean that there was no contact. People who do not use it, people who have not registered yet and times without records are not known.

## Guidance
guide = What to do next
guide-yes-symptoms = I have symptoms
guide-no-symptoms = I have no symptoms
guide-yes-close-contact = Yes
guide-no-close-contact = No
guide-suspicious = Symptoms that may be the infection
guide-suspicious-more = Breathlessness, strong tiredness, high fever. If someone is at higher risk of severe illness (older people, people with chronic illness), even a mild fever or cough counts. For everyone else, mild symptoms count if they persist.
guide-people = Family, friends, people at work: anyone you really spent time close to. A rough answer is fine.
guide-choose = Please choose one.
guide-prefecture = Your prefecture
guide-prefecture-none = Please choose
guide-sample = Sample
guide-sample-note = This is an example, not a real number. Real ones appear here once the administrator installs the directory.
guide-broken = The directory of phone numbers cannot be read. Please ask your local public health centre.
guide-call-clinic = Call to book
guide-call-centre = Call for advice
guide-again = Answer again
guide-until = Until about
guide-until-value = { $day } { $month-name }
guide-change = If anything changes
guide-change-sub = Answer again from “If your health changes” on the home screen.

## Registration
register = Register as positive
register-lead = Warn the people who were near you, without giving your name
register-choice = Registering is your choice. You lose nothing if you do not.
register-sent = Your keys of the days you may have infected others, whether you have symptoms, the date and the processing number go to the notification server. Each key is handed to all other devices, with the number of days since that date.
register-learn = They see the day you were near, for how long, and the course of the signal. Your name is not sent, but somebody who met few people may guess.
register-undo = Keys cannot be called back once handed out. The server deletes them 14 days after it began to hand them out.
register-read = What you agree to, in full
register-box = I have read this and agree to send these
register-box-why = Please tick the item above.
register-go = Continue
register-when = When did symptoms start?
register-onset = The day symptoms started
register-test = No symptoms (choose the test date)
register-date = Date
register-date-hint = It decides which days’ keys are sent. If you are unsure, choose the most likely day.
register-date-choose = Please choose a date
register-date-why = Please choose one of the two, and a date.
register-number = Processing number
register-number-label = Processing number
register-number-hint = It came by SMS or email.
register-number-why = Please enter all digits: there are 8 to 16.
register-do = Register
register-number-use = The number only shows that the registration is genuine, and is deleted as soon as that is checked.
register-number-help = If no number arrived
register-number-help-1 = The place that tested you, or a public health centre, issues the number and sends it by SMS or email.
register-number-help-2 = If none arrived or it has expired, ask them for a new one.
register-sending = Registering
register-sending-sub = This usually takes less than a minute. It continues if you close the window.
register-step-ready = Keys and number are ready
register-step-sending = Sending to the server
register-step-receipt = Waiting for the check and the receipt
register-done = Registered. Thank you
register-done-sub = People who were near will be told, without your name.
register-received = Received
register-number-gone = Deleted
register-care = We hope you feel better soon. Please follow the advice of your health centre or doctor.
register-again = Enter it again
register-send-again = Send again
register-anew = Register again
register-give-up = Cancel this registration
register-what = What was registered
register-nothing = Nothing
register-maybe = Not known
register-next-try = Next automatic try
register-tries = { $count ->
    [one] After { $count } more number that does not work, registering is paused for a while.
   *[other] After { $count } more numbers that do not work, registering is paused for a while.
}

register-number-refused = This number was not accepted
    .more = It may be mistyped, expired or already used. Nothing was registered.
register-management-unavailable = The number cannot be checked now
    .more = The system that checks numbers is not available. It is sent again automatically. Your number works until the time given in its message.
register-unreachable = The server cannot be reached
    .more = No receipt arrived. Sending again does no harm: it is never counted twice. Your number works until the time given in its message.
register-too-many-tries = The server is busy
    .more = It is sent again automatically. Your number works until the time given in its message.
register-number-needed = The number is needed again
    .more = The service was restarted and does not remember it. The same number works until the time given in its message.
register-invalid = The server did not accept it
    .more = The server does not take what was sent. Please update this app and its service.
register-not-allowed = This device cannot register
    .more = The notification server takes no registration from this device.
register-bad-answer = The server's reply could not be read
    .more = You may already be registered. Sending again does no harm: it is never counted twice.
register-expired = It was not sent within 24 hours
    .more = This registration was cancelled. It is not known whether it arrived. With a new number you can register again.
register-failed-other = It could not be registered
    .more = The reason is not known. Please update this app.
register-paused = Registering is paused
    .more = Three numbers did not work. You can register again from { $time }.

## Errors
error-ConsentRequired = The terms must be agreed to first.
error-TermsVersionMismatch = The terms that were shown are not those in force. Please update the app.
error-AgreementVersionMismatch = The agreement that was shown is not the one in force. Please update the app.
error-Busy = Something else is under way that has to end first. Please try again after that.
error-NotConfigured = No notification server is configured.
error-Storage = The records could not be read or written.
error-InvalidDate = That date cannot be used. Choose one of the last 14 days.
error-InvalidNumber = A digit of the number is missing or wrong.
error-NoKeys = There is no key to register: Sesshoku was not running on those days, or the keys were sent already.
error-ClockNotSet = The clock is not set.
error-Paused = Registering is paused after several numbers that did not work.
error-Pending = Another registration is waiting. Cancel it first.
error-NothingPending = No registration is waiting.
error-NumberRequired = Please enter the number again.
error-TimedOut = There was no answer in time. What you asked for may still be done.
error-ShuttingDown = The service is shutting down.
error-OperatorsAgreement = The administrator of this device agrees in its configuration. It cannot be changed here.
error-Denied = Only the person at this device, or an administrator, can do this.
error-Away = The service is not running.
error-File = The file could not be saved.
error-Unsaved = The setting could not be saved. It stays as it was.
error-Failed = That did not work.
error-StaysOff = Bluetooth is off now: it could not be switched on again. Switch it on in the settings.

## Settings
set-notifications = Notifications
set-notify = Notify me of contacts
set-notify-sub = The lock screen shows no details.
set-check = Check now
set-check-last = Last complete check: { $time }
set-check-never = No check was completed yet
set-display = Display
set-language = Language
language-system = Same as system
set-data = Data on this device
set-export = Export my results
set-export-sub = JSON file
set-erase = Withdraw and erase everything
set-erase-sub = Also before handing the device on
set-help = Help
set-howto = How to use it
set-questions = Questions and answers
set-notices = Notices
set-inquiries = Inquiries
set-about = About
set-licences = Licences
set-version = Version

export-title = Save your results to a file
export-sub = To show a doctor, or to keep.
export-in = Included
export-in-days = Contacts, length, exposure and the course of the signal per day
export-in-check = The period, and the last check
export-in-checks = When it was checked, and how each check ended
export-out = Not included
export-out-keys = Keys and received codes
export-plain = The file is not encrypted. Look at it before giving it to anyone.
export-do = Save
export-done = Saved

erase-title = Erase everything and stop using it?
erase-what = Your keys, received codes, results and agreement are erased. This cannot be undone.
erase-registered = If you registered as positive, keys already handed out cannot be called back. The server deletes them 14 days after it began to hand them out.
erase-doubt = What is erased, or older than 14 days, may stay on this disk for a while, where an examination could find it. In a terminal, sesshoku status says how the administrator can change that.
erase-do = Erase everything
erased = Everything is erased
erased-sub = This device no longer sends or receives anything.
erased-again = To use it again, you start with the agreement.
erased-start = Start again

notices-from = From the operator of the notification server, in the operator's own words.
notices-none = The operator has no notices.
notice-maintenance = Planned maintenance
notice-terms = New terms of use
notice-other = Notice
notice-between = { $from } – { $to }
notice-version = Version { $version }
notice-version-from = Version { $version }, from { $from }

inquiries-lead = For opinions, faults and questions about privacy
inquiries-none = No address is installed yet. Please ask the administrator of this device.
inquiries-no-personal = Please do not write your name, your illness or your processing number.
licences-lead = This app is free software (GPL, version 3 or later). It is built with the following.

# Which reminders there are, each with a switch, under the one for all notifications.

set-remind-not-recording = Recording has stopped
set-remind-not-checked = No check for a day and a half
set-remind-key-lost = Records cannot be opened
set-remind-terms = New terms
set-remind-notice = Notices from the operator
set-remind-unseen = A contact you have not looked at

# Somebody who wants notifications would get none.

home-no-agent = Notifications are not coming through: the program that shows them is not running. Signing out and in again starts it.
home-no-desktop = Notifications are not coming through: this desktop does not show any. Please open this window now and then.

# Exports outlive erasing: they are the person's files.

erased-exported = Exported results are still there
erased-exported-more = Copies that you moved elsewhere or sent to somebody are not listed.
erased-exported-delete = Delete these files
erased-exported-done = The exported files are deleted.

register-number-mistyped = A digit is wrong, or two have changed places. Please compare the number with the message.
register-number-linked = The number is filled in from the link.
