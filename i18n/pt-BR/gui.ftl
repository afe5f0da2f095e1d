# The words of the window. Frases curtas e claras; “você”; nada que tranquilize sem razão.

app-name = Confirmação de Contato
back = Voltar
settings = Configurações
next = Avançar
later = Depois
cancel = Cancelar
close = Fechar
done = Concluir
to-home = Ir para o início
loading = Carregando

## Welcome
welcome = Boas-vindas
welcome-page = Página { $page } de { $of }
welcome-1 = Registra a proximidade, sem nomes
welcome-1-swap = Aparelhos próximos trocam por Bluetooth sequências sem significado (códigos). Os códigos mudam a cada 10 a 20 minutos.
welcome-1-compare = Se alguém registrar depois um resultado positivo, este aparelho verifica se você provavelmente esteve a até cerca de 1 m dessa pessoa por 15 minutos ou mais. Só este aparelho faz isso.
welcome-1-quiet = Funciona também com esta janela fechada.
welcome-2 = O que é enviado e o que não é
welcome-2-person = O aplicativo nunca pede nome, data de nascimento, sexo, endereço, telefone ou e-mail.
welcome-2-place = O aplicativo não usa a sua localização.
welcome-2-codes = Os códigos recebidos ficam criptografados, só neste aparelho, e são apagados após 14 dias.
welcome-2-keys = Suas chaves, se você tem sintomas, a data e o número de processamento (処理番号) só vão para o servidor se você concordar em registrar o resultado positivo.
welcome-3 = O que você precisa saber
welcome-3-estimate = A distância é estimada pela força do sinal. Paredes, corpos e bolsas alteram o sinal, e a estimativa pode errar.
welcome-3-others = O aplicativo não sabe nada sobre quem não o usa ou não fez o registro.
welcome-3-off = Enquanto o Bluetooth está desligado, nada é registrado.
welcome-3-care = Isto não é um diagnóstico. Se você não se sentir bem, procure orientação, seja qual for o resultado.

## Agreement
agree = Consentimento
agree-read = Leia antes de começar
agree-nothing-yet = Até você concordar, nada é enviado, recebido ou guardado.
agree-again = Os termos mudaram
agree-again-sub = O aplicativo fica pausado até você concordar com a nova versão. O que já foi registrado continua guardado.
agree-terms = Termos de uso
agree-privacy = Política de privacidade
agree-version = Versão { $version }, cerca de { $minutes ->
    [one] { $minutes } minuto
   *[other] { $minutes } minutos
}
agree-box = Concordo com os termos e com a política de privacidade
agree-guardian = Tenho 18 anos ou mais, ou meu responsável legal também concorda
agree-guardian-sub = Sua idade não é guardada.
agree-withdraw = Você pode retirar o consentimento quando quiser, em Configurações. Isso apaga tudo o que foi registrado neste aparelho.
agree-start = Concordar e começar
agree-both = Marque os dois itens.
agree-first = Marque também o primeiro item.
agree-second = Marque também o segundo item.

## Home
home-last-check = Última verificação completa
home-days = Em uso há
home-days-count = { $days ->
    [one] { $days } dia
   *[other] { $days } dias
}
home-health = Se a sua saúde mudar
home-positive = Se o seu teste der positivo
home-check = Verificar contatos
home-simulated = Funcionando com sinal simulado. Nada do que é registrado é real.
time-unknown = Não se sabe
time-none = Ainda não houve
time-today = Hoje, { $time }
time-yesterday = Ontem, { $time }
time-tomorrow = Amanhã, { $time }
time-other = { $day } de { $month-name }, { $time }

state-loading = Carregando
    .more = Aguarde um momento.
state-away = O serviço não está em execução
    .more = O registro e a verificação pararam. Quando você iniciar o serviço, ele continua a partir do que já foi registrado.
    .act = Iniciar o serviço
state-not-agreed = Ainda não começou
    .more = Até você concordar, nada é enviado, recebido ou registrado.
    .act = Ler os termos
