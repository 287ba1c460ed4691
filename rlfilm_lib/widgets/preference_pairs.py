"""Pairs of cuts to choose between: a person's taste, or a simulated viewer's, learned as a reward.

`offer` has a policy cut scenes twice; `strip`, `card` and `pair` show what came of it; `likes` and `held_out` say what
a reward model has learned. `PreferencePairs` is the shell of buttons.
"""

import html
import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib import BACKENDS, choose_backend
from rlfilm_lib.envs import coverage, film_edit
from rlfilm_lib.envs.coverage import ANGLES, BEAT_FRAMES, BEAT_S, BEATS
from rlfilm_lib.envs.film_edit import FilmEdit, Shot
from rlfilm_lib.envs.preference import FEATURES, screen, taste
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.preference import Pairs, RewardModel, Viewer
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets.picture import BLUE, ORANGE, PURPLE, VERMILION, Described, drawing, gallery, row, text

COLOUR = dict(zip(ANGLES, ("#8c8c8c", ORANGE, BLUE, PURPLE), strict=True))
STILLS, WIDTH, HEIGHT = 6, 160, 90
"""Stills of a cut, and their pixels."""
FEW = 8
"""Decided pairs below which nothing is held out."""
FOLDS = 4

Fit = Callable[[Pairs], RewardModel]


@dataclass(frozen=True)
class Offer:
    """P pairs of cuts, both of a pair of the same scene."""

    scenes: list[int]
    """(P,) seeds."""
    actions: NDArray
    """(2, P, B) what was decided at each beat."""
    cuts: NDArray
    """(2, P, F) FEATURES of each cut."""


def offer(policy: Policy, pairs: int, seed: int = 0, pace: str | None = None) -> Offer:
    """So many scenes, each cut twice by a policy that throws its dice anew."""
    if pairs < 1:
        raise UserError(f"pairs={pairs} is out of range: give 1 or more")
    scenes = list(range(seed, seed + pairs))
    seen = screen(policy, FilmEdit(2 * pairs, pace=pace), seed=seed, scenes=scenes * 2)
    return Offer(scenes, seen.actions.reshape(2, pairs, -1), seen.cuts.reshape(2, pairs, -1))


def strip(scene: int, shots: list[Shot], pace: str | None = None) -> list[NDArray]:
    """Stills (HEIGHT, WIDTH, 3) of a cut, from evenly spaced moments of the scene with this seed."""
    env = FilmEdit(1, pace=pace)
    env.reset(seed=scene)
    beats = ((np.arange(STILLS) + 0.5) * BEATS / STILLS).astype(int)
    starts = np.array([shot.start for shot in shots])
    angles = np.array([shots[number].angle for number in np.searchsorted(starts, beats, "right") - 1])
    return list(preview.frames(coverage.film(env.rushes(), beats * BEAT_FRAMES, angles), WIDTH, HEIGHT))


