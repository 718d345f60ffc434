"""Voice activity detection by Silero. All sessions of a process share one model, which runs only where speech may be.

Running the model costs ten times as much as all other work on a window, and most of what a microphone sends is the
noise of its room: `Gate` sorts that out.
"""

from collections import deque
from collections.abc import Generator

import numpy as np

from conversations.audio.speech_model import LEAD, SILENT_STATE, STEP, Look, Verdict, Window, load_model

STEP_BYTES = 2 * STEP
# Windows that the model is fed when the gate opens: its state must include what came before the first loud one.
WARM_UP = 6
BAND = 6  # samples that are averaged: a low-pass, down to a rate of 4,000 Hz
_MEAN = np.full(BAND, 1 / BAND, dtype=np.float32)


def _measure_voice_power(window: Window) -> float:
    """Return the mean square between about 300 and 3,000 Hz: voices lie there, most hum and hiss does not."""
    low = window.reshape(-1, BAND) @ _MEAN
    change = low[1:] - low[:-1]
    return float(change @ change) / len(change)


class Gate:
    """Decide whether a window may be speech: it is louder than the room has been lately, or follows speech closely.

    The model has the last word on each window that passes. When a fan is switched on, say, the gate opens; the model
    finds no speech in it, and what it finds no speech in is taken for the noise of the room.
    """

    MARGIN = 1.8  # 2.5 dB above the room
    LOWEST = 4.0  # power, -75 dBFS: nobody's speech is as quiet
    FALL, RISE = 0.2, 0.06  # how far the estimate of the room moves towards a window's power, per window
    LIKELY = 0.1  # probability from which a window counts as speech here
    HOLD = 10  # windows that pass after the last that counted as speech
    DOUBT = 4  # windows that pass from a loud one on

    def __init__(self) -> None:
        self._room = self.LOWEST / self.MARGIN
        self._left = 0

    def may_be_speech(self, window: Window) -> bool:
        """Return whether the model should look at a window; if not, learn the room from it."""
        if self._left >= self.DOUBT:
            return True  # however quiet it is, so its power need not be measured
        power = _measure_voice_power(window)
        if power > self._room * self.MARGIN and power > self.LOWEST:
            self._left = self.DOUBT
        if self._left:
            return True
        self._learn(power)
        return False

    def update(self, window: Window, probability: float) -> None:
        """Learn from the model's verdict on a window that has passed."""
        if probability > self.LIKELY:
            self._left = self.HOLD
        else:
            self._left -= 1
            self._learn(_measure_voice_power(window))

    def _learn(self, power: float) -> None:
        self._room += (power - self._room) * (self.RISE if power > self._room else self.FALL)


class SpeechDetector:
    """Detects speech in one stream of audio."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream so far."""
        self._gate = Gate()
        self._rest = b""  # PCM that does not fill a window yet
        self._lead = np.zeros(LEAD, dtype=np.int16)  # samples before the window that the model is given next
        self._quiet: deque[Window] = deque(maxlen=WARM_UP)  # the last windows, which the model was not given
        self._state = SILENT_STATE

    def detect(self, pcm: bytes) -> Generator[Look, Verdict, list[float]]:
        """Return the probability of speech, 0 to 1, for each window of 32 ms that `pcm` completes; 0 if it is quiet.

        Each window that the model is to judge is yielded, and its verdict must be sent. So the model can judge those of
        many streams at a time. Exhaust it before the next audio is detected.
        """
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % STEP_BYTES
        self._rest = pcm[whole:]
        found = []
        for start in range(0, whole, STEP_BYTES):
            window = np.frombuffer(pcm, np.int16, STEP, start)
            probability = 0.0
            if self._gate.may_be_speech(window):
                while self._quiet:
                    yield from self._ask(self._quiet.popleft())
                probability = yield from self._ask(window)
                self._gate.update(window, probability)
            else:
                self._quiet.append(window)
            found.append(probability)
        return found

    def feed(self, pcm: bytes) -> list[float]:
        """Detect speech at once, with the model for this stream alone; return what `detect` does."""
        detection = self.detect(pcm)
        try:
            look = next(detection)
            while True:
                [verdict] = load_model().judge([look])
                look = detection.send(verdict)
        except StopIteration as ended:
            found: list[float] = ended.value
            return found

    def _ask(self, window: Window) -> Generator[Look, Verdict, float]:
        probability, self._state = yield Look(self._lead, window, self._state)
        self._lead = window[-LEAD:]
        return probability