state-key-lost = Não é possível ler os registros
    .more = A chave que abre os registros não foi encontrada. Se você concordar de novo, começa sem nenhum registro.
    .act = Ler os termos
state-outdated = Os termos mudaram
    .more = Pausado até você concordar. O que já foi registrado continua guardado.
    .act = Ler os novos termos
state-clock = O relógio está errado
    .more = Os códigos dependem da hora certa, por isso tudo está pausado.
    .act = Ver o que fazer
state-storage = Não é possível registrar
    .more = Não é possível guardar os códigos, por isso nenhum é trocado.
    .act = Ver detalhes
state-absent = Sem adaptador Bluetooth
    .more = Não há adaptador Bluetooth, por isso nada é registrado. O registro começa quando você conectar um.
    .act = Ver o que fazer
state-incapable = Este adaptador Bluetooth não serve
    .more = Ele não tem Bluetooth Low Energy, por isso nada é registrado. O registro começa quando você conectar um que tenha.
    .act = Ver o que fazer
state-blocked = O Bluetooth está bloqueado
    .more = O modo avião ou um interruptor do aparelho desligou o Bluetooth. Até ser religado, nada é registrado.
    .act = Ver onde ligar
state-off = O Bluetooth está desligado
    .more = Nada é registrado. O registro volta assim que o Bluetooth for ligado.
    .act = Ligar o Bluetooth
state-visible = O envio está pausado
    .more = Seu Bluetooth está visível para os outros e o aparelho poderia ser reconhecido, por isso nenhum código é enviado.
    .act = Deixar invisível
state-visible-receiving = O envio está pausado
    .more = Seu Bluetooth está visível para os outros e o aparelho poderia ser reconhecido, por isso nenhum código é enviado. A recepção continua.
    .act = Deixar invisível
state-connectable = O envio está pausado
    .more = Outro programa está aceitando conexões Bluetooth, o que mostra o endereço fixo deste aparelho. Ele poderia ser reconhecido, por isso nenhum código é enviado.
    .act = Ver o que fazer
state-exposed = O envio está pausado
    .more = O Bluetooth esteve visível ou aceitou conexões. Até ser desligado, o adaptador pode continuar mostrando o endereço fixo a quem está perto. O aparelho poderia ser reconhecido, por isso nenhum código é enviado.
    .act = Desligar e ligar o Bluetooth
state-resolvable = O envio está pausado
    .more = O Bluetooth usa endereços que os aparelhos pareados reconhecem e que podem continuar iguais quando o código muda. Este aparelho poderia ser reconhecido, por isso nenhum código é enviado.
    .act = Ver o que fazer
state-searching = O envio está pausado
    .more = Outro programa procura aparelhos Bluetooth sem parar e, enquanto isso, este adaptador não pode mudar de endereço. O aparelho poderia ser reconhecido, por isso nenhum código é enviado. A recepção continua.
    .act = Ver o que fazer
state-failing = O Bluetooth não funciona bem
    .more = O adaptador Bluetooth não está enviando ou não está recebendo. Até isso se resolver, os registros terão falhas.
    .act = Ver o que fazer
state-overdue = A verificação está atrasada
    .more = Ainda não se sabe de contatos com pessoas que fizeram o registro depois de { $time }.
    .act = Verificar agora
state-overdue-never = Ainda não verificado
    .more = A verificação é feita assim que houver internet.
    .act = Verificar agora
state-starting = Preparando
    .more = Leva alguns segundos.
state-running = Funcionando
    .more = Trocando códigos com aparelhos próximos. Continua funcionando com esta janela fechada.
state-ended = A reprodução terminou
    .more = Um registro de sinais gravado foi reproduzido até o fim.
checking = Verificando
remedy-refused = Não deu certo. Você pode não ter permissão, ou o adaptador não responde.
remedy-start-failed = Não foi possível iniciar. Digite isto em um terminal:

