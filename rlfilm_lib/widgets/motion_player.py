"""The motion player: a take of Character-v0 frame by frame, the reference and the figure side by side, and every reward
term on one time axis.

`perform` plays a take, `tracking` judges many; `frames`, `pair`, `curves`, `view` and `still` show one; `MotionPlayer`
is the shell with a slider for the frame.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rlfilm_lib.envs import character
from rlfilm_lib.envs.character import DT, NOT_BEGUN, Character
from rlfilm_lib.media.motion import GESTURES
from rlfilm_lib.stage import preview
from rlfilm_lib.stage.take import level_camera
from rlfilm_lib.widgets.picture import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Described,
    drawing,
    figure,
    gallery,
    text,
)  # fmt: skip

IMITATION = ("pose", "velocity", "end_effector", "centre_of_mass")
"""The terms of Peng et al. (2018); with the reference itself their weighted sum is 1."""
COLOURS = dict(zip(Character.weights, (BLUE, SKY, ORANGE, GREEN, PURPLE, VERMILION), strict=True))
DASHES = dict(zip(Character.weights, ("none", "7 3", "2 2", "8 3 2 3", "12 4", "4 4"), strict=True))
TALL = (180, 240)
"""Pixels of one figure, width and height."""
PORTRAIT = (9.9, 13.2)
"""Gate, mm, that frames the standing figure in a picture three wide and four high."""
ANGLE, DISTANCE = 0.6, 4.6
"""Of the camera: rad round the figure, so that a bow is seen from the side, and m from it."""

State = dict[str, np.ndarray]
Policy = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Performance:
    """One take: T + 1 states of an environment of one, T steps of reward."""

    env: Character
    states: list[State]
    terms: dict[str, np.ndarray]
    """(T,) each."""
    fell: bool

    def __len__(self) -> int:
        """Steps, T."""
        return len(self.states) - 1

    @property
    def imitation(self) -> np.ndarray:
        """(T,) the weighted sum of the four imitation terms, 1 for the reference."""
        return np.sum([self.env.weights[name] * self.terms[name] for name in IMITATION], axis=0)

    @property
    def score(self) -> float:
        """Mean imitation reward over the whole take; steps after a fall count 0."""
        return float(self.imitation.sum() / self.env.episode_steps)

    @property
    def cue(self) -> float:
        """Seconds into the take at which the cue arrives."""
        return float(self.states[0]["cue_step"][0, 0] * DT)

    @property
    def began(self) -> float | None:
        """Seconds into the take at which the gesture began; None if it never did."""
        onset = self.states[-1]["onset"][0, 0]
        return None if onset == NOT_BEGUN else float(onset * DT)

    @cached_property
    def references(self) -> list[State]:
        """The states again, with the body where the reference has it and the face as the arc asks for it."""
        track = character.track(self.env.brief["gesture"])
        states = []
        for state in self.states:
            now, onset = state["elapsed"][0], state["onset"][0, 0]
            frame = 0 if onset == NOT_BEGUN else int(np.clip(now - onset, 0, len(track["qpos"]) - 1))
            body = np.concatenate([[0.0], track["qpos"][frame], track["qvel"][frame]])[None]
            states.append(state | {"physics": body, "face": wanted(state)})
        return states


def wanted(state: State) -> np.ndarray:
    """Blend weights (1, 3) of brow, eye and mouth that the arc asks for in a state."""
    steps = Character.episode_steps
    step = min(int(state["elapsed"][0]), steps - 1)
    return (character.FACE_BLEND @ state["arc"][0, [step, steps + step]])[None]


def stage(brief: dict[str, Any], **settings: Any) -> Character:
    """An environment of one for a brief; without a gesture in it, the bow."""
    return Character(1, brief={"gesture": "bow"} | brief, **settings)


def perform(policy: Policy, env: Character, seed: int = 0, start: str = "top") -> Performance:
    """Play one deterministic take in an environment of one, from the top of the brief."""
    observations, _ = env.reset(seed=seed, options={"start": start})
    states, rows, over = [env.state()], [], False
    while not over:
        observations, _, terminated, truncated, terms = env.advance(policy(observations, deterministic=True))
        states.append(env.state())
        rows.append(terms[:, 0])
        over = bool(terminated[0] or truncated[0])
    return Performance(env, states, dict(zip(env.weights, np.array(rows).T, strict=True)), bool(terminated[0]))


def tracking(policy: Policy, env: Character, seed: int = 0) -> dict[str, np.ndarray]:
    """How N takes from the top went: (N,) each, the mean of every term over the whole take, a step after a fall
    counting 0; `imitation`, the weighted sum of the first four; and `seconds` until the fall or the end."""
    observations, _ = env.reset(seed=seed, options={"start": "top"})
    playing, sums, steps = np.ones(env.num_envs, bool), np.zeros((len(env.weights), env.num_envs)), 0
    lasted = np.zeros(env.num_envs)
    while playing.any() and steps < env.episode_steps:
        observations, _, terminated, _, terms = env.advance(policy(observations, deterministic=True))
        sums += terms * playing
        lasted += playing
        playing &= ~terminated
        steps += 1
    means = dict(zip(env.weights, sums / env.episode_steps, strict=True))
    imitation = sum(env.weights[name] * means[name] for name in IMITATION)
    return means | {"imitation": imitation, "seconds": lasted * DT}


# What there is to see


def frames(performance: Performance, reference: bool = False, every: int = 2) -> np.ndarray:
    """Pictures (F, 240, 180, 3) uint8 of every so manieth state, of the figure or of its reference."""
    states = (performance.references if reference else performance.states)[::every]
    return render(performance.env, states)


def render(env: Character, states: list[State]) -> np.ndarray:
    """Pictures (F, 240, 180, 3) uint8 of states, each as it stands, from the side of the figure's right hand."""
    take = env.take([states[0], *states])
    place = np.array([-DISTANCE * np.sin(ANGLE), 2 - DISTANCE * np.cos(ANGLE), 0.93])
    camera = np.broadcast_to(place, (len(take), 3)), np.broadcast_to(level_camera(ANGLE), (len(take), 3, 3))
    take = replace(take, camera_position=camera[0], camera_rotation=camera[1], gate=PORTRAIT)
    return preview.render(take, *TALL)


