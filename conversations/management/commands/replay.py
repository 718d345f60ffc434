"""`manage.py replay`: what was decided in a recorded call, step by step."""

from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from conversations.realtime.replay.player import Decided, play
from conversations.realtime.replay.recording import MAX_LINE_BYTES, BrokenRecordingError, read_recording
from conversations.realtime.replay.report import escape_unprintable, format_step_in_full, format_steps

CUT_OFF = "The recording was cut off here. Everything before that has been played."


class Command(BaseCommand):
    help = "Play the recording of a call (see VOICE_RECORD_DIR) through the machine and print what it decided."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the recording: …/conv_….jsonl")
        parser.add_argument("--step", type=int, help="print only this step, with all that it holds")
        parser.add_argument("--until", type=float, help="stop after so many seconds of the call")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open("rb") as file:
                self._play(file, options["step"], options["until"])
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except BrokenRecordingError as error:
            raise CommandError(escape_unprintable(f"{options['file']} cannot be played further. {error}")) from error

    def _play(self, file: BinaryIO, wanted: int | None, until_sec: float | None) -> None:
        recording = read_recording(read_lines(file))
        head, differing = recording.head, 0

        def count_steps() -> Iterator[Decided]:
            nonlocal differing
            for decided in play(recording):
                differing += bool(decided.raised) and not decided.step.raised
                yield decided

        shown = takewhile(lambda one: until_sec is None or one.step.at <= until_sec, count_steps())
        if wanted is not None:
            found = next((one for one in shown if one.number == wanted), None)
            if found is None:
                raise CommandError(f"{file.name} has no step {wanted}.")
            self._print(format_step_in_full(found, head.clock))
            return
        self.stdout.write(escape_unprintable(f"{head.machine}, {head.started}"))
        self._print(format_steps(shown, head.clock))
        if recording.ending:
            self.stdout.write(escape_unprintable(f"The recording ends: {recording.ending}."))
        elif until_sec is None:
            raise CommandError(f"{file.name}: {CUT_OFF}")
        if differing:
            raise CommandError(f"{differing} steps failed that did not fail in the call.")

    def _print(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, and never read more than MAX_LINE_BYTES at once."""
    return iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")