## What to do
help = O que fazer
help-more-clock-1 = Nas configurações do aparelho, deixe data e hora em “automático”.
help-more-clock-2 = Quando a hora estiver certa, tudo volta a funcionar.
help-more-storage-1 = Veja quanto espaço está livre e apague arquivos de que não precisa.
help-more-storage-2 = Se houver espaço suficiente, avise o administrador deste aparelho. “systemctl status sesshoku” mostra os detalhes.
help-more-absent-1 = Veja se o adaptador Bluetooth está conectado.
help-more-absent-2 = Reiniciar o aparelho pode ajudar.
help-more-absent-3 = “systemctl status bluetooth” mostra se o serviço de Bluetooth está em execução.
help-more-incapable-1 = É preciso um adaptador com Bluetooth 4.0 ou mais novo. Servem também os pequenos, de porta USB.
help-more-incapable-2 = “btmgmt info” mostra o que cada adaptador faz: em supported settings precisa constar “le”.
help-more-blocked-1 = Desligue o modo avião nas configurações ou no menu superior.
help-more-blocked-2 = O PinePhone tem um interruptor de rádio sob a tampa traseira; o Librem 5, na lateral. Se estiver desligado, ligue-o com a mão; esta janela não consegue.
help-more-connectable-1 = Se as configurações de Bluetooth estiverem abertas, feche-as.
help-more-connectable-2 = Desligue a recepção de arquivos e tudo o que espera conexões de outros aparelhos.
help-more-resolvable-1 = É a opção “Privacy” em /etc/bluetooth/main.conf. O administrador deste aparelho pode removê-la e reiniciar o Bluetooth com “systemctl restart bluetooth”.
help-more-searching-1 = Feche as configurações de Bluetooth ou outro programa que esteja procurando aparelhos.
help-more-searching-2 = O envio volta em até um minuto.
help-more-failing-1 = Desligue o Bluetooth e ligue de novo.
help-more-failing-2 = Se não resolver, reinicie o aparelho.

## Result
result = Resultado
result-none = Nenhum contato foi confirmado com quem registrou resultado positivo
result-period = Período
result-period-value = { $start } a { $end }
result-gap = Tempo sem registro
result-not-proof = Isto não prova que não houve contato. O aplicativo não sabe nada sobre quem não o usa ou ainda não fez o registro.
result-about = Sobre este resultado
result-unknown = Ainda não é possível saber
result-unknown-sub = Isto não significa “sem contato”.
result-why = Motivo
result-next-check = Próxima verificação automática
result-next-about = Por volta de: { $time }
result-ill = Se você não se sentir bem, não espere um resultado: abra “Se a sua saúde mudar”.
result-check-now = Verificar agora
result-list = Contatos nos últimos 14 dias
result-count = { $count ->
    [one] { $count } contato
   *[other] { $count } contatos
}
result-meaning = Cada contato é uma pessoa que registrou resultado positivo e provavelmente esteve a até cerca de 1 m de você por 15 minutos ou mais naquele dia. O aplicativo não sabe quem é, por isso a mesma pessoa é contada de novo em outro dia.
result-utc = Os dias seguem a hora UTC (no Japão, das 9 horas da manhã às 9 horas da manhã seguinte).
result-also-unknown = Parte do resultado ainda não se sabe
result-next = Ver o que fazer agora
duration-days = { $days } d { $hours } h
duration-hours = { $hours } h { $minutes } min
duration-minutes = { $minutes } min

why-consent-missing = Você não concordou com os termos atuais
    .more = Até você concordar, nada é registrado nem verificado.
why-never-checked = Nenhuma verificação foi concluída ainda
    .more = Verifique de novo quando houver internet.
why-check-too-old = A última verificação completa tem mais de 24 horas
    .more = Os registros feitos depois ainda não foram comparados.
why-check-in-future = A última verificação completa tem uma hora futura
    .more = O relógio foi atrasado. Acerte data e hora e verifique de novo.
