# Notifications. Contacts, notices and new terms have one text, so that nobody looking at
# a lock screen can tell which it is.

notify-title = Sesshoku
notify-body = Please open the app and check.
notify-open = Open

remind-not-recording = Contacts are not being recorded. Please open the app and check.
remind-not-checked = There has been no check for a day and a half. Please open the app and check.
remind-key-lost = The records so far cannot be opened. Please open the app and check.
