import pytest

from conversations.realtime.user_turn.backchannel import is_backchannel, is_echo, is_hallucination, remove_echo

HOTEL = "The first room is on the ground floor, and the second one has a balcony that looks out over the harbour."
BAHN = (
    "Der nächste Zug nach Hamburg fährt um neun Uhr dreißig von Gleis vier ab, Sie müssen einmal in Hannover umsteigen."
)
MUSEE = "Le musée ouvre à dix heures, et l'entrée est gratuite le premier dimanche du mois pour tous les visiteurs."
TREN = "El tren sale a las ocho de la mañana y llega a Sevilla antes de las once, con una parada en Córdoba."
TENKI = "明日の東京の天気は晴れで、最高気温は二十五度になる予定です。"

ECHOES = [
    ("the second one has a balcony", HOTEL),
    ("The second one has a balcony that looks out over the harbor.", HOTEL),
    ("first room is on the ground for and the second one", HOTEL),
    ("ground floor", HOTEL),
    ("balcony", HOTEL),
    ("Okay.", "Okay, I have booked it for you."),
    ("It costs 3 or 4 dollars", "It costs three or four dollars a day."),
    ("Zug nach Hamburg fährt um 9 Uhr", BAHN),
    ("sie müssen einmal in Hanover umsteigen", BAHN),
    ("Le musée ouvre à 10 heures", MUSEE),
    ("l’entrée est gratuite le premier dimanche", MUSEE),
    ("llega a Sevilla antes de las 11", TREN),
    ("東京の天気は晴れで、最高気温", TENKI),
]
OWN_WORDS = [
    ("wait, the second one?", HOTEL),
    ("What about the second one?", HOTEL),
    ("I would like the second one", HOTEL),
    ("yes, the second one has a balcony", HOTEL),
    ("stop", "Press the stop button to stop the timer."),
    ("No.", "No, that train does not run on Sundays."),
    ("Hang on", "Hang on, I am looking it up."),
    ("No, wait!", "No, wait, there is another one."),
    ("Tuesday", "Would you prefer Monday or Tuesday?"),
    ("what's the weather like", HOTEL),
    ("is there a lift in the building", HOTEL),
    ("warte", "Bitte warte einen Augenblick."),
    ("Nein, nach Bremen", BAHN),
    ("Muss ich in Hannover umsteigen?", BAHN),
    ("arrête", "Le bus arrête devant la gare."),
    ("Et le dimanche, c'est gratuit ?", MUSEE),
    ("para", "Es un regalo para tu madre."),
    ("¿Y a qué hora llega a Sevilla?", TREN),
    ("待って", "少し待ってください。"),
    ("大阪の天気を教えて", TENKI),
    ("", HOTEL),
    ("Stop", ""),
]
MIXTURES = [
    ("the second one has a balcony stop", HOTEL, "stop"),
    ("The second one has a balcony. No, I meant the price.", HOTEL, "No, I meant the price."),
    ("Hold on. the first room is on the ground floor", HOTEL, "Hold on."),
    ("Zug nach Hamburg fährt um neun Uhr, ich will nach Bremen", BAHN, "ich will nach Bremen"),
    ("le musée ouvre à dix heures et le lundi ?", MUSEE, "le lundi ?"),
    ("wait, the second one?", HOTEL, "wait, the second one?"),
    ("what time is it", HOTEL, "what time is it"),
    ("looks out over the harbour", HOTEL, ""),
]
BACKCHANNELS = [
    "mhm",
    "Mm-hmm.",
    "Uh-huh",
    "Yeah",
    "yeah, okay",
    "Okay, okay.",
    "Right.",
    "I see.",
    "Hmmm",
    "oh, really",
    "Sure, sure.",
    "ahhh",
    "genau",
    "Ja, genau.",
    "Ach so.",
    "ja ja",
    "Alles klar",
    "oui",
    "D'accord.",
    "ah oui, d'accord",
    "Tout à fait.",
    "Vale",
    "sí, sí",
    "Claro, claro.",
    "Ajá",
    "certo",
    "Ho capito.",
    "tá bom",
    "pois é",
    "Precies.",
    "うん",
    "はい、はい。",
    "なるほど",
    "嗯嗯",
    "对，对。",
    "네",
    "[cough]",
    "(coughs)",
    "*cough*",
    "♪",
    "♪♪ [Music] ♪",
    "...",
    "",
    "(laughs) yeah",
    "(breathing heavily)",
    "[BLANK_AUDIO]",
]
NO_BACKCHANNELS = [
    "yes, and",
    "Yes, and what about Sunday?",
    "okay stop",
    "Okay, wait.",
    "no",
    "Right?",
    "okay but",
    "stop",
    "yeah no",
    "what",
    "Huh?",
    "ja aber",
    "Ja, und morgen?",
    "nein",
    "warte",
    "oui mais",
    "non",
    "D'accord, et demain ?",
    "sí, pero",
    "para",
    "no",
    "はい、でも",
    "待って",
    "不要",
    "(I said that you should stop)",
    "Thursday",
]
MADE_UP = [
    "Thank you for watching!",
    "Thanks for watching.",
    "Thank you.",
    "you",
    "[Music]",
    "(silence)",
    "♪",
    "Bye. Bye.",
    "",
    "Untertitel der Amara.org-Community",
    "Untertitelung des ZDF, 2020",
    "Sous-titres réalisés par la communauté d'Amara.org",
    "Sous-titrage Société Radio-Canada",
    "Subtítulos realizados por la comunidad de Amara.org",
    "¡Suscríbete al canal!",
    "ご視聴ありがとうございました",
    "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    "MBC 뉴스 이덕영입니다.",
    "la la la la la la",
]
SAID = [
    "What time is it?",
    "Thank you, and what about Sunday?",
    "Yes.",
    "Stop",
    "Danke, das reicht.",
    "Non.",
    "You are right.",
    "今何時ですか",
]


