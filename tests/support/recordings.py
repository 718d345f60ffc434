"""Recordings of calls as tests use them: played in the process, and printed as `manage.py replay` prints them."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command

from conversations.realtime.replay.player import Decided, play
from conversations.realtime.replay.recording import read_recording

FOLDER = Path(__file__).parents[1] / "realtime/recordings"


def replay_recording(path: Path) -> list[Decided]:
    """Return all that the machine decides. Raises BrokenRecordingError."""
    with path.open("rb") as file:
        return list(play(read_recording(file)))


def print_replay(path: Path, **options: float) -> str:
    """Return what `manage.py replay` prints of the recording. Raises CommandError."""
    out = StringIO()
    call_command("replay", str(path), stdout=out, **options)
    return out.getvalue()
