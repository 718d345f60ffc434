"""Write English as it is spoken, before a voice reads it: money, dates, times, units, addresses, abbreviations.

Each rule is a pattern and the function that writes what it found in words. They run in the order of RULES: what is more
particular comes first. Every pattern looks at a bounded number of characters from where it begins, so the work is
linear in the length of the text.
"""

import re
from collections.abc import Callable

from conversations.engines.local import english_numbers as numbers
from conversations.engines.local import english_words as words

Found = re.Match[str]
Rule = tuple[re.Pattern[str], Callable[[Found], str]]

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,15})(?:\.\d{1,15})?"
SCALE = r"(?:thousand|million|billion|trillion|mn|bn|tn|[kKmMbB])"
CURRENCY = r"[$£€¥]"
DAY = r"(?:3[01]|[12]\d|0?[1-9])"
MONTH = "|".join(words.MONTHS)
ROMAN = r"[IVXLC]{1,7}"
BEFORE = r"(?<![\w.,])"  # where a number begins


def normalise(text: str, *, is_day_first: bool = False) -> str:
    """Return English text in words. `is_day_first` is how dates such as 12/08/2025 are read."""
    for sign, plain in words.SIGNS.items():
        text = text.replace(sign, plain)
    if is_day_first:
        text = SLASHED_DATE.sub(lambda found: _say_date(found[2], found[1], found[3], found[0]), text)
    for pattern, say in RULES:
        text = pattern.sub(say, text)
    return re.sub(r"\s+", " ", re.sub(r"\s+(?=[,.;:!?])", "", text)).strip()


def _say_web_address(found: Found) -> str:
    path = found[2].rstrip("/")
    host = found[1].replace("www.", "w.w.w. dot ", 1) if found[1].startswith("www.") else found[1]
    return f" {_say_address(host)}{_say_address(path)} "


def _say_address(address: str) -> str:
    spoken = {".": " dot ", "/": " slash ", "-": " dash ", "_": " underscore ", "@": " at ", "?": " question mark ",
              "=": " equals ", "&": " and ", "#": " hash ", ":": " colon ", "~": " tilde "}  # fmt: skip
    parts = re.split(r"(w\.w\.w\. dot )", address)
    return "".join(part if part.startswith("w.w") else "".join(spoken.get(sign, sign) for sign in part) for part in parts)


def _say_version(found: Found) -> str:
    name = "version " if found[1] else ""
    return name + " point ".join(_say_integer(part) for part in found[2].split("."))


def _say_phone(found: Found) -> str:
    number = found[0]
    groups = re.findall(r"\d+", number)
    count = sum(map(len, groups))
    is_marked = number[0] in "+(0" or "-" in number or "(" in number
    is_local = len(groups) > 2 or (len(groups[0]), len(groups[-1])) == (3, 4) or number[0] in "+("
    if not is_marked or not is_local or not 7 <= count <= 15:
        return number
    return ("plus " if number[0] == "+" else "") + ", ".join(map(numbers.say_digits, groups))


def _say_date(month: str, day: str, year: str, written: str) -> str:
    if int(month) > 12 >= int(day):
        month, day = day, month
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return written
    whole = year if len(year) == 4 else f"{'19' if int(year) > 50 else '20'}{year}"
    return f"{words.MONTHS[int(month) - 1]} {numbers.say_ordinal(int(day))}, {numbers.say_year(int(whole))}"


def _say_time(found: Found) -> str:
    hour, minute, second, half = int(found[1]), found[2], found[3], found[4]
    spoken = numbers.say_cardinal(hour)
    if int(minute):
        spoken += f" {'oh ' if minute[0] == '0' else ''}{numbers.say_cardinal(int(minute))}"
    elif not half:
        spoken += " o'clock"
    if second:
        spoken += f" and {numbers.say_cardinal(int(second))} seconds"
    return spoken + (_say_half(half, found) if half else "")


def _say_half(half: str, found: Found) -> str:
    """Return “ a.m.” or “ p.m.”, with a full stop behind it where the text ends."""
    return f" {half.lower()}.m." + ("," if found.string[found.end() :].startswith(",") else "")


def _say_hour(found: Found) -> str:
    return numbers.say_cardinal(int(found[1])) + _say_half(found[2], found)


