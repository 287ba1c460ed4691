"""The viewfinder: move camera, lights and character of MovieScene by hand, and watch picture and reward answer.

`look`, `takeover`, `sentence`, `readout` and `still` are plain functions; `Viewfinder` is the shell of sliders.
"""

import html
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rlfilm_lib.envs.movie_scene import BRIEF, BRIEFS, CAMERA_RANGE, CHARACTER_RANGE, LENSES, LIGHT_RANGE, MovieScene
from rlfilm_lib.film import framing
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets.picture import BLUE, ORANGE, VERMILION, Described, figure, jpeg

WIDTH, HEIGHT = 384, 216  # pixels of the live picture
FPS = 12  # pictures per second while the agent plays: one per step
LENS = BRIEF.index("focal length")
MILLIMETRES = tuple(int(lens[0]) for lens in LENSES.values())

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class Control:
    """One slider: which entry of the environment's state it sets, and how it is labelled."""

    label: str
    entry: str
    axis: int
    low: float
    high: float
    step: float


def _controls(entry: str, labels: tuple[str, ...], ranges: np.ndarray, step: float) -> tuple[Control, ...]:
    return tuple(
        Control(label, entry, axis, round(float(low), 2), round(float(high), 2), step)
        for axis, (label, (low, high)) in enumerate(zip(labels, ranges, strict=True))
    )


CONTROLS = {
    "camera": _controls("camera", ("left–right (m)", "back–forth (m)", "height (m)"), CAMERA_RANGE, 0.05),
    "lights": _controls("lights", ("key (stops)", "fill (stops)", "back (stops)"), LIGHT_RANGE, 0.25),
    "character": _controls("character", ("left–right (m)", "back–forth (m)", "head top (m)"), CHARACTER_RANGE, 0.05),
}


@dataclass(frozen=True)
class View:
    """What the viewfinder shows of one state."""

    frame: np.ndarray
    """(HEIGHT, WIDTH, 3) uint8."""
    terms: dict[str, float]
    """Reward terms, unweighted."""
    reward: float
    size: str
    """Name of the shot size."""
    lens: float
    """Focal length, mm."""


def look(env: MovieScene, state: State) -> View:
    """The picture and the reward of a state of one environment, the camera at rest; the environment is left in it.

    >>> env = MovieScene(1, brief="medium")
    >>> view = look(env, opening(env, seed=1))
    >>> view.frame.shape, view.terms["smoothness"]
    ((216, 384, 3), 1.0)
    """
    still = state | {name: np.zeros_like(state[name]) for name in ("velocity", "acceleration", "jerk", "elapsed")}
    env.restore(still)
    *_, terms = env.advance(np.zeros((1, env.controls), np.float32))
    env.restore(state)
    return _view(env, state, dict(zip(env.weights, terms[:, 0].tolist(), strict=True)))


def opening(env: MovieScene, seed: int = 0) -> State:
    """The state in which an episode begins."""
    env.reset(seed=seed)
    return env.state()


def takeover(env: MovieScene, state: State, policy: Callable[..., np.ndarray]) -> Iterator[tuple[State, View]]:
    """One episode that `policy` plays from a state on, step by step: the states it reaches and what they look like."""
    zero = {name: np.zeros_like(state[name]) for name in ("velocity", "acceleration", "jerk", "elapsed")}
    observations = env.restore(state | zero)
    over = False
    while not over:
        observations, _, terminated, truncated, terms = env.advance(policy(observations, deterministic=True))
        reached = env.state()
        yield reached, _view(env, reached, dict(zip(env.weights, terms[:, 0].tolist(), strict=True)))
        over = bool(terminated[0] or truncated[0])


