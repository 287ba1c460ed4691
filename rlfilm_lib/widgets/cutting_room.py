"""The cutting room: a scene of `FilmEdit` to cut by hand, against the agent and the exact optimum.

`worth` says what one shot adds to the return, term by term; `score` adds up a cut. `cut` and `uncut` change a cut,
`table` and `every_cut` make small scenes small enough to try all cuts, `timeline`, `monitor` and `readout` show what
there is. `CuttingRoom` is the shell of sliders and buttons.
"""

import html
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs import coverage, film_edit
from rlfilm_lib.envs.coverage import ANGLES, BEAT_FRAMES, BEAT_S, BEATS, FOURTH, JOINS, PAIR, PEOPLE, Scene
from rlfilm_lib.envs.film_edit import CUT, DISSOLVE, PING_PONG, STRAIGHT, WEIGHTS, FilmEdit, Shot
from rlfilm_lib.film import pacing
from rlfilm_lib.widgets.picture import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILION,
    Described,
    drawing,
    gallery,
    jpeg,
    text,
)

COLOUR = dict(zip(ANGLES, ("#8c8c8c", ORANGE, BLUE, PURPLE), strict=True))
VOICE = dict(zip(PEOPLE, (ORANGE, BLUE, GREEN), strict=True))
LETTER = dict(zip(ANGLES, ("M", "A", "B", "4"), strict=True))
MARK = dict(zip(JOINS, ("", "J", "L", "×"), strict=True))
JOIN_WORDS = {
    "straight": "straight", "lead": "J cut: sound first", "trail": "L cut: picture first", "dissolve": "dissolve",
}  # fmt: skip


def scene(seed: int = 0, pace: str = "medium") -> Scene:
    """The scene that an environment seeded so begins with.

    >>> scene(1).shot.shape
    (4, 60, 1)
    """
    env = FilmEdit(1, pace=pace)
    env.reset(seed=seed)
    return env.rushes()


def played(
    policy: Callable[..., NDArray], seed: int = 0, pace: str = "medium", deterministic: bool = True
) -> list[Shot]:
    """The cut that a policy makes of `scene(seed, pace)`."""
    env, taken = FilmEdit(1, pace=pace), []
    observations, _ = env.reset(seed=seed)
    for _ in range(BEATS):
        action = policy(observations, deterministic=deterministic)
        taken.append(int(action[0]))
        observations, *_ = env.advance(action)
    return film_edit.shots(taken)


# What a cut is worth


def worth(scene: Scene, before: int | None, shot: Shot, end: int) -> dict[str, float]:
    """What a shot until beat `end`, after one on the angle `before` (None: the first), adds up to: beats per term.

    A term's value in [0, 1] counts for as long as it lasts; the return is the sum over shots of Σ WEIGHTS · this.

    >>> drawn = worth(scene(1), None, Shot(0, 1), 8)
    >>> drawn["line"], 0 < drawn["shot"] < 8
    (8.0, True)
    """
    start, angle, length = shot.start, shot.angle, end - shot.start
    ellipse = scene.ellipse[0, 0]
    fixed = dict.fromkeys((*CUT, "speech", "beat", "transition", "listener"), 1.0)
    if before is not None:
        pair, lapse = PAIR[before, angle], start == ellipse
        if not (lapse and shot.join == DISSOLVE):
            for name in CUT:
                rows = getattr(scene, name)[pair, ..., 0]
                fixed[name] = float(rows[start] if rows.ndim else rows)
            if (
                scene.subject[before, 0] == scene.handover[start, 0]
                and scene.subject[angle, 0] == scene.speaker[start, 0]
            ):
                fixed["listener"] = PING_PONG
        fixed["speech"], fixed["beat"] = float(scene.word[shot.join, start, 0]), float(scene.beat[start, 0])
        dissolved = shot.join == DISSOLVE
        fixed["transition"] = float(lapse) if dissolved else coverage.CUT_ON_ELLIPSE if lapse else 1.0
    unbroken = length if start >= ellipse else min(length, max(int(ellipse) - start, 0))
    seen = {name: float(getattr(scene, name)[angle, start:end, 0].sum()) for name in ("shot", "listener", "heard")}
    return {
        "shot": seen["shot"],
        "listener": fixed["listener"] * seen["listener"],
        **{name: fixed[name] * length for name in CUT},
        "speech": fixed["speech"] * seen["heard"],
        "beat": fixed["beat"] * length,
        "transition": fixed["transition"] * unbroken,
        "rhythm": length * float(pacing.rhythm(length, scene.target[start, 0])),
    }


