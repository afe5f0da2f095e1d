# sesshoku analyse の表示。

analyse-day = { $date }  スコア { $score }（最大 { $maximum }）、{ $seconds }秒
analyse-day-contact = { $date }  スコア { $score }（最大 { $maximum }）、{ $seconds }秒  → 接触
analyse-no-days = 接触のあった日はありません。
analyse-export-verified = { $file }: 署名を確かめました
analyse-export-unchecked = { $file }: 署名は確かめていません（--public-key がありません）
analyse-export-refused = { $file }: 拒否しました: { $detail }
analyse-export-contents = 地域 { $region }、{ $start } 〜 { $end }、分割 { $number }/{ $size }、鍵 { $keys }件、改定された鍵 { $revised }件
analyse-export-contents-no-period = 地域 { $region }、期間の記載なし、分割 { $number }/{ $size }、鍵 { $keys }件、改定された鍵 { $revised }件
analyse-capture = パケット { $packets }、アドバタイズ { $adverts }、RPI { $rpis }、アドレス { $addresses }（複数アドレスの RPI { $several-addresses }、複数 RPI のアドレス { $several-rpis }）
analyse-capture-ended-early = ログは途中で終わっています（{ $how }）。そこまでを使いました。
analyse-capture-identifier = { $rpi }  { $count }回、{ $seconds }秒間、RSSI { $min } 〜 { $max }
analyse-match = 鍵 { $keys }件を { $sightings }件の受信記録（ほかに除外 { $dropped }件）と照らし合わせ、{ $found }件が見つかりました
analyse-match-no-period = 期間の記載がないファイルが { $count }件あり、ほかより古いものとして扱いました。
analyse-match-key = { $key }  RPI { $rpis }、受信 { $sightings }、ウィンドウ { $windows }
analyse-windows-list = [{ $name }]
analyse-windows-negative = 負の秒数のスキャンが { $count }件あり、0秒として数えました。