def pair(performance: Performance, step: int) -> np.ndarray:
    """Two pictures (2, 240, 180, 3) of a step: the reference, then the figure."""
    return render(performance.env, [performance.references[step], performance.states[step]])


def said(name: str) -> str:
    """A term's name as it is said.

    >>> said("end_effector")
    'end effector'
    """
    return name.replace("_", " ")


def sentence(performance: Performance, step: int) -> str:
    """A step in one sentence: what a reader who cannot see the picture needs. Step 0 has no reward yet."""
    when = f"Step {step} of {len(performance)}, {step * DT:.2f} s"
    cue, began = performance.cue, performance.began
    story = f"cue at {cue:.2f} s, " + ("never begun" if began is None else f"begun at {began:.2f} s")
    end = f", fallen at {len(performance) * DT:.2f} s" if performance.fell else ""
    if step == 0:
        return f"{when}: the take begins ({story}{end})."
    terms = {name: float(values[step - 1]) for name, values in performance.terms.items()}
    worst = min(terms, key=lambda name: terms[name])
    reward = sum(performance.env.weights[name] * term for name, term in terms.items())
    return (
        f"{when}: reward {reward:.2f}, imitation {performance.imitation[step - 1]:.2f} of 1, worst term {said(worst)} "
        f"({terms[worst]:.2f}); {story}{end}."
    )


def curves(performance: Performance, step: int) -> Described:
    """All terms over the take on one time axis, with a cursor at a step and their values there."""
    width, height, left, top = 420, 190, 40, 12
    seconds = performance.env.episode_steps * DT

    def x(when: float) -> float:
        return left + when / seconds * width

    def y(value: float) -> float:
        return top + (1 - value) * height

    marks = "".join(
        f'<line x1="{left}" x2="{left + width}" y1="{y(v)}" y2="{y(v)}" stroke="#ddd"/>'
        + text(left - 6, y(v) + 4, f"{v:g}", "end")
        for v in (0, 0.5, 1)
    )
    marks += "".join(text(x(s), top + height + 18, f"{s:g}", "middle") for s in range(int(seconds) + 1))
    marks += text(left + width / 2, top + height + 36, "time (s)", "middle")
    for when, word in ((performance.cue, "cue"), (performance.began, "begun")):
        if when is not None and 0 <= when <= seconds:
            marks += f'<line x1="{x(when)}" x2="{x(when)}" y1="{top}" y2="{top + height}" stroke="#999"/>'
            marks += text(x(when) + 3, top + height - (18 if word == "cue" else 4), word)
    for row, (name, values) in enumerate(performance.terms.items()):
        points = " ".join(f"{x((k + 1) * DT):.1f},{y(value):.1f}" for k, value in enumerate(values))
        stroke = f'stroke="{COLOURS[name]}" stroke-width="2" stroke-dasharray="{DASHES[name]}" fill="none"'
        line, at = left + width + 16, top + 12 + 26 * row
        marks += (
            f'<polyline points="{points}" {stroke}/><line x1="{line}" x2="{line + 30}" y1="{at}" y2="{at}" {stroke}/>'
        )
        value = "" if step == 0 else f" {values[step - 1]:.2f}"
        marks += text(line + 38, at + 4, f"{said(name)}{value} × {performance.env.weights[name]:g}")
    marks += f'<line x1="{x(step * DT)}" x2="{x(step * DT)}" y1="{top - 6}" y2="{top + height}" stroke="{BLACK}" '
    marks += 'stroke-width="1.5"/>'
    return drawing(left + width + 230, top + height + 44, marks, sentence(performance, step))


