# What sesshoku analyse shows.

analyse-day = { $date }  score { $score } (maximum { $maximum }), { $seconds } s
analyse-day-contact = { $date }  score { $score } (maximum { $maximum }), { $seconds } s  → contact
analyse-no-days = No day has exposures.
analyse-export-verified = { $file }: the signature verifies
analyse-export-unchecked = { $file }: the signature was not checked (no --public-key)
analyse-export-refused = { $file }: refused: { $detail }
analyse-export-contents = region { $region }, { $start } to { $end }, batch { $number } of { $size }, { $keys } keys, { $revised } revised keys
analyse-export-contents-no-period = region { $region }, of no stated time, batch { $number } of { $size }, { $keys } keys, { $revised } revised keys
analyse-capture = { $packets } packets, { $adverts } adverts, { $rpis } RPIs, { $addresses } addresses ({ $several-addresses } RPIs with several addresses, { $several-rpis } addresses with several RPIs)
analyse-capture-ended-early = The log breaks off ({ $how }); what comes before was used.
analyse-capture-identifier = { $rpi }  { $count } times in { $seconds } s, RSSI { $min } to { $max }
analyse-match = Looked for { $keys } keys in { $sightings } sightings ({ $dropped } more were left out): found { $found }
analyse-match-no-period = { $count ->
    [one] One file does not say of which time it is. It was taken as older than the others.
   *[other] { $count } files do not say of which time they are. They were taken as older than the others.
}
analyse-match-key = { $key }  { $rpis } RPIs, { $sightings } sightings, { $windows } windows
analyse-windows-list = [{ $name }]
analyse-windows-negative = { $count ->
    [one] One scan stood for a negative time, which was counted as 0 seconds.
   *[other] { $count } scans stood for a negative time, which was counted as 0 seconds.
}
