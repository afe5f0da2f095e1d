# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = Se você é menor de idade, peça primeiro o consentimento do seu responsável legal.
terms-version = Versão { $version }

# Who runs the service (/etc/sesshoku/operator.toml), at the end of terms and policy.
operator-title = Quem opera o serviço
operator-none = Este aparelho não diz quem opera o serviço. Use-o só para experimentar e não registre um resultado positivo.
operator-sample = Isto é um exemplo: ninguém com estes nomes existe. Use-o só para experimentar e não registre um resultado positivo.
operator-unusable = O arquivo que indica o operador não pode ser lido. Avise o administrador deste aparelho.
operator-notification = Servidor de notificações: { $what }
operator-management = Sistema de gestão: { $what }
operator-processor = Trabalha para eles: { $what } ({ $task })
operator-since = Em vigor desde { $what }
operator-court = Tribunal: { $what }
operator-inquiries = Perguntas: { $what }
