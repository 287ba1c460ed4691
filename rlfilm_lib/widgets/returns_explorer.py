"""The returns explorer: what reward-to-go, discount and baseline each do to the noise of a policy gradient.

Everything is computed from episodes of rlfilm/MovieScene-v0 with one control, the dimmer, played once by a Gaussian policy
with three parameters: the same episodes, credited in different ways. `study` plays them, `gradients` credits them, `spread`
measures the estimates, `draw` and `draw_all` show them; `ReturnsExplorer` is the shell of sliders.
"""

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rlfilm_lib.envs.movie_scene import ERROR_SCALE, EXPOSURE_TOLERANCE, OBSERVATION
from rlfilm_lib.rl.environment import make_vec
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.returns import reward_to_go
from rlfilm_lib.rl.rollout import Rollout, collect_episodes
from rlfilm_lib.widgets.picture import BLACK, BLUE, ORANGE, VERMILION, Described, figure, image_tag

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
    """What the explorer works on: episodes to estimate from, others to fit baselines to, and the gradient (P,) itself."""

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
    """The gradient (3,) of the mean return by central differences: the same scenes and the same noise, nudged parameters.

    No score function and no credit enter into it, so it is an independent check on every estimator here.
    """

    def mean_return(shift: np.ndarray) -> float:
        return float(np.mean([rollout.episode_returns for rollout in _rollouts(np.add(parameters, shift), batches, seed)]))

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

    Scores are taken along the true gradient. Where k < t the reward came before the action, and the mean is 0 but for noise.
    """
    scores = data.episodes.scores @ (data.gradient / np.linalg.norm(data.gradient))
    rewards = data.episodes.rewards - data.episodes.rewards.mean(axis=1, keepdims=True)
    return scores @ rewards.T / rewards.shape[1]


def sentence(chosen: Spread, plainest: Spread, name: str) -> str:
    """What the figures say, in words: noise, the gain over the plainest estimator, and the bias where there is one."""
    gain = (plainest.deviation / chosen.deviation) ** 2
    compared = f"{gain:,.0f} times less variance than" if gain >= 1.5 else "as noisy as" if gain > 0.67 else "noisier than"
    shift = 100 * (chosen.mean / chosen.true - 1)
    verdict = (
        f"biased: its mean is {abs(shift):.0f} % {'longer' if shift > 0 else 'shorter'} than the true gradient"
        if chosen.biased
        else "no bias to be seen"
    )
    return (
        f"{name}: estimates {chosen.mean:.1f} ± {chosen.deviation:.2g} around a true gradient of {chosen.true:.1f}, "
        f"{100 * chosen.wrong_way:.0f} % of the batches point the wrong way; {compared} the whole return without a "
        f"baseline at the same batch size; {verdict} (mean {chosen.mean:.2f}, standard error {chosen.standard_error:.2g})."
    )


# The pictures

ALONG = "gradient estimate (return per unit of parameter)"
LEGEND = "black line: the true gradient; triangle: mean of the estimates; grey: the wrong way"
WRONG_WAY = "#e6e6e6"
DECADES = (0.1, 1, 10, 100, 1000)


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


def histogram(axes, measured: Spread, colour: str) -> None:
    """Shares of batches as bars, their mean as a triangle, the true gradient as a line, the wrong way in grey."""
    low, high = window(measured)
    counts, edges = np.histogram(np.clip(measured.estimates, low, high), bins=28, range=(low, high))
    axes.axvspan(low, 0, color=WRONG_WAY, linewidth=0)
    axes.stairs(100 * counts / len(measured.estimates), edges, fill=True, color=colour)
    axes.axvline(measured.true, color=BLACK, linewidth=1.2)
    axes.plot(measured.mean, 0, "^", color=VERMILION, markersize=9, clip_on=False, zorder=5)
    axes.set(xlim=(low, high), ylim=(0, None), ylabel="% of batches")
    axes.locator_params(nbins=5)
    axes.spines[["top", "right"]].set_visible(False)


def draw(measured: dict[tuple[str, str], Spread], plainest: Spread, credit: str, baseline: str, gamma: float, size: int):
    """The chosen estimator under the plainest (γ = 1), and the noise of all six at this γ; a Matplotlib figure."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(10, 4.6), dpi=90)
    grid = fig.add_gridspec(
        2, 2, width_ratios=(1.3, 1), left=0.065, right=0.97, bottom=0.19, top=0.92, hspace=0.55, wspace=0.62
    )
    chosen = measured[credit, baseline]
    upper, lower, right = fig.add_subplot(grid[0, 0]), fig.add_subplot(grid[1, 0]), fig.add_subplot(grid[:, 1])
    histogram(upper, plainest, "#8c8c8c")
    upper.axvspan(*window(chosen), color=COLOURS[credit], alpha=0.3, linewidth=0)
    upper.set_title(f"{label('whole return', 'none')}, γ = 1; coloured: what is magnified below", loc="left", fontsize=10)
    histogram(lower, chosen, COLOURS[credit])
    lower.set_title(f"{label(credit, baseline)}, γ = {gamma:.2f}", loc="left", fontsize=10)
    lower.set_xlabel(ALONG)
    deviation_bars(right, measured, (credit, baseline))
    right.set_title(f"γ = {gamma:.2f}, {size} episode{'s' * (size > 1)} per batch", loc="left", fontsize=10)
    fig.text(0.065, 0.025, LEGEND, fontsize=9)
    return fig


