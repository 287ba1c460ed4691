"""The λ explorer: what generalized advantage estimation trades when it trusts the critic more, or the rewards.

The task is small enough that nothing has to be guessed: a focus puller keeps a drifting actor sharp, in eleven states
with three actions. `focus_pull` states it, `Task` knows the true values and advantages, `moments` gives mean and
variance of any estimator that is a weighted sum of TD errors, in closed form, and `errors` how far it lies from the
truth; `play` and `credit` do the same by playing. `view` and `still` show them; `LambdaExplorer` is the shell of
sliders.
"""

import html
from dataclasses import dataclass

import numpy as np

from rlfilm_lib.rl.returns import gae
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, VERMILION, Described, drawing, round_numbers, text

MARKS = 5
"""Of focus error, to each side, that the take survives; one mark is one depth of field."""
ERRORS = np.arange(-MARKS, MARKS + 1)
"""The focus error in each state, in marks."""
TURNS = np.array([-1, 0, 1])
"""What each action adds to the error, in marks."""
DRIFT = {-1: 0.25, 0: 0.5, 1: 0.25}
"""What the actor's walk adds to the error, in marks, and how often."""
SKILL, CALM = 0.2, 0.3
"""Of the focus puller: how strongly it prefers to turn against the error, and not to turn at all."""
DISCOUNT = 0.95
"""γ of the advantages that count as the truth: a second of film, 24 frames, fades to 0.29."""
FRAMES = 24
"""Of a take, until the clock cuts it."""
HORIZON = 200
"""TD errors that an estimator sums at most; 0.95 ** 200 is 4e-5."""

LAMBDAS = np.linspace(0, 1, 21)
SAMPLES = (1, 16, 64, 256)
QUALITIES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Task:
    """A decision process of S states and A actions, and a policy for it, of which everything is known.

    transition: (S, A, S); what a row lacks to 1 is the probability that the episode terminates, with reward 0;
    rewards: (S, A, S), of the step that leads there; policy: (S, A); start: (S,).
    """

    transition: np.ndarray
    rewards: np.ndarray
    policy: np.ndarray
    start: np.ndarray

    def values(self, gamma: float) -> np.ndarray:
        """V(s) under the policy, (S,): the solution of Bellman's equation V = r + γ P V."""
        chain = np.einsum("sa,sat->st", self.policy, self.transition)
        earned = np.einsum("sa,sat,sat->s", self.policy, self.transition, self.rewards)
        return np.linalg.solve(np.eye(len(chain)) - gamma * chain, earned)

    def advantages(self, gamma: float) -> np.ndarray:
        """Q(s, a) - V(s) under the policy, (S, A)."""
        values = self.values(gamma)
        return (self.transition * (self.rewards + gamma * values)).sum(axis=-1) - values[:, None]

    def visits(self, frames: int = FRAMES) -> np.ndarray:
        """Share of the frames that takes of at most this length spend in each state, (S,)."""
        chain = np.einsum("sa,sat->st", self.policy, self.transition)
        states = [self.start]
        while len(states) < frames:
            states.append(states[-1] @ chain)
        return np.sum(states, axis=0) / np.sum(states)


def focus_pull() -> Task:
    """The focus puller. Each frame it turns the ring, the actor drifts, and the sharpness exp(-error²/2) is earned.

    A take that is more than five marks out of focus is spoiled and terminates.
    """
    states = len(ERRORS)
    transition = np.zeros((states, len(TURNS), states))
    for state, error in enumerate(ERRORS):
        for action, turn in enumerate(TURNS):
            for drift, probability in DRIFT.items():
                if abs(error + turn + drift) <= MARKS:
                    transition[state, action, error + turn + drift + MARKS] = probability
    sharpness = np.broadcast_to(np.exp(-(ERRORS**2) / 2), transition.shape)
    preferences = np.exp(-SKILL * ERRORS[:, None] * TURNS + CALM * (TURNS == 0))
    start = (np.abs(ERRORS) == 3) / 2
    return Task(transition, sharpness, preferences / preferences.sum(axis=1, keepdims=True), start)


def critic(task: Task, gamma: float, quality: float) -> np.ndarray:
    """A critic's values (S,): of quality 1 the truth at this γ, of quality 0 the same number everywhere, its mean."""
    values = task.values(gamma)
    return quality * values + (1 - quality) * task.visits() @ values


# The estimators, in closed form


def lambda_weights(gamma: float, gae_lambda: np.ndarray | float) -> np.ndarray:
    """What GAE multiplies the TD errors with, from the action's own step on: (γλ)ˡ, (…, HORIZON).

    >>> lambda_weights(0.5, 0.5)[:3]
    array([1.    , 0.25  , 0.0625])
    """
    return np.power(gamma * np.asarray(gae_lambda, float)[..., None], np.arange(HORIZON))


