"""PPO's clip: which samples of a rollout still push the policy, and which are silent.

`record` watches one real update, epoch by epoch; `surrogate` and `silent` are the formula and its flat parts; `view`
and `still` show both; `ClipExplorer` is the shell of sliders.
"""

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from rlfilm_lib.rl.batch import generalized, standardize
from rlfilm_lib.rl.rollout import Rollout
from rlfilm_lib.widgets.picture import BLACK, BLUE, ORANGE, Described, drawing, text

SILENT = "#e4e4e4"
"""Where the gradient vanishes."""
WIDEST = 2.0
"""Largest ratio in the pictures, where larger ones are put as well."""
STRONGEST = 3.0
"""Largest advantage in the pictures, in standard deviations."""


@dataclass(frozen=True)
class Update:
    """What one update of PPO did to the B samples of its rollout.

    advantages: (B,), standardised; log_ratios: (E + 1, B), log π_new(a|s) - log π_old(a|s) before the update and after
    each of its E epochs.
    """

    advantages: np.ndarray
    log_ratios: np.ndarray

    @property
    def ratios(self) -> np.ndarray:
        """(E + 1, B)."""
        return np.exp(self.log_ratios)

    @property
    def kl(self) -> np.ndarray:
        """(E + 1,) KL(old ‖ new), estimated by k3 from all samples."""
        return np.mean(self.ratios - 1 - self.log_ratios, axis=1)


def record(learner: Any, rollout: Rollout) -> Update:
    """Let a PPO learner of either framework learn from a rollout, and look at its policy after each epoch.

    The rewards are taken as they stand, as `learner.learn` does. A `target_kl` would be asked anew in each epoch: leave
    it off.
    """
    config, policies, optimize = learner.config, [learner.policy()], learner.optimize
    batch = generalized(rollout, policies[0], config.gamma, config.gae_lambda)

    def epoch_by_epoch(*minibatches, rate):
        size = len(minibatches[0]) // config.epochs
        for first in range(0, len(minibatches[0]), size):
            metrics = optimize(*(column[first : first + size] for column in minibatches), rate=rate)
            policies.append(learner.policy())
        return metrics

    learner.optimize = epoch_by_epoch
    try:
        learner.learn(rollout, config.learning_rate)
    finally:
        del learner.optimize
    log_probs = np.stack([one.log_prob(batch.inputs, batch.actions) for one in policies])
    return Update(standardize(batch.advantages), log_probs - batch.log_probs)


def surrogate(ratio: np.ndarray, advantage: np.ndarray | float, clip_range: float) -> np.ndarray:
    """What PPO climbs, per sample: min(r A, clip(r, 1 - ε, 1 + ε) A) (Schulman et al. 2017, eq. 7).

    >>> surrogate(np.array([0.5, 1.0, 1.5]), 1.0, 0.2), surrogate(np.array([0.5, 1.0, 1.5]), -1.0, 0.2)
    (array([0.5, 1. , 1.2]), array([-0.8, -1. , -1.5]))
    """
    return np.minimum(ratio * advantage, np.clip(ratio, 1 - clip_range, 1 + clip_range) * advantage)


def silent(ratio: np.ndarray, advantage: np.ndarray | float, clip_range: float) -> np.ndarray:
    """Whether a sample's gradient vanishes: it has already moved, by more than ε, the way its advantage pushes it.

    >>> silent(np.array([0.5, 1.0, 1.5]), 1.0, 0.2), silent(np.array([0.5, 1.0, 1.5]), -1.0, 0.2)
    (array([False, False,  True]), array([ True, False, False]))
    """
    return np.where(np.asarray(advantage) > 0, ratio > 1 + clip_range, ratio < 1 - clip_range)


def sentence(update: Update, clip_range: float, epoch: int) -> str:
    """What the picture says, in words."""
    ratio = update.ratios[epoch]
    outside, quiet = np.abs(ratio - 1) > clip_range, silent(ratio, update.advantages, clip_range)
    return (
        f"ε = {clip_range:.2f}, {'before the first' if not epoch else f'after {epoch}'} epoch{'s' * (epoch > 1)}: of "
        f"{len(ratio):,} samples {outside.sum():,} lie outside the band; {quiet.sum():,} of them are silent, "
        f"{(outside & ~quiet).sum():,} moved the wrong way and still push back. KL {update.kl[epoch]:.4f}."
    )


# The pictures: drawn as SVG, in milliseconds, so that sliders feel live

TOP, PANEL, GAP = 34, 170, 20
LEGEND = (
    "blue: a good action, pushed up; orange: a bad one, pushed down; grey: silent, the gradient is 0; "
    "dashed: without the clip"
)


def across(ratio: np.ndarray | float, left: float, width: float) -> Any:
    """The x of a ratio in a panel: 0 to WIDEST from left to right.

    >>> float(across(1.0, 100, 200)), float(across(5.0, 100, 200))
    (200.0, 300.0)
    """
    return left + width * np.clip(ratio, 0, WIDEST) / WIDEST


def signed(number: float) -> str:
    """A number with its sign.

    >>> signed(2), signed(-1.0)
    ('+2', '−1')
    """
    return f"{number:+g}".replace("-", "−")


