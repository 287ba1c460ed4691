"""Learning curves and scores over several seeds: each run thin, what they say together thick, its interval shaded."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from rlfilm_lib.rl.statistics import bootstrap_interval, interquartile_mean, performance_profile
from rlfilm_lib.widgets.picture import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Of the results compared in one picture, in their order."""


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


def plot_scores(axes, scores: Mapping[str, np.ndarray]) -> None:
    """A row per name: each of its runs' scores, (R,) or (R, K), their interquartile mean, and its 95 % interval."""
    for row, ((name, found), colour) in enumerate(zip(scores.items(), COLOURS, strict=False)):
        low, high = bootstrap_interval(found, interquartile_mean)
        axes.fill_between([low, high], row - 0.25, row + 0.25, color=colour, alpha=0.3, linewidth=0)
        axes.plot(np.ravel(found), np.full(np.size(found), row), "o", color=colour, markersize=4, alpha=0.6)
        axes.plot([interquartile_mean(found)] * 2, [row - 0.25, row + 0.25], color=colour, linewidth=2.5, label=name)
    axes.set_yticks(range(len(scores)), list(scores))
    axes.set_ylim(len(scores) - 0.4, -0.6)


def plot_profiles(axes, scores: Mapping[str, np.ndarray]) -> None:
    """A performance profile per name, of its runs' scores (R,) or (R, K), with its 95 % interval."""
    everything = np.concatenate([np.ravel(found) for found in scores.values()])
    thresholds = np.linspace(min(0, everything.min()), max(1, everything.max()), 201)
    for (name, found), colour in zip(scores.items(), COLOURS, strict=False):
        low, high = bootstrap_interval(found, partial(performance_profile, thresholds=thresholds))
        axes.fill_between(thresholds, low, high, step="post", color=colour, alpha=0.25, linewidth=0)
        profile = performance_profile(found, thresholds)
        axes.plot(thresholds, profile, color=colour, linewidth=2, drawstyle="steps-post", label=name)
    axes.set_ylim(-0.03, 1.03)


def compare(figure, scores: Mapping[str, np.ndarray], unit: str) -> None:
    """Both plots beside each other into a Matplotlib figure; `unit` says what a score is, "return" for example."""
    left, right = figure.subplots(1, 2)
    plot_scores(left, scores)
    plot_profiles(right, scores)
    left.set(xlabel=unit, title="interquartile mean, 95 % interval, single runs")
    right.set(xlabel=f"{unit} τ", ylabel="share of runs above τ", title="performance profile")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
