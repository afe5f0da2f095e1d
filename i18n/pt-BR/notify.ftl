# Notifications. Contacts, notices and new terms have one text, so that nobody looking at
# a lock screen can tell which it is.

notify-title = Confirmação de Contato
notify-body = Abra o aplicativo e verifique.
notify-open = Abrir

remind-not-recording = Os contatos não estão sendo registrados. Abra o aplicativo e verifique.
remind-not-checked = Há um dia e meio não se faz a verificação. Abra o aplicativo e verifique.
remind-key-lost = Não é possível abrir os registros. Abra o aplicativo e verifique.
