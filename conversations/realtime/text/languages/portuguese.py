"""The words of Portuguese."""

from conversations.realtime.text.languages.language import Language, split_phrases, split_words

PORTUGUESE = Language(
    open=split_words(
        "o a os as um uma uns umas do da dos das de no na nos nas num numa em com para pra por pelo pela até desde "
        "entre sem sobre e ou mas nem que se quando enquanto embora meu minha meus minhas teu tua seu sua nosso "
        "nossa cada aquele aquela ao à aos às arroba me te cujo"
    ),
    fillers=split_words("ahn hum éh eh"),
    asking_open=split_words("eu tu qual quais porque como"),
    doubtful=split_words(
        "é são era está estão estou sou foi ser tem tenho há quero queria gostaria posso pode poderia vou vai "
        "preciso devo então depois também mais menos onde quem quanto quantos assim só ponto chamo procuro acho lhe "
        "já ainda cerca seria você ele ela nós eles elas vocês este esta esse essa muito"
    ),
    open_phrases=split_phrases(
        "e depois, e então, e aí, ou seja, quer dizer, por exemplo, deixa eu ver, deixa eu pensar, deixe-me ver, "
        "sabe, eu quero, eu queria, eu gostaria, gostaria de, preciso de, me chamo, meu nome é, o meu nome é, meu "
        "número é, pode me dizer, você pode, poderia, pode, me diga, diga-me, me mostra, acho que, penso que, pelo "
        "menos, mais de, menos de, além de, em vez de, estou procurando, estou à procura de, é que"
    ),
    starters=split_words("se embora quando enquanto"),
    telling=split_words("dizer diga sei sabe saber explicar"),
    asking=split_words("que quem onde quando como porque quanto quantos quantas qual quais"),
    joins=split_words("e ou"),
    answers=split_phrases(
        "sim, sim por favor, não, não obrigado, não obrigada, obrigado, obrigada, muito obrigado, por favor, claro, "
        "claro que sim, certo, exato, exatamente, correto, isso, isso mesmo, está bem, tá bom, tá, bom, perfeito, "
        "ok, okay, pare, para, chega, espera, espere, cancela, cancelar, continua, continue, próximo, repete, de "
        "novo, outra vez, olá, oi, bom dia, boa tarde, boa noite, tchau, adeus, até logo, até amanhã, é tudo, é só "
        "isso, nada, mais nada, talvez, não sei, acho que sim, acho que não, ainda não, eu também, o quê, por "
        "quê, quando, onde, quem, sério, ajuda, socorro, desculpa, desculpe, e você, silêncio"
    ),
    backchannels=split_phrases(
        "mhm, hum, ah, oh, aham, ahã, uhum, sim, sim sim, tá, tá bom, tá bem, certo, claro, ok, okay, entendi, "
        "entendo, isso, exato, pois, pois é, bom, legal, perfeito, está bem, é, é verdade, ah é"
    ),
    commands=split_phrases(
        "pare, para, chega, espera, espere, um momento, um instante, não, silêncio, cala a boca, pausa, desculpa, "
        "desculpe, mas, o quê, como, cancela, repete, de novo, ajuda, socorro, ei, stop"
    ),
    common=split_words(
        "sim não obrigado hoje amanhã aqui agora bem fazer reservar procurar dizer tudo tempo horas isso você voo"
    ),
    digits=split_words("zero um dois três quatro cinco seis meia sete oito nove"),
    tens=split_words("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa"),
)
