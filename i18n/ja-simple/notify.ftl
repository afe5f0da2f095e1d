# Notifications. Contacts, notices and new terms have one text, so that nobody looking at
# a lock screen can tell which it is.

notify-title = 接触確認《せっしょくかくにん》
notify-body = アプリを 開《ひら》いて、見《み》て ください。
notify-open = 開《ひら》く

remind-not-recording = 接触《せっしょく》を 記録《きろく》して いません。アプリを 開《ひら》いて、見《み》て ください。
remind-not-checked = 1日《にち》と 半分《はんぶん》、接触《せっしょく》を 調《しら》べて いません。アプリを 開《ひら》いて、見《み》て ください。
remind-key-lost = 今《いま》までの 記録《きろく》が 開《あ》きません。アプリを 開《ひら》いて、見《み》て ください。
