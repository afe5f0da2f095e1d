# Notifications. Contacts, notices and new terms have one text, so that nobody looking at
# a lock screen can tell which it is.

notify-title = 접촉 확인
notify-body = 앱을 열어 확인해 주십시오.
notify-open = 열기

remind-not-recording = 접촉을 기록하지 않고 있습니다. 앱을 열어 확인해 주십시오.
remind-not-checked = 하루 반 동안 접촉을 확인하지 못했습니다. 앱을 열어 확인해 주십시오.
remind-key-lost = 지금까지의 기록을 열 수 없습니다. 앱을 열어 확인해 주십시오.