def spans(scene: Scene, shots: Sequence[Shot]) -> Iterator[tuple[int | None, Shot, int]]:
    """Of each shot: the angle before it, the shot, and the beat before which it ends."""
    ends = [shot.start for shot in shots[1:]] + [scene.shot.shape[1]]
    angles = [None, *(shot.angle for shot in shots)]
    yield from zip(angles, shots, ends, strict=False)


def score(scene: Scene, shots: Sequence[Shot]) -> dict[str, float]:
    """Each term's mean over the screen time, in [0, 1], and with their weights the `return` of an episode.

    >>> one_shot = score(scene(1), [Shot(0, 0)])
    >>> one_shot["line"], round(one_shot["rhythm"], 3)
    (1.0, 0.0)
    """
    total = dict.fromkeys(WEIGHTS, 0.0)
    for before, shot, end in spans(scene, shots):
        for name, value in worth(scene, before, shot, end).items():
            total[name] += value
    beats = scene.shot.shape[1]
    return {name: value / beats for name, value in total.items()} | {"return": weighted(total)}


def weighted(terms: Mapping[str, float]) -> float:
    """Σ weight · term."""
    return sum(WEIGHTS[name] * terms[name] for name in WEIGHTS)


def random_return(seed: int = 0, pace: str = "medium", scenes: int = 256) -> float:
    """Mean return of random actions."""
    env = FilmEdit(scenes, pace=pace)
    policy, total = env.random_policy(seed), np.zeros(scenes)
    observations, _ = env.reset(seed=seed)
    for _ in range(BEATS):
        observations, rewards, *_ = env.advance(policy(observations))
        total += rewards
    return float(total.mean())


def regret(earned: float, best: float, random: float) -> float:
    """What is missing from the optimum, in per cent of the span between random and the optimum.

    >>> regret(49.0, 51.0, 31.0)
    10.0
    """
    return 100 * (best - earned) / (best - random)


# Small scenes


def part(scene: Scene, angles: int, beats: int, start: int = 0) -> Scene:
    """A scene's first angles, and so many of its beats: small enough to try every cut."""
    window = slice(start, start + beats)
    kept = {name: getattr(scene, name)[:angles, window] for name in ("shot", "listener", "heard")}
    kept |= {name: getattr(scene, name)[:, window] for name in ("eyeline", "match_on_action", "word")}
    kept |= {name: getattr(scene, name)[window] for name in ("beat", "target", "speaker", "handover")}
    return scene._replace(**kept, subject=scene.subject[:angles], ellipse=scene.ellipse - start)


def table(scene: Scene) -> NDArray[np.float64]:
    """What each shot is worth, (A, A, B, B + 1): after which angle, on which angle, from beat, to beat; joined in the
    best way. -inf where there is no such shot: on the angle of the shot before, or of no length. The first shot of a
    cut, from beat 0, has none before it: there all first indices are alike."""
    angles, beats, _ = scene.shot.shape
    rows = np.full((angles, angles, beats, beats + 1), -np.inf)
    for angle, start in itertools.product(range(angles), range(beats)):
        for end in range(start + 1, beats + 1):
            if start == 0:
                rows[:, angle, start, end] = weighted(worth(scene, None, Shot(0, angle), end))
                continue
            for before in set(range(angles)) - {angle}:
                rows[before, angle, start, end] = max(
                    weighted(worth(scene, before, Shot(start, angle, join), end)) for join in range(len(JOINS))
                )
    return rows


def every_cut(angles: int, beats: int) -> Iterator[tuple[int, ...]]:
    """All cuts there are: the angle of every beat. There are angles ** beats of them.

    >>> sum(1 for _ in every_cut(2, 3))
    8
    """
    return itertools.product(range(angles), repeat=beats)


