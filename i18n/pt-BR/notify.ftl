# Notifications. One text for every kind, so that nobody looking at a lock screen can
# tell which it is.

notify-title = Confirmação de Contato
notify-body = Abra o aplicativo e verifique.
notify-open = Abrir