def _say_money(found: Found) -> str:
    sign, currency, amount, scale, second, second_scale = found.groups()
    unit, cent = words.CURRENCIES[currency]
    minus = "minus " if sign else ""
    scale, second_scale = _say_scale(scale), _say_scale(second_scale)
    if second:
        return f"{_say_number(amount)}{scale} to {_say_number(second)}{second_scale} {unit.removesuffix('s')}s"
    if scale:
        return f"{minus}{_say_number(amount)}{scale} {words.choose_plural('2', unit)}"
    whole, _, rest = amount.partition(".")
    if len(rest) != 2 or not cent:
        return f"{minus}{_say_number(amount)} {words.choose_plural(amount, unit)}"
    parts = [f"{_say_number(whole)} {words.choose_plural(whole, unit)}"] if int(whole.replace(",", "")) else []
    if int(rest) or not parts:
        parts.append(f"{_say_number(str(int(rest)))} {words.choose_plural(str(int(rest)), cent)}")
    return minus + " and ".join(parts)


def _say_amount(found: Found) -> str:
    """Return what “20 €” or “20 EUR” is."""
    return f"{_say_number(found[1])} {words.choose_plural(found[1], words.CURRENCIES[found[2]][0])}"


def _say_scale(scale: str | None) -> str:
    return f" {words.SCALES.get(scale.lower(), scale)}" if scale else ""


def _say_unit(found: Found) -> str:
    sign, first, second, unit = found.groups()
    amount = f"{'minus ' if sign else ''}{_say_number(first)}" + (f" to {_say_number(second)}" if second else "")
    is_one = first == "1" and not second
    if unit in words.FIXED_UNITS:
        name = words.FIXED_UNITS[unit]
        return f"{amount} {name.replace('degrees', 'degree', 1) if is_one else name}"
    return f"{amount} {words.choose_plural('1' if is_one else '2', words.UNITS[unit])}"


def _say_fraction(found: Found) -> str:
    whole, top, bottom = found[1], int(found[2]), int(found[3])
    if not 0 < top < bottom or bottom not in words.FRACTIONS:
        return found[0]
    name = words.FRACTIONS[bottom]
    plural = "halves" if name == "half" else f"{name}s"
    if not whole:
        return f"{numbers.say_cardinal(top)} {name if top == 1 else plural}"
    part = f"a {name}" if top == 1 else f"{numbers.say_cardinal(top)} {plural}"
    return f"{_say_integer(whole)} and {part}"


def _say_range(found: Found) -> str:
    return f"{found[1]} to {found[2]}"


def _say_roman(found: Found) -> str:
    name, numeral = found[1], found[2]
    number = numbers.read_roman(numeral)
    if not number:
        return found[0]
    if name.lower() in words.COUNTED:
        return f"{name} {numbers.say_cardinal(number)}"
    is_ordinal = name[0].isupper() and len(numeral) > 1
    return f"{name} the {numbers.say_ordinal(number)}" if is_ordinal else found[0]


def _say_abbreviation(found: Found) -> str:
    is_last = not found.string[found.end() :].strip(" \"')")
    return words.ABBREVIATIONS[found[0]] + ("." if is_last and found[0].endswith(".") else "")


def _say_saint_or_street(found: Found) -> str:
    is_street = bool(found[1])
    is_last = not found.string[found.end() :].strip()
    return f"{found[1] or ''}{'Street' if is_street else 'Saint'}{'.' if is_last else ''}"


def _say_month_day(found: Found) -> str:
    return f"{found[1]} {numbers.say_ordinal(int(found[2]))}"


def _say_day_month(found: Found) -> str:
    return f"{'' if found[1] else 'the '}{found[1] or ''}{numbers.say_ordinal(int(found[2]))} of {found[3]}"


def _say_number(number: str) -> str:
    """Return a number that stands for an amount: 1984 is no year here."""
    whole, _, rest = number.replace(",", "").partition(".")
    return _say_integer(whole) + (f" point {numbers.say_digits(rest).replace('oh', 'zero')}" if rest else "")


def _say_integer(digits: str) -> str:
    if len(digits) > numbers.MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return numbers.say_digits(digits).replace("oh", "zero")
    return numbers.say_cardinal(int(digits))


def _say_year_or_number(found: Found) -> str:
    number = found[0]
    is_year = len(number) == 4 and number.isascii() and number[:2] in YEARS
    return numbers.say_year(int(number)) if is_year else _say_number(number)


YEARS = frozenset(str(century) for century in (*range(11, 20), 20))
SLASHED_DATE = re.compile(rf"(?<![\w/])({DAY})/({DAY})/(\d{{4}}|\d{{2}})(?![\w/])", re.ASCII)


def _escape_longest_first(names: "list[str]") -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


UNIT = _escape_longest_first([*words.UNITS, *words.FIXED_UNITS])
ABBREVIATION = _escape_longest_first(list(words.ABBREVIATIONS))