def _view(env: MovieScene, state: State, terms: dict[str, float]) -> View:
    lens = float(state["brief"][0, LENS])
    depth = max(state["character"][0, 1] - state["camera"][0, 1], framing.NEAREST_DEPTH)
    return View(
        frame=preview.render(env.take([state])[:1], WIDTH, HEIGHT)[0],
        terms=terms,
        reward=sum(env.weights[name] * term for name, term in terms.items()),
        size=framing.shot_size(float(framing.visible_height(depth, lens)) / framing.STATURE),
        lens=lens,
    )


def sentence(view: View, weights: Mapping[str, float]) -> str:
    """The view in one sentence: what a reader who cannot see the picture needs."""
    positive = [name for name in view.terms if weights[name] > 0]
    worst = min(positive, key=lambda name: view.terms[name])
    best = max(positive, key=lambda name: view.terms[name])
    return (
        f"Shot size {view.size} on the {view.lens:.0f} mm lens; reward {view.reward:.2f} per step; "
        f"best term {words(best)} ({view.terms[best]:.2f}), worst {words(worst)} ({view.terms[worst]:.2f})."
    )


def words(name: str) -> str:
    """A term's name as it is said.

    >>> words("shot_size"), words("key_fill")
    ('shot size', 'key:fill')
    """
    return "key:fill" if name == "key_fill" else name.replace("_", " ")


def readout(view: View, weights: Mapping[str, float]) -> str:
    """A bar per reward term with value and weight, and their weighted sum, as HTML."""
    rows = "".join(
        f'<tr><td style="text-align: right; padding: 1px 8px">{html.escape(words(name))}</td>'
        f'<td style="padding: 1px 0"><div style="width: 150px; background: rgba(128, 128, 128, 0.2)">'
        f'<div style="width: {100 * min(max(term, 0), 1):.0f}%; height: 14px; '
        f'background: {BLUE if weights[name] > 0 else VERMILION}"></div></div></td>'
        f'<td style="padding: 1px 8px; font-variant-numeric: tabular-nums">{term:.2f} × {weights[name]:g}</td></tr>'
        for name, term in view.terms.items()
    )
    return (
        f'<table class="rlfilm-readout" data-reward="{view.reward:.4f}" style="line-height: 1.3">{rows}'
        f'<tr style="font-weight: bold"><td style="text-align: right; padding: 4px 8px">reward</td><td></td>'
        f'<td style="padding: 4px 8px">{view.reward:.2f}</td></tr></table>'
        f'<p style="line-height: 1.3; max-width: 340px">{html.escape(sentence(view, weights))}</p>'
    )


def still(view: View, weights: Mapping[str, float], caption: str = "") -> Described:
    """The view as a figure that needs no kernel: the picture, and a bar per reward term beside it."""
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 2.9), width_ratios=(1.4, 1), layout="constrained")
    left.imshow(view.frame)
    left.axis("off")
    names = list(view.terms)[::-1]
    right.barh([words(name) for name in names], [1.0] * len(names), color="#e8e8e8")
    colours = [BLUE if weights[name] > 0 else ORANGE for name in names]
    right.barh([words(name) for name in names], [view.terms[name] for name in names], color=colours)
    for row, name in enumerate(names):
        right.text(1.03, row, f"{view.terms[name]:.2f} × {weights[name]:g}", va="center", fontsize=8)
    right.set(xlim=(0, 1.3), xlabel=f"term, 0 to 1; reward {view.reward:.2f} per step", xticks=(0, 0.5, 1))
    right.spines[["top", "right"]].set_visible(False)
    left.set_title(caption, loc="left", fontsize=10)
    return figure(fig, f"{caption + ': ' if caption else ''}{sentence(view, weights)}")