def frame(clip_range: float, left: float, width: float, top: float, sign: int) -> str:
    """A panel for advantages of one sign: its silent part shaded, its axes, and dotted lines at the band's ends."""
    low, middle, high = (across(ratio, left, width) for ratio in (1 - clip_range, 1.0, 1 + clip_range))
    shaded = (high, left + width) if sign > 0 else (left, low)
    bottom = top + PANEL
    return (
        f'<rect x="{shaded[0]:.1f}" y="{top}" width="{shaded[1] - shaded[0]:.1f}" height="{PANEL}" fill="{SILENT}"/>'
        f'<path d="M{low:.1f} {top}V{bottom}M{high:.1f} {top}V{bottom}M{middle:.1f} {top}V{bottom}" stroke="{BLACK}" '
        f'stroke-width="0.7" stroke-dasharray="2 3"/>'
        f'<path d="M{left} {top}V{bottom}H{left + width}" stroke="{BLACK}" fill="none"/>'
    )


def curve(clip_range: float, left: float, width: float, top: float, sign: int) -> str:
    """The surrogate of an advantage of +1 or -1 against the ratio, as SVG; dashed what it is without the clip."""
    ratio = np.sort(np.append(np.linspace(0, WIDEST, 21), [1 - clip_range, 1 + clip_range]))

    def line(heights: np.ndarray) -> str:
        up = top + PANEL * (1 - np.abs(heights) / WIDEST if sign > 0 else np.abs(heights) / WIDEST)
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across(ratio, left, width), up, strict=True))

    colour = BLUE if sign > 0 else ORANGE
    return (
        f'<path d="{line(ratio)}" stroke="{colour}" stroke-dasharray="5 4" fill="none"/>'
        f'<path d="{line(surrogate(ratio, sign, clip_range))}" stroke="{colour}" stroke-width="3" fill="none"/>'
    )


def cloud(update: Update, clip_range: float, epoch: int, left: float, width: float, top: float, sign: int) -> str:
    """The samples whose advantage has this sign, as SVG: ratio across, advantage up."""
    chosen = np.sign(update.advantages) == sign
    ratio, advantage = update.ratios[epoch][chosen], update.advantages[chosen]
    up = np.minimum(np.abs(advantage), STRONGEST) / STRONGEST
    quiet, marks = silent(ratio, advantage, clip_range), ""
    for those, colour in ((quiet, "#8c8c8c"), (~quiet, BLUE if sign > 0 else ORANGE)):
        x, y = across(ratio[those], left, width), top + PANEL * (1 - up[those] if sign > 0 else up[those])
        points = "".join(f"M{a:.0f} {b:.0f}h0" for a, b in zip(x, y, strict=True))
        marks += f'<path d="{points}" stroke="{colour}" stroke-width="4" stroke-linecap="round" opacity="0.55"/>'
    return marks


def view(update: Update, clip_range: float, epoch: int) -> Described:
    """Both surrogates on the left, the samples of the update on the right; advantages above 0 on top, below 0 under."""
    marks = text(40, 20, "the surrogate against the ratio")
    marks += text(400, 20, "the samples: advantage (standard deviations) against ratio")
    for sign, top in ((1, TOP), (-1, TOP + PANEL + GAP)):
        for left, width in ((40, 290), (400, 470)):
            marks += frame(clip_range, left, width, top, sign)
        marks += curve(clip_range, 40, 290, top, sign)
        marks += cloud(update, clip_range, epoch, 400, 470, top, sign)
        far, near = (top + 10, top + PANEL) if sign > 0 else (top + PANEL, top + 10)
        for left, words in ((46, f"A = {signed(sign)}"), (406, f"A {'<=>'[sign + 1]} 0")):
            marks += text(left, far + 6 if sign > 0 else far - 8, words)
        for left, reach in ((36, WIDEST), (396, STRONGEST)):
            marks += text(left, near, "0", "end") + text(left, far, signed(sign * reach), "end")
    bottom = TOP + 2 * PANEL + GAP
    for left, width, end in ((40, 290, "2"), (400, 470, "2+")):
        places = {"0": (0, "middle"), f"{1 - clip_range:.2f}": (1 - clip_range, "end"), end: (WIDEST, "middle")}
        places[f"{1 + clip_range:.2f}"] = (1 + clip_range, "start")
        for words, (ratio, anchor) in places.items():
            marks += text(across(ratio, left, width), bottom + 18, words, anchor)
        marks += text(left + width / 2, bottom + 36, "ratio r", "middle")
    marks += text(40, bottom + 64, LEGEND)
    return drawing(910, bottom + 76, marks, sentence(update, clip_range, epoch))


def still(update: Update, clip_range: float = 0.2) -> Described:
    """The picture after the last epoch, for readers without a kernel."""
    return view(update, clip_range, len(update.log_ratios) - 1)


# The shell


class ClipExplorer:
    """Move the clip range and the epoch, and see which samples of an update still push.

    As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(self, update: Update, clip_range: float = 0.2) -> None:
        import ipywidgets as widgets

        self.update, epochs = update, len(update.log_ratios) - 1
        style = {"style": {"description_width": "110px"}, "layout": {"width": "420px"}}
        self.clip_range = widgets.FloatSlider(
            value=clip_range, min=0.05, max=0.5, step=0.05, description="clip range ε", **style
        )
        self.epoch = widgets.IntSlider(value=epochs, min=0, max=epochs, description="after epoch", **style)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.clip_range, self.epoch):
            control.observe(self._moved, "value")
        row = widgets.HBox([self.clip_range, self.epoch], layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([row, self.picture, self.words])
        self.left = still(update, clip_range)
        self._moved(None)

    def _moved(self, _) -> None:
        seen = view(self.update, self.clip_range.value, self.epoch.value)
        self.picture.value = seen.html
        self.words.value = f'<p class="rlfilm-clip" style="line-height: 1.3">{html.escape(seen.text)}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(self.left)