why-check-failed = Uma verificação depois da última completa não terminou
    .more = Alguns arquivos não foram comparados, por exemplo porque não foi possível confirmar que são autênticos.
why-list-refused = A lista de arquivos de chaves está desatualizada ou incompleta
    .more = Algumas chaves podem não ter chegado. Verifique de novo em outra rede. Se durar mais de um dia, avise o operador do servidor de notificações.
why-export-not-compared = Um arquivo de chaves ainda não foi comparado
    .more = Verifique de novo daqui a pouco. Um arquivo que já não está disponível deixa de importar após 14 dias.
why-server-silent = O servidor de notificações não publica nada há tempo demais
    .more = Verifique de novo em outra rede. Se continuar assim, pergunte ao operador do servidor de notificações.
why-too-little-recorded = Menos de uma hora foi registrada, pouco demais para saber
    .more = Deixe o Bluetooth ligado.
why-storage-damaged = Parte dos registros não pode ser lida
    .more = O resto foi verificado. A parte danificada é apagada após 14 dias.
why-clock-not-set = O relógio está errado
    .more = Acerte data e hora.
why-away = O serviço não está em execução
    .more = Até ele ser iniciado, não se sabe o resultado.
why-denied = Você não tem permissão para ver o resultado
    .more = Pergunte ao administrador deste aparelho.
why-other = Não se sabe o motivo
    .more = O serviço é mais novo que esta janela. Atualize o aplicativo.

check-complete = Tudo foi verificado.
check-unreachable = Não foi possível acessar o servidor de notificações. Veja a sua conexão.
check-bad-answer = Não foi possível ler a resposta do servidor de notificações.
check-export-refused = Não foi possível confirmar que um arquivo do servidor de notificações é autêntico.
check-list-refused = A lista de arquivos de chaves está desatualizada ou incompleta.
check-not-configured = Nenhum servidor de notificações está configurado.
check-storage-failed = Não foi possível ler ou gravar os registros.
check-other = Não foi possível verificar.

day-title = { $date }: { $count ->
    [one] { $count } contato
   *[other] { $count } contatos
}
day-pane = Detalhes do dia
day-choose = Escolha um dia para ver os detalhes.
day-long = Tempo por perto
day-near = Desse tempo, perto
day-strength = Grau de contato
minutes = min
percent = %
day-chart = Força do sinal ao longo do tempo
day-chart-number = Contato { $number }
day-contact-minutes = { $minutes } min, dos quais { $near } perto
day-more = Mostrar mais { $count }
day-chart-sentence = Força do sinal em { $minutes } minutos: perto em { $near } deles.
day-chart-first = { $minute } min
day-near-key = Perto
day-far-key = Longe
day-line-key = Limite entre perto e longe (típico de cerca de 3 m)
day-chart-note = Os minutos contam desde o primeiro sinal. A hora não é mostrada para que ninguém seja adivinhado. A distância estimada pela força varia muito com paredes, corpos e bolsas.
day-table = Mostrar como tabela
day-table-minute = Minuto
day-table-strength = Força
about-score = Como ler os números
about-1 = “Contato” significa que você provavelmente esteve a até cerca de 1 m de alguém por 15 minutos ou mais. É uma estimativa pela força do sinal, e a precisão não é garantida.
about-2 = “Tempo por perto” é o tempo total em que o sinal foi recebido. “Perto” é a parte em que o sinal esteve acima do limite, típico de cerca de 3 m. Mas a força varia muito: cerca de uma vez em três, um aparelho a 1 m conta como longe, e um a 10 m, como perto.
about-3 = O “grau de contato” junta tempo e proximidade. 100% equivale a 15 minutos a até cerca de 1 m; só aparecem os dias com 100% ou mais.
about-4 = O número é o de pessoas que registraram resultado positivo e estiveram perto de você naquele dia. A mesma pessoa é contada de novo em outro dia.
about-5 = “Nenhum confirmado” não significa que não houve contato. Nada se sabe sobre quem não usa o aplicativo, quem ainda não fez o registro e o tempo sem registro.

