# Checks and what they found. Keys are the D-Bus names of CheckOutcome, Verdict and UnknownReason.

outcome-never = no check was made yet
outcome-complete = everything was checked
outcome-unreachable = the notification server could not be reached
outcome-bad-answer = the notification server sent a reply that could not be read
outcome-export-refused = a key file could not be verified and was refused
outcome-list-refused = the list of key files is outdated or incomplete and was refused
outcome-not-configured = no notification server is configured
outcome-storage-failed = the records could not be read or written

verdict-none = No contact with a person who registered as positive was found.
verdict-contact = You may have been in contact with a person who registered as positive.
verdict-unknown = It is not known yet whether there was a contact.

unknown-consent-missing = The current terms are not agreed to, so nothing is recorded or checked.
    .advice = Run: sesshoku agree
unknown-never-checked = No check has been completed yet.
    .advice = Once you are online, run: sesshoku check
unknown-check-too-old = The last complete check is more than 24 hours old.
    .advice = Once you are online, run: sesshoku check
unknown-check-in-future = The last complete check has a time in the future: the clock was set back.
    .advice = Set the date and time, then run: sesshoku check
unknown-check-failed = A check after the last complete one was not finished.
    .advice = After a while, run: sesshoku check
unknown-list-refused = The server's list of key files is outdated or incomplete. Some keys may be held back.
    .advice = On another network, run: sesshoku check. If this lasts for more than a day, tell the operator of the notification server.
unknown-export-not-compared = A key file that the server offered could not be compared yet.
    .advice = After a while, run: sesshoku check. A file that is no longer available stops mattering after 14 days.
unknown-server-silent = The notification server has published nothing for longer than it promises.
    .advice = On another network, run: sesshoku check. If this lasts, ask the operator of the notification server.
unknown-too-little-recorded = Less than an hour was recorded in the last 14 days, too little to tell.
    .advice = Keep Bluetooth on. To see whether it is recording, run: sesshoku status
unknown-storage-damaged = Part of the records is damaged and cannot be read.
    .advice = The rest was checked. The damaged part is deleted after 14 days.
unknown-clock-not-set = The clock is wrong.
    .advice = Set the date and time.

contacts-title = Contacts in the last 14 days
contacts-count = { $count ->
    [one] { $count } contact
   *[other] { $count } contacts
}
contacts-row = { $date }  { $count }  about { $minutes } min (near: about { $near } min)  exposure { $score }
contacts-meaning = A contact is a key of somebody who registered as positive whom you were near that day (the same person is counted again on another day). Minutes are how long the signal was heard; near are those in which it was stronger than is typical of about 3 m (but about one time in three a device 1 m away counts as far, and one 10 m away as near). An exposure of 100 or more stands for 15 minutes within 1 m.
contacts-utc = Days are UTC days (09:00 to 09:00 in Japan).
contacts-accuracy = This is estimated from signal strength; its accuracy is not guaranteed.
period = Period: { $start } to { $end }
last-success = Last complete check: { $time }
unrecorded = Time in this period that was not recorded: { $duration }

date = { $year }-{ $month2 }-{ $day2 }
never = never
duration-days = { $days } d { $hours } h
duration-hours = { $hours } h { $minutes } min
duration-minutes = { $minutes } min
