"""The preview on all cores: the frames of a Take, rendered a few at a time by as many processes."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from threadpoolctl import threadpool_limits

from rlfilm_lib.stage import preview
from rlfilm_lib.stage.take import Take

MOST = 8
PIECE = 8
"""Frames that a worker renders at a time."""


def pool() -> ProcessPoolExecutor:
    """A worker for each core that this process may use, at most 8. Close it, as in `with pool() as workers:`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ProcessPoolExecutor(min(cores, MOST), get_context("spawn"), initializer=_start)


def frames(take: Take, width: int, height: int, workers: ProcessPoolExecutor) -> Iterator[np.ndarray]:
    """The pictures of `preview.frames`, in order."""
    pieces = [take[start : start + PIECE] for start in range(0, len(take), PIECE)]
    for pictures in workers.map(preview.render, pieces, *([side] * len(pieces) for side in (width, height))):
        yield from pictures


def _start() -> None:
    """A worker fills one core, and leaves Ctrl-C to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
