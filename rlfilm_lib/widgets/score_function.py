"""The score-function explorer: a Gaussian policy on a critic's map, and the gradient that samples alone can tell.

An action is where the operator puts the eyes in the picture: a = (u, v), u from 0 (left) to 1 (right), v from 0
(bottom) to 1 (top). A critic answers with a reward. The policy is N(μ, σ² I). `mean_rewards` and `exact_gradient` know
the whole map; `contributions` knows tried actions and their rewards, no more. `view` and `still` show both;
`ScoreFunction` is the shell of sliders.
"""

import base64
import functools
import html
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rlfilm_lib.film.framing import thirds
from rlfilm_lib.widgets.picture import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    VERMILION,
    Described,
    drawing,
    png,
    round_numbers,
    text,
)
from rlfilm_lib.widgets.returns_explorer import Spread, histogram, spread

CRITICS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "smooth": lambda u, v: thirds(u, v, -1, 0.15),
    "two peaks": lambda u, v: 0.6 * thirds(u, v, -1) + thirds(u, v, +1),
    "five stars": lambda u, v: np.round(5 * thirds(u, v, -1, 0.2)) / 5,
    "yes or no": lambda u, v: (thirds(u, v, -1) > np.exp(-0.5)).astype(float),
}
"""How a critic marks eyes at (u, v). The last two are flat wherever they do not jump: their derivative is 0."""
SAMPLE_SIZES = (1, 4, 16, 64)
BASELINES = np.linspace(-0.5, 1.0, 31)
MANY = 32_768
"""Samples behind each histogram."""
RATE = 0.05
"""Picture widths that the mean moves per unit of gradient when it takes a step."""
CELL, FINER = 0.005, 4
GRID = np.arange(-0.5 + CELL / 2, 1.5, CELL)
"""Middles of the map's cells along u and along v: the picture, and half a picture more on every side."""
NUDGE = 1e-4


@dataclass(frozen=True)
class Setting:
    """Everything the explorer can be set to."""

    critic: str = "smooth"
    mean: tuple[float, float] = (0.5, 0.5)
    std: float = 0.15
    samples: int = 16
    baseline: float = 0.0
    seed: int = 16


# The mathematics


def mean_rewards(critic: str, u: ArrayLike, v: ArrayLike, std: float) -> np.ndarray:
    """J(μ) for every mean (u, v), by summing the whole map under the policy: u (K,), v (L,) → (L, K).

    A mean in the middle of the disc of radius 0.12 in which "yes or no" says yes: J = 1 - exp(-0.12² / 2σ²).

    >>> mean_rewards("yes or no", [1 / 3], [2 / 3], 0.12).round(2), np.round(1 - np.exp(-0.5), 2).item()
    (array([[0.39]]), 0.39)
    """
    across, up = (_chances(means, std) for means in (u, v))
    return up @ _map(critic) @ across.T


def exact_gradient(critic: str, mean: ArrayLike, std: float) -> np.ndarray:
    """∇J (2,) at a mean (u, v), by central differences of J. No score enters into it: a check on every estimate."""
    u, v = np.asarray(mean)[:, None] + [-NUDGE, 0.0, NUDGE]
    near = mean_rewards(critic, u, v, std)
    return np.array([near[1, 2] - near[1, 0], near[2, 1] - near[0, 1]]) / (2 * NUDGE)