def added_up(table: NDArray, angle_of_beat: Sequence[int]) -> float:
    """The return of a cut, given by the angle of every beat, from a `table`."""
    beats = len(angle_of_beat)
    starts = [beat for beat in range(beats) if beat == 0 or angle_of_beat[beat] != angle_of_beat[beat - 1]]
    total = 0.0
    for start, end in zip(starts, [*starts[1:], beats], strict=True):
        before = angle_of_beat[start - 1] if start else angle_of_beat[0]
        total += table[before, angle_of_beat[start], start, end]
    return float(total)


# Cutting by hand


def cut(shots: Sequence[Shot], beat: int, angle: int, join: int = STRAIGHT) -> list[Shot]:
    """Cut to an angle at a beat, until the next cut that is there.

    >>> cut([Shot(0, 0), Shot(8, 1)], 4, 2)
    [Shot(start=0, angle=0, join=0), Shot(start=4, angle=2, join=0), Shot(start=8, angle=1, join=0)]
    """
    kept = [shot for shot in shots if shot.start != beat]
    return _tidy([*kept, Shot(beat, angle, join if beat else STRAIGHT)])


def uncut(shots: Sequence[Shot], beat: int) -> list[Shot]:
    """Take out the shot that is on screen at a beat; the one before it goes on. The first one stays.

    >>> uncut([Shot(0, 0), Shot(8, 1)], 20)
    [Shot(start=0, angle=0, join=0)]
    """
    last = max(shot.start for shot in shots if shot.start <= beat)
    return _tidy([shot for shot in shots if shot.start != last or last == 0])


def _tidy(shots: list[Shot]) -> list[Shot]:
    tidy: list[Shot] = []
    for shot in sorted(shots):
        if not tidy or shot.angle != tidy[-1].angle:
            tidy.append(shot)
    return tidy


# What is shown

LEFT, BEAT_WIDTH, ROW = 84, 12.5, 26


def _x(beat: float) -> float:
    return LEFT + BEAT_WIDTH * beat