## Guidance
guide = O que fazer agora
guide-yes-symptoms = Tenho sintomas
guide-no-symptoms = Não tenho sintomas
guide-yes-close-contact = Sim
guide-no-close-contact = Não
guide-suspicious = Sintomas que podem ser da infecção
guide-suspicious-more = Falta de ar, cansaço intenso, febre alta. Para quem tem mais risco de adoecer gravemente (pessoas idosas, pessoas com doenças crônicas), contam também febre baixa ou tosse leve. Para os demais, sintomas leves contam se persistirem.
guide-people = Família, amigos, colegas de trabalho: pessoas com quem você de fato conviveu de perto. Uma resposta aproximada basta.
guide-choose = Escolha uma opção.
guide-prefecture = Província onde você mora
guide-prefecture-none = Escolha
guide-sample = Exemplo
guide-sample-note = Isto é um exemplo, não um número de verdade. Os números aparecem aqui quando o administrador instala a lista.
guide-broken = Não foi possível ler a lista de telefones. Pergunte ao Centro de Saúde Pública (保健所) da sua região.
guide-call-clinic = Ligar para marcar
guide-call-centre = Ligar para se orientar
guide-again = Responder de novo
guide-until = Até cerca de
guide-until-value = { $day } de { $month-name }
guide-change = Se algo mudar
guide-change-sub = Responda de novo em “Se a sua saúde mudar”, na tela inicial.

## Registration
register = Registrar o resultado positivo
register-lead = Avise as pessoas que estiveram perto de você, sem dizer o seu nome
register-choice = Você decide se registra. Não registrar não traz nenhuma desvantagem.
register-sent = As chaves dos dias em que você pode ter infectado outras pessoas, se você tem sintomas, a data e o número de processamento vão para o servidor de notificações. Cada chave é distribuída a todos os outros aparelhos, com o número de dias desde essa data.
register-learn = Elas veem o dia em que estiveram perto, por quanto tempo e como variou o sinal. Seu nome não é enviado, mas quem encontrou poucas pessoas pode adivinhar.
register-undo = Chaves distribuídas não podem ser recolhidas. O servidor as apaga 14 dias depois de começar a distribuí-las.
register-read = Texto completo do consentimento
register-box = Li e concordo em enviar isto
register-box-why = Marque o item acima.
register-go = Continuar
register-when = Quando os sintomas começaram?
register-onset = Dia em que os sintomas começaram
register-test = Sem sintomas (escolha a data do teste)
register-date = Data
register-date-hint = Ela define de que dias são as chaves enviadas. Se não tiver certeza, escolha o dia mais provável.
register-date-choose = Escolha uma data
register-date-why = Escolha uma das duas opções e uma data.
register-number = Número de processamento
register-number-label = Número de processamento (処理番号)
register-number-hint = Ele chegou por SMS ou e-mail.
register-number-why = Digite todos os dígitos: são de 8 a 16.
register-do = Registrar
register-number-use = O número só serve para mostrar que o registro é verdadeiro e é apagado logo que isso é confirmado.
register-number-help = Se nenhum número chegou
register-number-help-1 = O local que fez o teste ou um Centro de Saúde Pública emite o número e o envia por SMS ou e-mail.
register-number-help-2 = Se não chegou ou se venceu, peça um novo a quem o emitiu.
register-sending = Registrando
register-sending-sub = Em geral leva menos de um minuto. Continua se você fechar a janela.
register-step-ready = Chaves e número prontos
register-step-sending = Enviando ao servidor
register-step-receipt = Aguardando a conferência e o recibo
register-done = Registrado. Agradecemos a sua ajuda
register-done-sub = As pessoas que estiveram perto serão avisadas, sem o seu nome.
register-received = Recebido em
register-number-gone = Apagado
register-care = Desejamos melhoras. Siga a orientação do Centro de Saúde Pública ou do médico.
register-again = Digitar de novo
register-send-again = Enviar de novo
register-anew = Registrar de novo
register-give-up = Cancelar este registro
register-what = O que foi registrado
register-nothing = Nada
register-maybe = Não se sabe
register-next-try = Próximo envio automático
register-tries = { $count ->
    [one] Se mais { $count } número não funcionar, o registro fica pausado por um tempo.
   *[other] Se mais { $count } números não funcionarem, o registro fica pausado por um tempo.
}

