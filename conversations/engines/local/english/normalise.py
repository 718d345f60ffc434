"""Write English as it is spoken, before a voice reads it: money, dates, times, units, addresses, abbreviations.

Each rule is a pattern and the function that says what it finds. They run in the order of RULES: what is more
particular comes first. Every pattern looks at a bounded number of characters from where it begins, so the work is
linear in the length of the text.
"""

import re
from collections.abc import Callable, Iterable

from conversations.engines.local.english import addresses, amounts, numbers, times, words

Found = re.Match[str]
Rule = tuple[re.Pattern[str], Callable[[Found], str]]

BEFORE = r"(?<![\w.,])"  # where a number begins
WHOLE = r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?!\d)"
NUMBER = rf"{WHOLE}(?:\.\d{{1,15}})?"
SCALE = r"(?:\s?(thousand|million|billion|trillion|mn|bn|tn|[kKmMbB])\b)?"
CURRENCY = r"[$£€¥]"
DAY = r"(?:3[01]|[12]\d|0?[1-9])"
MONTH = "|".join(words.MONTHS)
HALF = r"\s?([AaPp])\.?[Mm]\b\.?"
ROMAN = r"X{0,3}(?:IX|IV|V?I{1,3}|V)|X{1,3}"
DOMAIN = r"com|org|net|io|dev|edu|gov|ai|app"


def normalise(text: str, *, is_day_first: bool = False) -> str:
    """Return English text in words. `is_day_first` is how dates such as 12/08/2025 are read."""
    text = EN_DASH_OF_RANGE.sub("-", text)
    for sign, plain in words.SIGNS.items():
        text = text.replace(sign, plain)
    if is_day_first:
        text = SLASHED_DATE.sub(lambda found: times.say_date(found[2], found[1], found[3], found[0]), text)
    for pattern, say in RULES:
        text = pattern.sub(say, text)
    return re.sub(r" (?=[,.;:!?])", "", re.sub(r"\s+", " ", text)).strip()


def _say_roman(found: Found) -> str:
    """Return “chapter four” or “Henry the eighth”. “I” and “X” behind most words are no numerals."""
    name, numeral = found[1], found[2]
    number = numbers.read_roman(numeral)
    if name.lower() in words.COUNTED and (numeral != "I" or name[0].isupper()):
        return f"{name} {numbers.say_cardinal(number)}"
    is_name = name[0].isupper() and name.lower() not in words.NO_NAMES
    return f"{name} the {numbers.say_ordinal(number)}" if is_name and len(numeral) > 1 else found[0]


def _say_abbreviation(found: Found) -> str:
    is_last = not found.string[found.end() :].strip(" \"')")
    return words.ABBREVIATIONS[found[0]] + ("." if is_last and found[0].endswith(".") else "")


def _say_saint_or_street(found: Found) -> str:
    """Return “Saint Peter” or “12 Baker Street”."""
    rest = found.string[found.end() :].lstrip()
    is_street = bool(found[1]) or not rest[:1].isupper()
    return f"{found[1] or ''}{'Street' if is_street else 'Saint'}{'' if rest else '.'}"


def _say_sign(found: Found) -> str:
    is_within = found.string[found.end() : found.end() + 1].isalnum()
    return f" {words.SPOKEN_SIGNS[found[0]]}{' ' if is_within else ''}"