def timeline(
    scene: Scene, cuts: Mapping[str, Sequence[Shot]], random: float, best: float, playhead: int | None = None
) -> Described:
    """Who speaks, the accents, the lengths asked for, and cuts below one another, with the regret of each."""
    marks, y = [], 30
    for second in range(0, BEATS // 2 + 1, 5):
        marks.append(text(_x(second / BEAT_S), 14, f"{second} s", "middle"))
        marks.append(f'<line x1="{_x(second / BEAT_S)}" x2="{_x(second / BEAT_S)}" y1="18" y2="24" stroke="#555"/>')
    people = 2 + int(scene.fourth[0, 0] == 3)
    for who in range(people):
        marks.append(text(4, y + 11, f"{PEOPLE[who]} speaks"))
        for speaker, first, end in coverage.words(scene):
            if speaker == who:
                marks.append(_box(first / BEAT_FRAMES, end / BEAT_FRAMES, y + 2, 10, VOICE[PEOPLE[who]]))
        y += 16
    marks.append(text(4, y + 11, "accents"))
    for beat in range(BEATS):
        height = 10 * float(scene.beat[beat, 0])
        marks.append(f'<rect x="{_x(beat) - 1}" y="{y + 12 - height}" width="2" height="{height}" fill="#555"/>')
    y += 20
    marks.append(text(4, y + 12, "asked for"))
    target = scene.target[:, 0]
    edges = [0, *(np.flatnonzero(np.diff(target)) + 1).tolist(), BEATS]
    for first, end in itertools.pairwise(edges):
        marks.append(_box(first, end, y + 1, 14, "white", "#555"))
        if end - first >= 4:
            label = f"{target[first] * BEAT_S:.1f} s"
            marks.append(f'<g font-size="11">{text(_x((first + end) / 2), y + 12, label, "middle")}</g>')
    y += 24
    words = []
    for name, shots in cuts.items():
        marks.append(text(4, y + 17, name))
        for _, shot, end in spans(scene, shots):
            angle, mark = ANGLES[shot.angle], MARK[JOINS[shot.join]]
            marks.append(_box(shot.start, end, y, ROW - 4, COLOUR[angle], "white"))
            if end - shot.start >= 2:
                marks.append(
                    f'<g fill="white" font-weight="bold">'
                    f"{text(_x((shot.start + end) / 2), y + 16, LETTER[angle], 'middle')}</g>"
                )
            if mark:
                marks.append(f'<g font-size="10">{text(_x(shot.start), y + ROW + 5, mark, "middle")}</g>')
        earned = score(scene, shots)["return"]
        words.append(sentence(name, scene, shots, regret(earned, best, random)))
        marks.append(text(_x(BEATS) + 8, y + 17, f"regret {regret(earned, best, random):.1f} %"))
        y += ROW + 12
    if scene.ellipse[0, 0] < BEATS:
        x = _x(float(scene.ellipse[0, 0]))
        marks.append(
            f'<line x1="{x}" x2="{x}" y1="24" y2="{y}" stroke="{VERMILION}" stroke-dasharray="4 3" stroke-width="2"/>'
        )
        marks.append(f'<g fill="{VERMILION}" font-size="11">{text(x + 4, 28, "time passes")}</g>')
    if playhead is not None:
        x = _x(playhead)
        marks.append(f'<line x1="{x}" x2="{x}" y1="20" y2="{y - 8}" stroke="{BLACK}" stroke-width="2"/>')
    x = LEFT
    for angle in ANGLES:
        shown = FOURTH[int(scene.fourth[0, 0])] if angle == "fourth" else angle
        marks.append(f'<rect x="{x}" y="{y + 2}" width="12" height="12" fill="{COLOUR[angle]}"/>')
        marks.append(text(x + 17, y + 13, f"{LETTER[angle]} {shown}"))
        x += 48 + 7 * len(shown)
    marks.append(text(x + 8, y + 13, "J sound first · L picture first · × dissolve"))
    return drawing(int(_x(BEATS)) + 112, y + 22, "".join(marks), " ".join(words))


def _box(first: float, end: float, y: float, height: float, fill: str, stroke: str = "none") -> str:
    width = BEAT_WIDTH * (end - first)
    return f'<rect x="{_x(first):.1f}" y="{y}" width="{width:.1f}" height="{height}" fill="{fill}" stroke="{stroke}"/>'


def sentence(name: str, scene: Scene, shots: Sequence[Shot], regret: float) -> str:
    """A cut in words."""
    number = len(shots)
    average = scene.shot.shape[1] * BEAT_S / number
    return f"{name}: {number} shot{'s' * (number > 1)}, {average:.1f} s on average, regret {regret:.1f} %."


def monitor(
    scene: Scene, beat: int, angle: int | None = None, width: int = 224, height: int = 126
) -> NDArray[np.uint8]:
    """The four angles at a beat, side by side, (height, 4 width, 3) uint8; the one on screen framed in white."""
    from rlfilm_lib.stage import preview

    when = np.full(len(ANGLES), beat * BEAT_FRAMES)
    take = coverage.film(scene, when, np.arange(len(ANGLES)))
    shown = preview.render(take, width, height)
    if angle is not None:
        for edge in (np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]):
            shown[angle][edge] = 255
    return np.concatenate(list(shown), axis=1)


def readout(scene: Scene, cuts: Mapping[str, Sequence[Shot]], focus: str) -> str:
    """HTML: each term of each cut, and of the cut `focus` what every shot is worth and what costs it most."""
    scores = {name: score(scene, shots) for name, shots in cuts.items()}
    head = "".join(f"<th>{html.escape(name)}</th>" for name in cuts)
    lines = [
        f"<tr><td>{name.replace('_', ' ')}</td><td>{weight:g}</td>"
        + "".join(f"<td>{each[name]:.2f}</td>" for each in scores.values())
        + "</tr>"
        for name, weight in WEIGHTS.items()
    ]
    total = "".join(f"<td><b>{each['return']:.2f}</b></td>" for each in scores.values())
    shots = []
    for before, shot, end in spans(scene, cuts[focus]):
        terms, length = worth(scene, before, shot, end), end - shot.start
        missing = {name: WEIGHTS[name] * (length - value) for name, value in terms.items()}
        worst = max(missing, key=lambda name: missing[name])
        shots.append(
            f"<tr><td>{shot.start * BEAT_S:.1f} s</td><td>{length * BEAT_S:.1f} s</td><td>{ANGLES[shot.angle]}</td>"
            f"<td>{JOIN_WORDS[JOINS[shot.join]] if shot.start else ''}</td>"
            f"<td>{weighted(terms) / length:.2f}</td><td>{worst.replace('_', ' ')} −{missing[worst]:.2f}</td></tr>"
        )
    style = 'style="border-spacing: 10px 0; line-height: 1.25"'
    return (
        '<div class="rlfilm-cuttingroom" style="display: flex; flex-wrap: wrap; gap: 30px">'
        f"<table {style}><tr><th>term</th><th>weight</th>{head}</tr>{''.join(lines)}"
        f"<tr><td><b>return</b></td><td></td>{total}</tr></table>"
        f"<table {style}><tr><th>from</th><th>lasts</th><th>angle</th><th>cut</th><th>worth per beat</th>"
        f"<th>costs most</th></tr>{''.join(shots)}</table></div>"
    )