register-number-refused = Este número não foi aceito
    .more = Pode estar digitado errado, vencido ou já usado. Nada foi registrado.
register-management-unavailable = O número não pode ser conferido agora
    .more = O sistema que confere os números não está disponível. O envio será repetido automaticamente. Seu número vale até o prazo indicado na mensagem.
register-unreachable = Não foi possível acessar o servidor
    .more = Nenhum recibo chegou. Enviar de novo não conta duas vezes. Seu número vale até o prazo indicado na mensagem.
register-too-many-tries = O servidor está ocupado
    .more = O envio será repetido automaticamente. Seu número vale até o prazo indicado na mensagem.
register-number-needed = O número é necessário de novo
    .more = O serviço foi reiniciado e não guarda o número. O mesmo número vale até o prazo indicado na mensagem.
register-invalid = O servidor não aceitou
    .more = O servidor não aceita o que foi enviado. Atualize este aplicativo e o serviço.
register-not-allowed = Este aparelho não pode registrar
    .more = O servidor de notificações não aceita registros deste aparelho.
register-bad-answer = Não foi possível ler a resposta do servidor
    .more = Talvez você já esteja registrado. Enviar de novo não conta duas vezes.
register-expired = Não foi possível enviar em 24 horas
    .more = Este registro foi cancelado. Não se sabe se ele chegou. Com um número novo você pode registrar de novo.
register-failed-other = Não foi possível registrar
    .more = Não se sabe o motivo. Atualize este aplicativo.
register-paused = O registro está pausado
    .more = Três números não funcionaram. Você pode registrar de novo a partir de: { $time }.

## Errors
error-ConsentRequired = Primeiro é preciso concordar com os termos.
error-TermsVersionMismatch = Os termos mostrados não são os atuais. Atualize o aplicativo.
error-AgreementVersionMismatch = O consentimento mostrado não é o atual. Atualize o aplicativo.
error-Busy = Outra ação precisa terminar antes. Tente de novo depois.
error-NotConfigured = Nenhum servidor de notificações está configurado.
error-Storage = Não foi possível ler ou gravar os registros.
error-InvalidDate = Essa data não pode ser usada. Escolha um dos últimos 14 dias.
error-InvalidNumber = Um dígito do número falta ou está errado.
error-NoKeys = Não há chave para registrar: o aplicativo não funcionava naqueles dias, ou as chaves já foram enviadas.
error-ClockNotSet = O relógio não está acertado.
error-Paused = O registro está pausado porque vários números não funcionaram.
error-Pending = Outro registro está esperando. Cancele-o primeiro.
error-NothingPending = Nenhum registro está esperando.
error-NumberRequired = Digite o número de novo.
error-TimedOut = Não houve resposta a tempo. O que você pediu ainda pode ser feito.
error-ShuttingDown = O serviço está sendo encerrado. Espere um pouco e tente de novo.
error-OperatorsAgreement = O administrador deste aparelho concorda na configuração. Isso não pode ser mudado aqui.
error-Denied = Só a pessoa diante deste aparelho, ou um administrador, pode fazer isso.
error-Away = O serviço não está em execução.
error-File = Não foi possível salvar o arquivo.
error-Unsaved = Não foi possível salvar a configuração. Ela continua como estava.
error-Failed = Não deu certo.
error-StaysOff = O Bluetooth está desligado: não foi possível religá-lo. Ligue-o nas configurações.

