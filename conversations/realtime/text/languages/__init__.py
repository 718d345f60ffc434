"""What is known about spoken words, in one table for each language. A new language is one file, and one line here."""

from conversations.realtime.text.languages.dutch import DUTCH
from conversations.realtime.text.languages.english import ENGLISH
from conversations.realtime.text.languages.french import FRENCH
from conversations.realtime.text.languages.german import GERMAN
from conversations.realtime.text.languages.italian import ITALIAN
from conversations.realtime.text.languages.language import Language
from conversations.realtime.text.languages.portuguese import PORTUGUESE
from conversations.realtime.text.languages.spanish import SPANISH

LANGUAGES: dict[str, Language] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "it": ITALIAN,
    "pt": PORTUGUESE,
    "nl": DUTCH,
}