# The shell


class CuttingRoom:
    """Cut a scene by hand: move the playhead, choose an angle and a join, press Cut here.

    agent: a policy, whose cut is shown below yours, as the optimum is, once `compare` is ticked.
    As a cell's last line it shows itself, and a still of all three cuts for readers without a kernel.
    """

    def __init__(self, seed: int = 0, pace: str = "medium", agent: Callable[..., NDArray] | None = None) -> None:
        import ipywidgets as widgets

        self.scene = scene(seed, pace)
        self.best, optimum = film_edit.optimum(self.scene)
        self.random = random_return(pace=pace)
        self.others = {} if agent is None else {"agent": played(agent, seed, pace)}
        self.others |= {"optimum": optimum}
        self.shots = [Shot(0, 0)]
        wide = {"continuous_update": False, "style": {"description_width": "70px"}, "layout": {"width": "640px"}}
        self.beat = widgets.IntSlider(value=0, min=0, max=BEATS - 1, description="beat", **wide)
        self.angle = widgets.ToggleButtons(
            options=[(f"{LETTER[angle]} {angle}", number) for number, angle in enumerate(ANGLES)], description="angle",
            style={"description_width": "70px", "button_width": "110px"},
        )  # fmt: skip
        self.join = widgets.Dropdown(
            options=[(words, JOINS.index(join)) for join, words in JOIN_WORDS.items()], description="join",
            style={"description_width": "70px"},
        )  # fmt: skip
        self.make = widgets.Button(description="Cut here", icon="scissors", button_style="primary")
        self.drop = widgets.Button(description="Take shot out", icon="trash")
        self.again = widgets.Button(description="Start over", icon="undo")
        self.compare = widgets.Checkbox(value=False, description="compare", indent=False)
        self.screen = widgets.Image(format="jpeg", layout={"max_width": "100%"})
        self.drawn, self.words = widgets.HTML(), widgets.HTML()
        self.beat.observe(self._moved, "value")
        self.compare.observe(lambda _: self._show(), "value")
        self.make.on_click(lambda _: self._set(cut(self.shots, self.beat.value, self.angle.value, self.join.value)))
        self.drop.on_click(lambda _: self._set(uncut(self.shots, self.beat.value)))
        self.again.on_click(lambda _: self._set([Shot(0, 0)]))
        buttons = widgets.HBox([self.join, self.make, self.drop, self.again, self.compare])
        buttons.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([self.screen, self.beat, self.angle, buttons, self.drawn, self.words])
        self._moved(None)

    @property
    def cuts(self) -> dict[str, list[Shot]]:
        """What is on the timeline."""
        return {"you": self.shots} | (self.others if self.compare.value else {})

    def _set(self, shots: list[Shot]) -> None:
        self.shots = shots
        self._moved(None)

    def _moved(self, _) -> None:
        on_screen = next(shot.angle for shot in reversed(self.shots) if shot.start <= self.beat.value)
        self.screen.value = jpeg(monitor(self.scene, self.beat.value, on_screen))
        self._show()

    def _show(self) -> None:
        self.drawn.value = timeline(self.scene, self.cuts, self.random, self.best, self.beat.value).html
        self.words.value = readout(self.scene, self.cuts, "you")

    def still(self) -> Described:
        """Your cut and the others', for a reader without a kernel."""
        return timeline(self.scene, {"you": self.shots} | self.others, self.random, self.best)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(self.still())


def angles_picture(scene: Scene, beats: Sequence[int], alt: str) -> Described:
    """The four angles, one row for each of the beats."""
    shown = np.concatenate([monitor(scene, beat) for beat in beats])
    return gallery([shown], [" · ".join(ANGLES)], alt, columns=1, width=shown.shape[1])
