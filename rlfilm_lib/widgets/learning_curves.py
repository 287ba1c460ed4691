"""Learning curves over several seeds: each run thin, their mean thick, its bootstrap interval shaded."""

from collections.abc import Mapping

import numpy as np

from rlfilm_lib.rl.evaluate import bootstrap_interval


def interval(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the S seeds of curves (S, K), and its 95 % bootstrap interval: mean, low, high, (K,) each.

    >>> mean, low, high = interval(np.array([[0.0, 1.0], [2.0, 1.0]]))
    >>> mean, low, high
    (array([1., 1.]), array([0., 1.]), array([2., 1.]))
    """
    return np.mean(curves, axis=0), *bootstrap_interval(curves)


def smooth(curves: np.ndarray, width: int) -> np.ndarray:
    """Means over blocks of `width` neighbours: (S, K) → (S, K // width).

    >>> smooth(np.array([[1.0, 3.0, 5.0, 7.0, 9.0]]), 2)
    array([[2., 6.]])
    """
    whole = curves.shape[1] // width * width
    return curves[:, :whole].reshape(len(curves), -1, width).mean(axis=2)


def plot(axes, steps: np.ndarray, curves: np.ndarray, colour: str, name: str, linestyle: str = "-") -> None:
    """The curves (S, K) over steps (K,) into a Matplotlib axes."""
    mean, low, high = interval(curves)
    axes.plot(steps, np.transpose(curves), color=colour, linewidth=0.6, alpha=0.45)
    axes.fill_between(steps, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(steps, mean, color=colour, linewidth=2, linestyle=linestyle, label=name)


def plot_lines(axes, heights: Mapping[str, float], colour: str = "#555555") -> None:
    """Yardsticks as horizontal lines, named to the right of the axes: the lowest below its line, the others above."""
    lowest = min(heights, key=lambda name: heights[name])
    for (name, height), style in zip(heights.items(), (":", "--", "-."), strict=False):
        axes.axhline(height, color=colour, linewidth=1.2, linestyle=style)
        side = "top" if name == lowest else "bottom"
        place = axes.get_yaxis_transform()
        axes.text(1.01, height, name, transform=place, va=side, color=colour, fontsize=9)
