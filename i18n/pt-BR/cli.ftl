# What the command line shows.

status-state = Estado: { $state }
status-consent = Consentimento: { $state }
status-consent-agreed = Consentimento: { $state } (versão { $version }, { $time })
status-radio = Rádio: { $radio }
status-radio-simulated = Rádio: { $radio } (simulado, nada de real no ar)
status-adapter = Adaptador: { $adapter }
status-broadcasting = Envio: { $state }
status-scan-method = Recepção: { $method }
status-last-scan = Última recepção: { $time }
status-counters = Desde o início: { $cycles } ciclos de recepção ({ $cut-short } interrompidos), { $rotations } trocas de código, { $broadcast-failures } falhas de envio, { $scan-failures } de recepção
status-misdated = Registrado enquanto o relógio estava adiantado: { $time }. Foi apagado, porque não se sabe de quando é, e não conta como registrado.
status-heard = Recebidos desde o início: { $heard } códigos, { $stored } guardados, { $dropped } perdidos
status-notice = Aviso: { $notice } (sesshoku notices)
status-last-check = Última verificação: { $time } ({ $outcome })
status-checking = Verificando…
status-next-check = Próxima verificação: { $time }
status-version = sesshokud { $version }
on = sim
off = não

agree-question = Você concorda com estes termos de uso e com esta política de privacidade (versão { $version })? [y/N]
agree-done = Você concordou com a versão { $version }. O registro começa.
agree-already = Você já concordou com a versão { $version }.
withdraw-warning = Retirar o consentimento interrompe o envio, a recepção e a verificação, e apaga tudo o que foi registrado neste aparelho, sem possibilidade de recuperação.
withdraw-question = Retirar o consentimento? [y/N]
withdraw-done = Seu consentimento foi retirado e tudo o que foi registrado foi apagado.
erase-warning = Isto apaga todas as chaves e tudo o que foi registrado neste aparelho, sem possibilidade de recuperação. Seu consentimento continua, e o registro recomeça.
erase-question = Apagar tudo? [y/N]
erase-done = Tudo o que foi registrado foi apagado.
restart-bluetooth-warning = Isto desliga o adaptador Bluetooth { $adapter } e o liga de novo. O que estiver conectado a ele, como um teclado ou fones de ouvido, fica desconectado por um momento.
restart-bluetooth-question = Desligar e ligar? [y/N]
restart-bluetooth-done = { $adapter } foi desligado e ligado de novo.
check-done = A verificação terminou: { $outcome }.
declined = Cancelado. Nada mudou.
needs-yes = Aqui não é um terminal, por isso não é possível perguntar. Acrescente --yes.

checks-row = { $time }  { $outcome }
checks-row-counted = { $time }  { $outcome } (arquivos de chaves: { $listed }, comparados: { $compared })

notices-none = O operador não tem avisos.
notices-from-operator = Do operador do servidor de notificações, nas palavras dele (em japonês ou inglês):
notice-maintenance = Manutenção de { $from } a { $to }
notice-terms = Novos termos de uso, versão { $version }
notice-terms-from = Novos termos de uso, versão { $version }, a partir de { $from }
notice-other = Aviso

watch-connected = Conectado ao sesshokud { $version }. Rádio: { $radio }
watch-waiting = O sesshokud não está em execução. Esperando que inicie…
watch-disconnected = O sesshokud parou. Esperando que inicie de novo…
watch-scan = { $cycles ->
    [one] { $cycles } ciclo de recepção
   *[other] { $cycles } ciclos de recepção
  }, { $stored } códigos guardados
watch-scan-alone = ciclos de recepção: { $cycles }
watch-checking = Verificando com o servidor de notificações…
watch-check = Verificação: { $outcome }
watch-next-check = Próxima verificação: { $time }
watch-notices = Os avisos do operador mudaram.
watch-contact-days = Contatos: { $days }
watch-result-hidden = O resultado pode ter mudado. Para vê-lo, execute: sesshoku contacts
list-separator = {", "}

status-consent-configured = Consentimento: { $state } (versão { $version }, dado pelo administrador deste aparelho)