def _join(names: Iterable[str]) -> str:
    """Return a pattern of these, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _rule(pattern: str, say: Callable[[Found], str]) -> Rule:
    return re.compile(pattern, re.ASCII), say


def _put(spoken: str) -> Callable[[Found], str]:
    return lambda found: spoken


EN_DASH_OF_RANGE = re.compile(rf"(?<=[\d%]) ?\u2013 ?(?=(?:{CURRENCY})?\d)")
SLASHED_DATE = re.compile(rf"(?<![\w/])({DAY})/({DAY})/(\d{{4}}|\d{{2}})(?![\w/])", re.ASCII)
ADDRESSES = (
    _rule(r"\b(?:https?://(?:www\.)?|(?=www\.))([\w.-]{1,100}\w)(?::\d{1,5})?((?:/[\w./?=&#~-]{0,200}[\w/])?)",
          addresses.say_web_address),
    _rule(r"(?<![\w.@])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", addresses.say_address),
    _rule(rf"(?<![\w.@-])(?:[a-z][a-z0-9-]{{1,62}}\.){{1,3}}(?:{DOMAIN})\b(?:/[\w./-]{{0,200}}[\w/])?",
          addresses.say_address),
    _rule(r"(?<![\w.])(?:[Vv]ersion (?=v))?(\bv)?(\d{1,5}(?:\.\d{1,5}){2,4})(?!\w)", addresses.say_version),
    _rule(r"(?<![\w.])(?:[Vv]ersion )?(\bv)(\d{1,5}(?:\.\d{1,5})?)(?!\w)", addresses.say_version),
    _rule(r"(?<=\bversion )()(\d{1,5}\.\d{1,5})(?!\w)", addresses.say_version),
)  # fmt: skip
DATES_AND_CALLS = (
    _rule(r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?![\w-])",
          lambda found: times.say_date(found[2], found[3], found[1], found[0])),
    (SLASHED_DATE, lambda found: times.say_date(found[1], found[2], found[3], found[0])),
    _rule(r"(?<![\w.+(-])(?:\+\d{1,3}[ -]?|1[ -])?(?:\(\d{2,5}\)[ -]?)?\d{2,4}(?:[ -]\d{2,4}){1,4}(?![\w-])",
          addresses.say_phone),
    _rule(rf"(?<![\w:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?:{HALF})?(?![\w:])", times.say_time),
    _rule(rf"{BEFORE}(1[0-2]|0?[1-9])\.([0-5]\d)(){HALF}", times.say_time),
    _rule(rf"{BEFORE}(1[0-2]|0?[1-9]){HALF}", times.say_hour),
)  # fmt: skip
AMOUNTS = (
    _rule(rf"(?<![\w.])(-?)({CURRENCY})\s?({NUMBER}){SCALE}(?:\s?-\s?{CURRENCY}?({NUMBER}){SCALE})?",
          amounts.say_money),
    _rule(rf"{BEFORE}({NUMBER})\s?([$£€¥]|USD\b|EUR\b|GBP\b)", amounts.say_amount),
    _rule(rf"{BEFORE}(-?)({NUMBER})(?:\s?(?:-|to)\s?({NUMBER}))?\s?({_join([*words.UNITS, *words.FIXED_UNITS])})"
          r"(?![\w²³/])", amounts.say_unit),
    _rule(r"(?<![\w./])(?:(\d{1,4}) )?(\d{1,2})/(\d{1,2})(?![\w/])", amounts.say_fraction),
    _rule(r"(?<=\d)/(?=\d)", _put(" ")),  # 24/7
    _rule(rf"(?<![\w.,-])({NUMBER}%?)-({NUMBER})(?![\w-])", lambda found: f"{found[1]} to {found[2]}"),
    _rule(rf"(?<=\d) - (?=\d)|{BEFORE}-(?=\d)", _put(" minus ")),
)  # fmt: skip
NAMES = (
    _rule(rf"\b([A-Za-z]{{2,20}}) ({ROMAN})\b(?!['\w])", _say_roman),
    _rule(r"\b[Nn]o\. ?(?=\d)", _put("number ")),
    _rule(r"\b[Pp]\. ?(?=\d)", _put("page ")),
    _rule(r"((?<!\w)\d{1,5} (?:[A-Z][a-z]{1,20} ){1,3})?\bSt\.", _say_saint_or_street),
    _rule(rf"(?<![\w.])(?:{_join(words.ABBREVIATIONS)})(?!\w)", _say_abbreviation),
    _rule(rf"\b({MONTH}) ({DAY})(?:st|nd|rd|th)?(?![\w.,]?\d|\w)", times.say_month_day),
    _rule(rf"\b(the )?({DAY})(?:st|nd|rd|th)? (?:of )?({MONTH})\b", times.say_day_month),
)
NUMBERS = (
    _rule(r"(?<=[Cc]all )(?:911|999|112)\b", lambda found: numbers.say_digits(found[0])),
    _rule(r"(?<![\w.])\.(?=\d)", _put(" point ")),
    _rule(rf"{BEFORE}({WHOLE})(?:st|nd|rd|th)\b", amounts.say_ordinal),
    _rule(r"(?<!\w)'?((?:1[1-9]|20)\d0)'?s\b", lambda found: numbers.say_decade(int(found[1]))),
    _rule(r"(?<!\w)'?([2-9]0)'?s\b", lambda found: numbers.say_decade(int(found[1]))),
    _rule(r"(?<=\d) ?[xX*] ?(?=\d)", _put(" times ")),
    _rule(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", _put(" ")),  # B42, 5G
    _rule(rf"{NUMBER}|\d+", amounts.say_year_or_number),
)
SIGNS = (
    _rule(r"\bC#", _put("C sharp")),
    _rule(r"#(?=\w)(?!\w+\b.{0,40}#)", _put("number ")),
    _rule(r" ?/ ?(?=(?:second|minute|hour|day|night|week|month|year|person|piece)\b)", _put(" per ")),
    _rule(r"(?<=[A-Za-z])/(?=[A-Za-z])", _put(" ")),  # and/or
    _rule("[" + re.escape("".join(words.SPOKEN_SIGNS)) + "]", _say_sign),
    _rule(r"(?<=\s)-{1,3}(?=\s)", _put(",")),
)
RULES: tuple[Rule, ...] = (*ADDRESSES, *DATES_AND_CALLS, *AMOUNTS, *NAMES, *NUMBERS, *SIGNS)
