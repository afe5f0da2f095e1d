# The state of recording and why. Keys are the D-Bus names of RunState, RunReason, ConsentState and OverwriteDoubt.

state-no-consent = parado (sem consentimento)
state-running = registrando
state-degraded = funcionando em parte
state-stopped = sem registrar

reason-ready = O envio e a recepção funcionam.
reason-starting = Acabou de iniciar e está se preparando.
reason-consent-missing = Até você concordar com os termos de uso e com a política de privacidade, nada é enviado, recebido ou registrado.
    .advice = Para começar, execute: sesshoku agree
reason-consent-outdated = Os termos de uso mudaram. Até você concordar com a nova versão, nada é enviado, recebido ou registrado.
    .advice = Para ler o que mudou, execute: sesshoku agree
reason-adapter-absent = Nenhum adaptador Bluetooth foi encontrado.
    .advice = Veja se o adaptador está conectado e se o serviço bluetooth está em execução.
reason-adapter-incapable = Este adaptador Bluetooth não serve: ele não tem Bluetooth Low Energy.
    .advice = É preciso um adaptador com Bluetooth 4.0 ou mais novo.
reason-adapter-off = O Bluetooth está desligado.
    .advice = Ligue o Bluetooth. Enquanto está desligado, nada é registrado.
reason-adapter-blocked = O Bluetooth está bloqueado.
    .advice = Veja o modo avião e o interruptor do aparelho.
reason-privacy-discoverable = O envio está pausado porque este aparelho está visível: seu endereço fixo apareceria a todos que estão perto.
    .advice = Feche as configurações de Bluetooth ou desligue o modo visível.
reason-privacy-connectable = O envio está pausado porque este aparelho está aceitando conexões: seu endereço fixo apareceria a todos que estão perto.
    .advice = Pare o outro programa que está aceitando conexões.
reason-privacy-exposed = O envio está pausado porque o endereço fixo deste aparelho pode aparecer a todos que estão perto: o adaptador continua a mostrá-lo depois de ter ficado visível ou aceitado conexões.
    .advice = Desligue o Bluetooth e ligue de novo: só isso resolve. Para isso, execute: sesshoku restart-bluetooth
reason-privacy-resolvable = O envio está pausado porque o Bluetooth usa endereços que os aparelhos pareados reconhecem e que mudam depois dos códigos: este aparelho poderia ser reconhecido.
    .advice = Remova a linha Privacy de /etc/bluetooth/main.conf e reinicie o serviço bluetooth.
reason-adapter-searching = O envio está pausado porque outro programa procura aparelhos Bluetooth sem parar e, enquanto isso, este adaptador não pode mudar de endereço.
    .advice = Feche as configurações de Bluetooth ou outro programa que esteja procurando. O envio volta em até um minuto.
reason-broadcast-failed = O adaptador Bluetooth não está enviando.
    .advice = Desligue o Bluetooth e ligue de novo. Para isso, execute: sesshoku restart-bluetooth
reason-scan-failed = O adaptador Bluetooth não está recebendo.
    .advice = Desligue o Bluetooth e ligue de novo. Para isso, execute: sesshoku restart-bluetooth
reason-storage-failed = Não é possível guardar os códigos recebidos.
    .advice = Veja se há espaço livre no disco.
reason-clock-not-set = O relógio está errado, por isso os códigos também estariam.
    .advice = Acerte data e hora.
reason-key-lost = A chave que abre os registros (a chave do aparelho) não foi encontrada, por isso não é possível lê-los. Nada funciona até a chave voltar ou você começar de novo.
    .advice = Para começar sem registros, execute: sesshoku agree (em um aparelho fixo: sesshoku erase). Se a chave ainda puder estar em algum lugar, traga-a de volta primeiro.
reason-log-ended = O registro gravado foi reproduzido até o fim.

consent-none = sem consentimento
consent-agreed = com consentimento
consent-outdated = consentimento de uma versão anterior (os termos mudaram)

doubt-copy-on-write = O que foi apagado ainda pode estar no disco: a pasta de dados está em btrfs, que guarda cópias antigas do que é sobrescrito.
    .advice = O administrador pode parar o daemon, copiar o wrapping.key dessa pasta para um arquivo vazio em que se executou chattr +C e pôr a cópia no lugar dele.
doubt-journal = O que foi apagado ainda pode estar no disco: o sistema de arquivos da pasta de dados grava tudo primeiro no journal.
    .advice = O administrador pode montá-lo sem data=journal.
doubt-file-system = O que foi apagado ainda pode estar no disco: o sistema de arquivos da pasta de dados não sobrescreve no mesmo lugar, ou não se sabe se o faz.
    .advice = O administrador pode mover a pasta de dados para ext4 ou XFS.

# A name from a newer daemon that this version does not know.
name-unknown = desconhecido ({ $name })
