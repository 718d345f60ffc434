"""The words of Spanish."""

from conversations.realtime.text.languages.language import Language, split_phrases, split_words

SPANISH = Language(
    open=split_words(
        "el la los las un una unos unas mi mis tu tus su sus nuestro nuestra al del de a ante con contra desde en "
        "entre hacia hasta para por según sin sobre y e o u ni pero sino porque aunque que si como cuando mientras "
        "donde me te se nos les tan osea muy cada cuyo cual mediante durante arroba guion aquel aquella"
    ),
    fillers=split_words("eh em ehh mmm pues"),
    asking_open=split_words("yo tú cuál cuáles"),
    doubtful=split_words(
        "es son era está están estoy soy fue ser ha he has hay han quiero quisiera quería puede puedes podría "
        "podrías voy va tengo tiene necesito busco debo creo entonces luego también no me te se lo nos le les tan "
        "menos sea este esta ese esa qué dónde cuándo cómo cuánto cuántos quién así bueno punto llamo llama "
        "solo casi unos unas otro otra gustaría ya él ella usted ustedes nosotros ellos ellas estos estas esos esas"
    ),
    open_phrases=split_phrases(
        "y luego, y entonces, y después, o sea, es decir, por ejemplo, a ver, déjame ver, déjame pensar, ya sabes, "
        "digamos, me gustaría, quiero, quisiera, necesito, estoy buscando, busco, puedes, podrías, puede, podría, "
        "me puedes, me puede, puedes decirme, podrías decirme, me podrías decir, me puede decir, dime, dígame, "
        "muéstrame, dame, mi nombre es, me llamo, mi número es, mi teléfono es, creo que, pienso que, tengo que, "
        "más de, menos de, al menos, cerca de, además de, en vez de, a partir de, antes de, después de, lo que pasa "
        "es que, quiero que, hay que, voy a, es que, sabes si, no sé si, la verdad es que, bueno pues"
    ),
    starters=split_words("si aunque cuando mientras"),
    telling=split_words("decir decirme dime dígame sé sabes sabe saber explicar"),
    asking=split_words("qué quién dónde cuándo cómo cuánto cuánta cuántos cuántas cuál cuáles"),
    joins=split_words("y e o u"),
    answers=split_phrases(
        "sí, si, sí por favor, sí gracias, no, no gracias, gracias, muchas gracias, por favor, vale, de acuerdo, "
        "claro, claro que sí, por supuesto, exacto, exactamente, correcto, eso es, bien, muy bien, perfecto, está "
        "bien, bueno, para, para ya, alto, basta, espera, espere, cancela, cancelar, continúa, sigue, siguiente, "
        "repite, otra vez, hola, buenos días, buenas tardes, buenas noches, adiós, hasta luego, hasta mañana, hasta "
        "pronto, eso es todo, nada, nada más, quizás, tal vez, a lo mejor, no sé, no lo sé, no lo creo, creo que "
        "sí, creo que no, todavía no, aún no, yo también, yo tampoco, ahora no, qué, cómo, por qué, por qué no, "
        "cuándo, dónde, quién, de verdad, ayuda, perdón, perdona, disculpe, lo siento, cállate, silencio, ya está, "
        "me da igual, no importa, y tú, y usted, ok, okay"
    ),
    backchannels=split_phrases(
        "mhm, mm, hm, ah, oh, ajá, aja, sí, si, sí sí, vale, vale vale, ok, okay, claro, claro claro, ya, ya veo, "
        "ya ya, bien, muy bien, exacto, eso, de acuerdo, entiendo, perfecto, bueno, genial, qué bien, ah sí, ah "
        "vale, por supuesto, verdad, cierto, eh"
    ),
    commands=split_phrases(
        "para, para ya, pare, alto, basta, espera, espere, un momento, un segundo, no, cállate, silencio, detente, "
        "pausa, perdón, perdona, disculpe, oye, pero, qué, cómo, cancela, cancelar, repite, otra vez, ayuda, stop"
    ),
    common=split_words(
        "sí por favor gracias hola hoy mañana aquí ahora bien mucho hacer reservar buscar ver decir eso todo nada "
        "tiempo hora qué"
    ),
    digits=split_words("cero uno dos tres cuatro cinco seis siete ocho nueve"),
    tens=split_words("treinta cuarenta cincuenta sesenta setenta ochenta noventa"),
)