def view(performance: Performance, step: int) -> Described:
    """The pair of figures and the curves under it, at a step."""
    words = sentence(performance, step)
    figures = gallery(
        list(pair(performance, step)),
        ("reference", "figure"),
        f"The reference, and the figure beside it. {words}",
        2,
        270,
    )
    return Described(
        f"{figures.html}{curves(performance, step).html}"
        f'<p class="rlfilm-motion" data-step="{step}" style="line-height: 1.3">{html.escape(words)}</p>',
        words,
    )


def still(performance: Performance, name: str, columns: int = 6) -> Described:
    """A take as pictures that need no kernel: reference and figure at some moments, the terms under them."""
    import matplotlib.pyplot as plt

    steps = np.linspace(0, len(performance), columns).round().astype(int)
    pictures, captions = [], []
    for label, states in (("reference", performance.references), (name, performance.states)):
        pictures += list(render(performance.env, [states[step] for step in steps]))
        captions += [f"{label}, {step * DT:.1f} s" for step in steps]
    fig, axes = plt.subplots(figsize=(8, 2.2), layout="constrained")
    plot(axes, performance)
    total = sum(float(performance.env.weights[term] * values.sum()) for term, values in performance.terms.items())
    end = f"falls after {len(performance) * DT:.1f} s" if performance.fell else "stands to the end"
    words = (
        f"The take of {name} beside its reference, and the six reward terms over time: it {end}; mean imitation "
        f"{performance.score:.2f} of 1, return {total:.0f}."
    )
    return Described(gallery(pictures, captions, words, columns, 140).html + figure(fig, words).html, words)


def plot(axes, performance: Performance) -> None:
    """The terms of a take over time, into Matplotlib axes."""
    when = (np.arange(len(performance)) + 1) * DT
    for name, values in performance.terms.items():
        dashes = DASHES[name]
        style = "-" if dashes == "none" else (0, tuple(int(n) for n in dashes.split()))
        axes.plot(when, values, color=COLOURS[name], ls=style, lw=1.6, label=said(name))
    for moment, word in ((performance.cue, "cue"), (performance.began, "begun")):
        if moment is not None and moment >= 0:
            axes.axvline(moment, color="grey", lw=0.8)
            axes.text(moment + 0.02, 0.02 if word == "begun" else 0.12, word, fontsize=8, color="#444444")
    axes.set(
        xlabel="time (s)", ylabel="term (0 to 1)", ylim=(-0.03, 1.05), xlim=(0, performance.env.episode_steps * DT)
    )
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    axes.spines[["top", "right"]].set_visible(False)


class MotionPlayer:
    """Choose who acts and which gesture, and go through the take with the frame slider or the play button.

    actors: name → a function that gives the policy in an environment; brief: cue and arc, as `Character` takes them.
    As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(
        self, actors: Mapping[str, Callable[[Character], Policy]], brief: Mapping[str, Any] | None = None, seed: int = 3
    ) -> None:
        import ipywidgets as widgets

        self.actors, self.brief, self.seed = dict(actors), dict(brief or {}), seed
        self._played: dict[tuple[str, str], Performance] = {}
        gesture = self.brief.get("gesture", "bow")
        wide = {"style": {"description_width": "60px"}, "layout": {"width": "230px"}}
        self.who = widgets.Dropdown(options=list(self.actors), description="actor", **wide)
        self.gesture = widgets.Dropdown(
            options=list(dict.fromkeys([gesture, *GESTURES])), value=gesture, description="gesture", **wide
        )
        self.step = widgets.IntSlider(
            min=0, max=120, description="frame", continuous_update=False,
            style={"description_width": "60px"}, layout={"width": "420px"},
        )  # fmt: skip
        self.play = widgets.Play(min=0, max=120, step=2, interval=300)
        widgets.jslink((self.play, "value"), (self.step, "value"))
        self.picture = widgets.HTML()
        self.who.observe(self._chosen, "value")
        self.gesture.observe(self._chosen, "value")
        self.step.observe(self._moved, "value")
        rows = [widgets.HBox([self.who, self.gesture]), widgets.HBox([self.step, self.play])]
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([*rows, self.picture])
        self._chosen(None)

    @property
    def performance(self) -> Performance:
        """The take that is shown."""
        chosen = self.who.value, self.gesture.value
        if chosen not in self._played:
            env = stage(self.brief | {"gesture": self.gesture.value})
            self._played[chosen] = perform(self.actors[self.who.value](env), env, self.seed)
        return self._played[chosen]

    def _chosen(self, _) -> None:
        length = len(self.performance)
        self.play.max = self.step.max = length  # a slider beyond the new end is moved to it
        self._moved(None)

    def _moved(self, _) -> None:
        self.picture.value = view(self.performance, self.step.value).html

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(self.performance, self.who.value))
