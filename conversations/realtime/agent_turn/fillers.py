"""What the assistant says while a tool takes its time, so that nobody wonders whether it is still there."""

FILLERS = {
    "en": "One moment.",
    "ar": "لحظة من فضلك.",
    "cs": "Okamžik, prosím.",
    "da": "Et øjeblik.",
    "de": "Einen Moment.",
    "es": "Un momento.",
    "fr": "Un instant.",
    "hi": "एक क्षण।",
    "id": "Sebentar.",
    "it": "Un momento.",
    "ja": "少々お待ちください。",
    "ko": "잠시만요.",
    "nl": "Een ogenblik.",
    "pl": "Chwileczkę.",
    "pt": "Um momento.",
    "ru": "Одну минуту.",
    "sv": "Ett ögonblick.",
    "th": "สักครู่นะ",
    "tr": "Bir dakika.",
    "uk": "Хвилинку.",
    "vi": "Chờ một chút.",
    "zh": "请稍等。",
}


def choose_filler(language: str) -> str:
    """`language` such as en or de-AT; English where it is "" or not known here."""
    return FILLERS.get(language.partition("-")[0].lower(), FILLERS["en"])
