# What sesshoku analyse shows.

analyse-day = { $date }  pontuação { $score } (máxima { $maximum }), { $seconds } s
analyse-day-contact = { $date }  pontuação { $score } (máxima { $maximum }), { $seconds } s  → contato
analyse-no-days = Nenhum dia tem contato.
analyse-export-verified = { $file }: a assinatura confere
analyse-export-unchecked = { $file }: a assinatura não foi verificada (sem --public-key)
analyse-export-refused = { $file }: recusado: { $detail }
analyse-export-contents = região { $region }, { $start } a { $end }, parte { $number } de { $size }, { $keys } chaves, { $revised } chaves revisadas
analyse-export-contents-no-period = região { $region }, sem período indicado, parte { $number } de { $size }, { $keys } chaves, { $revised } chaves revisadas
analyse-capture = { $packets } pacotes, { $adverts } anúncios, { $rpis } RPIs, { $addresses } endereços ({ $several-addresses } RPIs com vários endereços, { $several-rpis } endereços com vários RPIs)
analyse-capture-ended-early = O registro se interrompe ({ $how }); o que vem antes foi usado.
analyse-capture-identifier = { $rpi }  { $count } vezes em { $seconds } s, RSSI { $min } a { $max }
analyse-match = Foram procuradas { $keys } chaves em { $sightings } recepções (mais { $dropped } ficaram de fora): { $found } encontradas
analyse-match-no-period = { $count ->
    [one] { $count } arquivo não diz de que período é. Foi tratado como mais velho que os outros.
   *[other] { $count } arquivos não dizem de que período são. Foram tratados como mais velhos que os outros.
}
analyse-match-key = { $key }  { $rpis } RPIs, { $sightings } recepções, { $windows } janelas
analyse-windows-list = [{ $name }]
analyse-windows-negative = { $count ->
    [one] { $count } varredura tinha tempo negativo, contado como 0 segundo.
   *[other] { $count } varreduras tinham tempo negativo, contado como 0 segundo.
}
