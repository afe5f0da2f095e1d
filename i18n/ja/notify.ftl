# 通知。どの知らせも同じ文にする。ロック画面を見た人に、どれかを知られないため。

notify-title = 接触確認
notify-body = アプリを開いて、ご確認ください。
notify-open = 開く
