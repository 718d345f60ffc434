"""What is known about spoken words, a table per language. A new language is one file and one line here."""

from conversations.realtime.spoken.dutch import DUTCH
from conversations.realtime.spoken.english import ENGLISH
from conversations.realtime.spoken.french import FRENCH
from conversations.realtime.spoken.german import GERMAN
from conversations.realtime.spoken.italian import ITALIAN
from conversations.realtime.spoken.language import Language
from conversations.realtime.spoken.portuguese import PORTUGUESE
from conversations.realtime.spoken.spanish import SPANISH

LANGUAGES: dict[str, Language] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "it": ITALIAN,
    "pt": PORTUGUESE,
    "nl": DUTCH,
}
