# Measuring what this device's radio is like.

calibration-configured = da configuração
calibration-model = conhecido deste modelo
calibration-default = o padrão: ninguém mediu

calibrate-model = Modelo: { $model }
calibrate-no-model = Modelo: não está na lista
calibrate-power = Envia com: { $power } dBm, confiança { $confidence } de 3 ({ $source })
calibrate-correction = Recebe: com correção de { $correction } dB ({ $source })

calibrate-prepare =
    Você precisa de um celular que envie sinais de Exposure Notification. Ponha-o a 1 m deste aparelho, na mesma altura,
    longe de metal e paredes, sem ninguém no meio. Outros celulares assim precisam estar longe (10 m) ou desligados.
calibrate-ask-power = Potência de transmissão desse celular em dBm, conforme sua lista de calibração (vazio: não se sabe):
calibrate-no-power = Precisa ser um número inteiro entre -50 e 20.
calibrate-turn = Posição { $turn } de { $turns }: gire o celular um quarto de volta a partir da anterior, afaste-se e aperte Enter.
calibrate-listening = Recebendo por { $seconds } s…
calibrate-heard = Recebido com { $median } dBm ({ $samples } amostras, metade delas dentro de { $spread } dB).
calibrate-nobody-heard = Nenhum celular foi recebido. Veja se o Exposure Notification está ligado no celular, e o Bluetooth nos dois.
calibrate-too-few-samples = O celular foi recebido poucas vezes. Talvez tenha parado, ou esteja longe demais.
calibrate-unsteady = O sinal variou demais. Não mexa em nada durante a recepção, e mantenha as pessoas afastadas.
calibrate-another-near = Outro celular estava quase tão forte, ou este mudou de código. Afaste os outros e tente de novo.
calibrate-turns-differ = As posições diferem demais. Escolha um lugar mais aberto.
calibrate-out-of-range = Os valores estão além do que qualquer rádio faz. Confira a distância e a potência de transmissão.

calibrate-result = No total: { $median } dBm; com a correção atual, { $corrected } dBm.
calibrate-unusable = Nada se pode concluir desta medição, e nada foi mudado.
calibrate-nothing-expected = Não se sabe com que força o celular deveria ser recebido, por isso não há o que ajustar. É possível informar ao aparelho que este recebeu: sesshoku calibrate --heard-at
calibrate-written = Gravado em { $path }:
calibrate-to-write = A gravar em /etc/sesshoku/sesshokud.toml.d/50-calibration.toml (--write faz isso):
calibrate-restart = Passa a valer quando o sesshokud for reiniciado: systemctl restart sesshokud
