"""Running mean and variance of observations, in float64."""

from dataclasses import dataclass, field

import numpy as np

CLIP = 10.0
"""Normalised observations are clipped to ±10 standard deviations."""


@dataclass
class RunningMoments:
    """Mean and population variance of all rows seen so far, by the parallel update of Chan et al. 1979.

    mean, var: (D,) float64; count: rows seen. Before the first row, mean 0 and variance 1: no change.

    >>> moments = RunningMoments(1)
    >>> moments.update(np.array([[1.0], [3.0]])); moments.update(np.array([[5.0]]))
    >>> moments.mean.tolist(), moments.var.round(4).tolist(), moments.count
    ([3.0], [2.6667], 3.0)
    """

    size: int
    mean: np.ndarray = field(init=False)
    var: np.ndarray = field(init=False)
    count: float = 0.0

    def __post_init__(self) -> None:
        self.mean, self.var = np.zeros(self.size), np.ones(self.size)

    def update(self, rows: np.ndarray) -> None:
        """Add rows (B, D)."""
        rows = np.asarray(rows, np.float64)
        count, mean, var = len(rows), rows.mean(axis=0), rows.var(axis=0)
        total = self.count + count
        shift = mean - self.mean
        squares = self.var * self.count + var * count + shift**2 * self.count * count / total
        self.mean = self.mean + shift * count / total
        self.var, self.count = squares / total, total


def normalize(observations: np.ndarray, mean: np.ndarray, var: np.ndarray) -> np.ndarray:
    """`(x - mean) / √(var + 1e-8)`, clipped to ±CLIP; (N, D) in and out, in the type of `observations`.

    >>> normalize(np.array([[3.0]]), np.array([1.0]), np.array([4.0]))
    array([[1.]])
    """
    scale = 1 / np.sqrt(var + 1e-8)
    scaled = (observations - mean.astype(observations.dtype)) * scale.astype(observations.dtype)
    return np.minimum(np.maximum(scaled, -CLIP, out=scaled), CLIP, out=scaled)
