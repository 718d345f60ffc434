"""Run pocketsphinx in a process of its own.

Its decoder holds Python's interpreter lock for a whole utterance, which takes seconds: in a thread of the web process
it would freeze every session. There is one worker: the model takes 120 MB and half a second to load, and decodes speech
about six times faster than it is spoken.
"""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from threading import Lock, Thread
from typing import Any

import numpy as np
import soxr

from conversations.pcm import SAMPLE_RATE

DECODER_RATE = 16_000  # Hz, of the model in the wheel
PAUSE_SEC = 0.4  # before and after: without one the first and the last word are lost
ROOM_NOISE = 30.0  # of 32,768; the model was trained on rooms, and mishears speech out of digital silence
MAX_ACTIVE_STATES = 5_000  # per frame; a third less work than the default 30,000 for the same words

_lock = Lock()
_pool: ProcessPoolExecutor | None = None
_decoder: Any = None  # in the worker process only


def get_worker_pool() -> ProcessPoolExecutor:
    """Return the pool of one worker, started on first use. It is spawned: a fork would copy the threads of gRPC."""
    global _pool
    with _lock:
        if _pool is None:
            context = multiprocessing.get_context("spawn")
            _pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_load_model)
        return _pool


def discard_pool(broken: ProcessPoolExecutor) -> None:
    """Forget a pool whose worker died, so that the next utterance starts another."""
    global _pool
    with _lock:
        if _pool is broken:
            _pool = None
    broken.shutdown(wait=False)


def is_ready() -> bool:
    """Return whether the model is loaded; it runs in the worker, after loading."""
    return _decoder is not None


def decode(pcm: bytes) -> str:
    """Return the words in PCM, "" for none. It runs in the worker."""
    _decoder.start_utt()
    try:
        _decoder.process_raw(_add_room_noise(pcm), full_utt=True)
    finally:
        _decoder.end_utt()
    hypothesis = _decoder.hyp()
    return str(hypothesis.hypstr) if hypothesis else ""


def _add_room_noise(pcm: bytes) -> bytes:
    speech = soxr.resample(np.frombuffer(pcm, dtype=np.int16).astype(np.float32), SAMPLE_RATE, DECODER_RATE)
    padded = np.pad(speech, round(PAUSE_SEC * DECODER_RATE))
    noise = np.random.default_rng(seed=0).normal(0.0, ROOM_NOISE, padded.size)
    return np.clip(padded + noise, -32_768, 32_767).astype(np.int16).tobytes()


def _load_model() -> None:
    global _decoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends this process
    Thread(target=_end_with_parent, daemon=True).start()
    pocketsphinx = import_module("pocketsphinx")
    _decoder = pocketsphinx.Decoder(samprate=DECODER_RATE, maxhmmpf=MAX_ACTIVE_STATES, loglevel="FATAL")


def _end_with_parent() -> None:
    """End this process with its parent: a worker would wait on its queue for ever if the parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