def chart(shots: list[Shot], features: NDArray) -> Described:
    """A cut as a bar of its shots, and FEATURES (F,) of it below."""
    left, width, marks = 8, 560, []
    for shot, end in zip(shots, [*(each.start for each in shots[1:]), BEATS], strict=True):
        x, wide = left + width * shot.start / BEATS, width * (end - shot.start) / BEATS
        marks.append(
            f'<rect x="{x:.1f}" y="22" width="{wide - 1:.1f}" height="22" fill="{COLOUR[ANGLES[shot.angle]]}"/>'
        )
    for place, angle in enumerate(ANGLES):
        marks.append(f'<rect x="{left + 110 * place}" y="3" width="12" height="12" fill="{COLOUR[angle]}"/>')
        marks.append(text(left + 110 * place + 17, 14, angle))
    for second in range(0, int(BEATS * BEAT_S) + 1, 10):
        marks.append(
            text(left + width * second / (BEATS * BEAT_S), 60, f"{second} s", "start" if second == 0 else "middle")
        )
    values = dict(zip(FEATURES, features, strict=True)) | {"rhythm": features[FEATURES.index("rhythm")] * BEATS}
    for place, (name, value) in enumerate(values.items()):
        x, y = left + 290 * (place % 2), 84 + 19 * (place // 2)
        marks.append(text(x, y, name.replace("_", " ")))
        if name == "cuts_per_minute":
            marks.append(text(x + 125, y, f"{value:.0f}"))
            continue
        marks.append(
            f'<rect x="{x + 125}" y="{y - 10}" width="{100 * min(max(value, 0), 1):.1f}" height="10" fill="#777"/>'
        )
        marks.append(text(x + 230, y, f"{value:.2f}"))
    alt = f"{len(shots)} shots in {BEATS * BEAT_S:.0f} s; " + ", ".join(
        f"{name.replace('_', ' ')} {value:.0f}"
        if name == "cuts_per_minute"
        else f"{name.replace('_', ' ')} {value:.2f}"
        for name, value in values.items()
    )
    return drawing(left + width + 16, 84 + 19 * ((len(values) + 1) // 2), "".join(marks), alt)


def card(offered: Offer, number: int, side: int, pace: str | None = None) -> Described:
    """One cut of a pair: stills above its chart."""
    shots = film_edit.shots(offered.actions[side, number])
    stills = strip(offered.scenes[number], shots, pace)
    captions = [f"{(place + 0.5) * BEATS * BEAT_S / STILLS:.1f} s" for place in range(STILLS)]
    drawn = chart(shots, offered.cuts[side, number])
    film = gallery(stills, captions, f"{STILLS} stills of a cut of {len(shots)} shots", STILLS // 2, 190)
    return Described(film.html + drawn.html, drawn.text)


def pair(offered: Offer, number: int, pace: str | None = None) -> Described:
    """Both cuts of a pair, side by side."""
    return row(A=card(offered, number, 0, pace), B=card(offered, number, 1, pace))


def likes(model: RewardModel) -> dict[str, float]:
    """What a reward model likes: how much the reward rises from one standard deviation below the average of each
    feature to one above, the others at their averages; the strongest first."""
    steps = np.diag(model.scale)
    rise = (model(model.mean + steps) - model(model.mean - steps)).astype(float)
    return {FEATURES[place]: float(rise[place]) for place in np.argsort(-np.abs(rise))}


def held_out(pairs: Pairs, fit: Fit) -> float | None:
    """Share of the choices that a model foretells which has not seen them, FOLDS times a part left out; None for too
    few to say."""
    decided = np.flatnonzero(pairs.preferred != 0.5)
    if len(decided) < FEW:
        return None
    right = 0.0
    for fold in range(FOLDS):
        unseen, seen = decided[fold::FOLDS], np.delete(decided, np.s_[fold::FOLDS])
        model = fit(Pairs(*(column[seen] for column in pairs)))
        right += model.accuracy(Pairs(*(column[unseen] for column in pairs))) * len(unseen)
    return right / len(decided)


def learned(model: RewardModel, foretold: float | None, choices: int) -> Described:
    """What a model likes, as bars, and how well it foretells choices."""
    found = likes(model)
    most, marks = max(max(map(abs, found.values())), 1e-9), []
    for place, (name, rise) in enumerate(found.items()):
        y, wide = 18 + 19 * place, 150 * abs(rise) / most
        marks.append(text(130, y, name.replace("_", " "), "end"))
        colour, x = (BLUE, 300.0) if rise > 0 else (VERMILION, 300 - wide)
        marks.append(f'<rect x="{x:.1f}" y="{y - 11}" width="{wide:.1f}" height="12" fill="{colour}"/>')
        marks.append(text(300 + (wide + 5 if rise > 0 else 5), y, f"{rise:+.2f}"))
    marks.append(f'<line x1="300" x2="300" y1="4" y2="{10 + 19 * len(found)}" stroke="black"/>')
    best = [name.replace("_", " ") for name in list(found)[:3]]
    words = f"From {choices} choices: what weighs most is {best[0]}, then {best[1]} and {best[2]}"
    words += (
        "; too few choices to say how well they are foretold."
        if foretold is None
        else (f"; of choices that it has not seen it foretells {100 * foretold:.0f} %.")
    )
    bars = drawing(520, 22 + 19 * len(found), "".join(marks), f"Rise of the learned reward with each feature. {words}")
    return Described(f"<p>{html.escape(words)}</p>{bars.html}", words)


class PreferencePairs:
    """Two cuts of a scene side by side, three buttons, and the taste learned from the choices at the press of a fourth.

    policy: the editor whose cuts are shown; pairs: how many; viewer: chooses what is left when asked to, by default one
    with the `taste` of `rlfilm_lib.envs.preference`; backend: of the fit. `.choices` and `.model` hold what was learned
    from and what was learned. As a cell's last line it shows itself, and the first pair for readers without a kernel.
    """

    def __init__(
        self,
        policy: Policy,
        pairs: int = 40,
        viewer: Viewer | None = None,
        backend: str | None = None,
        seed: int = 0,
        pace: str | None = None,
    ) -> None:
        import ipywidgets as widgets

        self.offer, self.pace = offer(policy, pairs, seed, pace), pace
        self.viewer, self.backend, self.seed = viewer or Viewer(taste), backend, seed
        self.answers: list[float] = []
        self.model: RewardModel | None = None
        self.buttons = {
            name: widgets.Button(description=name, layout={"width": "130px"})
            for name in ("A is better", "equal", "B is better")
        }
        for button, answer in zip(self.buttons.values(), (1.0, 0.5, 0.0), strict=True):
            button.on_click(lambda _, answer=answer: self.choose(answer))
        self.rest = widgets.Button(description="Let the viewer choose the rest", layout={"width": "230px"})
        self.fit = widgets.Button(description="Learn the taste", icon="magic", layout={"width": "150px"})
        self.rest.on_click(lambda _: self.ask())
        self.fit.on_click(lambda _: self.learn())
        self.shown, self.count, self.result = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.box = widgets.VBox([
            self.count, self.shown, widgets.HBox(list(self.buttons.values())),
            widgets.HBox([self.rest, self.fit]), self.result,
        ])  # fmt: skip
        self._show()

    @property
    def choices(self) -> Pairs:
        """What was chosen so far."""
        first, second = self.offer.cuts[:, : len(self.answers)]
        return Pairs(first, second, np.array(self.answers))

    def choose(self, answer: float) -> None:
        """Take an answer, 1 for A, 0 for B, ½ for neither, and show the next pair."""
        if len(self.answers) < len(self.offer.scenes):
            self.answers.append(answer)
            self._show()

    def ask(self) -> None:
        """Have the simulated viewer choose in all pairs that are left."""
        first, second = self.offer.cuts[:, len(self.answers) :]
        self.answers += self.viewer.prefers(first, second, np.random.default_rng(self.seed)).tolist()
        self._show()

    def learn(self) -> None:
        """Fit a reward model to the choices, and show what it likes."""
        twin = importlib.import_module(f"{BACKENDS[choose_backend(self.backend)][1]}.preference")
        try:
            self.model = twin.fit(self.choices)
        except UserError as error:
            self.result.value = html.escape(str(error))
            return
        self.result.value = learned(self.model, held_out(self.choices, twin.fit), len(self.answers)).html

    def _show(self) -> None:
        done, number = len(self.answers), len(self.offer.scenes)
        answers = np.array(self.answers)
        said = ", ".join(f"{name} {(answers == value).sum()}" for name, value in (("A", 1), ("B", 0), ("equal", 0.5)))
        self.count.value = f"<b>{done} of {number} pairs</b>: {said}"
        finished = done == number
        for button in (*self.buttons.values(), self.rest):
            button.disabled = finished
        self.shown.value = "That was the last pair." if finished else pair(self.offer, done, self.pace).html

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(pair(self.offer, 0, self.pace))
