"""Pace: what shot lengths a reward of them asks for, found exactly, and those of the optimum at each pace.

`best_lengths` cuts a length of film for any reward of its shots, `describe` says what came out. `lengths_at` are the
shot lengths of optimal cuts of `FilmEdit`; `PaceDial` is the shell of one slider.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs import film_edit
from rlfilm_lib.envs.coverage import BEAT_S, BEATS
from rlfilm_lib.envs.film_edit import FilmEdit
from rlfilm_lib.film import pacing
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, SKY, Described, figure

ShotWorth = Callable[[float, float], float]
"""Of one shot: from its length and the length asked for, in seconds, to what it is worth."""
SCENES = 32
PACE_COLOUR = dict(zip(pacing.ASL, (BLUE, GREEN, ORANGE), strict=True))


def asked_for(asl: float, seed: int = 0, beats: int = BEATS, spread: float = 0.6) -> NDArray[np.float64]:
    """The length, in seconds, asked for of a shot that begins at each beat, (B,): drawn lengths laid end to end.

    >>> asked_for(4.0)[[0, 8, 16]].round(1).tolist()
    [3.9, 2.3, 2.1]
    """
    number = round(beats * BEAT_S / asl)
    lengths = pacing.shot_lengths(np.random.default_rng(seed), beats * BEAT_S / number, number, spread)
    place = np.searchsorted(np.cumsum(lengths), np.arange(beats) * BEAT_S, side="right")
    return lengths[np.minimum(place, number - 1)]


def best_lengths(worth: ShotWorth, targets: NDArray, mean: bool = False) -> NDArray[np.float64]:
    """Lengths, in seconds, of the shots that a film of B beats is best cut into, exactly, by dynamic programming.

    worth: of one shot; targets: (B,) seconds asked for, by the beat at which a shot begins; the reward of the film is
    the sum over its shots, or their mean.

    >>> best_lengths(lambda length, target: -(length - target) ** 2, np.full(12, 2.0)).tolist()
    [2.0, 2.0, 2.0]
    """
    beats = len(targets)
    table = np.full((beats, beats + 1), -np.inf)
    for start in range(beats):
        for end in range(start + 1, beats + 1):
            table[start, end] = worth((end - start) * BEAT_S, float(targets[start]))
    most = beats if mean else 1
    value = np.full((most + 1, beats + 1), -np.inf)  # of what is left from each beat: with so many shots, or any number
    follow = np.zeros((most + 1, beats), int)
    value[0 if mean else 1, beats] = 0
    for start in reversed(range(beats)):
        for shots in range(1, most + 1):
            ways = table[start] + value[shots - 1 if mean else 1]
            follow[shots, start] = ways.argmax()
            value[shots, start] = ways.max()
    shots = int((value[1:, 0] / np.arange(1, most + 1)).argmax()) + 1
    edges = [0]
    while edges[-1] < beats:
        edges.append(int(follow[shots, edges[-1]]))
        shots -= int(mean)
    return np.diff(edges).astype(np.float64) * BEAT_S


def variation(lengths: Sequence[float] | NDArray) -> float:
    """Standard deviation over average: 0 where all shots are of one length.

    >>> variation([2.0, 4.0]), variation([3.0, 3.0])
    (0.3333333333333333, 0.0)
    """
    return float(np.std(lengths) / np.mean(lengths))


def describe(lengths: Sequence[float] | NDArray) -> str:
    """Shots in words.

    >>> describe([2.0, 4.0])
    '2 shots, ASL 3.0 s, variation 0.33'
    """
    number = len(lengths)
    return f"{number} shot{'s' * (number > 1)}, ASL {np.mean(lengths):.1f} s, variation {variation(lengths):.2f}"


def plot_rows(axes, rows: Mapping[str, Sequence[float] | NDArray]) -> None:
    """Films below one another, their shots as boxes, into a Matplotlib axes."""
    for place, (_name, lengths) in enumerate(rows.items()):
        edges = np.cumsum([0.0, *lengths])
        shades = [BLUE if number % 2 else SKY for number in range(len(lengths))]
        axes.barh([place] * len(lengths), lengths, left=edges[:-1], color=shades, edgecolor="white", height=0.6)
        axes.text(edges[-1] + 0.3, place, describe(lengths), va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel="time (s)", xlim=(0, 30), ylim=(len(rows) - 0.5, -0.5))
    axes.spines[["top", "right"]].set_visible(False)


@cache
def lengths_at(pace: str, scenes: int = SCENES) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shot lengths in seconds of the optimal cuts of so many scenes at a pace; and those of the first scene alone."""
    env = FilmEdit(scenes, pace=pace)
    env.reset(seed=0)
    rushes = env.rushes()
    found = []
    for index in range(scenes):
        _, shots = film_edit.optimum(rushes, index=index)
        found.append(np.diff([*(shot.start for shot in shots), BEATS]) * BEAT_S)
    return np.concatenate(found), found[0]


def view(pace: str, scenes: int = SCENES) -> Described:
    """The optimum's shot lengths at a pace: a histogram with its average, and the cut of the first scene below it."""
    import matplotlib.pyplot as plt

    lengths, first = lengths_at(pace, scenes)
    asl, mean = pacing.ASL[pace], lengths.mean()
    fig, (above, below) = plt.subplots(2, 1, figsize=(7, 3.4), height_ratios=(4, 1), layout="constrained")
    above.hist(
        lengths,
        bins=np.arange(0.25, 20.5, 0.5),
        color=PACE_COLOUR[pace],
        weights=np.full(len(lengths), 1 / len(lengths)),
    )
    above.axvline(mean, color=BLACK, lw=1.5, label=f"average of the optimum, {mean:.1f} s")
    above.axvline(asl, color=BLACK, lw=1.5, ls=":", label=f"asked for, {asl:g} s")
    above.set(xlabel="length of a shot (s)", ylabel="share of the shots", xlim=(0, 20), ylim=(0, 0.4), title=pace)
    above.legend(frameon=False)
    above.spines[["top", "right"]].set_visible(False)
    edges = np.cumsum([0.0, *first])
    shades = [PACE_COLOUR[pace] if number % 2 else "#bbbbbb" for number in range(len(first))]
    below.barh([0] * len(first), first, left=edges[:-1], color=shades, edgecolor="white")
    below.set(xlabel="time in one scene (s)", yticks=[], xlim=(0, 30))
    below.spines[["top", "right", "left"]].set_visible(False)
    return figure(fig, sentence(pace, lengths))


def sentence(pace: str, lengths: NDArray) -> str:
    """The shot lengths of the optimum in words."""
    return (
        f"{pace}: average shot length {lengths.mean():.1f} s where {pacing.ASL[pace]:g} s are asked for; the shortest "
        f"lasts {lengths.min():.1f} s, the longest {lengths.max():.1f} s."
    )


class PaceDial:
    """Choose a pace and see the shot lengths of the exact optimum."""

    def __init__(self, scenes: int = SCENES) -> None:
        import ipywidgets as widgets

        self.scenes = scenes
        self.pace = widgets.SelectionSlider(
            options=list(pacing.ASL), value="medium", description="pace", continuous_update=False
        )
        self.drawn, self.words = widgets.HTML(), widgets.HTML()
        self.pace.observe(self._moved, "value")
        self.box = widgets.VBox([self.pace, self.drawn, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        shown = view(self.pace.value, self.scenes)
        self.drawn.value, self.words.value = shown.html, f'<p class="rlfilm-pace">{shown.text}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        from rlfilm_lib.widgets.picture import row

        display(self.box)
        display(row(**{pace: view(pace, self.scenes) for pace in pacing.ASL}))