def n_step_weights(gamma: float, steps: np.ndarray | int) -> np.ndarray:
    """The same for the n-step advantage: γˡ for the first n TD errors, then 0, (…, HORIZON).

    >>> n_step_weights(0.5, 2)[:3]
    array([1. , 0.5, 0. ])
    """
    return gamma ** np.arange(HORIZON) * (np.arange(HORIZON) < np.asarray(steps)[..., None])


def moments(task: Task, values: np.ndarray, gamma: float, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of Σ w_l δ_{t+l}, given the state and the action of step t: (K, S, A) each.

    values: (S,), the critic's, from which the TD errors δ = r + γ V(s') - V(s) are taken; weights: (K, L).
    Both follow from the last step backwards: with X_l = w_l δ + X_{l+1},
    E[X_l] = w_l E[δ] + E[X_{l+1}] and E[X_l²] = w_l² E[δ²] + 2 w_l E[δ X_{l+1}] + E[X_{l+1}²]. No time limit cuts them.
    """
    size, shape = task.transition.shape[-1], task.policy.shape
    surprise = task.rewards + gamma * values - values[:, None, None]
    terminating = (1 - task.transition.sum(axis=-1)).ravel()
    at_the_end = -np.repeat(values, shape[1])
    to = task.transition.reshape(-1, size).T
    to_weighted = (task.transition * surprise).reshape(-1, size).T
    first = to_weighted.sum(axis=0) + terminating * at_the_end
    second = (task.transition * surprise**2).reshape(-1, size).sum(axis=1) + terminating * at_the_end**2
    mean_then, square_then = np.zeros((2, len(weights), size))
    for weight in weights.T[::-1, :, None]:
        mean = weight * first + mean_then @ to
        square = weight**2 * second + 2 * weight * (mean_then @ to_weighted) + square_then @ to
        mean_then, square_then = ((task.policy * moment.reshape(-1, *shape)).sum(axis=-1) for moment in (mean, square))
    return mean.reshape(-1, *shape), (square - mean**2).reshape(-1, *shape)


def errors(task: Task, values: np.ndarray, gamma: float, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bias and noise of K estimators of the advantage, (K,) each, as root mean squares over what the policy does.

    The bias is taken within each state: what is added to all actions alike is a baseline, and changes no gradient.
    The noise is the standard deviation of a single estimate. The truth is the advantage at γ = DISCOUNT.
    """
    mean, variance = moments(task, values, gamma, weights)
    wrong = mean - task.advantages(DISCOUNT)
    wrong -= (task.policy * wrong).sum(axis=-1, keepdims=True)
    share = task.visits()[:, None] * task.policy
    return np.sqrt((share * wrong**2).sum(axis=(1, 2))), np.sqrt((share * variance).sum(axis=(1, 2)))


# The same by playing


@dataclass(frozen=True)
class Takes:
    """N takes of T frames, (T, N) each: a take that terminates is begun anew in the next row."""

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    following: np.ndarray
    """The state that each frame led to; where it terminated, of no meaning."""


def play(task: Task, takes: int, seed: int, frames: int = FRAMES, first: tuple[int, int] | None = None) -> Takes:
    """Play the policy. first: the state and the action, as indices, with which every take begins."""
    rng = np.random.default_rng(seed)
    reached = np.concatenate([task.transition, 1 - task.transition.sum(axis=-1, keepdims=True)], axis=-1).cumsum(-1)
    chosen, begun = task.policy.cumsum(axis=-1), task.start.cumsum()
    last = len(begun) - 1

    def draw(cumulative: np.ndarray) -> np.ndarray:
        return np.minimum((cumulative <= rng.random((takes, 1))).sum(axis=-1), cumulative.shape[-1] - 1)

    states, rows = draw(begun[None]), []
    for frame in range(frames):
        actions = draw(chosen[states])
        if first and frame == 0:
            states, actions = (np.full(takes, index) for index in first)
        following = draw(reached[states, actions])
        terminated = following > last
        following = np.minimum(following, last)
        rewards = np.where(terminated, 0.0, task.rewards[states, actions, following])
        rows.append((states, actions, rewards, terminated, following))
        states = np.where(terminated, draw(begun[None]), following)
    return Takes(*(np.stack(column) for column in zip(*rows, strict=True)))


def credit(takes: Takes, values: np.ndarray, gamma: float, gae_lambda: float) -> np.ndarray:
    """Generalized advantages (T, N) of takes that the clock cuts after their last frame."""
    bootstrap = np.where(takes.terminated, 0.0, values[takes.following])
    return gae(takes.rewards, values[takes.states], takes.terminated, gamma, gae_lambda, bootstrap)