def tries(setting: Setting, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` actions (count, 2) drawn from the policy, and the critic's rewards (count,)."""
    actions = np.random.default_rng(setting.seed).normal(setting.mean, setting.std, (count, 2))
    return actions, CRITICS[setting.critic](actions[:, 0], actions[:, 1])


def contributions(
    actions: np.ndarray, rewards: np.ndarray, mean: ArrayLike, std: float, baseline: float = 0.0
) -> np.ndarray:
    """What each try says about the gradient, score · (reward - baseline): actions (n, 2), rewards (n,) → (n, 2).

    The score of the mean is ∇ log π(a) = (a - μ) / σ² (Williams 1992). The mean over tries is the estimate of ∇J.

    >>> contributions(np.array([[0.6, 0.5], [0.4, 0.7]]), np.array([1.0, 0.0]), (0.5, 0.5), 0.1).round(6) + 0.0
    array([[10.,  0.],
           [ 0.,  0.]])
    """
    return (rewards - baseline)[:, None] * (actions - np.asarray(mean)) / std**2


def best_baseline(scores: np.ndarray, rewards: np.ndarray) -> float:
    """The constant that leaves the least variance, E[score² r] / E[score²]: scores (n,), rewards (n,).

    Source: Greensmith, Bartlett, Baxter 2004, theorem 8.

    >>> best_baseline(np.array([1.0, -2.0]), np.array([5.0, 0.0]))
    1.0
    """
    return float(np.mean(scores**2 * rewards) / np.mean(scores**2))


@functools.cache
def _map(critic: str) -> np.ndarray:
    """The mean reward of each cell of GRID × GRID, rows upwards, from 4 × 4 places in it."""
    places = np.arange(-0.5 + CELL / FINER / 2, 1.5, CELL / FINER)
    rewards = CRITICS[critic](places[None], places[:, None])
    return rewards.reshape(len(GRID), FINER, len(GRID), FINER).mean(axis=(1, 3))


def _chances(means: ArrayLike, std: float) -> np.ndarray:
    """The policy's probability of each cell of GRID along one axis: means (K,) → (K, 400)."""
    z = (GRID - np.asarray(means)[:, None]) / std
    return np.exp(-(z**2) / 2) * CELL / (std * np.sqrt(2 * np.pi))


@dataclass(frozen=True)
class Measured:
    """A setting with its tries, and with many more of which the scatter of estimates is taken."""

    setting: Setting
    actions: np.ndarray
    """(n, 2) of one batch."""
    terms: np.ndarray
    """(n, 2) what each of them says; their mean is the batch's estimate."""
    exact: np.ndarray
    """(2,) ∇J."""
    scores: np.ndarray
    """(MANY,) of other tries, along ∇J."""
    rewards: np.ndarray
    """(MANY,) theirs."""
    spread: Spread
    """Of estimates from batches of those, along ∇J."""

    @property
    def estimate(self) -> np.ndarray:
        """(2,) from the one batch."""
        return self.terms.mean(axis=0)

    @property
    def blind(self) -> bool:
        """Whether not one of many tries met a reward, so that there is nothing to learn from."""
        return not self.rewards.any()


def measure(setting: Setting) -> Measured:
    """Draw the batch and the many, and set the exact gradient beside them."""
    mean, std = setting.mean, setting.std
    exact = exact_gradient(setting.critic, mean, std)
    direction = exact / np.linalg.norm(exact) if np.linalg.norm(exact) > 1e-6 else np.array([1.0, 0.0])
    actions, rewards = tries(setting, setting.samples)
    many, their_rewards = tries(replace(setting, seed=setting.seed + 1_000_000), MANY)
    every = contributions(many, their_rewards, mean, std, setting.baseline)
    return Measured(
        setting,
        actions=actions,
        terms=contributions(actions, rewards, mean, std, setting.baseline),
        exact=exact,
        scores=(many - np.array(mean)) @ direction / std**2,
        rewards=their_rewards,
        spread=spread(every, max(np.linalg.norm(exact), 1e-6) * direction, setting.samples),
    )


def sentence(measured: Measured) -> str:
    """What the picture says, in words."""
    setting, spread = measured.setting, measured.spread
    batch = f"{setting.samples} {'try' if setting.samples == 1 else 'tries'}"
    name = f"Critic “{setting.critic}”, policy at ({setting.mean[0]:.2f}, {setting.mean[1]:.2f}), σ = {setting.std:.2f}"
    if measured.blind:
        return f"{name}: no try meets a reward, so none tells which way is up: widen the policy or move it."
    return (
        f"{name}, baseline {setting.baseline:.2f}: the exact gradient has length {spread.true:.2f}; estimates from "
        f"{batch} scatter by {spread.deviation:.2f} around a mean of {spread.mean:.2f} "
        f"(standard error {spread.standard_error:.2f}), {100 * spread.wrong_way:.0f} % of them point the wrong way."
    )


# The pictures: drawn as SVG, in milliseconds, so that sliders feel live

SHADE = np.array([86, 180, 233])  # SKY, full where the reward is 1
HEAD = (
    '<defs><marker id="{0}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="{1}" markerHeight="{1}" '
    'orient="auto-start-reverse"><path d="M0 0L10 5L0 10Z" fill="{2}"/></marker></defs>'
)
LEGEND = (
    f'thin lines: what each try says, <tspan fill="{BLUE}">towards it</tspan> or '
    f'<tspan fill="{VERMILION}">away from it</tspan>',
    f'arrows: <tspan fill="{ORANGE}" font-weight="bold">their mean</tspan>, and the exact gradient (black)',
    "dashed: the policy, 1 σ and 2 σ. Long arrows are drawn shorter than they are.",
)


def shaded(critic: str, width: int) -> str:
    """The critic's map as the address of an image, 16:9, white where the reward is 0."""
    height = width * 9 // 16
    u, v = (np.arange(width) + 0.5) / width, 1 - (np.arange(height) + 0.5) / height
    reward = np.clip(CRITICS[critic](u[None], v[:, None]), 0, 1)[..., None]
    frame = (255 - reward * (255 - SHADE)).astype(np.uint8)
    return f"data:image/png;base64,{base64.b64encode(png(frame)).decode()}"


def arrow_tip(start: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Where an arrow for a gradient (2,) ends; long ones are shortened to less than 0.4 of the picture.

    >>> arrow_tip(np.zeros(2), np.array([2.0, 0.0])), arrow_tip(np.zeros(2), np.array([0.0, 18.0]))
    (array([0.2, 0. ]), array([0.  , 0.36]))
    """
    return start + 0.4 * gradient / (np.linalg.norm(gradient) + 2)


def frame_drawing(measured: Measured, left: int, top: int, width: int) -> str:
    """The picture's frame with the critic's map, the policy's rings at 1 σ and 2 σ, tries and arrows, as SVG."""
    setting, height = measured.setting, width * 9 / 16
    mean = np.array(setting.mean)

    def place(points: np.ndarray) -> np.ndarray:
        return np.round(np.array([left, top + height]) + points * np.array([width, -height]), 1)

    def arrow(gradient: np.ndarray, style: str) -> str:
        (x, y), (to_x, to_y) = place(mean), place(arrow_tip(mean, gradient))
        return f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" {style}/>' if max(abs(gradient)) > 0.01 else ""

    x, y = place(mean)
    thirds = "".join(
        f"M{left + width * k / 3:.1f} {top}v{height:.1f}M{left} {top + height * k / 3:.1f}h{width}" for k in (1, 2)
    )
    rings = "".join(
        f'<ellipse cx="{x}" cy="{y}" rx="{k * setting.std * width:.1f}" ry="{k * setting.std * height:.1f}"/>'
        for k in (1, 2)
    )
    toward = np.sum(measured.terms * (measured.actions - mean), axis=1)
    said = "".join(
        arrow(term, f'stroke="{BLUE if sign > 0 else VERMILION}" stroke-width="1.2" opacity="0.7"')
        for term, sign in zip(measured.terms, toward, strict=True)
    )
    dots = "".join(
        f'<circle cx="{px}" cy="{py}" r="3.2" fill="{BLUE if sign > 0 else VERMILION if sign < 0 else "white"}" '
        f'stroke="{BLACK}" stroke-width="0.7"/>'
        for (px, py), sign in zip(place(measured.actions), toward, strict=True)
    )
    inside = f"inside{left:.0f}"
    return (
        f'<clipPath id="{inside}"><rect x="{left}" y="{top}" width="{width}" height="{height}"/></clipPath>'
        f'<g clip-path="url(#{inside})">'
        f'<image href="{shaded(setting.critic, width)}" x="{left}" y="{top}" width="{width}" height="{height}"/>'
        f'<path d="{thirds}" stroke="#bbbbbb" stroke-width="0.8"/>'
        f'<g fill="none" stroke="{BLACK}" stroke-width="0.8" stroke-dasharray="4 3">{rings}</g>{said}{dots}'
        + arrow(measured.exact, f'stroke="{BLACK}" stroke-width="6" marker-end="url(#exact)"')
        + arrow(measured.estimate, f'stroke="{ORANGE}" stroke-width="3.4" marker-end="url(#estimate)"')
        + f'</g><rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="{BLACK}"/>'
    )


def estimates(measured: Measured, left: float, top: float, width: float, height: float, title: str) -> str:
    """The histogram of estimates along the exact gradient, or why there is none, as SVG."""
    if measured.blind:
        return text(left + width / 2, top + height / 2, "no try meets a reward", "middle")
    return histogram(measured.spread, BLUE, left, top, width, height, title)


def valley(measured: Measured, left: float, top: float, width: float, height: float) -> str:
    """Mean and standard deviation of a batch's estimate for every baseline, as SVG: a line and a band."""
    setting, low, high = measured.setting, BASELINES[0], BASELINES[-1]
    terms = (measured.rewards - BASELINES[:, None]) * measured.scores
    means, deviations = terms.mean(axis=1), terms.std(axis=1) / setting.samples**0.5
    bottom, top_value = (means - deviations).min(), (means + deviations).max()

    def across(value: float) -> float:
        return round(left + width * (value - low) / (high - low), 1)

    def up(value: float) -> float:
        return round(top + height * (top_value - value) / (top_value - bottom), 1)

    def line(values: np.ndarray, baselines: np.ndarray) -> str:
        return "L".join(f"{across(b)} {up(value)}" for b, value in zip(baselines, values, strict=True))

    def upright(baseline: float, style: str, words: str, side: int) -> str:
        x = across(baseline)
        name = text(x + 4 * side, top + 14, words, "start" if side > 0 else "end")
        return f'<path d="M{x} {top}v{height}" {style}/>' + name

    band = line(means + deviations, BASELINES) + "L" + line((means - deviations)[::-1], BASELINES[::-1])
    best, mean = best_baseline(measured.scores, measured.rewards), measured.rewards.mean()
    chosen = int(np.abs(BASELINES - setting.baseline).argmin())
    ends = [up(means[chosen] + sign * deviations[chosen]) for sign in (1, -1)]
    return (
        f'<path d="M{band}Z" fill="{BLUE}" opacity="0.25"/>'
        f'<path d="M{line(means, BASELINES)}" stroke="{BLUE}" stroke-width="2" fill="none"/>'
        + upright(mean, f'stroke="{BLACK}" stroke-dasharray="5 3"', "mean reward", -1)
        + upright(best, f'stroke="{GREEN}" stroke-width="2"', "best", 1)
        + f'<path d="M{across(setting.baseline)} {ends[0]}V{ends[1]}" stroke="{ORANGE}" stroke-width="4"/>'
        f'<path d="M{left} {top}V{top + height}H{left + width}" stroke="{BLACK}" fill="none"/>'
        + "".join(text(left - 5, up(tick) + 4, f"{tick:g}", "end") for tick in round_numbers(bottom, top_value))
        + "".join(text(across(tick), top + height + 18, f"{tick:g}", "middle") for tick in (-0.5, 0, 0.5, 1))
        + text(left + width / 2, top + height + 36, "baseline b", "middle")
        + text(left, top - 8, "mean of the estimates ± one standard deviation")
    )


def view(setting: Setting) -> Described:
    """One batch in the frame; beside it the histogram of many batches' estimates, and the noise for every baseline."""
    measured = measure(setting)
    batch = f"estimates from {setting.samples} {'try' if setting.samples == 1 else 'tries'} each"
    marks = [
        HEAD.format("exact", 2.4, BLACK) + HEAD.format("estimate", 3, ORANGE),
        frame_drawing(measured, 10, 30, 512),
        text(10, 20, f"critic: {setting.critic}; the darker, the higher the reward"),
        *(f'<text x="10" y="{338 + 20 * row}">{line}</text>' for row, line in enumerate(LEGEND)),
        estimates(measured, 590, 30, 310, 110, batch),
        text(745, 178, "along the exact gradient (reward per picture)", "middle"),
        valley(measured, 590, 220, 310, 110),
    ]
    return drawing(910, 386, "".join(marks), sentence(measured))


def still(samples: int = 16) -> Described:
    """All four critics with one batch each and the histogram of many, as one picture that needs no kernel."""
    marks = HEAD.format("exact", 2.4, BLACK) + HEAD.format("estimate", 3, ORANGE)
    words = []
    for column, critic in enumerate(CRITICS):
        measured, left = measure(Setting(critic, samples=samples)), 30 + 222 * column
        wrong = f"{100 * measured.spread.wrong_way:.0f} % the wrong way"
        marks += text(left, 18, critic) + frame_drawing(measured, left, 26, 200)
        marks += estimates(measured, left + 12, 172, 188, 70, wrong)
        words.append(f"{critic}: exact {measured.spread.true:.2f}, mean {measured.spread.mean:.2f}, {wrong}")
    marks += "".join(f'<text x="30" y="{290 + 20 * row}">{line}</text>' for row, line in enumerate(LEGEND))
    return drawing(
        *(910, 340),
        marks,
        f"Four critics' maps of the picture with {samples} tries each from a policy in the middle. What they say on "
        f"average points roughly as the exact gradient does. Below, histograms of many such means: {'; '.join(words)}.",
    )


# The shell


class ScoreFunction:
    """Move a Gaussian policy over a critic's map and see what its tries say about the gradient.

    As a cell's last line it shows itself, and a still picture of all critics for readers without a kernel.
    """

    def __init__(self, setting: Setting | None = None) -> None:
        import ipywidgets as widgets

        setting = setting or Setting()
        self.seed = setting.seed
        wide = {"description_width": "90px"}
        slider = {"continuous_update": False, "style": wide, "layout": {"width": "300px"}}
        place = slider | {"min": 0.0, "max": 1.0, "step": 0.02}
        self.critic = widgets.ToggleButtons(options=list(CRITICS), description="critic", style=wide)
        self.u = widgets.FloatSlider(value=setting.mean[0], description="mean u", **place)
        self.v = widgets.FloatSlider(value=setting.mean[1], description="mean v", **place)
        self.std = widgets.FloatSlider(value=setting.std, min=0.05, max=0.4, step=0.01, description="width σ", **slider)
        self.samples = widgets.SelectionSlider(
            value=setting.samples, options=SAMPLE_SIZES, description="tries", **slider
        )
        self.baseline = widgets.FloatSlider(
            value=setting.baseline, min=BASELINES[0], max=BASELINES[-1], step=0.05, description="baseline b", **slider
        )
        self.critic.value = setting.critic
        self.again = widgets.Button(description="new tries")
        self.step = widgets.Button(description="one step uphill")
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.critic, self.u, self.v, self.std, self.samples, self.baseline):
            control.observe(self._moved, "value")
        self.again.on_click(self._draw_again)
        self.step.on_click(self._climb)
        rows = [
            widgets.HBox([self.critic, self.again, self.step]),
            widgets.HBox([self.u, self.v, self.std]),
            widgets.HBox([self.samples, self.baseline]),
        ]
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([*rows, self.picture, self.words])
        self._moved(None)

    @property
    def setting(self) -> Setting:
        """As the sliders stand."""
        return Setting(
            self.critic.value,
            (self.u.value, self.v.value),
            self.std.value,
            self.samples.value,
            self.baseline.value,
            self.seed,
        )

    def _moved(self, _) -> None:
        seen = view(self.setting)
        self.picture.value = seen.html
        self.words.value = (
            f'<p class="rlfilm-score" style="line-height: 1.3; max-width: 860px">{html.escape(seen.text)}</p>'
        )

    def _draw_again(self, _) -> None:
        self.seed += 1
        self._moved(None)

    def _climb(self, _) -> None:
        """Move the mean by RATE times the estimate that is shown, and try again there."""
        moved = np.array(self.setting.mean) + RATE * measure(self.setting).estimate
        self.seed += 1
        self.u.value, self.v.value = np.clip(moved, 0, 1).tolist()
        self._moved(None)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still())