def deviation_bars(axes, measured: dict[tuple[str, str], Spread], chosen: tuple[str, str]) -> None:
    """A bar per estimator: the standard deviation of one batch's estimate, on a logarithmic axis."""
    names = list(measured)[::-1]
    lengths = np.log10([measured[name].deviation / DECADES[0] for name in names])
    bars = axes.barh([label(*name) for name in names], lengths, color=[COLOURS[name[0]] for name in names])
    for name, bar, length in zip(names, bars, lengths, strict=True):
        if name == chosen:
            bar.set(edgecolor=BLACK, linewidth=2)
        axes.text(length + 0.08, bar.get_y() + bar.get_height() / 2, f"{measured[name].deviation:.2g}", va="center", fontsize=9)
    ticks = np.log10(np.divide(DECADES, DECADES[0]))
    axes.set_xticks(ticks, [f"{decade:g}" for decade in DECADES])
    axes.set(xlim=(0, ticks[-1]), xlabel="standard deviation of a batch's estimate")
    axes.spines[["top", "right"]].set_visible(False)


def still(data: Study, size: int = 16) -> Described:
    """All six estimators at γ = 1 as one figure that needs no kernel."""
    from matplotlib.figure import Figure

    measured = spreads(data, 1.0, size)
    fig = Figure(figsize=(10, 4.6), layout="constrained")
    grid = fig.subplots(2, 3)
    for axes, ((credit, baseline), one) in zip(grid.ravel(), measured.items(), strict=True):
        histogram(axes, one, COLOURS[credit])
        axes.set_title(f"{label(credit, baseline)}\nsd {one.deviation:.2g}, {100 * one.wrong_way:.0f} % wrong way", fontsize=10)
    for axes in grid[:, 1:].ravel():
        axes.set_ylabel("")
    fig.supxlabel(f"{ALONG}; mind the scales\n{LEGEND}", fontsize=10)
    words = "; ".join(f"{label(*name)} {one.deviation:.2g}, {100 * one.wrong_way:.0f} %" for name, one in measured.items())
    return figure(
        fig,
        f"Six histograms of gradient estimates from batches of {size} episodes, γ = 1. A line marks the true gradient, "
        f"{measured['whole return', 'none'].true:.1f}, a triangle the mean of the estimates; below 0, in grey, they point the "
        f"wrong way. Standard deviation, and share of batches that point the wrong way: {words}.",
    )


# The shell


class ReturnsExplorer:
    """Choose credit, baseline, discount and batch size, and see what each does to the gradient's estimates.

    As a cell's last line it shows itself, and a still picture of all six estimators for readers without a kernel.
    """

    def __init__(self, data: Study | None = None) -> None:
        import ipywidgets as widgets

        self.data = data or study()
        self._per_episode: dict[tuple[str, str, float], np.ndarray] = {}
        wide = {"description_width": "90px", "button_width": "110px"}
        self.credit = widgets.ToggleButtons(options=CREDITS, description="credit", style=wide)
        self.baseline = widgets.ToggleButtons(options=BASELINES, description="baseline", style=wide)
        slider = {"continuous_update": False, "style": wide, "layout": {"width": "440px"}}
        self.gamma = widgets.FloatSlider(value=1.0, min=0.8, max=1.0, step=0.01, description="discount γ", **slider)
        self.size = widgets.SelectionSlider(value=16, options=BATCH_SIZES, description="episodes", **slider)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        for control in (self.credit, self.baseline, self.gamma, self.size):
            control.observe(self._moved, "value")
        self.box = widgets.VBox([self.credit, self.baseline, self.gamma, self.size, self.picture, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        credit, baseline, gamma, size = (c.value for c in (self.credit, self.baseline, self.gamma, self.size))
        true = self.data.gradient
        measured = {
            (one, other): spread(self._gradients(one, other, gamma), true, size) for one in CREDITS for other in BASELINES
        }
        plainest = spread(self._gradients("whole return", "none", 1.0), true, size)
        words = sentence(measured[credit, baseline], plainest, f"{label(credit, baseline)}, γ = {gamma:.2f}, {size} episodes")
        file = io.BytesIO()
        draw(measured, plainest, credit, baseline, gamma, size).savefig(file, format="png", pil_kwargs={"compress_level": 1})
        self.picture.value = image_tag(file.getvalue(), words, 900).html
        self.words.value = f'<p class="rlfilm-returns" style="line-height: 1.3; max-width: 860px">{html.escape(words)}</p>'

    def _gradients(self, credit: str, baseline: str, gamma: float) -> np.ndarray:
        key = (credit, baseline, gamma)
        if key not in self._per_episode:
            self._per_episode[key] = gradients(self.data, *key)
        return self._per_episode[key]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.data))
