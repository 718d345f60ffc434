"""Short phrases that the assistant says while the user would otherwise hear nothing for long."""

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
    """Return the filler in `language` (a tag such as en or de-AT), in English if that is "" or not listed."""
    return FILLERS.get(language.partition("-")[0].lower(), FILLERS["en"])
