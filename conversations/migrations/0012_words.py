"""Items are found in languages without spaces, and without their accents typed.

A function of the database makes the words of a text: letters without their accents, and each two neighbours of a script
that has no spaces (and of Hangul, which joins particles to words). A trigger keeps them in a column. The rows that there
are get theirs in batches, each a transaction of its own, and the index is built beside the writers.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations

BATCH = 2_000

# Accents of Latin, Greek and Cyrillic letters, points of Hebrew, vowels of Arabic and what draws its letters out, the
# dots of Hindi's borrowed sounds, soft hyphens. In other scripts marks make the word.
MARKS = r"[\u00ad\u0640\u093c\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff]"
STOPS = r"[\u3001-\u3004\u3008-\u3020\u3030\u30a0\u30fb\u17d4-\u17da\u104a-\u104f]"
# Thai, Lao, Burmese, Khmer, Tai, kana, Han, Yi, and Hangul.
UNSPACED = (
    r"\u0e01-\u0e4e\u0e81-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3040-\u30ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48f\ua9e0-\ua9ff\uaa60-\uaadf\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)

# “Łódź” is folded like “Lodz”: these letters have no accent that could be taken away. Arabic and Persian keyboards have
# different letters for the same sound, and figures of their own.
LETTERS = "øłđħıŧðςةىیک" "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९"
BASE_LETTERS = "oldhitdσهييك" "012345678901234567890123456789"
FOLD = rf"""
CREATE OR REPLACE FUNCTION conversations_folded(said text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT regexp_replace(
    normalize(
      translate(
        replace(replace(replace(lower(
          regexp_replace(normalize(left(said, 50000), NFKD), '{MARKS}', '', 'g')
        ), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'),
        '{LETTERS}', '{BASE_LETTERS}'
      ), NFC
    ), '{STOPS}', ' ', 'g'
  )
$$"""

# Pairs from the first, third, fifth letter of each run on, in their place, and behind them those from the second on.
WORDS = rf"""
CREATE OR REPLACE FUNCTION conversations_words(said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT to_tsvector('simple'::regconfig, CASE
    WHEN folded ~ '[{UNSPACED}]' THEN
      regexp_replace(regexp_replace(folded, '[{UNSPACED}]+', ' \& ', 'g'), '[{UNSPACED}][{UNSPACED}]', ' \& ', 'g')
      || ' ' ||
      regexp_replace(
        regexp_replace(regexp_replace(folded, '[^{UNSPACED}]+', ' ', 'g'), '(^| )[{UNSPACED}]', '\1', 'g'),
        '[{UNSPACED}][{UNSPACED}]', ' \& ', 'g'
      )
    ELSE folded END)
  FROM (SELECT conversations_folded(said) AS folded) AS one
$$"""

TRIGGER = """
CREATE OR REPLACE FUNCTION conversations_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.search_words := conversations_words(NEW.text);
  RETURN NEW;
END
$$;
CREATE TRIGGER keep_words BEFORE INSERT OR UPDATE OF text, search_words ON conversations_item
FOR EACH ROW EXECUTE FUNCTION conversations_keep_words()
"""
UNDO = """
DROP TRIGGER keep_words ON conversations_item;
DROP FUNCTION conversations_keep_words();
DROP FUNCTION conversations_words(text);
DROP FUNCTION conversations_folded(text)
"""


def fill(apps, schema_editor):
    """Of each row the trigger does it."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM conversations_item")
        (last,) = cursor.fetchone()
        for start in range(0, last, BATCH):
            cursor.execute(
                "UPDATE conversations_item SET search_words = NULL WHERE id > %s AND id <= %s AND search_words IS NULL",
                [start, start + BATCH],
            )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0011_deletion")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="search_words",
            field=django.contrib.postgres.search.SearchVectorField(editable=False, null=True),
        ),
        migrations.RunSQL([FOLD, WORDS, TRIGGER], UNDO),
        migrations.RunPython(fill, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search_words"], name="item_words"),
        ),
        migrations.RemoveIndex(model_name="item", name="item_search"),
        migrations.RemoveField(model_name="item", name="search"),
    ]
