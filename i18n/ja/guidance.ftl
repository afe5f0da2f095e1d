# 接触のあとの案内。キーは guidance の Question、Outcome、First の名前。

question-symptoms = 今、気になる症状はありますか
    .advice = 発熱、せき、息苦しさ、強いだるさなど
question-close-contact = この2週間、身近な人に、感染した人や疑わしい症状の人はいますか
    .advice = 家族、友人、職場の人など。疑わしい症状とは、息苦しさ、強いだるさ、高い熱です。重くなりやすい人では、軽い熱やせきも含みます。ほかの人でも、軽い症状が長引くときは含みます。だいたいの判断でかまいません。
question-answer = はい [y] / いいえ [n]:
question-prefecture = お住まいの都道府県（名前か番号。分からなければそのまま Enter）:
question-again = y か n でお答えください。
question-no-prefecture = その都道府県は見つかりません。

guide-visit = 予約して、早めに受診を
    .advice = 帰国者・接触者外来に電話で予約し、マスクをつけて行ってください。
guide-visit-and-stay-home = 濃厚接触の可能性があります
    .advice = 帰国者・接触者外来に電話で予約し、マスクをつけて早めに受診してください。14日間は自宅で過ごしてください。
guide-watch = 14日間、体調に気をつけてお過ごしください
    .advice = 濃厚接触の可能性は高くありません。体調が変わったら、もう一度答えてください。
guidance-urgent = 息苦しさが強いなど急を要するときは、この案内を待たず、すぐに医療機関へ連絡してください。
guidance-negative-test = あとで検査が陰性だったときは、外来で身近な人のことを聞かれます。
guidance-kept = 答えはこの端末にも残しません。
guidance-nobody = この都道府県の連絡先は入っていません。お近くの保健所に問い合わせてください。
call-first-clinic = 外来に直接、電話で予約します。
call-first-centre = この都道府県では、先に相談センターへ電話します。
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = この連絡先は見本です。電話はつながりません。本物の名簿は管理者が入れます。
