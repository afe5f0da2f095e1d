# What sesshoku analyse shows.

analyse-day = { $date }  点《てん》 { $score }（いちばん 大《おお》きい { $maximum }）、{ $seconds }秒《びょう》
analyse-day-contact = { $date }  点《てん》 { $score }（いちばん 大《おお》きい { $maximum }）、{ $seconds }秒《びょう》  → 接触《せっしょく》
analyse-no-days = 接触《せっしょく》の あった 日《ひ》は ありません。
analyse-export-verified = { $file }: 署名《しょめい》は 本物《ほんもの》です
analyse-export-unchecked = { $file }: 署名《しょめい》を 調《しら》べて いません（--public-key が ありません）
analyse-export-refused = { $file }: 使《つか》いません: { $detail }
analyse-export-contents = 地域《ちいき》 { $region }、{ $start } から { $end } まで、{ $size }の { $number }番目《ばんめ》、鍵《かぎ》 { $keys }、直《なお》した 鍵《かぎ》 { $revised }
analyse-export-contents-no-period = 地域《ちいき》 { $region }、いつの ものか 書《か》いて いません、{ $size }の { $number }番目《ばんめ》、鍵《かぎ》 { $keys }、直《なお》した 鍵《かぎ》 { $revised }
analyse-capture = パケット { $packets }、アドバタイズ { $adverts }、RPI { $rpis }、アドレス { $addresses }（アドレスが いくつも ある RPI { $several-addresses }、RPI が いくつも ある アドレス { $several-rpis }）
analyse-capture-ended-early = 記録《きろく》は とちゅうで おわって います（{ $how }）。そこまでを 使《つか》いました。
analyse-capture-identifier = { $rpi }  { $count }回《かい》、{ $seconds }秒《びょう》、RSSI { $min } から { $max } まで
analyse-match = 鍵《かぎ》 { $keys } を、受《う》け取《と》った 記録《きろく》 { $sightings }（使《つか》わない もの { $dropped }）の 中《なか》で さがしました。見《み》つかった もの { $found }
analyse-match-no-period = いつの ものか 書《か》いて いない ファイルが { $count } あります。ほかの ファイルより 古《ふる》いと しました。
analyse-match-key = { $key }  RPI { $rpis }、受《う》け取《と》り { $sightings }、ウィンドウ { $windows }
analyse-windows-list = [{ $name }]
analyse-windows-negative = 秒数《びょうすう》が 0 より 小《ちい》さい 受《う》け取《と》りが { $count } あります。0秒《びょう》と しました。
