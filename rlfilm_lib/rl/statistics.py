"""What several runs say together: interquartile mean, bootstrap intervals and performance profiles.

After Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice". Scores are (R,), R
runs of one task, or (R, K), R runs on each of K tasks, normalised so that the scores of the tasks can be compared.
"""

from collections.abc import Callable

import numpy as np

from rlfilm_lib.rl.streams import Purpose, stream


def mean(scores: np.ndarray) -> np.ndarray:
    """Mean over the runs: (R,) → a number, (R, K) → (K,)."""
    return np.mean(scores, axis=0)


def interquartile_mean(scores: np.ndarray) -> float:
    """Mean of the middle half of all scores: the lowest and the highest quarter, rounded down, are left out.

    One lucky or broken run moves it little, and unlike the median it still uses half of the runs. With fewer than
    four scores it is the mean (Agarwal et al. 2021, section 4.3).

    >>> interquartile_mean(np.array([0.0, 7.0, 8.0, 9.0, 100.0]))
    8.0
    """
    ordered = np.sort(scores, axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def bootstrap_interval(
    scores: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray | float] = mean,
    seed: int = 0,
    resamples: int = 2000,
) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile interval of a statistic by the stratified bootstrap: low and high, shaped like the statistic.

    Each of `resamples` times R runs are drawn again with replacement, for every task on its own, so that no task is
    missing from a resample (Agarwal et al. 2021, section 4.1; for one task Efron & Tibshirani 1993, chapter 13).
    With few runs it is too short: that of the mean of five normal scores holds the true mean in about 83 % of cases.

    >>> low, high = bootstrap_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    >>> bool(1.5 < low < 2.5 and 3.5 < high < 4.5)
    True
    """
    scores = np.asarray(scores, float)
    rng = stream(seed, 0, Purpose.BOOTSTRAP)
    draws = (rng.integers(len(scores), size=scores.shape) for _ in range(resamples))
    resampled = [statistic(np.take_along_axis(scores, draw, axis=0)) for draw in draws]
    low, high = np.quantile(np.array(resampled), [0.025, 0.975], axis=0)
    return low, high


def performance_profile(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of all runs that score above each threshold: thresholds (T,) → (T,), falling from 1 to 0.

    It shows the whole distribution, its tails included; the area under it from 0 on is the mean of scores that are
    never negative (Agarwal et al. 2021, section 4.2).

    >>> performance_profile(np.array([0.2, 0.5, 0.9, 0.9]), np.array([0.0, 0.5, 0.8]))
    array([1. , 0.5, 0.5])
    """
    ordered = np.sort(scores, axis=None)
    return 1 - np.searchsorted(ordered, thresholds, side="right") / len(ordered)
