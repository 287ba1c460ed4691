"""Named random streams: every draw of a run comes from `default_rng([seed, iteration, purpose])`.

A stream is remade from three numbers, so a run that stops after any iteration goes on exactly as if it had not,
and both frameworks see the same draws.
"""

import enum

import numpy as np


class Purpose(enum.IntEnum):
    """What a stream is for. The numbers are part of the file format: add, never renumber."""

    WEIGHTS = 0
    ENVIRONMENT = 1
    ACTIONS = 2
    MINIBATCHES = 3
    EVALUATION = 4
    BOOTSTRAP = 5
    NOISE = 6


def stream(seed: int, iteration: int, purpose: Purpose) -> np.random.Generator:
    """The generator for one purpose in one iteration of the run with this seed.

    >>> a, b = stream(0, 3, Purpose.ACTIONS), stream(0, 3, Purpose.ACTIONS)
    >>> bool(a.random() == b.random())
    True
    """
    return np.random.default_rng([seed, iteration, int(purpose)])


def environment_seed(seed: int, iteration: int, purpose: Purpose = Purpose.ENVIRONMENT) -> int:
    """A seed for `env.reset`, below 2**30 so that environment i of a batch can take `seed + i`."""
    return int(stream(seed, iteration, purpose).integers(2**30))
