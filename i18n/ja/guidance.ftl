# 接触のあとの案内。キーは guidance の Question、Outcome、First の名前。

question-symptoms = 今、気になる症状はありますか
    .advice = 発熱、せき、息苦しさ、強いだるさなど
question-close-contact = この2週間に近くで過ごした人の中に、感染した人や、感染が疑われる症状のある人はいますか
    .advice = 家族、友人、職場の人などで、実際に近くで過ごした人のことです。疑われる症状とは、息苦しさ、強いだるさ、高い熱です。重症になりやすい人（高齢の方、持病のある方など）は、軽い熱やせきでも当てはまります。そのほかの人も、軽い症状が続くときは当てはまります。だいたいの判断でかまいません。
question-answer = はい [y] / いいえ [n]:
question-prefecture = お住まいの都道府県（名前か番号。分からなければそのまま Enter）:
question-again = y か n で答えてください。
question-no-prefecture = その都道府県は見つかりません。

guide-visit = 早めに予約して、受診してください
    .advice = まず下の連絡先に電話して、受診するときはマスクをつけてください。
guide-visit-and-stay-home = 濃厚接触者にあたる可能性が高いです
    .advice = 早めの受診のため、まず下の連絡先に電話してください。受診するときはマスクをつけてください。14日間は自宅で過ごしてください。
guide-watch = 14日間、体調に気をつけてお過ごしください
    .advice = 濃厚接触者にあたる可能性は高くありません。体調が変わったら、もう一度答えてください。
guidance-urgent = 息苦しさが強いなど急を要するときは、この案内を待たず、すぐに医療機関へ連絡してください。
guidance-negative-test = 検査の結果が陰性だったときは、近くで過ごした人に感染した人がいないかなどを、受診先でおたずねします。
guidance-kept = 答えはこの端末にも残しません。
guidance-nobody = この都道府県の電話番号は、まだ入っていません。お近くの保健所に問い合わせてください。
call-first-clinic = 次のところに直接電話して、受診を予約します。
call-first-centre = この都道府県では、先に次のところへ電話して、受診先の案内を受けます。
call-by-phone = 電話でも、同じ質問に沿って案内を受けられます。
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = これは見本で、本物の番号ではありません。本物の名簿は管理者が入れます。
