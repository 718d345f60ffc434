"""No call depends on the time of day: its clock may be set while people talk."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("session", "transport", "realtime", "engines", "tools", "network", "audio")
WALL_CLOCK = re.compile(r"\btime\.time(_ns)?\(|\bdatetime\.(now|utcnow|today)\(|\btimezone\.now\(")
# What is told or written down as a time of day, and where a provider gives one.
MAY = {
    "session/factory.py",  # session.expires_at
    "session/recording.py",  # when a recording began
    "engines/openai/provider_errors.py",  # Retry-After with a date
    "tools/mcp_verification.py",  # when a server was tested
}


def test_time_is_measured_by_a_clock_that_nobody_sets() -> None:
    folder = ROOT / "conversations"
    files = [file for room in ROOMS for file in (folder / room).rglob("*.py")]
    assert len(files) > 100
    found = {str(file.relative_to(folder)) for file in files if WALL_CLOCK.search(file.read_text())}
    assert found <= MAY
