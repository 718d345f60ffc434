"""How an item of a session is stored as a row, and read from it."""

from conversations.models import Item
from conversations.pcm import ms_to_samples
from conversations.realtime.protocol import items as live

LASTING = {"id", "conversation", "public_id", "position", "created_at"}  # set once, when the row is created
MAX_LABEL = Item._meta.get_field("llm").max_length  # servers name models by paths, too
CHANGING = [field.name for field in Item._meta.concrete_fields if not field.generated and field.name not in LASTING]


def copy_fields(row: Item, item: live.LiveItem) -> None:
    """Copy all that may change from an item to its row."""
    row.type, row.role, row.status = item.type, item.role, item.status
    row.is_audio, row.audio_ms = item.is_audio, item.audio_ms
    row.text, row.heard_text, row.heard_ms = item.text, item.heard_text, item.heard_ms
    row.response_id, row.call, row.waterfall = item.response_id, item.call, item.waterfall
    row.stt, row.llm, row.tts = (item.engines.get(kind, "")[:MAX_LABEL] for kind in ("stt", "llm", "tts"))
    used = item.usage
    row.stt_seconds, row.tts_characters = used.stt_seconds, used.tts_characters
    row.input_tokens, row.output_tokens = used.input_tokens, used.output_tokens
    row.input_audio_tokens, row.output_audio_tokens = used.input_audio_tokens, used.output_audio_tokens
    row.cached_input_tokens, row.discarded_input_tokens = used.cached_tokens, used.discarded_input_tokens
    row.discarded_output_tokens = used.discarded_output_tokens
    row.discarded_tts_characters = used.discarded_tts_characters
    row.error_code, row.error_message = item.error_code, item.error_message


def to_live_item(row: Item) -> live.LiveItem:
    """Return the item that a continued conversation shows of a row."""
    return live.LiveItem(
        row.public_id,
        type=row.type,
        role=row.role,
        status="completed" if row.status == Item.Status.COMPLETED else "incomplete",
        is_audio=row.is_audio,
        text=row.text,
        heard_text=row.played_text if row.role == Item.Role.ASSISTANT else None,
        heard_ms=row.heard_ms,
        audio_samples=ms_to_samples(row.audio_ms),
        call=row.call,
        response_id=row.response_id,
        error_code=row.error_code,
        error_message=row.error_message,
    )
