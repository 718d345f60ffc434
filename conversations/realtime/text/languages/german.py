"""The words of German."""

from conversations.realtime.text.languages.language import Language, split_phrases, split_words

GERMAN = Language(
    open=split_words(
        "der die den dem des ein eine einen einem einer eines mein meine meinen meinem meiner dein deine deinen "
        "unser unsere unseren ihre ihren kein keine keinen und aber sondern weil dass ob wenn falls obwohl sodass "
        "als bevor nachdem während sobald für von bei ohne gegen seit zwischen wegen trotz bis über unter durch in "
        "im am zum zur ins vom beim ans aufs hinter neben ganz dessen deren herr dr unterstrich welche welchen "
        "welcher welches jede jeden jeder"
    ),
    fillers=split_words("äh ähm öh öhm hm hmm ähh ehm tja naja"),
    asking_open=split_words("ich du er wir man oder damit"),
    doubtful=split_words(
        "an auf aus ab zu mit vor nach um ist sind war waren bin bist hat hatte wird wurde kann kannst können "
        "könnte könnten könntest möchte möchten will wollen würde würden soll sollte muss müssen darf brauche suche "
        "was wer wie wo wann warum wohin woher wieviel so dann also noch auch nur schon sich mich mir dieses bitte "
        "eigentlich vielleicht etwa circa ungefähr heißt heiße lautet wäre hätte gibt das denn sie es ihr sehr "
        "diese diesen dieser diesem punkt"
    ),
    open_phrases=split_phrases(
        "und dann, und dann ich, ich meine, weißt du, lass mich überlegen, moment mal, einen moment, zum beispiel, "
        "so etwas wie, ich möchte, ich hätte gern, ich hätte gerne, ich brauche, ich suche, kannst du, kannst du "
        "mir, kannst du bitte, können Sie, können Sie mir, könntest du, könnten Sie, könnten Sie mir, könnten Sie "
        "mir sagen, mein name ist, ich heiße, ich würde gern, ich würde gerne, sag mir, zeig mir, gib mir, gibt es, "
        "ich glaube, ich denke, ich wollte, weißt du ob, das heißt, die nummer ist, meine nummer ist, einen flug "
        "nach, wie viele, wie viel, was für, mehr als, mindestens, anstatt, je nach, es ist, das ist, ich bin, ich "
        "habe, nach hause und, was ist, wo ist, wer ist, ich will"
    ),
    starters=split_words("wenn falls obwohl sobald während nachdem bevor dass weil ob"),
    telling=split_words("sagen sag weiß weißt wissen sagst erklären zeigen"),
    asking=split_words("was wer wie wo wann warum wieso weshalb wohin woher wem wen welche welcher welches wieviel"),
    joins=split_words("und oder"),
    answers=split_phrases(
        "ja, jawohl, ja bitte, ja gerne, ja genau, nein, nein danke, nö, nee, doch, danke, danke schön, danke sehr, "
        "bitte sehr, vielen dank, bitte, gerne, genau, richtig, stimmt, klar, natürlich, okay, ok, gut, sehr gut, "
        "alles klar, in ordnung, passt, stopp, stop, halt, warte, abbrechen, weiter, nochmal, noch mal, noch "
        "einmal, hallo, guten tag, guten morgen, guten abend, tschüss, auf wiedersehen, das war's, das war alles, "
        "das ist alles, nichts, gar nichts, vielleicht, keine ahnung, ich weiß nicht, ich weiß es nicht, ich glaube "
        "schon, ich glaube ja, ich glaube nicht, was, wie bitte, warum, warum nicht, wieso, wann, wo, wer, "
        "wirklich, hilfe, ruhe, sei still, hör auf, mach weiter, mach aus, mach an, mach das licht an, mach das "
        "licht aus, entschuldigung, egal, schon gut, ich auch, von mir aus, noch nicht, auf keinen fall, auf jeden "
        "fall, mhm, ganz genau, ich auch nicht, das ist es"
    ),
    backchannels=split_phrases(
        "mhm, hm, hmm, aha, ah, ach, ach so, achso, oh, ja, ja ja, jaja, jo, jap, genau, ganz genau, okay, ok, gut, "
        "klar, alles klar, stimmt, richtig, verstehe, ich verstehe, natürlich, schön, super, toll, prima, echt, "
        "wirklich, interessant, krass, na klar, in ordnung, ach ja, äh, ähm, sicher"
    ),
    commands=split_phrases(
        "stopp, stop, halt, warte, warte mal, moment, moment mal, einen moment, nein, nee, nö, hör auf, aufhören, "
        "ruhe, sei still, abbrechen, pause, genug, entschuldigung, hey, aber, was, wie bitte, hilfe, nochmal, noch "
        "mal, stopp mal"
    ),
    common=split_words(
        "nicht ja nein bitte danke heute morgen hier da jetzt mal doch uns euch ihnen ihm ihn dir dich gern gerne "
        "gut viel viele uhr buche suche sag zeig wetter mach mache geht"
    ),
    digits=split_words("null eins zwei zwo drei vier fünf sechs sieben acht neun"),
    tens=frozenset(),  # German says the unit first
)