class Viewfinder:
    """Sliders for the groups of `controls`, the picture they give, and a bar per reward term.

    brief: "wide", "medium" or "close"; agent: the policy that takes over at the press of a button, by default
    the environment's expert. As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(
        self,
        brief: str = "medium",
        controls: tuple[str, ...] = ("camera", "lights", "character"),
        agent: Callable[..., np.ndarray] | None = None,
        seed: int = 1,
    ) -> None:
        import ipywidgets as widgets

        self.env = MovieScene(1, brief=brief)
        self.state = opening(self.env, seed)
        self.first = self.state
        self.brief = brief
        self.agent = agent or self.env.expert_policy()
        self.picture = widgets.Image(format="jpeg", width=WIDTH, height=HEIGHT)
        self.readout = widgets.HTML()
        self.sliders = {
            (control.entry, control.axis): widgets.FloatSlider(
                min=control.low,
                max=control.high,
                step=control.step,
                description=control.label,
                continuous_update=False,
                readout_format=".2f",
                style={"description_width": "110px"},
                layout={"width": "330px"},
            )
            for group in controls
            for control in CONTROLS[group]
        }
        self.lens = widgets.ToggleButtons(
            options=[(f"{mm} mm", mm) for mm in MILLIMETRES],
            description="lens",
            style={"description_width": "40px", "button_width": "70px"},
            layout={"width": "310px"},
        )
        self.play = widgets.Button(description="Let the agent take over", icon="play", layout={"width": "200px"})
        self.again = widgets.Button(description="Back to the start", icon="undo", layout={"width": "160px"})
        self._moving = False
        for slider in (*self.sliders.values(), self.lens):
            slider.observe(self._moved, "value")
        self.play.on_click(lambda _: self.take_over())
        self.again.on_click(lambda _: self.show(self.first))
        groups = [
            widgets.VBox([widgets.HTML(f"<b>{group}</b>"), *(self.sliders[c.entry, c.axis] for c in CONTROLS[group])])
            for group in controls
        ]
        self.box = widgets.VBox([
            widgets.HTML(f"<b>Brief:</b> {brief_words(brief)}"),
            widgets.HBox([self.picture, self.readout], layout={"align_items": "flex-start"}),
            widgets.HBox([self.lens, self.play, self.again], layout={"flex_flow": "row wrap"}),
            widgets.HBox(groups, layout={"flex_flow": "row wrap"}),
        ])  # fmt: skip
        self.show(self.state)

    def show(self, state: State, view: View | None = None) -> None:
        """Set sliders, picture and bars to a state."""
        self.state, self._moving = state, True
        for (entry, axis), slider in self.sliders.items():
            slider.value = float(np.clip(state[entry][0, axis], slider.min, slider.max))
        self.lens.value = int(state["brief"][0, LENS])
        self._moving = False
        self._draw(view or look(self.env, state))

    def take_over(self) -> None:
        """Let the agent play one episode from where the sliders stand, at the pace it was filmed."""
        self.play.disabled = True
        played, due = takeover(self.env, self.state, self.agent), time.monotonic()
        for state, view in played:
            self.state = state
            self._draw(view)
            due += 1 / FPS
            time.sleep(max(0.0, due - time.monotonic()))
        self.play.disabled = False
        self.show(self.state, view)

    def _moved(self, _) -> None:
        if self._moving:
            return
        state = {name: array.copy() for name, array in self.state.items()}
        for (entry, axis), slider in self.sliders.items():
            state[entry][0, axis] = slider.value
        state["brief"][0, LENS] = self.lens.value
        self.state = state
        self._draw(look(self.env, state))

    def _draw(self, view: View) -> None:
        self.picture.value = jpeg(view.frame)
        self.readout.value = readout(view, self.env.weights)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(look(self.env, self.first), self.env.weights, f"Where it starts, brief “{self.brief}”"))


def brief_words(name: str) -> str:
    """A brief of the film in words.

    >>> brief_words("close")
    'CU on the 85 mm lens, eyes on the right third, key:fill 8:1, exposure -0.5 stops'
    """
    brief = BRIEFS[name]
    size, mm = framing.shot_size(brief["k"]), LENSES[brief["lens"]][0]
    light = f"key:fill {brief['key_fill']:.0f}:1, exposure {brief['exposure']:+.1f} stops"
    return f"{size} on the {mm:.0f} mm lens, eyes on the {brief['side']} third, {light}"