## Settings
set-notifications = Notificações
set-notify = Avisar sobre contatos
set-notify-sub = A tela bloqueada não mostra detalhes.
set-check = Verificar agora
set-check-last = Última verificação completa: { $time }
set-check-never = Nenhuma verificação foi concluída ainda
set-display = Tela
set-language = Idioma
language-system = O mesmo do sistema
set-data = Dados neste aparelho
set-export = Exportar meus resultados
set-export-sub = Arquivo JSON
set-erase = Retirar o consentimento e apagar tudo
set-erase-sub = Também antes de entregar o aparelho a alguém
set-help = Ajuda
set-howto = Como usar
set-questions = Perguntas e respostas
set-notices = Avisos do operador
set-inquiries = Fale conosco
set-about = Sobre
set-licences = Licenças
set-version = Versão

export-title = Salvar os resultados em um arquivo
export-sub = Para mostrar a um médico, ou para guardar.
export-in = Incluído
export-in-days = Contatos, duração, grau de contato e variação do sinal de cada dia
export-in-check = O período e a última verificação
export-in-checks = Quando foi verificado e como terminou cada verificação
export-out = Não incluído
export-out-keys = Chaves e códigos recebidos
export-plain = O arquivo não é criptografado. Veja o conteúdo antes de entregá-lo a alguém.
export-do = Salvar
export-done = Salvo

erase-title = Apagar tudo e parar de usar?
erase-what = Suas chaves, os códigos recebidos, os resultados e o seu consentimento são apagados. Não há como recuperar.
erase-registered = Se você registrou um resultado positivo, as chaves distribuídas não podem ser recolhidas. O servidor as apaga 14 dias depois de começar a distribuí-las.
erase-doubt = O que é apagado, ou tem mais de 14 dias, pode ficar neste disco por um tempo, e um exame poderia encontrá-lo. Em um terminal, sesshoku status mostra como o administrador pode mudar isso.
erase-do = Apagar tudo
erased = Tudo foi apagado
erased-sub = Este aparelho não envia nem recebe mais nada.
erased-again = Para usar de novo, você começa pelo consentimento.
erased-start = Começar de novo

notices-from = Do operador do servidor de notificações, nas palavras dele (em japonês ou inglês).
notices-none = O operador não tem avisos.
notice-maintenance = Manutenção programada
notice-terms = Novos termos de uso
notice-other = Aviso
notice-between = { $from } – { $to }
notice-version = Versão { $version }
notice-version-from = Versão { $version }, a partir de: { $from }

inquiries-lead = Para opiniões, falhas e perguntas sobre privacidade
inquiries-none = Nenhum endereço está instalado ainda. Pergunte ao administrador deste aparelho.
inquiries-no-personal = Não escreva seu nome, sua doença nem seu número de processamento.
licences-lead = Este aplicativo é software livre (GPL, versão 3 ou posterior). Ele é feito com o seguinte.

# Which reminders there are, each with a switch, under the one for all notifications.

set-remind-not-recording = Quando o registro parar
set-remind-not-checked = Um dia e meio sem verificação
set-remind-key-lost = Quando os registros não abrirem
set-remind-terms = Novos termos
set-remind-notice = Avisos do operador
set-remind-unseen = Um contato que você ainda não viu

# Somebody who wants notifications would get none.

home-no-agent = As notificações não chegam: o programa que as mostra não está em execução. Sair da sessão e entrar de novo o inicia.
home-no-desktop = As notificações não chegam: esta área de trabalho não as mostra. Abra esta janela de vez em quando.

erased-exported = Resultados exportados ainda existem
erased-exported-more = Cópias que você levou para outro lugar ou enviou a alguém não aparecem aqui.
erased-exported-delete = Apagar estes arquivos
erased-exported-done = Os arquivos exportados foram apagados.

register-number-mistyped = Um dígito está errado, ou dois trocaram de lugar. Compare o número com a mensagem.
register-number-linked = O número foi preenchido a partir do link.
