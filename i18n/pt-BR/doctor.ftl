# What `sesshoku doctor` says: a title and a sentence for each part that a warning depends on.

doctor-line = { $mark } { $check }: { $finding }
doctor-all-well = Não há nenhum problema.
doctor-notes = { $notes ->
    [one] Não há nenhum problema. Há { $notes } coisa que convém saber.
   *[other] Não há nenhum problema. Há { $notes } coisas que convém saber.
}
doctor-faults = { $faults ->
    [one] Há { $faults } problema: os avisos podem não chegar.
   *[other] Há { $faults } problemas: os avisos podem não chegar.
}

doctor-service = Serviço
doctor-service-ok = O sesshokud { $detail } está em execução.
doctor-service-away = Não está em execução: nada é registrado.
    .advice = Para iniciá-lo agora e com o aparelho, execute: sudo systemctl enable --now sesshoku
doctor-service-silent = Não responde ({ $detail }).
    .advice = Para reiniciá-lo, execute: sudo systemctl restart sesshoku
doctor-service-no-bus = Não foi possível acessar o barramento do sistema.
    .advice = Veja se o dbus está instalado e em execução.

doctor-policy = Regras do barramento
doctor-policy-ok = Os programas conseguem acessar o serviço.
doctor-policy-refused = O barramento do sistema recusa chamadas de { $detail }.
    .advice = Instale o pacote de novo: o org.sesshoku.Tracing1.conf em /usr/share/dbus-1/system.d falta ou está desatualizado.

doctor-agreement = Consentimento
doctor-agreement-ok = Você concordou com os termos atuais.
doctor-recording = Registro
doctor-recording-simulated = Simulado ({ $detail }): nenhum contato real é registrado.

doctor-listening = Recepção
doctor-listening-ok = Última recepção: { $time }.
doctor-listening-old = Última recepção: { $time }, há tempo demais.
    .advice = Se o motivo acima não explicar, reinicie o Bluetooth: sesshoku restart-bluetooth
doctor-listening-never = Nada recebido ainda desde o início do serviço.

doctor-check = Verificação
    .advice = Conecte-se à internet. Para verificar agora, execute: sesshoku check
doctor-check-ok = Última concluída: { $time }.
doctor-check-old = Última concluída: { $time }, há mais de um dia.
doctor-check-never = Nenhuma verificação foi feita ainda.

doctor-deleting = Apagamento
doctor-deleting-ok = O que é apagado some do disco.

doctor-permission = Permissão
doctor-permission-ok = Você pode ver o resultado.
doctor-permission-denied = É preciso se autenticar para ver o resultado.
    .advice = A pessoa diante deste aparelho pode vê-lo sem isso; por SSH e a partir de serviços, pede-se a senha de um administrador.

doctor-bluetooth = bluetoothd
doctor-bluetooth-ok = A versão { $detail } está em execução.
doctor-bluetooth-unknown = Está em execução.
doctor-bluetooth-away = Não está em execução.
    .advice = Para iniciá-lo, execute: sudo systemctl enable --now bluetooth

doctor-adapter = Adaptador
doctor-adapter-ok = Bluetooth Low Energy, com monitores de anúncios.
doctor-adapter-plain = Bluetooth Low Energy, sem monitores de anúncios: as distâncias são menos exatas.
    .advice = Se o bluetoothd for executado com --experimental, cada aparelho próximo é medido mais vezes.

doctor-clock = Relógio
doctor-clock-ok = É acertado automaticamente.
doctor-clock-alone = Nada o acerta automaticamente.
    .advice = Para isso, execute: sudo timedatectl set-ntp true
doctor-clock-unknown = Não se sabe se é acertado automaticamente.
    .advice = Veja se um serviço de hora, como systemd-timesyncd ou chrony, está em execução.

doctor-sleep = Suspensão
doctor-sleep-ok = O aparelho só é suspenso depois que o envio para.
doctor-sleep-unguarded = O serviço não fica sabendo quando o aparelho é suspenso.
    .advice = Se acabou de iniciar, veja de novo. Caso contrário, reinicie-o: sudo systemctl restart sesshoku
doctor-sleep-unknown = Não há logind que informe quando o aparelho é suspenso.

doctor-disk = Disco
doctor-disk-ok = Há { $detail } MiB livres.
doctor-disk-full = Há só { $detail } MiB livres.
    .advice = Apague outra coisa: com o disco cheio nada é registrado.

doctor-notifications = Notificações
doctor-notifications-ok = Elas chegam.
doctor-notifications-off = Estão desligadas.
    .advice = Podem ser ligadas nas configurações do aplicativo.
doctor-notifications-no-session = Não há aqui uma área de trabalho que as mostre.
doctor-notifications-no-agent = O programa que as mostra não está em execução.
    .advice = Para iniciá-lo, execute: systemctl --user enable --now sesshoku-notify
doctor-notifications-no-desktop = Esta área de trabalho não mostra notificações.
    .advice = Instale um programa que mostre notificações, ou abra o aplicativo de vez em quando.

doctor-operator = Quem opera o serviço
doctor-operator-ok = A outra parte dos termos está indicada: { $detail }
doctor-operator-none = Nenhum operador está indicado.
    .advice = Antes que as pessoas usem, indique o operador em /etc/sesshoku/operator.toml; há um exemplo em /usr/share/doc/sesshoku/examples.
doctor-operator-sample = O arquivo do operador ainda é o exemplo.
    .advice = Antes que as pessoas usem, indique o operador verdadeiro em /etc/sesshoku/operator.toml e tire a linha “sample”.
doctor-operator-incomplete = O arquivo do operador não diz: { $detail }
doctor-operator-unusable = O arquivo do operador não pode ser usado: { $detail }
