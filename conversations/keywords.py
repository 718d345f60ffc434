"""The names and terms that speech to text should know of an assistant, as an admin types them."""

import re

from django.core.exceptions import ValidationError

MOST = 100
MOST_CHARS = 50


def parse(text: str) -> tuple[str, ...]:
    """Return the words in `text`, each once, in order. Commas of any script, or new lines, separate them."""
    words = (" ".join(part.split()) for part in re.split(r"[,，、،\n\r]", text))
    return tuple(dict.fromkeys(filter(None, words)))


def validate(text: str) -> None:
    """Raise ValidationError for more, or longer, words than engines take."""
    if len(text) > MOST * 2 * MOST_CHARS:
        raise ValidationError(f"You entered {len(text)} characters; the limit is {MOST * 2 * MOST_CHARS}.")
    words = parse(text)
    if len(words) > MOST:
        raise ValidationError(f"You entered {len(words)} words; the limit is {MOST}.")
    for word in words:
        if len(word) > MOST_CHARS:
            raise ValidationError(f"“{word[:MOST_CHARS]}…” has {len(word)} characters; the limit is {MOST_CHARS}.")
