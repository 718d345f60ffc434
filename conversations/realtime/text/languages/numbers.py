"""Tell whether more is to come of a number, a spelling or an address that is dictated piece by piece.

People pause between the groups of a telephone or card number, and a recogniser puts a full stop behind every group.
"""

import re
from collections.abc import Sequence

from conversations.realtime.text.languages.language import Language, split_words, tokenize

# How many digits are enough, by what the sentence says it is. A Spanish telephone number has 9, a short card number 15.
CARD = split_words(
    "card karte kartennummer kreditkarte kreditkartennummer iban carte tarjeta"
    " carta cartão kaart creditcard kaartnummer"
)
CODE = split_words(
    "code pin zip postcode passcode postleitzahl plz geheimzahl código codice codigo postcodes pincode cap cep postal"
)
PHONE = split_words(
    "number phone mobile telephone nummer telefonnummer handynummer rufnummer telefon handy kundennummer "
    "numéro téléphone portable "
    "número teléfono móvil numero telefono cellulare telefone telemóvel celular telefoonnummer"
)
EXTENSION = split_words(
    "extension room flight gate durchwahl zimmer gleis flug poste chambre vol extensión habitación vuelo interno camera"
    " volo ramal quarto voo toestel kamer vlucht"
)
CARD_DIGITS = 15
LOCAL_DIGITS = 7
PHONE_DIGITS = 9  # with the code of the town or the network, which begins with 0 or +
CODE_DIGITS = 4
EXTENSION_DIGITS = 3
IS = split_words("is it's ist lautet est c'est es é è")
ZEROS = split_words("zero oh null zéro cero nul 0")
YEAR = re.compile(r"(?:19|20)\d\d")  # "May 3, 2024"
GROUP = re.compile(r"\d+")
CJK_DIGITS = re.compile(r"[\d\s、,，-]*\d$")
CJK_NAMED = re.compile("电话|手机|号码|卡号|電話|番号|전화|번호")
SPELLED = re.compile(r"(?:^|[\s,:])(?:[^\W\d_][-–\s,]+)+[^\W\d_][-–.,]?$")
MAIL_BEGUN = re.compile(
    r"\b(?:e-?mail|mail|correo|e-?mailadres)\b.{0,24}?\b(?:is|ist|lautet|est|es|é|è)\s+\S.*$|\S+@[^\s.]*$",
    re.IGNORECASE,
)
MAIL_DONE = re.compile(r"[\w-]\.[a-z]{2,}|\b(?:dot|punkt|point|punto|ponto|punt)\s+[a-z]{2,}", re.IGNORECASE)


def is_number_unfinished(sentence: str, languages: Sequence[Language]) -> bool | None:
    """Return whether a dictated number is too short to be whole; None if no number is dictated."""
    tokens = tokenize(sentence)
    run = _take_trailing_digits(tokens, languages)
    before = tokens[: len(tokens) - len(run)]
    if len(run) == 2 and YEAR.fullmatch(run[1]):
        return None
    is_named = (
        bool(before)
        and (before[-1] in IS or before[-1] in CARD | CODE | PHONE | EXTENSION)
        and _has_number_name(before)
    )
    if not run or not (is_named or len(run) > 1 or (run[0] in ZEROS or run[0].startswith("0"))):
        return None
    lacks = sum(len(token) if token.isdigit() else 1 for token in run) < _count_needed_digits(before, run)
    return lacks or (None if EXTENSION & set(before) else False)


def is_cjk_number_unfinished(sentence: str) -> bool:
    """Return whether a number that is dictated in a text without spaces ("我的电话是138") is too short to be whole."""
    run = CJK_DIGITS.search(sentence)
    digits = "".join(GROUP.findall(run[0])) if run else ""
    is_dictated = digits.startswith("0") or len(GROUP.findall(run[0] if run else "")) > 1 or CJK_NAMED.search(sentence)
    return bool(digits and is_dictated and len(digits) < PHONE_DIGITS)


def _take_trailing_digits(tokens: list[str], languages: Sequence[Language]) -> list[str]:
    """Return the digits and number words at the end of the tokens."""
    start = len(tokens)
    while start and (GROUP.fullmatch(tokens[start - 1]) or _is_number_word(tokens[start - 1], languages)):
        start -= 1
    return tokens[start:]


def _is_number_word(token: str, languages: Sequence[Language]) -> bool:
    return any(token in language.digits | language.tens for language in languages)


def _has_number_name(tokens: list[str]) -> bool:
    return any(token in CARD | CODE | PHONE | EXTENSION for token in tokens)


def _count_needed_digits(tokens: list[str], digits: list[str]) -> int:
    """Return how many digits the number needs to be whole, by the words that name it and by its first digit."""
    if any(token in CARD for token in tokens):
        return CARD_DIGITS
    if any(token in EXTENSION for token in tokens):
        return EXTENSION_DIGITS
    if any(token in CODE for token in tokens):
        return CODE_DIGITS
    return PHONE_DIGITS if digits[0] in ZEROS or digits[0].startswith("0") else LOCAL_DIGITS


def has_ten_at_end(tokens: list[str], languages: Sequence[Language]) -> bool:
    """Return whether the last word is a ten that a unit may follow: "twenty" may become "twenty-five"."""
    return any(tokens[-1] in language.tens for language in languages)


def is_spelling(sentence: str) -> bool:
    """Return whether the sentence ends in single letters, one after the other: "j o h n", "S-M-I".

    Abbreviations ("U.S.") and words of one letter ("il y a") are not taken for it.
    """
    return bool(SPELLED.search(sentence.strip()))


def is_half_address(sentence: str) -> bool:
    """Return whether an e-mail address has begun and has not come to its ".com" or "dot com"."""
    begun = MAIL_BEGUN.search(sentence.rstrip(" .?!"))
    return bool(begun) and not MAIL_DONE.search(begun[0] if begun else "")
