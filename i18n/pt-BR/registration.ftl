# Registering as positive. The agreements themselves are in documents/. Further keys are
# the D-Bus names of RegistrationState
# and RegistrationReason.

agreement-question = Você concorda com isso e quer registrar? [y/N]

ask-symptoms = Você tem sintomas, como febre, tosse ou cansaço? [y/n]
ask-onset = Em que dia começaram? (por exemplo, 2020-08-01)
ask-test = Em que dia foi o teste? (por exemplo, 2020-08-01)
ask-place-first = Qual foi o primeiro dia em que uma pessoa infectada esteve lá? (por exemplo, 2020-08-01)
ask-place-last = E o último dia? (por exemplo, 2020-08-01)
ask-number = Os dígitos do número de processamento (処理番号):
not-yes-or-no = Responda y ou n.
not-a-date = Isso não é uma data. Escreva como 2020-08-01.
not-a-number = Isso não são 8 a 16 dígitos.
register-resumes = O registro de { $date } ainda não foi enviado. Quando você digitar o número, ele continua.
register-sending = Enviando ao servidor de notificações…
forget-warning = Isto cancela um registro que ainda não chegou, ou apaga como terminou o último. O que chegou ao servidor permanece lá.
forget-question = Cancelar? [y/N]
forget-done = O registro foi cancelado e apagado.

registration-none = Não há registro.
registration-sending = Um registro está sendo enviado.
registration-waiting-to-retry = O registro ainda não foi enviado.
registration-done = O resultado positivo foi registrado. Agradecemos: as pessoas que estiveram perto de você agora podem se cuidar.
registration-place-done = O local foi registrado. As pessoas que estiveram perto dele agora podem se cuidar.
registration-place-first = Primeiro dia: { $date }
registration-failed = O registro falhou.
registration-since = Desde: { $time }
registration-onset = Início dos sintomas: { $date }
registration-test = Data do teste: { $date }
registration-days-sent = Foram enviadas chaves destes dias (UTC): { $days }
registration-days-to-send = Serão enviadas chaves destes dias (UTC): { $days }
registration-next-try = Próxima tentativa: { $time }
registration-tries-left = Números que ainda se podem tentar antes de uma pausa: { $count }
registration-paused = Três números não funcionaram. Você pode registrar de novo a partir de: { $time }.

obstacle-none = Não há nenhum problema.
obstacle-number-refused = O número de processamento não foi aceito: está errado, já foi usado ou venceu.
    .advice = Compare-o com a mensagem que recebeu e execute de novo sesshoku register. Se estiver certo, peça um novo a quem o emitiu, como um Centro de Saúde Pública.
obstacle-management-unavailable = O número de processamento não pode ser conferido agora: o sistema de gestão não responde.
    .advice = Você não precisa fazer nada. Este aparelho continua tentando enquanto estiver ligado.
obstacle-unreachable = Não foi possível acessar o servidor de notificações.
    .advice = Veja a conexão com a internet. Este aparelho continua tentando enquanto estiver ligado.
obstacle-too-many-tries = O servidor de notificações está ocupado.
    .advice = Você não precisa fazer nada. Este aparelho continua tentando enquanto estiver ligado.
obstacle-number-needed = O registro foi interrompido, e o número de processamento não é guardado.
    .advice = Execute sesshoku register e digite o mesmo número de novo. Se o registro já tiver chegado, não conta duas vezes.
obstacle-invalid = O servidor de notificações não aceita o que este aparelho enviou.
    .advice = Veja se a data e a hora estão certas. Se estiverem, esta versão do Sesshoku pode ser velha demais para o servidor.
obstacle-not-allowed = O servidor de notificações não aceita registros deste aparelho.
    .advice = Pergunte ao administrador deste aparelho que servidor usar.
obstacle-bad-answer = Não foi possível ler a resposta do servidor de notificações.
    .advice = Tente de novo mais tarde com sesshoku register. Se continuar assim, pergunte ao administrador deste aparelho.
obstacle-expired = Não foi possível enviar em 24 horas. O número de processamento venceu.
    .advice = Peça um número novo e execute de novo sesshoku register.

number-mistyped = Um dígito está errado, ou dois trocaram de lugar. Compare o número com a mensagem.
ask-link = O link da mensagem:
not-a-link = Isso não é um link com um número de processamento. Copie da mensagem o link inteiro, que começa com sesshoku://register/
