# Checks and what they found. Keys are the D-Bus names of CheckOutcome, Verdict and UnknownReason.

outcome-never = nenhuma verificação foi feita ainda
outcome-complete = tudo foi verificado
outcome-unreachable = não foi possível acessar o servidor de notificações
outcome-bad-answer = não foi possível ler a resposta do servidor de notificações
outcome-export-refused = não foi possível confirmar que um arquivo de chaves é autêntico, e ele foi recusado
outcome-list-refused = a lista de arquivos de chaves está desatualizada ou incompleta e foi recusada
outcome-not-configured = nenhum servidor de notificações está configurado
outcome-storage-failed = não foi possível ler ou gravar os registros

verdict-none = Nenhum contato foi confirmado com quem registrou resultado positivo.
verdict-contact = Há possibilidade de contato com uma pessoa que registrou resultado positivo.
verdict-unknown = Ainda não é possível saber se houve contato.

unknown-consent-missing = Você não concordou com os termos atuais, por isso nada é registrado nem verificado.
    .advice = Execute: sesshoku agree
unknown-never-checked = Nenhuma verificação foi concluída ainda.
    .advice = Quando houver internet, execute: sesshoku check
unknown-check-too-old = A última verificação completa tem mais de 24 horas.
    .advice = Quando houver internet, execute: sesshoku check
unknown-check-in-future = A última verificação completa tem uma hora futura: o relógio foi atrasado.
    .advice = Acerte data e hora e depois execute: sesshoku check
unknown-check-failed = Uma verificação depois da última completa não terminou.
    .advice = Daqui a pouco, execute: sesshoku check
unknown-list-refused = A lista de arquivos de chaves do servidor está desatualizada ou incompleta. Algumas chaves podem não ter chegado.
    .advice = Em outra rede, execute: sesshoku check. Se durar mais de um dia, avise o operador do servidor de notificações.
unknown-export-not-compared = Um arquivo de chaves oferecido pelo servidor ainda não foi comparado.
    .advice = Daqui a pouco, execute: sesshoku check. Um arquivo que já não está disponível deixa de importar após 14 dias.
unknown-server-silent = O servidor de notificações não publica nada há mais tempo do que promete.
    .advice = Em outra rede, execute: sesshoku check. Se continuar assim, pergunte ao operador do servidor de notificações.
unknown-too-little-recorded = Menos de uma hora foi registrada nos últimos 14 dias, pouco demais para saber.
    .advice = Deixe o Bluetooth ligado. Para ver se está registrando, execute: sesshoku status
unknown-storage-damaged = Parte dos registros está danificada e não pode ser lida.
    .advice = O resto foi verificado. A parte danificada é apagada após 14 dias.
unknown-clock-not-set = O relógio está errado.
    .advice = Acerte data e hora.

contacts-title = Contatos nos últimos 14 dias
contacts-count = { $count ->
    [one] { $count } contato
   *[other] { $count } contatos
}
contacts-row = { $date }  { $count }  cerca de { $minutes } min (perto: cerca de { $near } min)  grau de contato { $score }
contacts-meaning = Contatos são as chaves de pessoas que registraram resultado positivo e estiveram perto de você naquele dia (a mesma pessoa é contada de novo em outro dia). Os minutos são o tempo em que o sinal foi recebido; perto são aqueles em que ele foi mais forte do que é típico a cerca de 3 m (mas cerca de uma vez em três um aparelho a 1 m conta como longe, e um a 10 m, como perto). Um grau de contato de 100 ou mais equivale a 15 minutos a até 1 m.
contacts-utc = Os dias seguem a hora UTC (no Japão, das 9 horas da manhã às 9 horas da manhã seguinte).
contacts-accuracy = É uma estimativa pela força do sinal; a precisão não é garantida.
period = Período: { $start } a { $end }
last-success = Última verificação completa: { $time }
unrecorded = Tempo sem registro neste período: { $duration }

date = { $day2 }/{ $month2 }/{ $year }
never = nunca
duration-days = { $days } d { $hours } h
duration-hours = { $hours } h { $minutes } min
duration-minutes = { $minutes } min