def _compile(pattern: str, say: Callable[[Found], str]) -> Rule:
    return re.compile(pattern, re.ASCII), say


RULES: tuple[Rule, ...] = (
    _compile(r"\b(?:https?://(?:www\.)?|(?=www\.))([\w.-]{1,100}\w)(?::\d{1,5})?((?:/[\w./?=&#~-]{0,200}[\w/])?)",
             _say_web_address),
    _compile(r"(?<![\w.@])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", lambda found: _say_address(found[0])),
    _compile(r"(?<![\w.@-])(?:[a-z][a-z0-9-]{1,62}\.){1,3}(?:com|org|net|io|dev|edu|gov|ai|app)\b(?:/[\w./-]{0,200}[\w/])?",
             lambda found: _say_address(found[0])),
    _compile(r"(?<![\w.])(?:[Vv]ersion (?=v))?(\bv)?(\d{1,5}(?:\.\d{1,5}){2,4})(?![\w])", _say_version),
    _compile(r"(?<![\w.])(?:[Vv]ersion )?(\bv)(\d{1,5}(?:\.\d{1,5})?)(?![\w])", _say_version),
    _compile(r"(?<=\bversion )()(\d{1,5}\.\d{1,5})(?![\w])", _say_version),
    _compile(r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?![\w-])", lambda found: _say_date(found[2], found[3], found[1], found[0])),
    (SLASHED_DATE, lambda found: _say_date(found[1], found[2], found[3], found[0])),
    _compile(r"(?<![\w.+(-])(?:\+\d{1,3}[ -]?)?(?:\(\d{2,5}\)[ -]?)?\d{2,4}(?:[ -]\d{2,4}){1,4}(?![\w-])", _say_phone),
    _compile(r"(?<![\w:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?:\s?([AaPp])\.?[Mm]\b\.?)?(?![\w:])", _say_time),
    _compile(rf"{BEFORE}(1[0-2]|0?[1-9])\s?([AaPp])\.?[Mm]\b\.?", _say_hour),
    _compile(rf"(?<![\w.])(-?)({CURRENCY})\s?({NUMBER})(?:\s?({SCALE})\b)?(?:\s?-\s?{CURRENCY}?({NUMBER})(?:\s?({SCALE})\b)?)?",
             _say_money),
    _compile(rf"{BEFORE}({NUMBER})\s?([$£€¥]|USD\b|EUR\b|GBP\b)", _say_amount),
    _compile(rf"{BEFORE}(-?)({NUMBER})(?:\s?(?:-|to)\s?({NUMBER}))?\s?({UNIT})(?![\w²³/])", _say_unit),
    _compile(r"(?<![\w./])(?:(\d{1,4}) )?(\d{1,2})/(\d{1,2})(?![\w/])", _say_fraction),
    _compile(rf"(?<![\w.,-])({NUMBER}) ?- ?({NUMBER})(?![\w-])", _say_range),
    _compile(rf"{BEFORE}-(?=\d)", lambda _: "minus "),
    _compile(rf"\b([A-Za-z]{{2,20}}) ({ROMAN})\b(?!['’])", _say_roman),
    _compile(r"\b(?:No|no)\. ?(?=\d)", lambda _: "number "),
    _compile(r"\b(?:p|P)\. ?(?=\d)", lambda _: "page "),
    _compile(r"((?<![\w.])[A-Z][a-z]{1,20} )?\bSt\.", _say_saint_or_street),
    _compile(rf"(?<![\w.])(?:{ABBREVIATION})(?!\w)", _say_abbreviation),
    _compile(rf"\b({MONTH}) ({DAY})(?:st|nd|rd|th)?(?![\w.,]?\d|\w)", _say_month_day),
    _compile(rf"\b(the )?({DAY})(?:st|nd|rd|th)? (?:of )?({MONTH})\b", _say_day_month),
    _compile(r"\b(\d{1,12})(?:st|nd|rd|th)\b", lambda found: numbers.say_ordinal(int(found[1]))),
    _compile(r"(?<!\w)'?((?:1[1-9]|20)\d0)'?s\b", lambda found: numbers.say_decade(int(found[1]))),
    _compile(r"(?<![\w.])(\d{1,5}) ?[xX] ?(?=\d)", lambda found: f"{found[1]} times "),
    _compile(NUMBER + r"|\d+", _say_year_or_number),
    _compile("[" + re.escape("".join(words.SPOKEN_SIGNS)) + "]", lambda found: f" {words.SPOKEN_SIGNS[found[0]]} "),
    _compile(r"(?<=\s)-+(?=\s)", lambda _: ","),
)
