"""Pace: how long shots are, and how well a cut keeps the lengths that its brief asks for.

Lengths are in seconds. All functions take arrays of any matching shape.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

ASL = {"slow": 8.0, "medium": 4.0, "fast": 2.0}
"""Average shot length, in seconds, of each pace. It fell from about 9 s in the 1940s to about 4 s (Salt, *Film Style
and Technology*, 3rd ed., 2009)."""
SPREAD = 1.2
"""Standard deviation of the shot lengths of a whole film, over their average (Salt)."""
TOLERANCE = 0.3
"""Of ln(length / target), at which `rhythm` has fallen to exp(-1/2) = 0.61: 1.35 times too long or short. Our own."""

_SHARE = (np.arange(4096) + 0.5) / 4096
_NORMAL = np.array([NormalDist().inv_cdf(share) for share in _SHARE])


def shot_lengths(
    uniforms: ArrayLike | np.random.Generator, asl: ArrayLike, n: int, spread: float = SPREAD
) -> NDArray[np.float64]:
    """Lengths (n, ...) of n shots, log-normal about an average of exactly `asl` (...) seconds, in random order.

    uniforms: (n, ...) in [0, 1), or a Generator to draw (n,) of them from; spread: standard deviation over average.
    They are a stratified sample, one length from each n-th part of the distribution, so that few shots already have
    its spread; then scaled to the average.

    >>> lengths = shot_lengths(np.random.default_rng(0), 4.0, 8)
    >>> lengths.round(1).tolist(), round(float(lengths.mean()), 6)
    ([3.6, 1.4, 1.3, 0.7, 5.4, 13.4, 2.5, 3.6], 4.0)
    """
    if isinstance(uniforms, np.random.Generator):
        uniforms = uniforms.random(n)
    uniforms = np.asarray(uniforms, float)
    if uniforms.shape[:1] != (n,):
        raise ValueError(f"uniforms has shape {uniforms.shape}; give ({n}, ...), one for each of the n={n} shots")
    part = uniforms.argsort(axis=0).argsort(axis=0)
    share = (part + (uniforms * 4096) % 1) / n  # the leading digits give the order, the others the place in the part
    lengths = np.exp(np.sqrt(np.log1p(spread**2)) * np.interp(share, _SHARE, _NORMAL))
    return lengths * (asl / lengths.mean(axis=0))


def rhythm(length_s: ArrayLike, target_s: ArrayLike, tolerance: float = TOLERANCE) -> NDArray[np.float64]:
    """How well a shot has the length asked for: exp(-ln(length / target)² / 2 tolerance²), in [0, 1].

    Our own operational definition. A cut is scored by the mean over its shots weighted by their length (`pace`): a sum
    of log-likelihoods would prefer one endless shot, a sum of this kernel flicker, its plain mean the mode.

    >>> rhythm([4.0, 8.0, 2.0], 4.0).round(3).tolist()
    [1.0, 0.069, 0.069]
    """
    off = np.log(np.divide(length_s, target_s)) / tolerance
    return np.exp(-0.5 * off * off)


def pace(lengths_s: ArrayLike, targets_s: ArrayLike, tolerance: float = TOLERANCE) -> NDArray[np.float64]:
    """`rhythm` averaged over screen time: Σ length · rhythm / Σ length over the first axis, in [0, 1].

    lengths_s, targets_s: (n, ...). Of 30 s at a target of 4 s, in order: one endless shot, flicker, and seven shots.

    >>> [round(float(pace([30 / n] * n, [4.0] * n)), 2) for n in (1, 60, 7)]
    [0.0, 0.0, 0.97]
    """
    lengths = np.asarray(lengths_s, float)
    return (lengths * rhythm(lengths, targets_s, tolerance)).sum(axis=0) / lengths.sum(axis=0)
