"""English words for numbers, for what voices do not read right by themselves: years, ordinals and digits."""

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = ("", "thousand", "million", "billion", "trillion")
MAX_DIGITS = 3 * len(SCALES)  # longer numbers are read digit by digit
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
            "twelve": "twelfth"}  # fmt: skip
ROMAN = {"M": 1000, "CM": 900, "D": 500, "CD": 400, "C": 100, "XC": 90, "L": 50, "XL": 40, "X": 10, "IX": 9, "V": 5,
         "IV": 4, "I": 1}  # fmt: skip


def say_cardinal(number: int) -> str:
    """Return “one thousand two hundred and three”. The number has at most MAX_DIGITS digits and no sign."""
    groups = []
    for scale in reversed(range(len(SCALES))):
        group = number // 1000**scale % 1000
        if group:
            groups.append(f"{_say_group(group)} {SCALES[scale]}".strip())
    if len(groups) > 1 and 0 < number % 1000 < 100:
        groups.insert(-1, "and")
    return " ".join(groups) or "zero"


def _say_group(number: int) -> str:
    """Return the words of 1 to 999."""
    words = [f"{ONES[number // 100]} hundred"] if number >= 100 else []
    if number >= 100 and number % 100:
        words.append("and")
    rest = number % 100
    if 0 < rest < 20:
        words.append(ONES[rest])
    elif rest:
        words.append(TENS[rest // 10] + (f"-{ONES[rest % 10]}" if rest % 10 else ""))
    return " ".join(words)


def say_ordinal(number: int) -> str:
    """Return “twenty-first”."""
    words = say_cardinal(number)
    start = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[start:]
    return words[:start] + ORDINALS.get(last, last[:-1] + "ieth" if last.endswith("y") else last.rstrip("t") + "th")


def say_year(number: int) -> str:
    """Return “nineteen eighty-four”, for a year of four digits."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return say_cardinal(number)
    if rest == 0:
        return f"{say_cardinal(century)} hundred"
    return f"{say_cardinal(century)} {'oh ' if rest < 10 else ''}{say_cardinal(rest)}"


def say_decade(number: int) -> str:
    """Return “nineteen eighties” or “eighties”, for a year that ends in 0."""
    words = say_year(number) if number > 100 else say_cardinal(number)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def say_digits(digits: str, zero: str = "zero") -> str:
    """Return “four one five” for “415”."""
    return " ".join(zero if digit == "0" else ONES[int(digit)] for digit in digits)


def read_roman(numeral: str) -> int:
    """Return the value of a Roman numeral in capitals, 0 if it is none in its usual form."""
    number, rest = 0, numeral
    for letters, value in ROMAN.items():
        while rest.startswith(letters):
            number, rest = number + value, rest[len(letters) :]
    return number if not rest and _write_roman(number) == numeral else 0


def _write_roman(number: int) -> str:
    numeral = ""
    for letters, value in ROMAN.items():
        count, number = divmod(number, value)
        numeral += letters * count
    return numeral
