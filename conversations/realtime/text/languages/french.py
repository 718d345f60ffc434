"""The words of French."""

from conversations.realtime.text.languages.language import Language, split_phrases, split_words

FRENCH = Language(
    open=split_words(
        "le la les l un une des du de d au aux mon ma mes ton ta tes sa ses notre nos votre vos leur leurs cet "
        "cette ces et ou mais donc or ni car que qu si comme lorsque puisque quoique parce à dans par pour en vers "
        "chez entre sous jusqu jusque depuis malgré je j n bref très trop avec sans pendant ne me te se quel quelle "
        "quels quelles m mme c s t dont tiret arobase d'un d'une qu'un qu'une l'un l'une"
    ),
    fillers=split_words("euh heu hum ben bah"),
    asking_open=split_words("tu il on ils ce quand qui qu'il qu'elle qu'on s'il"),
    doubtful=split_words(
        "sur après avant contre est suis sont était a ai as avons avez ont veux veut voudrais voudrait vais va peux "
        "peut pouvez pourriez pourrais dois doit faut alors puis aussi y où comment pourquoi combien quoi c'est "
        "j'ai d'abord ensuite s'il cherche aimerais s'appelle m'appelle point environ peut-être juste encore même "
        "son elle elles nous vous"
    ),
    open_phrases=split_phrases(
        "vous pouvez me dire, tu peux me dire, peux-tu me dire, pouvez-vous me dire, me dire si, et puis, et après, "
        "et ensuite, et alors je, parce que, est-ce que, est-ce que vous, est-ce que tu, je voudrais, j'aimerais, "
        "je veux, je cherche, je pense que, je crois que, je me demande, pouvez-vous, pourriez-vous, pouvez-vous "
        "me, pourriez-vous me, pourriez-vous me dire, peux-tu, tu peux, tu peux me, dis-moi, dites-moi, montre-moi, "
        "donne-moi, je m'appelle, mon nom est, mon numéro est, mon numéro c'est, par exemple, c'est-à-dire, attends "
        "voir, voyons voir, laisse-moi réfléchir, laissez-moi réfléchir, tu sais, vous savez, il y a, y a-t-il, je "
        "suis, j'ai, c'est, au moins, plus de, moins de, beaucoup de, à côté de, au lieu de, à cause de, un peu de, "
        "à partir de, je vais, il faut, qu'est-ce que, qu'est-ce qui, afin de, avec un, on va dire, disons"
    ),
    starters=split_words("si lorsque puisque quoique"),
    telling=split_words("dire dis dites sais savez savoir expliquer demande"),
    asking=split_words("que quoi qui où quand comment pourquoi combien quel quelle quels quelles qu'est"),
    joins=split_words("et ou"),
    answers=split_phrases(
        "qu'est-ce que c'est, oui, oui merci, oui s'il vous plaît, oui s'il te plaît, ouais, non, non merci, si, "
        "merci, merci beaucoup, s'il vous plaît, s'il te plaît, d'accord, ok, okay, bien sûr, exactement, tout à "
        "fait, c'est ça, voilà, parfait, très bien, bien, bon, stop, arrête, arrêtez, attends, attendez, annule, "
        "annulez, continue, continuez, encore, répète, répétez, bonjour, bonsoir, salut, au revoir, à bientôt, à "
        "demain, bonne nuit, c'est tout, ça suffit, rien, peut-être, je ne sais pas, je sais pas, je crois, je "
        "pense, je crois que oui, je pense que oui, je crois que non, pas encore, pas vraiment, pas du tout, moi "
        "aussi, quoi, comment, pourquoi, pourquoi pas, quand, où, qui, vraiment, aide-moi, aidez-moi, pardon, "
        "désolé, excusez-moi, tais-toi, allez-y, vas-y, ça va, c'est bon, ça marche, et vous, et toi, avec plaisir, "
        "volontiers, pas de problème, on y va, il y en a, moi non plus, je n'en veux pas"
    ),
    backchannels=split_phrases(
        "mhm, hm, hmm, mmh, ah, oh, aha, oui, oui oui, ouais, d'accord, ok, okay, ah oui, ah bon, ah d'accord, "
        "bien, très bien, bien sûr, exactement, tout à fait, c'est ça, je vois, je comprends, voilà, parfait, "
        "super, génial, c'est vrai, vraiment, ça marche, intéressant, euh, bon"
    ),
    commands=split_phrases(
        "stop, arrête, arrêtez, attends, attendez, non, pause, tais-toi, silence, ça suffit, un instant, une "
        "seconde, un moment, pardon, excusez-moi, mais, quoi, comment, annule, annulez, répète, répétez, aide-moi, "
        "hé, minute"
    ),
    common=split_words(
        "oui non pas merci moi toi lui ça c'est bien bonjour demain aujourd'hui heures réserver trouver faire dire "
        "d'accord s'il plaît j'ai est-ce temps fait quelle l'heure"
    ),
    digits=split_words("zéro un deux trois quatre cinq six sept huit neuf"),
    tens=split_words("vingt trente quarante cinquante soixante"),
)
