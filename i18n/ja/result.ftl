# 確認の経過と結果。キーは D-Bus の CheckOutcome、Verdict、UnknownReason の名前。

outcome-never = まだ一度も確認していません
outcome-complete = 最後まで確認できました
outcome-unreachable = 通知サーバーに接続できませんでした
outcome-bad-answer = 通知サーバーの返事を読み取れませんでした
outcome-export-refused = 配られた鍵ファイルに、本物と確かめられないものがありました
outcome-list-refused = 鍵ファイルの一覧が古いか欠けているため、受け付けませんでした
outcome-not-configured = 通知サーバーが設定されていません
outcome-storage-failed = 記録を読み書きできませんでした

verdict-none = 陽性の登録をした人との接触は、確認されませんでした。
verdict-contact = 陽性の登録をした人との接触の可能性があります。
verdict-unknown = 接触があったかどうかは、まだ分かりません。

unknown-consent-missing = 現在の利用規約に同意していないため、記録も確認もしていません。
    .advice = sesshoku agree を実行してください。
unknown-never-checked = まだ一度も、最後まで確認できていません。
    .advice = インターネットにつながった状態で sesshoku check を実行してください。
unknown-check-too-old = 最後に確認できてから24時間以上たっています。
    .advice = インターネットにつながった状態で sesshoku check を実行してください。
unknown-check-in-future = 最後に確認できた時刻が、今より先になっています。時計が戻されたようです。
    .advice = 日付と時刻を合わせてから sesshoku check を実行してください。
unknown-check-failed = 最後に確認できたあとの確認が、途中で終わっています。
    .advice = しばらくしてから sesshoku check を実行してください。
unknown-list-refused = サーバーの鍵ファイルの一覧が、古いか、欠けています。届いていない鍵があるかもしれません。
    .advice = 別の回線で sesshoku check を実行してください。一日たっても変わらないときは、通知サーバーの運営者に知らせてください。
unknown-export-not-compared = サーバーが配った鍵ファイルのうち、まだ照らし合わせていないものがあります。
    .advice = しばらくしてから sesshoku check を実行してください。手に入らなくなったファイルは、14日たてば結果に関わりません。
unknown-server-silent = 通知サーバーから、約束の期間を過ぎても新しい鍵ファイルが届いていません。
    .advice = 別の回線で sesshoku check を実行してください。変わらないときは、通知サーバーの運営者に問い合わせてください。
unknown-too-little-recorded = 過去14日間の記録が1時間に満たないため、まだ分かりません。
    .advice = Bluetooth をオンにしたままお使いください。記録の状態は sesshoku status で確かめられます。
unknown-storage-damaged = 保存された記録の一部が壊れていて読めません。
    .advice = 読めた分だけで確認しています。壊れた記録は14日後に消えます。
unknown-clock-not-set = 時計が合っていません。
    .advice = 日付と時刻を合わせてください。

contacts-title = 過去14日間の接触一覧
contacts-count = { $count }件
contacts-row = { $date }  { $count }  約{ $minutes }分（うち近い 約{ $near }分）  接触の度合い { $score }
contacts-meaning = 件数は、その日に出会った、陽性の登録をした人の鍵の数です（同じ人でも日が変われば別に数えます）。分は電波が届いていた時間、「近い」はそのうち約3m離れたときの目安より電波が強かった時間です（ばらつきは大きく、1m離れた端末でも3回に1回ほどは「遠い」、10m離れた端末でも3回に1回ほどは「近い」になります）。接触の度合いは、100以上で「1m以内に15分以上」にあたる目安です。
contacts-utc = 日付は協定世界時で区切っています（日本では午前9時から次の日の午前9時まで）。
contacts-accuracy = 電波の強さからの推定であり、正確さを保証するものではありません。
period = 期間: { $start } 〜 { $end }
last-success = 最後に確認できた日時: { $time }
unrecorded = この期間に記録していなかった時間: { $duration }

date = { $year }/{ $month }/{ $day }
never = なし
duration-days = { $days }日{ $hours }時間
duration-hours = { $hours }時間{ $minutes }分
duration-minutes = { $minutes }分