def test_it_works() -> None:
    assert is_echo("has a balcony that looks", HOTEL)
    assert not is_echo("does it have a bath", HOTEL)
    assert is_backchannel("mhm")


@pytest.mark.parametrize(("transcript", "spoken"), ECHOES)
def test_the_assistants_own_words_are_an_echo(transcript: str, spoken: str) -> None:
    assert is_echo(transcript, spoken)
    assert remove_echo(transcript, spoken) == ""


@pytest.mark.parametrize(("transcript", "spoken"), OWN_WORDS)
def test_the_users_words_are_no_echo(transcript: str, spoken: str) -> None:
    assert not is_echo(transcript, spoken)


@pytest.mark.parametrize(("transcript", "spoken", "own"), MIXTURES)
def test_the_users_words_are_kept_of_a_mixture(transcript: str, spoken: str, own: str) -> None:
    assert remove_echo(transcript, spoken) == own


def test_words_far_apart_are_no_run() -> None:
    assert not is_echo("the first one over the ground has harbour", HOTEL)


@pytest.mark.parametrize("transcript", BACKCHANNELS)
def test_a_backchannel_wants_no_turn(transcript: str) -> None:
    assert is_backchannel(transcript)


@pytest.mark.parametrize("transcript", NO_BACKCHANNELS)
def test_a_backchannel_that_goes_on_wants_a_turn(transcript: str) -> None:
    assert not is_backchannel(transcript)


@pytest.mark.parametrize("transcript", MADE_UP)
def test_subtitle_credits_are_hallucinations(transcript: str) -> None:
    assert is_hallucination(transcript)


@pytest.mark.parametrize("transcript", SAID)
def test_what_people_say_is_no_hallucination(transcript: str) -> None:
    assert not is_hallucination(transcript)


def test_what_is_heard_beyond_a_minute_is_the_users_own() -> None:
    said = "The library closes at six today, and it opens again on Monday at nine."
    own = " ".join(f"word{number}" for number in range(10_000))
    assert remove_echo(f"{said} {own}", said) == own
    assert not is_echo(own, own)
    assert remove_echo("我" * 10_000, "我" * 10_000)
