# What to do after a contact. Keys are guidance's names of Question, Outcome and First.

question-symptoms = Você tem algum sintoma agora?
    .advice = Como febre, tosse, falta de ar ou cansaço intenso
question-close-contact = Entre as pessoas com quem você conviveu de perto nas últimas 2 semanas, alguém tem a infecção ou sintomas que podem ser dela?
    .advice = Família, amigos, colegas de trabalho: pessoas com quem você de fato conviveu de perto. Esses sintomas são falta de ar, cansaço intenso e febre alta. Para quem tem mais risco de adoecer gravemente (pessoas idosas, pessoas com doenças crônicas), contam também febre baixa ou tosse leve. Para os demais, sintomas leves contam se persistirem. Uma resposta aproximada basta.
question-answer = Sim [y] / não [n]:
question-prefecture = Província onde você mora (nome ou número; Enter se não souber):
question-again = Responda y ou n.
question-no-prefecture = Não existe essa província.

guide-visit = Marque logo uma consulta
    .advice = Primeiro ligue para o número abaixo e, ao ir, use máscara.
guide-visit-and-stay-home = Você provavelmente teve contato próximo
    .advice = Para ser atendido logo, primeiro ligue para o número abaixo e, ao ir, use máscara. Fique em casa por 14 dias.
guide-watch = Observe sua saúde por 14 dias
    .advice = É pouco provável que você tenha tido contato próximo. Se a sua saúde mudar, responda de novo.
guidance-urgent = Se for urgente, como falta de ar intensa, não continue aqui: procure um médico imediatamente.
guidance-negative-test = Se o teste der negativo, no atendimento vão perguntar sobre as pessoas com quem você conviveu de perto.
guidance-kept = Suas respostas não são guardadas, nem neste aparelho.
guidance-nobody = Ainda não há telefone desta província. Pergunte ao Centro de Saúde Pública (保健所) da sua região.
call-first-clinic = Ligue diretamente para cá para marcar uma consulta.
call-first-centre = Nesta província, ligue primeiro para cá. Vão dizer aonde ir.
call-by-phone = Também é possível receber orientação por telefone com as mesmas perguntas.
call-contact = { $name }  { $phone }
call-contact-sample = { $name }
call-hours = { $hours }
call-sample = Isto é um exemplo, não um número de verdade. O administrador instala a lista de verdade.
