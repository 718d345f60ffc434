"""The words of Italian."""

from conversations.realtime.text.languages.language import Language, split_phrases, split_words

ITALIAN = Language(
    open=split_words(
        "il lo la i gli le l un uno una d di del dello della dei degli delle a al allo alla ai agli alle da dal "
        "dalla dai in nel nella nei nelle con su sul sulla per tra fra e ed o oppure ma però che se quando mentre "
        "come cui mio mia miei mie tuo tua suo nostro nostra ogni quei mi ti si ci senza verso durante chiocciola "
        "trattino signor quali dell all nell sull dall quell d'un d'una"
    ),
    fillers=split_words("ehm eh uhm mmm"),
    asking_open=split_words("io tu quale perché"),
    doubtful=split_words(
        "è sono era sei ho hai ha abbiamo hanno vorrei voglio posso puoi può potrebbe potresti devo deve vado sto "
        "allora poi quindi anche ne più meno dove chi cosa quanto quanti così circa solo punto chiamo sarebbe sopra "
        "sotto dopo prima cerco cioè vi c'è lui lei noi voi loro questo questa questi quel quella molto non"
    ),
    open_phrases=split_phrases(
        "e poi, e allora, voglio dire, per esempio, ad esempio, fammi pensare, fammi vedere, vediamo, vorrei, ho "
        "bisogno di, mi chiamo, il mio nome è, il mio numero è, puoi, può, potrebbe, potresti, mi puoi, mi può, mi "
        "può dire, dimmi, mi dica, penso che, credo che, almeno, più di, invece di, sto cercando, mi piacerebbe, "
        "c'è, ci sono"
    ),
    starters=split_words("se sebbene anche mentre"),
    telling=split_words("dire dirmi dimmi so sai sa sapere spiegare"),
    asking=split_words("che chi cosa dove quando come perché quanto quanti quale quali cos'è dov'è"),
    joins=split_words("e ed o"),
    answers=split_phrases(
        "sì, si, sì grazie, sì per favore, no, no grazie, grazie, grazie mille, per favore, prego, va bene, "
        "d'accordo, certo, esatto, giusto, perfetto, bene, benissimo, ok, okay, stop, basta, ferma, fermati, "
        "aspetta, aspetti, annulla, continua, avanti, ancora, ripeti, di nuovo, ciao, buongiorno, buonasera, "
        "arrivederci, buonanotte, è tutto, niente, nient'altro, forse, non lo so, non so, credo di sì, credo di no, "
        "penso di sì, non ancora, anch'io, che cosa, cosa, come, perché no, quando, dove, chi, davvero, aiuto, "
        "scusa, scusi, e tu, e lei, eccome, tutto qui"
    ),
    backchannels=split_phrases(
        "mhm, mm, ah, oh, aha, sì, sì sì, si, ok, okay, va bene, certo, esatto, giusto, capito, capisco, ho capito, "
        "bene, perfetto, d'accordo, ah sì, davvero, vero, bello, ottimo, già, eh, eh sì"
    ),
    commands=split_phrases(
        "basta, ferma, fermati, stop, aspetta, aspetti, un momento, un attimo, no, silenzio, zitto, pausa, scusa, "
        "scusi, ma, cosa, come, annulla, ripeti, aiuto, ehi, senti"
    ),
    common=split_words(
        "sì grazie ciao oggi domani qui ora bene fare trovare prenotare dire tutto tempo ore volo tavolo"
    ),
    digits=split_words("zero uno due tre quattro cinque sei sette otto nove"),
    tens=split_words("venti trenta quaranta cinquanta sessanta settanta ottanta novanta"),
)
