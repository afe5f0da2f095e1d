# コマンドラインの表示。

status-state = 状態: { $state }
status-consent = 同意: { $state }
status-consent-agreed = 同意: { $state }（第{ $version }版、{ $time }）
status-radio = 無線: { $radio }
status-radio-simulated = 無線: { $radio }（実際の電波ではなく模擬です）
status-adapter = アダプター: { $adapter }
status-broadcasting = 発信: { $state }
status-scan-method = 受信: { $method }
status-last-scan = 最後の受信: { $time }
status-counters = 起動後の回数: 受信サイクル { $cycles }（中断 { $cut-short }）、符号の切替 { $rotations }、発信失敗 { $broadcast-failures }、受信失敗 { $scan-failures }
status-misdated = 時計が進んでいた間の記録: { $time }。いつのものか分からないため消しました。記録した時間には数えません。
status-heard = 起動後に受けた符号: 受信 { $heard }、保存 { $stored }、取りこぼし { $dropped }
status-notice = お知らせ: { $notice }（sesshoku notices）
status-last-check = 最後の確認: { $time }（{ $outcome }）
status-checking = 確認しています…
status-next-check = 次の確認: { $time }
status-version = sesshokud { $version }
on = あり
off = なし

agree-question = 以上の利用規約とプライバシーポリシー（第{ $version }版）に同意しますか [y/N]
agree-done = 第{ $version }版に同意しました。記録を始めます。
agree-already = 第{ $version }版にはすでに同意しています。
withdraw-warning = 同意を取り消すと、発信・受信・確認をすべて止め、この端末の記録を元に戻せない形で消します。
withdraw-question = 取り消しますか [y/N]
withdraw-done = 同意を取り消し、記録をすべて消しました。
erase-warning = この端末の鍵と記録を、元に戻せない形ですべて消します。同意はそのまま残り、新しく記録を始めます。
erase-question = 消しますか [y/N]
erase-done = 記録をすべて消しました。
restart-bluetooth-warning = Bluetooth アダプター { $adapter } をいったんオフにして、もう一度オンにします。キーボードやイヤホンなど、つながっている機器は一時的に切断されます。
restart-bluetooth-question = オフにして、もう一度オンにしますか [y/N]
restart-bluetooth-done = { $adapter } をオフにして、もう一度オンにしました。
check-done = 確認が終わりました: { $outcome }。
declined = 中止しました。何も変わっていません。
needs-yes = ここでは質問に答えられないため、--yes を付けて実行してください。

checks-row = { $time }  { $outcome }
checks-row-counted = { $time }  { $outcome }（鍵ファイル { $listed }個、照らし合わせたもの { $compared }個）

notices-none = 運営者からのお知らせはありません。
notices-from-operator = 通知サーバーの運営者が書いた文を、そのまま示しています:
notice-maintenance = { $from } から { $to } まで休止の予定
notice-terms = 利用規約の変更（第{ $version }版）
notice-terms-from = 利用規約の変更（第{ $version }版、{ $from } から）
notice-other = お知らせ

watch-connected = sesshokud { $version } に接続しました。無線: { $radio }
watch-waiting = sesshokud が動いていません。起動を待っています…
watch-disconnected = sesshokud が終了しました。再起動を待っています…
watch-scan = { $cycles }回受信、保存 { $stored }件
watch-scan-alone = { $cycles }回受信
watch-checking = 通知サーバーに確認しています…
watch-check = 確認: { $outcome }
watch-next-check = 次の確認: { $time }
watch-notices = 運営者からのお知らせが変わりました。
watch-contact-days = 接触: { $days }
watch-result-hidden = 結果が変わった可能性があります。sesshoku contacts で確かめられます。
list-separator = 、

status-consent-configured = 同意: { $state }（第{ $version }版、この端末の管理者による）
