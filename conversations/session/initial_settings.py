"""The assistant's settings and the site's limits, in the form that the turn machine takes."""

from django.conf import settings

from conversations.realtime.protocol.ids import make_id
from conversations.realtime.protocol.session_config import SessionConfig, build_config
from conversations.realtime.protocol.session_update import update_config
from conversations.realtime.state import Limits, SessionSetup
from conversations.realtime.user_turn.endpoint_silence import PATIENCE_EAGERNESS
from conversations.storage.store import OpenedConversation


def build_setup(opened: OpenedConversation, *, has_streaming_stt: bool, stores_captions: bool) -> SessionSetup:
    """Return how the assistant converses. `has_streaming_stt`: partial transcripts come while the user speaks."""
    return SessionSetup(
        PATIENCE_EAGERNESS.get(opened.patience, "medium"),
        preemptive_generation=opened.preemptive_generation,
        stores_captions=stores_captions,
        has_streaming_stt=has_streaming_stt,
    )


def build_limits(*, plays_live: bool = True) -> Limits:
    """Return the limits. With `plays_live` False nobody listens yet, so silences get no fillers."""
    filler_sec = settings.FILLER_AFTER_SEC
    words_sec = Limits().transcript_timeout_sec
    return Limits(
        transcript_timeout_sec=words_sec if plays_live else min(words_sec, settings.TURN_BUDGET_SEC),
        turn_budget_sec=settings.TURN_BUDGET_SEC,
        thinking_sec=settings.THINKING_SEC,
        outage_sec=max(Limits().stall_sec, settings.REALTIME["RESUME_SEC"]),
        filler_sec=filler_sec if filler_sec and plays_live else None,
        context_tokens=settings.REALTIME["CONTEXT_TOKENS"],
        responses_per_min=settings.REALTIME["MAX_RESPONSES_PER_MIN"],
    )


def build_initial_config(opened: OpenedConversation, model: str, expires_at: int, kind: str) -> SessionConfig:
    """Return the session's first configuration, with the settings of the client secret if there is one.

    `model` is as the client named it; `kind` is the protocol's session type, realtime or transcription.
    Raise ProtocolError.
    """
    start = build_config(
        session_id=make_id("sess"),
        model=model or opened.assistant_slug,
        instructions=opened.instructions,
        voice=opened.engines.tts.voice,
        stt_model=opened.engines.stt.model,
        language=opened.language,
        speed=opened.speed,
        expires_at=expires_at,
        kind=kind,
    )
    servers = {server.label for server in opened.mcp_servers}
    return update_config(start, opened.caller.session, has_sent_audio=False, servers=servers)
