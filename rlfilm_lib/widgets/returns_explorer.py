"""The returns explorer: what reward-to-go, discount and baseline each do to the noise of a policy gradient.

Everything is computed from episodes of rlfilm/MovieScene-v0 with one control, the dimmer, played once by a Gaussian
policy with three parameters: the same episodes, credited in different ways. `study` plays them, `gradients` credits
them, `spread` measures the estimates, `view` and `still` show them; `ReturnsExplorer` is the shell of sliders.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rlfilm_lib.envs.movie_scene import ERROR_SCALE, EXPOSURE_TOLERANCE, OBSERVATION
from rlfilm_lib.rl.environment import make_vec
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.returns import reward_to_go
from rlfilm_lib.rl.rollout import Rollout, collect_episodes
from rlfilm_lib.widgets.picture import BLACK, BLUE, ORANGE, VERMILION, Described, drawing, round_numbers, text

CREDITS = ("whole return", "reward-to-go")
BASELINES = ("none", "mean return", "state value")
BATCH_SIZES = (1, 4, 16, 64)
COLOURS = {"whole return": ORANGE, "reward-to-go": BLUE}
UNTRAINED = (0.0, 0.0, 0.0)
"""offset, gain, log σ of a policy that has learned nothing: action ~ N(offset + gain · exposure error, σ²)."""
HALF_TRAINED = (0.0, -1.5, -0.3)
"""The same for one that answers the light meter."""

ENVIRONMENTS = 2048  # played side by side
EXPOSURE = OBSERVATION.index("exposure error")
ERRORS = [OBSERVATION.index(name) for name in ("v error", "headroom error", "key:fill error", "separation error")]


@dataclass(frozen=True)
class Episodes:
    """E episodes of T steps: rewards (T, E), scores (T, E, P) and states (T, E, K).

    scores: the gradient of log π(action | state) with respect to the P parameters;
    states: what a baseline may look at, one of them a constant 1.
    """

    rewards: np.ndarray
    scores: np.ndarray
    states: np.ndarray


@dataclass(frozen=True)
class Study:
    """What the explorer works on: episodes to estimate from, others to fit baselines to, and the gradient (P,) "
    "itself."""

    episodes: Episodes
    fitting: Episodes
    gradient: np.ndarray


@dataclass(frozen=True)
class Spread:
    """Estimates of the gradient, one per batch, along the direction of the true one."""

    estimates: np.ndarray
    """(M,) one per batch."""
    mean: float
    """Of all estimates."""
    standard_error: float
    """Of that mean."""
    deviation: float
    """Standard deviation of one batch's estimate."""
    true: float
    """Length of the true gradient: where the mean of an unbiased estimator lies."""

    @property
    def wrong_way(self) -> float:
        """Share of batches whose estimate points away from the true gradient."""
        return float((self.estimates < 0).mean())

    @property
    def biased(self) -> bool:
        """Whether the mean lies more than three standard errors, and more than 5 %, from the true gradient."""
        return abs(self.mean - self.true) > max(3 * self.standard_error, 0.05 * self.true)


# The episodes


def study(parameters: Sequence[float] = UNTRAINED, batches: int = 4, seed: int = 0) -> Study:
    """Play everything the explorer needs, in about three seconds. `batches` of 2048 episodes to estimate from."""
    return Study(
        episodes=play(parameters, batches, seed),
        fitting=play(parameters, 2, seed + 1),
        gradient=replayed_gradient(parameters, 4, seed + 2),
    )


def play(parameters: Sequence[float], batches: int, seed: int) -> Episodes:
    """`batches` · 2048 episodes of MovieScene with one control; parameters (3,): offset, gain, log σ."""
    parts = [_described(rollout, parameters) for rollout in _rollouts(parameters, batches, seed)]
    return Episodes(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)))


def replayed_gradient(parameters: Sequence[float], batches: int, seed: int, nudge: float = 0.05) -> np.ndarray:
    """The gradient (3,) of the mean return by central differences: same scenes, same noise, nudged parameters.

    No score function and no credit enter into it, so it is an independent check on every estimator here.
    """

    def mean_return(shift: np.ndarray) -> float:
        return float(
            np.mean([rollout.episode_returns for rollout in _rollouts(np.add(parameters, shift), batches, seed)])
        )

    return np.array([(mean_return(step) - mean_return(-step)) / (2 * nudge) for step in nudge * np.eye(3)])