# The pictures


@dataclass(frozen=True)
class Trade:
    """Bias against noise for one critic and γ: over LAMBDAS, (21,) each."""

    bias: np.ndarray
    noise: np.ndarray
    """Standard deviation of the mean of so many samples."""

    @property
    def together(self) -> np.ndarray:
        """√(bias² + noise²): how far such a mean lies from the truth."""
        return np.hypot(self.bias, self.noise)

    @property
    def best(self) -> float:
        """The λ of LAMBDAS that lies nearest the truth."""
        return float(LAMBDAS[self.together.argmin()])


def trade(task: Task, gamma: float, quality: float, samples: int) -> Trade:
    """What each λ has of bias and of noise, for a critic of this quality and means of so many samples."""
    bias, noise = errors(task, critic(task, gamma, quality), gamma, lambda_weights(gamma, LAMBDAS))
    return Trade(bias, noise / samples**0.5)


CURVES = {"bias": (ORANGE, "7 4"), "noise": (BLUE, "2 3"), "together": (BLACK, "none")}


def sentence(task: Task, gae_lambda: float, gamma: float, quality: float, samples: int) -> str:
    """What the picture says, in words."""
    measured = trade(task, gamma, quality, samples)
    at = int(np.abs(LAMBDAS - gae_lambda).argmin())
    reach = int((lambda_weights(gamma, gae_lambda).cumsum() < 0.5 * lambda_weights(gamma, gae_lambda).sum()).sum()) + 1
    return (
        f"λ = {gae_lambda:.2f}, γ = {gamma:.2f}, critic of quality {quality:.2f}, mean of {samples} "
        f"sample{'s' * (samples > 1)}: bias {measured.bias[at]:.2f}, noise {measured.noise[at]:.2f}, together "
        f"{measured.together[at]:.2f} from the truth; nearest, {measured.together.min():.2f}, comes "
        f"λ = {measured.best:.2f}. Half of an action's credit comes from the first "
        f"{f'{reach} TD errors' if reach > 1 else 'TD error'}."
    )


def curves(measured: Trade, chosen: float | None, left: float, top: float, width: float, height: float) -> str:
    """Bias, noise and both together against λ, as SVG in the given rectangle; a line at the chosen λ."""
    high, bottom = 1.1 * float(measured.together.max()), top + height

    def point(gae_lambda: float, error: float) -> str:
        return f"{left + width * gae_lambda:.1f} {bottom - height * error / high:.1f}"

    marks = f'<path d="M{left} {top}V{bottom}H{left + width}" stroke="{BLACK}" fill="none"/>'
    for name, (colour, dashes) in CURVES.items():
        points = "L".join(point(*pair) for pair in zip(LAMBDAS, getattr(measured, name), strict=True))
        marks += f'<path d="M{points}" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}" fill="none"/>'
    x, y = point(measured.best, float(measured.together.min())).split()
    marks += f'<circle cx="{x}" cy="{y}" r="6" fill="{GREEN}"/>'
    if chosen is not None:
        marks += f'<path d="M{point(chosen, 0)}V{top}" stroke="{VERMILION}" stroke-width="1.5"/>'
    for tick in round_numbers(0, high):
        marks += text(left - 6, float(point(0, tick).split()[1]) + 4, f"{tick:g}", "end")
    for tick in (0, 0.25, 0.5, 0.75, 1):
        marks += text(left + width * tick, bottom + 18, f"{tick:g}", "middle")
    return marks + text(left + width / 2, bottom + 36, "λ", "middle")


def bars(heights: np.ndarray, truth: np.ndarray | None, left: float, top: float, width: float, height: float) -> str:
    """A bar per frame, as SVG; truth: a black line across each frame, where its bar should end."""
    both = heights if truth is None else np.concatenate([heights, truth])
    low, high = min(0.0, float(both.min())), max(0.0, float(both.max()))
    step, scale = width / len(heights), height / (high - low)
    zero = top + high * scale
    marks = "".join(
        f'<rect x="{left + step * (frame + 0.15):.1f}" y="{zero - max(value, 0) * scale:.1f}" '
        f'width="{0.7 * step:.1f}" height="{abs(value) * scale:.1f}" fill="{BLUE}"/>'
        for frame, value in enumerate(heights)
    )
    if truth is not None:
        marks += "".join(
            f'<path d="M{left + step * frame:.1f} {zero - value * scale:.1f}h{step:.1f}" stroke="{BLACK}" '
            f'stroke-width="3"/>'
            for frame, value in enumerate(truth)
        )
    ticks = round_numbers(low, high) if truth is not None else (0, 0.5, 1)
    for tick in ticks:
        marks += text(left - 6, zero - tick * scale + 4, f"{tick:g}", "end")
    marks += f'<path d="M{left} {top}V{top + height}M{left} {zero:.1f}H{left + width}" stroke="{BLACK}" fill="none"/>'
    return marks + "".join(
        text(left + step * (frame + 0.5), top + height + 18, str(frame), "middle")
        for frame in range(0, len(heights), 4)
    )


