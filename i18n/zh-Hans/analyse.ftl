# What sesshoku analyse shows.

analyse-day = { $date }  得分 { $score }（最大 { $maximum }），{ $seconds } 秒
analyse-day-contact = { $date }  得分 { $score }（最大 { $maximum }），{ $seconds } 秒  → 接触
analyse-no-days = 没有一天有接触。
analyse-export-verified = { $file }：签名已验证
analyse-export-unchecked = { $file }：没有验证签名（没有 --public-key）
analyse-export-refused = { $file }：已拒绝：{ $detail }
analyse-export-contents = 地区 { $region }，{ $start } 至 { $end }，分卷 { $number }/{ $size }，密钥 { $keys } 个，修订的密钥 { $revised } 个
analyse-export-contents-no-period = 地区 { $region }，没有写明期间，分卷 { $number }/{ $size }，密钥 { $keys } 个，修订的密钥 { $revised } 个
analyse-capture = 数据包 { $packets } 个，广播 { $adverts } 个，RPI { $rpis } 个，地址 { $addresses } 个（有多个地址的 RPI { $several-addresses } 个，有多个 RPI 的地址 { $several-rpis } 个）
analyse-capture-ended-early = 日志中途结束（{ $how }）；使用了此前的部分。
analyse-capture-identifier = { $rpi }  { $count } 次，{ $seconds } 秒内，RSSI { $min } 至 { $max }
analyse-match = 在 { $sightings } 条接收记录（另有 { $dropped } 条被排除）中查找 { $keys } 个密钥：找到 { $found } 个
analyse-match-no-period = 有 { $count } 个文件没有写明期间，按比其他文件更旧处理。
analyse-match-key = { $key }  RPI { $rpis } 个，接收 { $sightings } 条，窗口 { $windows } 个
analyse-windows-list = [{ $name }]
analyse-windows-negative = 有 { $count } 次扫描的秒数为负，按 0 秒计算。
