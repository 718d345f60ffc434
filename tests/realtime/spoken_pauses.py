"""Scripts of people who pause inside an utterance, as recognisers write it: for tests and benchmarks.

Each is (language, [(transcript at the pause, length of the pause in ms), ...], transcript at the end).
"""

SpokenPauses = tuple[str, list[tuple[str, int]], str]

SCRIPTS: list[SpokenPauses] = [
    ("en", [("I would like to book a flight to.", 900)], "I would like to book a flight to Lisbon."),
    ("en", [("Can you", 500), ("Can you tell me what", 1200)], "Can you tell me what the weather will be tomorrow?"),
    (
        "en",
        [("My phone number is", 700), ("My phone number is 555.", 1100), ("My phone number is 555 018.", 1000)],
        "My phone number is 555 018 4422.",
    ),
    (
        "en",
        [("I need a table for four", 350), ("I need a table for four on", 800)],
        "I need a table for four on Friday evening.",
    ),
    ("en", [("So, um,", 1400)], "So, um, what time do you close?"),
    ("en", [("I was thinking, maybe", 1300)], "I was thinking, maybe we could move it to Monday."),
    ("en", [("Please remind me to call the", 1000)], "Please remind me to call the dentist."),
    ("en", [("Add milk, eggs, and", 1500)], "Add milk, eggs, and some butter to my list."),
    (
        "en",
        [("The reason I'm calling is that", 1100), ("The reason I'm calling is that my order never", 400)],
        "The reason I'm calling is that my order never arrived.",
    ),
    ("en", [("If the train is late", 900)], "If the train is late, can I still change in Cologne?"),
    ("en", [("It's john.smith at", 800), ("It's john.smith@gmail", 600)], "It's john.smith@gmail.com."),
    (
        "en",
        [("Yesterday I went to the doctor and then I", 1600)],
        "Yesterday I went to the doctor and then I lost my keys.",
    ),
    ("en", [("Well, I guess it depends on.", 1200)], "Well, I guess it depends on the price."),
    (
        "en",
        [
            ("My card number is 4242.", 1300),
            ("My card number is 4242 4242.", 1200),
            ("My card number is 4242 4242 4242.", 1100),
        ],
        "My card number is 4242 4242 4242 4242.",
    ),
    ("en", [("The name is spelled S-M", 700)], "The name is spelled S-M-Y-T-H-E, like the actor."),
    ("en", [("What's the difference between", 1200)], "What's the difference between a latte and a flat white?"),
    ("en", [("I don't like it because", 1000)], "I don't like it because it's too loud."),
    ("en", [("Could you play something by", 1500)], "Could you play something by Nina Simone?"),
    ("de", [("Ich möchte einen Tisch für.", 900)], "Ich möchte einen Tisch für vier Personen reservieren."),
    ("de", [("Können Sie mir sagen, wann", 1100)], "Können Sie mir sagen, wann der nächste Zug nach Köln fährt?"),
    (
        "de",
        [("Meine Nummer ist 0176.", 1200), ("Meine Nummer ist 0176 345.", 1000)],
        "Meine Nummer ist 0176 345 99821.",
    ),
    (
        "de",
        [("Ich bin gestern beim Arzt gewesen und dann", 1400)],
        "Ich bin gestern beim Arzt gewesen und dann nach Hause gefahren.",
    ),
    ("de", [("Ähm,", 1500), ("Ähm, wie ist das Wetter in", 600)], "Ähm, wie ist das Wetter in Hamburg?"),
    ("de", [("Ich glaube, dass ich", 1300)], "Ich glaube, dass ich morgen keine Zeit habe."),
    ("de", [("Wenn es morgen regnet", 800)], "Wenn es morgen regnet, bleiben wir zu Hause."),
    ("de", [("Stell bitte einen Wecker auf", 700)], "Stell bitte einen Wecker auf sieben Uhr."),
    ("de", [("Was kostet denn eine", 1000)], "Was kostet denn eine Fahrkarte nach Wien?"),
    ("de", [("Das Problem ist, dass mein", 1500)], "Das Problem ist, dass mein Drucker nicht druckt."),
    ("fr", [("Je voudrais réserver une table pour.", 900)], "Je voudrais réserver une table pour deux personnes."),
    (
        "fr",
        [("Est-ce que vous pouvez me dire", 400), ("Est-ce que vous pouvez me dire à quelle heure", 500)],
        "Est-ce que vous pouvez me dire à quelle heure vous fermez ?",
    ),
    (
        "fr",
        [("Mon numéro, c'est le 06 12.", 1200), ("Mon numéro, c'est le 06 12 45.", 1100)],
        "Mon numéro, c'est le 06 12 45 78 90.",
    ),
    ("fr", [("Euh", 1600)], "Euh, quel temps fait-il à Lyon ?"),
    ("fr", [("Je ne peux pas venir parce que.", 1300)], "Je ne peux pas venir parce que je travaille."),
    ("fr", [("Si je prends le train de huit heures", 900)], "Si je prends le train de huit heures, j'arrive quand ?"),
    ("fr", [("Rappelle-moi d'acheter du", 1000)], "Rappelle-moi d'acheter du pain."),
    (
        "fr",
        [("J'ai essayé de vous appeler hier, mais", 1400)],
        "J'ai essayé de vous appeler hier, mais ça ne répondait pas.",
    ),
    ("es", [("Quiero reservar una mesa para.", 900)], "Quiero reservar una mesa para cuatro personas."),
    ("es", [("¿Me puedes decir cuánto cuesta el", 1100)], "¿Me puedes decir cuánto cuesta el billete?"),
    ("es", [("Mi teléfono es 612.", 1200), ("Mi teléfono es 612 345.", 1000)], "Mi teléfono es 612 345 678."),
    ("es", [("Pues, eh,", 1500)], "Pues, eh, no estoy seguro de la fecha."),
    ("es", [("No puedo ir porque", 1300)], "No puedo ir porque tengo que trabajar."),
    ("es", [("Si llego tarde al aeropuerto", 900)], "Si llego tarde al aeropuerto, ¿qué puedo hacer?"),
    (
        "es",
        [("Recuérdame que tengo que comprar", 500), ("Recuérdame que tengo que comprar leche y", 1100)],
        "Recuérdame que tengo que comprar leche y huevos.",
    ),
    ("it", [("Vorrei un biglietto per", 1000)], "Vorrei un biglietto per Milano."),
    ("it", [("Non posso venire perché", 1200)], "Non posso venire perché lavoro."),
    ("pt", [("Eu gostaria de reservar uma mesa para", 1100)], "Eu gostaria de reservar uma mesa para duas pessoas."),
    ("nl", [("Ik wil graag een tafel reserveren voor", 1000)], "Ik wil graag een tafel reserveren voor vier personen."),
    ("ja", [("明日の会議なんですけど", 1200)], "明日の会議なんですけど、時間を変更できますか。"),
    ("zh", [("我想订一张去", 500), ("我想订一张机票,因为", 1300)], "我想订一张机票,因为下周要出差。"),
]