def legend(left: float, top: float) -> str:
    """The curves' names, each with its line, as SVG."""
    marks, words = "", {"bias": "bias", "noise": "noise", "together": "together; dot: least"}
    for place, (name, (colour, dashes)) in zip((0, 90, 190), CURVES.items(), strict=True):
        x = left + place
        marks += f'<path d="M{x} {top - 4}h28" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}"/>'
        marks += text(x + 34, top, words[name])
    return marks


def view(task: Task, takes: Takes, gae_lambda: float, gamma: float, quality: float, samples: int) -> Described:
    """The credit of each frame of one take, where that of the first comes from, and bias against noise over all λ."""
    estimate = credit(takes, critic(task, gamma, quality), gamma, gae_lambda)[:, 0]
    truth = task.advantages(DISCOUNT)[takes.states[:, 0], takes.actions[:, 0]]
    marks = [
        text(50, 20, "advantage of each frame's turn: bars estimated, lines true"),
        bars(estimate, truth, 50, 34, 380, 150),
        text(240, 222, "frame", "middle"),
        text(50, 252, "weight of each frame's TD error in the credit of frame 0"),
        bars(lambda_weights(gamma, gae_lambda)[: len(estimate)], None, 50, 266, 380, 80),
        text(240, 384, "frame", "middle"),
        text(510, 20, f"error of the advantage, mean of {samples} sample{'s' * (samples > 1)}"),
        curves(trade(task, gamma, quality, samples), gae_lambda, 510, 34, 380, 280),
        legend(510, 384),
    ]
    return drawing(910, 395, "".join(marks), sentence(task, gae_lambda, gamma, quality, samples))


def still(task: Task, samples: int = 64) -> Described:
    """Bias against noise for three critics, as one picture that needs no kernel."""
    marks, words = legend(250, 272) + text(15, 20, f"error of the advantage, mean of {samples} samples"), []
    for place, quality in enumerate(QUALITIES):
        measured = trade(task, DISCOUNT, quality, samples)
        left = 50 + 300 * place
        marks += text(left + 6, 46, f"critic of quality {quality:g}")
        marks += curves(measured, None, left, 52, 235, 160)
        words.append(
            f"quality {quality:g}: bias {measured.bias[0]:.2f} at λ = 0 and 0 at 1, noise {measured.noise[0]:.2f} and "
            f"{measured.noise[-1]:.2f}, best λ {measured.best:.2f}"
        )
    return drawing(
        *(910, 285),
        marks,
        f"Bias falls and noise grows with λ, for three critics; γ = {DISCOUNT}, means of {samples} samples. "
        f"{'; '.join(words)}. The better the critic, the smaller the best λ.",
    )


# The shell


class LambdaExplorer:
    """Choose λ, γ, the critic's quality and the number of samples, and see credit, bias and noise.

    As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(self, seed: int = 0) -> None:
        import ipywidgets as widgets

        self.task = focus_pull()
        self.takes = play(self.task, 1, seed)
        slider = {
            "continuous_update": False,
            "style": {"description_width": "110px"},
            "layout": {"width": "420px"},
        }
        self.gae_lambda = widgets.FloatSlider(value=0.95, min=0, max=1, step=0.05, description="λ", **slider)
        self.gamma = widgets.FloatSlider(
            value=DISCOUNT, min=0.5, max=DISCOUNT, step=0.05, description="discount γ", **slider
        )
        self.quality = widgets.FloatSlider(value=0.5, min=0, max=1, step=0.05, description="critic's quality", **slider)
        self.samples = widgets.SelectionSlider(value=64, options=SAMPLES, description="samples", **slider)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        controls = (self.gae_lambda, self.gamma, self.quality, self.samples)
        for control in controls:
            control.observe(self._moved, "value")
        rows = [widgets.HBox(controls[:2]), widgets.HBox(controls[2:])]
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([*rows, self.picture, self.words])
        self._moved(None)

    def _moved(self, _) -> None:
        chosen = (self.gae_lambda.value, self.gamma.value, self.quality.value, self.samples.value)
        seen = view(self.task, self.takes, *chosen)
        self.picture.value = seen.html
        self.words.value = (
            f'<p class="rlfilm-lambda" style="line-height: 1.3; max-width: 860px">{html.escape(seen.text)}</p>'
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.task))
