"""English words for money, measures and numbers, as the patterns of `normalise` find them."""

import re

from conversations.engines.local.english import numbers, words

Found = re.Match[str]
YEARS = frozenset(str(century) for century in range(11, 21))  # what 4 figures begin with that are read as a year


def say_money(found: Found) -> str:
    """Return “forty-seven dollars and fifty cents”, or a range of amounts."""
    sign, currency, amount, scale, second, second_scale = found.groups()
    unit, cent = words.CURRENCIES[currency]
    minus = "minus " if sign else ""
    scale, second_scale = _say_scale(scale), _say_scale(second_scale)
    if second:
        return f"{say_number(amount)}{scale} to {say_number(second)}{second_scale} {unit.removesuffix('s')}s"
    if scale:
        return f"{minus}{say_number(amount)}{scale} {words.choose_plural('2', unit)}"
    whole, _, rest = amount.partition(".")
    if len(rest) != 2 or not cent:
        return f"{minus}{say_number(amount)} {words.choose_plural(amount, unit)}"
    parts = [f"{say_number(whole)} {words.choose_plural(whole, unit)}"] if int(whole.replace(",", "")) else []
    if int(rest) or not parts:
        parts.append(f"{say_number(str(int(rest)))} {words.choose_plural(str(int(rest)), cent)}")
    return minus + " and ".join(parts)


def say_amount(found: Found) -> str:
    """Return what “20 €” or “20 EUR” is."""
    return f"{say_number(found[1])} {words.choose_plural(found[1], words.CURRENCIES[found[2]][0])}"


def _say_scale(scale: str | None) -> str:
    return f" {words.SCALES.get(scale.lower(), scale)}" if scale else ""


def say_unit(found: Found) -> str:
    """Return “three to five kilometers”."""
    sign, first, second, unit = found.groups()
    amount = f"{'minus ' if sign else ''}{say_number(first)}" + (f" to {say_number(second)}" if second else "")
    is_one = first == "1" and not second
    if unit in words.FIXED_UNITS:
        name = words.FIXED_UNITS[unit]
        return f"{amount} {name.replace('degrees', 'degree', 1) if is_one else name}"
    return f"{amount} {words.choose_plural('1' if is_one else '2', words.UNITS[unit])}"


def say_fraction(found: Found) -> str:
    """Return “three quarters”, or “two and a half”; what is none stays."""
    whole, top, bottom = found[1], int(found[2]), int(found[3])
    if not 0 < top < bottom or bottom not in words.FRACTIONS:
        return found[0]
    name = words.FRACTIONS[bottom]
    plural = "halves" if name == "half" else f"{name}s"
    if not whole:
        return f"{numbers.say_cardinal(top)} {name if top == 1 else plural}"
    part = f"a {name}" if top == 1 else f"{numbers.say_cardinal(top)} {plural}"
    return f"{say_integer(whole)} and {part}"


def say_number(number: str) -> str:
    """Return a number that stands for an amount: 1984 is no year here."""
    whole, _, rest = number.replace(",", "").partition(".")
    return say_integer(whole) + (f" point {numbers.say_digits(rest)}" if rest else "")


def say_integer(digits: str) -> str:
    """Return a whole number in words, or figure by figure where it is long or begins with 0."""
    if len(digits) > numbers.MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return numbers.say_digits(digits)
    return numbers.say_cardinal(int(digits))


def say_year_or_number(found: Found) -> str:
    """Return what a number is read as that stands alone: with 4 figures it is a year."""
    number = found[0]
    is_year = len(number) == 4 and number.isdecimal() and number[:2] in YEARS
    return numbers.say_year(int(number)) if is_year else say_number(number)


def say_ordinal(found: Found) -> str:
    """Return “twenty-first” for “21st”."""
    return numbers.say_ordinal(int(found[1].replace(",", "")))
