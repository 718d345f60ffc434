"""The words of Dutch."""

from conversations.realtime.text.languages.language import Language, split_phrases, split_words

DUTCH = Language(
    open=split_words(
        "de een mijn jouw onze geen en of maar want omdat dat als dan terwijl hoewel zodat tot voor van bij zonder "
        "tegen sinds tussen tijdens naar met in te om elke ieder heel nou apenstaartje waarvan welke welk"
    ),
    fillers=split_words("eh ehm uh uhm euh hm"),
    asking_open=split_words("het ik jij je hij zij ze wij we u jullie"),
    doubtful=split_words(
        "aan op uit af door over onder na toe mee is was waren ben bent heb heeft had hebben word wordt kan kun "
        "kunt kunnen zou zouden wil willen wilde moet moeten mag ga gaat zal zoek wat wie waar wanneer waarom hoe "
        "hoeveel dus ook nog alleen misschien ongeveer zo dit dat punt streepje heet er graag zijn haar ons hun die "
        "deze erg"
    ),
    open_phrases=split_phrases(
        "en dan, en toen, ik bedoel, weet je, even denken, even kijken, laat me denken, bijvoorbeeld, ik wil, ik "
        "wil graag, ik wou, ik zou graag, ik zoek, kun je, kunt u, kun je me, kunt u me, kunt u me vertellen, mijn "
        "naam is, ik heet, mijn nummer is, vertel me, geef me, is er, zijn er, ik denk, ik denk dat, hoeveel, "
        "minstens, meer dan, in plaats van, dat is, het is"
    ),
    starters=split_words("als hoewel terwijl zodra indien omdat dat of"),
    telling=split_words("vertellen vertel zeggen weet weten uitleggen"),
    asking=split_words("wat wie waar wanneer waarom hoe hoeveel welke welk"),
    joins=split_words("en of"),
    answers=split_phrases(
        "ja, ja graag, ja hoor, nee, nee bedankt, nee dank je, bedankt, dank je, dank je wel, dank u, dank u wel, "
        "alsjeblieft, alstublieft, graag, precies, klopt, juist, zeker, natuurlijk, oké, ok, okay, goed, prima, is "
        "goed, stop, hou op, wacht, annuleer, ga door, verder, volgende, nog een keer, opnieuw, hallo, hoi, "
        "goedemorgen, goedemiddag, goedenavond, doei, tot ziens, dat is alles, dat was het, niets, misschien, weet "
        "ik niet, ik weet het niet, ik denk het wel, ik denk het, nog niet, ik ook, wat, hoe, waarom, waarom niet, "
        "wanneer, waar, wie, echt, help, sorry, pardon, stil"
    ),
    backchannels=split_phrases(
        "mhm, hm, hmm, aha, ah, oh, ja, ja ja, jaja, oké, ok, okay, precies, klopt, juist, goed, prima, natuurlijk, "
        "duidelijk, snap ik, begrijp ik, ik snap het, echt, leuk, mooi, tuurlijk, zeker"
    ),
    commands=split_phrases(
        "stop, wacht, wacht even, hou op, nee, stil, stilte, pauze, genoeg, sorry, pardon, hé, hee, maar, wat, een "
        "moment, momentje, annuleer, opnieuw, help"
    ),
    common=split_words(
        "niet ja nee dank vandaag morgen hier nu goed veel uur boeken vinden maken zeggen alles weer me mij jou hem"
    ),
    digits=split_words("nul een één twee drie vier vijf zes zeven acht negen"),
    tens=frozenset(),  # Dutch says the unit first
)
