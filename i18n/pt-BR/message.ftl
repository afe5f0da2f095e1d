# What the person who is sent a 処理番号 reads: mail and SMS. The management system sends them.

message-subject = Seu número de processamento para registrar o resultado positivo
message-mail =
    Este é o seu número de processamento (処理番号) para registrar o resultado positivo. Ele é enviado a pessoas com diagnóstico positivo e a quem é responsável por um local onde esteve uma pessoa infectada.

        Número de processamento (処理番号):  { $number }
        Válido até:                          { $expires }

    Para que serve
    Quando você registra o resultado positivo no aplicativo “Confirmação de Contato” (Sesshoku), as pessoas que podem ter estado perto são avisadas de que podem ter estado perto de alguém que registrou resultado positivo. Elas veem em que dia, por quanto tempo e como variou o sinal. Não são enviados nome, meios de falar com você nem local, mas quem encontrou poucas pessoas, por exemplo, pode adivinhar. Você decide se registra.

    Como usar
    Aperte “Se o seu teste der positivo” na tela inicial do aplicativo e digite o número onde for pedido. Quem é responsável por um local executa sesshoku register no aparelho fixo que está ali. O número vale uma vez. Se tiver vencido ou não funcionar, peça um novo a quem o emitiu, como um Centro de Saúde Pública (保健所).

    { $link }Não diga este número a ninguém
    Ninguém vai pedi-lo a você por telefone ou e-mail.

    Se você não esperava este e-mail, apague-o. Este e-mail não pode ser respondido.
message-link =
    Em um computador ou aparelho com o aplicativo, este link o abre com o número preenchido. Ele também vale uma vez e não contém nada além do número. Também pode ser colado em sesshoku register --link.

        { $link }
message-sms =
    Seu número de processamento (処理番号) para registrar o resultado positivo: { $number }
    Válido até { $expires }
    Aperte “Se o seu teste der positivo” na tela inicial do aplicativo “Confirmação de Contato” (Sesshoku) e digite-o (local: sesshoku register no aparelho fixo). Vale uma vez; você decide se registra. Não diga a ninguém; ninguém vai pedi-lo.
message-sms-linked =
    Seu número de processamento (処理番号) para registrar o resultado positivo: { $number }
    Válido até { $expires }
    Aperte “Se o seu teste der positivo” no aplicativo “Confirmação de Contato” (Sesshoku) e digite-o, ou abra o link abaixo (local: sesshoku register no aparelho fixo). Vale uma vez; você decide. Não diga a ninguém; ninguém vai pedi-lo.
    { $link }