def _rollouts(parameters: Sequence[float] | np.ndarray, batches: int, seed: int) -> list[Rollout]:
    env = make_vec("rlfilm/MovieScene-v0", num_envs=ENVIRONMENTS, controls=1)
    offset, gain, log_std = np.asarray(parameters, np.float32)
    kernel = np.zeros((len(OBSERVATION), 1), np.float32)
    kernel[EXPOSURE] = gain
    weights = {"actor/0/kernel": kernel, "actor/0/bias": np.array([offset]), "log_std": np.array([log_std])}
    policy = Policy(weights, env.single_observation_space, env.single_action_space)
    return [collect_episodes(env, policy, seed, iteration=batch) for batch in range(batches)]


def _described(rollout: Rollout, parameters: Sequence[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rewards, scores and states of a rollout, as `Episodes` has them."""
    offset, gain, log_std = parameters
    error = rollout.inputs[..., EXPOSURE]
    z = (rollout.actions[..., 0] - offset - gain * error) / np.exp(log_std)
    scores = np.stack([z / np.exp(log_std), error * z / np.exp(log_std), z**2 - 1], axis=-1)
    stops = error / ERROR_SCALE[EXPOSURE - OBSERVATION.index("u error"), 0]
    exposure_term = np.exp(-0.5 * (stops / EXPOSURE_TOLERANCE) ** 2)
    others = np.abs(rollout.inputs[..., ERRORS])
    states = np.concatenate([np.stack([np.ones_like(stops), np.abs(stops), exposure_term], axis=-1), others], axis=-1)
    return rollout.rewards, scores.astype(np.float32), states.astype(np.float32)


# The estimators


def returns(rewards: np.ndarray, credit: str, gamma: float) -> np.ndarray:
    """What each action is credited with, (T, E): its episode's whole discounted return, or what came after it.

    >>> rewards = np.array([[1.0], [2.0], [4.0]])
    >>> returns(rewards, "whole return", 0.5).ravel(), returns(rewards, "reward-to-go", 0.5).ravel()
    (array([3., 3., 3.]), array([3., 4., 4.]))
    """
    if credit == "reward-to-go":
        ended = np.zeros(rewards.shape, bool)
        ended[-1] = True
        return reward_to_go(rewards, ended, gamma)
    discounts = gamma ** np.arange(len(rewards))
    return np.broadcast_to(discounts.astype(rewards.dtype) @ rewards, rewards.shape)


def baseline_values(kind: str, fitted: np.ndarray, fitting: np.ndarray, states: np.ndarray) -> np.ndarray | float:
    """What to subtract from the returns of episodes with these states (T, E, K): 0, (T, 1) or (T, E).

    fitted (T, F) are the returns of other episodes, fitting (T, F, K) their states: the baseline must not know the
    actions it is subtracted for. "mean return" is one number per step, "state value" a least-squares fit per step.
    """
    if kind == "none":
        return 0.0
    if kind == "mean return":
        return fitted.mean(axis=1, keepdims=True)
    transposed = fitting.transpose(0, 2, 1)
    coefficients = np.linalg.pinv(transposed @ fitting, hermitian=True) @ (transposed @ fitted[..., None])
    return (states @ coefficients)[..., 0]


def advantages(data: Study, credit: str, baseline: str, gamma: float) -> np.ndarray:
    """Returns less baseline, (T, E): the factor of each step's score."""
    credited = returns(data.episodes.rewards, credit, gamma)
    fitted = returns(data.fitting.rewards, credit, gamma)
    return credited - baseline_values(baseline, fitted, data.fitting.states, data.episodes.states)


def gradients(data: Study, credit: str, baseline: str, gamma: float) -> np.ndarray:
    """One estimate of the gradient per episode, (E, P): the sum over its steps of score · advantage."""
    return np.einsum("te,tep->ep", advantages(data, credit, baseline, gamma), data.episodes.scores)


def spread(per_episode: np.ndarray, true: np.ndarray, size: int) -> Spread:
    """How estimates from batches of `size` episodes scatter: per_episode (E, P), true (P,).

    >>> spread(np.array([[1.0], [3.0], [5.0], [7.0]]), np.array([4.0]), 2).estimates
    array([2., 6.])
    """
    along = per_episode @ (true / np.linalg.norm(true))
    whole = len(along) // size * size
    deviation = float(along.std(ddof=1))
    return Spread(
        estimates=along[:whole].reshape(-1, size).mean(axis=1),
        mean=float(along.mean()),
        standard_error=deviation / len(along) ** 0.5,
        deviation=deviation / size**0.5,
        true=float(np.linalg.norm(true)),
    )


def spreads(data: Study, gamma: float, size: int) -> dict[tuple[str, str], Spread]:
    """The spread of every estimator: {(credit, baseline): Spread}."""
    return {
        (credit, baseline): spread(gradients(data, credit, baseline, gamma), data.gradient, size)
        for credit in CREDITS
        for baseline in BASELINES
    }


def credit_map(data: Study) -> np.ndarray:
    """How much each action's score and each reward go together: (T, T), the mean of score_t · (reward_k - its mean).

    Scores are taken along the true gradient. Where k < t the reward came before the action: 0 but for noise.
    """
    scores = data.episodes.scores @ (data.gradient / np.linalg.norm(data.gradient))
    rewards = data.episodes.rewards - data.episodes.rewards.mean(axis=1, keepdims=True)
    return scores @ rewards.T / rewards.shape[1]


def sentence(chosen: Spread, plainest: Spread, name: str) -> str:
    """What the figures say, in words: noise, the gain over the plainest estimator, and the bias where there is one."""
    gain = (plainest.deviation / chosen.deviation) ** 2
    compared = (
        f"{gain:,.0f} times less variance than" if gain >= 1.5 else "as noisy as" if gain > 0.67 else "noisier than"
    )
    shift = 100 * (chosen.mean / chosen.true - 1)
    verdict = (
        f"biased: its mean is {abs(shift):.0f} % {'longer' if shift > 0 else 'shorter'} than the true gradient"
        if chosen.biased
        else "no bias to be seen"
    )
    return (
        f"{name}: estimates {chosen.mean:.1f} ± {chosen.deviation:.2g} around a true gradient of {chosen.true:.1f}, "
        f"{100 * chosen.wrong_way:.0f} % of the batches point the wrong way; {compared} the whole return without a "
        f"baseline at the same batch size; {verdict} (mean {chosen.mean:.2f}, standard error "
        f"{chosen.standard_error:.2g})."
    )


# The pictures: drawn as SVG, in milliseconds, so that sliders feel live

WRONG_WAY, PLAINEST = "#e4e4e4", "#8c8c8c"
DECADES = (0.1, 1.0, 10.0, 100.0, 1000.0)
BINS = 28
LEGEND = (
    "bars: share of the batches; black line: the true gradient; triangle: mean of the estimates; grey: the wrong way"
)
ALONG = "gradient estimate (return per unit of parameter)"


def label(credit: str, baseline: str) -> str:
    """An estimator's name as the pictures have it.

    >>> label("reward-to-go", "none"), label("whole return", "state value")
    ('reward-to-go', 'whole return − state value')
    """
    return credit if baseline == "none" else f"{credit} − {baseline}"


def window(measured: Spread) -> tuple[float, float]:
    """The range that a histogram shows: nearly all estimates, the true gradient and 0."""
    reach = 3.6 * measured.deviation
    return min(measured.mean - reach, -0.3 * measured.true), max(measured.mean + reach, 1.1 * measured.true)


def histogram(measured: Spread, colour: str, left: float, top: float, width: float, height: float, title: str) -> str:
    """Shares of batches as bars, with the true gradient, the mean and the wrong way, as SVG in the given rectangle."""
    low, high = window(measured)
    counts, _ = np.histogram(np.clip(measured.estimates, low, high), bins=BINS, range=(low, high))
    bottom = top + height

    def across(value: float) -> float:
        return round(left + width * (value - low) / (high - low), 1)

    outline = "".join(
        f"V{bottom - height * count / counts.max():.1f}H{left + width * (bar + 1) / BINS:.1f}"
        for bar, count in enumerate(counts)
    )
    mean, true = across(measured.mean), across(measured.true)
    return (
        f'<rect x="{left}" y="{top}" width="{across(0) - left:.1f}" height="{height}" fill="{WRONG_WAY}"/>'
        f'<path d="M{left} {bottom}{outline}V{bottom}Z" fill="{colour}"/>'
        f'<path d="M{left} {top}V{bottom}H{left + width}M{true} {top}V{bottom}" stroke="{BLACK}" fill="none"/>'
        f'<path d="M{mean} {bottom - 6}l6 11h-12Z" fill="{VERMILION}"/>'
        + "".join(text(across(tick), bottom + 20, f"{tick:g}", "middle") for tick in round_numbers(low, high))
        + text(left - 5, top + 10, f"{100 * counts.max() / len(measured.estimates):.0f} %", "end")
        + text(left - 5, bottom, "0", "end")
        + text(left, top - 8, title)
    )


def deviation_bars(
    measured: dict[tuple[str, str], Spread], chosen: tuple[str, str], left: float, top: float, width: float
) -> str:
    """A bar per estimator, as SVG: the standard deviation of one batch's estimate, on a logarithmic axis."""

    def across(value: float) -> float:
        return round(left + width * float(np.log10(value / DECADES[0]) / np.log10(DECADES[-1] / DECADES[0])), 1)

    bars, bottom = "", top + 40 * len(measured)
    for row, (name, one) in enumerate(measured.items()):
        place = f'x="{left}" y="{top + 40 * row + 5}" width="{max(across(one.deviation) - left, 0):.1f}" height="30"'
        edge = f' stroke="{BLACK}" stroke-width="3"' if name == chosen else ""
        bars += f'<rect {place} fill="{COLOURS[name[0]]}"{edge}/>'
        bars += text(left - 8, top + 40 * row + 25, f"{label(*name)}: {one.deviation:.2g}", "end")
    return (
        bars
        + f'<path d="M{left} {top}V{bottom}H{left + width}" stroke="{BLACK}" fill="none"/>'
        + "".join(text(across(decade), bottom + 20, f"{decade:g}", "middle") for decade in DECADES)
        + text(left + width / 2, bottom + 42, "standard deviation of a batch's estimate", "middle")
    )


def view(data: Study, credit: str, baseline: str, gamma: float, size: int) -> Described:
    """The chosen estimator under the plainest (γ = 1), and the noise of all six at this γ, as one picture."""
    measured = spreads(data, gamma, size)
    plainest = spread(gradients(data, "whole return", "none", 1.0), data.gradient, size)
    name, chosen, colour = f"{label(credit, baseline)}, γ = {gamma:.2f}", measured[credit, baseline], COLOURS[credit]
    episodes = f"{size} episode{'s' * (size > 1)}"
    low, high = window(plainest)
    left, right = (50 + 370 * (max(low, min(high, end)) - low) / (high - low) for end in window(chosen))
    marks = [
        histogram(plainest, PLAINEST, 50, 30, 370, 115, "whole return, γ = 1; tinted: what is magnified below"),
        f'<rect x="{left:.1f}" y="30" width="{right - left:.1f}" height="115" fill="{colour}" opacity="0.35"/>',
        histogram(chosen, colour, 50, 210, 370, 115, name),
        text(235, 367, ALONG, "middle"),
        text(50, 400, LEGEND),
        text(640, 22, f"γ = {gamma:.2f}, {episodes} per batch"),
        deviation_bars(measured, (credit, baseline), 640, 40, 250),
    ]
    return drawing(910, 410, "".join(marks), sentence(chosen, plainest, f"{name}, {episodes}"))


def still(data: Study, size: int = 16) -> Described:
    """All six estimators at γ = 1 as one picture that needs no kernel."""
    measured = spreads(data, 1.0, size)
    marks = text(455, 408, f"{ALONG}; mind the scales", "middle") + text(455, 430, LEGEND, "middle")
    for place, (name, one) in enumerate(measured.items()):
        left, top = 45 + 295 * (place % 3), 48 + 195 * (place // 3)
        title = f"sd {one.deviation:.2g}, {100 * one.wrong_way:.0f} % point the wrong way"
        marks += text(left, top - 26, label(*name)) + histogram(one, COLOURS[name[0]], left, top, 250, 115, title)
    words = [f"{label(*name)} {one.deviation:.2g}, {100 * one.wrong_way:.0f} %" for name, one in measured.items()]
    true = measured["whole return", "none"].true
    return drawing(
        *(910, 442),
        marks,
        f"Six histograms of gradient estimates from batches of {size} episodes, γ = 1. A line marks the true gradient, "
        f"{true:.1f}, a triangle the mean of the estimates; below 0, in grey, they point the wrong way. Standard "
        f"deviation, and share of batches that point the wrong way: {'; '.join(words)}.",
    )


# The shell


class ReturnsExplorer:
    """Choose credit, baseline, discount and batch size, and see what each does to the gradient's estimates.

    As a cell's last line it shows itself, and a still picture of all six estimators for readers without a kernel.
    """

    def __init__(self, data: Study | None = None) -> None:
        import ipywidgets as widgets

        self.data = data or study()
        wide = {"description_width": "90px"}
        buttons = wide | {"button_width": "110px"}
        self.credit = widgets.ToggleButtons(options=CREDITS, description="credit", style=buttons)
        self.baseline = widgets.ToggleButtons(options=BASELINES, description="baseline", style=buttons)
        slider = {"continuous_update": False, "style": wide, "layout": {"width": "400px"}}
        self.gamma = widgets.FloatSlider(value=1.0, min=0.8, max=1.0, step=0.01, description="discount γ", **slider)
        self.size = widgets.SelectionSlider(value=16, options=BATCH_SIZES, description="episodes", **slider)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.credit, self.baseline, self.gamma, self.size):
            control.observe(self._moved, "value")
        rows = [widgets.HBox([self.credit, self.baseline]), widgets.HBox([self.gamma, self.size])]
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([*rows, self.picture, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        seen = view(self.data, self.credit.value, self.baseline.value, self.gamma.value, self.size.value)
        words = html.escape(seen.text)
        self.picture.value = seen.html
        self.words.value = f'<p class="rlfilm-returns" style="line-height: 1.3; max-width: 860px">{words}</p>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.data))
