# What the command line shows.

status-state = State: { $state }
status-consent = Agreement: { $state }
status-consent-agreed = Agreement: { $state } (version { $version }, { $time })
status-radio = Radio: { $radio }
status-radio-simulated = Radio: { $radio } (simulated, nothing real is on the air)
status-adapter = Adapter: { $adapter }
status-broadcasting = Sending: { $state }
status-scan-method = Receiving: { $method }
status-last-scan = Last received: { $time }
status-counters = Since the start: { $cycles } receiving cycles ({ $cut-short } cut short), { $rotations } code changes, { $broadcast-failures } failures to send, { $scan-failures } to receive
status-misdated = Recorded while the clock was ahead: { $time }. It was deleted, because nobody can say when it was, and does not count as recorded.
status-heard = Received since the start: { $heard } codes, { $stored } stored, { $dropped } dropped
status-notice = Notice: { $notice } (sesshoku notices)
status-last-check = Last check: { $time } ({ $outcome })
status-checking = Checking…
status-next-check = Next check: { $time }
status-version = sesshokud { $version }
on = yes
off = no

agree-question = Do you agree to these terms of use and this privacy policy (version { $version })? [y/N]
agree-done = You have agreed to version { $version }. Recording begins.
agree-already = You have agreed to version { $version } already.
withdraw-warning = Withdrawing stops sending, receiving and checking, and deletes everything recorded on this device beyond recovery.
withdraw-question = Withdraw? [y/N]
withdraw-done = Your agreement is withdrawn and everything recorded is deleted.
erase-warning = This deletes all keys and everything recorded on this device beyond recovery. Your agreement stays, and recording starts again.
erase-question = Delete everything? [y/N]
erase-done = Everything recorded is deleted.
restart-bluetooth-warning = This switches the Bluetooth adapter { $adapter } off and on again. Whatever is connected to it, such as a keyboard or headphones, is disconnected for a moment.
restart-bluetooth-question = Switch it off and on? [y/N]
restart-bluetooth-done = { $adapter } was switched off and on again.
check-done = The check has ended: { $outcome }.
declined = Cancelled. Nothing has changed.
needs-yes = Sesshoku cannot ask a question here, because this is not a terminal. Add --yes.

checks-row = { $time }  { $outcome }
checks-row-counted = { $time }  { $outcome } (files of keys: { $listed }, compared: { $compared })

notices-none = The operator has no notices.
notices-from-operator = From the operator of the notification server, in the operator's own words:
notice-maintenance = Maintenance from { $from } to { $to }
notice-terms = New terms of use, version { $version }
notice-terms-from = New terms of use, version { $version }, from { $from }
notice-other = Notice

watch-connected = Connected to sesshokud { $version }. Radio: { $radio }
watch-waiting = sesshokud is not running. Waiting for it to start…
watch-disconnected = sesshokud has stopped. Waiting for it to start again…
watch-scan = { $cycles ->
    [one] { $cycles } scan cycle
   *[other] { $cycles } scan cycles
  }, { $stored } sightings stored
watch-scan-alone = { $cycles } scans
watch-checking = Checking with the notification server…
watch-check = Check: { $outcome }
watch-next-check = Next check: { $time }
watch-notices = The operator's notices have changed.
watch-contact-days = Contacts: { $days }
watch-result-hidden = The result may have changed. To see it, run: sesshoku contacts
list-separator = {", "}

status-consent-configured = Agreement: { $state } (version { $version }, agreed to by this device's administrator)
