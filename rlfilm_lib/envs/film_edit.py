"""rlfilm/FilmEdit-v0: cut a scene of dialogue from the angles of its coverage. See `FilmEdit` and `optimum`."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlfilm_lib.envs import coverage
from rlfilm_lib.envs.batch import BatchEnv, SingleEnv, check_controls, padded
from rlfilm_lib.envs.coverage import ANGLES, BEATS, JOINS, PAIR, Scene
from rlfilm_lib.errors import unknown
from rlfilm_lib.film import pacing

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

STRAIGHT, LEAD, TRAIL, DISSOLVE = range(len(JOINS))
CONTROLS = {1: 1, 2: 3, 3: 4}
"""How many of JOINS there are to choose from."""
PING_PONG = 0.5
"""What is left of `listener` in a shot that was cut to, from who spoke to who speaks, on his first word."""

WEIGHTS = {
    "shot": 0.22, "listener": 0.08, "line": 0.04, "thirty_degrees": 0.04, "eyeline": 0.04, "match_on_action": 0.02,
    "step": 0.02, "speech": 0.07, "beat": 0.06, "transition": 0.09, "rhythm": 0.32,
}  # fmt: skip
"""Of each term in the mean over the screen time of a cut; they add up to 1."""
CUT = ("line", "thirty_degrees", "eyeline", "match_on_action", "step")
CUT_WEIGHT = sum(WEIGHTS[term] for term in CUT)
SHOWN = sum(WEIGHTS[term] for term in ("shot", "listener", "speech"))

# What a policy sees.
NEXT = 4
"""Beats of look-ahead at pauses, accents and targets."""
LENGTHS = (*range(1, 13), 14, 16, 18, 20, 24, 28)
"""Beats of the shots that the look-ahead tries."""
ENDS = np.array((0, *LENGTHS))
"""Beats from now at which it lets the shot on screen end."""
SOON = slice(1, 7)
"""Of ENDS: those that are shown one by one."""
SHOTS_AHEAD = 4
"""Shots that it looks ahead, after the one on screen."""
GOING_RATE = 0.8
"""Reward per beat that it takes for all that comes after them. What earns more is surplus."""
GAIN = 8.0
"""By which small differences between surpluses are scaled up."""
SHOT_ROWS = ("cut", "ping-pong", "word", "accent", "transition")
"""What of the shot on screen goes on for as long as it lasts: the terms of CUT, weighted, ..., each in [0, 1]."""
OBSERVATION = (
    "stay", *(f"cut to {angle}" for angle in ANGLES),
    "surplus", *(f"leave in {ahead}" for ahead in ENDS[SOON]),
    *JOINS, *(f"pause in {ahead}" for ahead in range(1, NEXT)),
    *(f"accent in {ahead}" for ahead in range(NEXT)),
    *(f"target in {ahead}" for ahead in range(NEXT)),
    "target", "length", "length to target",
    *(f"{name} of the shot" for name in SHOT_ROWS),
    *(f"on {angle}" for angle in ANGLES),
    *(f"ellipse in {ahead}" for ahead in range(NEXT)), "ellipse passed", "ellipse ahead",
    "progress", "rest", "rest to target",
)  # fmt: skip
OBSERVATION_LIMIT = 3.0

# Rows of an environment's edit so far.
ANGLE, START, TARGET = range(3)
TERMS = ("line", "thirty_degrees", "eyeline", "match_on_action", "step", "speech", "beat", "transition", "listener")
"""What a cut fixes for as long as the shot lasts: `listener` and `speech` are factors of what each beat has of them."""
JOINED = slice(3, 3 + len(TERMS))
EDIT_ROWS = 3 + len(TERMS)


class Shot(NamedTuple):
    """One shot of a cut: the beat it begins at, its angle, and how it is joined to the shot before it, see JOINS."""

    start: int
    angle: int
    join: int = STRAIGHT


class FilmEdit(BatchEnv):
    """Cut a scene of 30 s from four angles that run in parallel, beat by beat.

    Two people, in some scenes three, talk around a table; a master, a single of each, and a fourth camera film it (see
    `coverage`: all that follows is measured from its geometry and its dialogue). One action per beat of half a second,
    60 beats; then the scene is over and the episode is terminated.

    **Brief**: the pace, slow, medium or fast: an average shot length of 8, 4 or 2 s. The brief lays target lengths end
    to end over the scene, drawn from a log-normal with that average; a shot's target is the one that lies where it
    begins. In half of the scenes the brief marks an ellipse, a beat before which time is left out. `pace=` of the
    constructor fixes the pace for all episodes, and `reset(options={"pace": ...})` for one; else it is drawn.

    **Actions**, before each beat: 0 stays; 1 + 4 · join + angle cuts to an angle, join 0 to 3: picture and sound
    together; the sound first, at the last pause between words up to 12 frames ahead (J cut); the picture first, and the
    sound at the next pause (L cut); a dissolve. A cut to the angle on screen is none. The first action chooses the
    angle that the scene opens on. `controls=3`: all 17; `controls=2`: without dissolves, 13; `controls=1`: straight
    cuts only, 5.

    **Observation** (48,) float32, in [-3, 3], see OBSERVATION. An editor has seen the rushes, so it looks ahead: at the
    shots that could follow, four of them and of some lengths, and takes a going rate for all that comes later (see
    `_look_ahead`). It knows what staying earns over a cut at once; what a cut to each angle earns less than one to the
    best; what the best of it all earns over the going rate, and what leaving in 1 to 6 beats does. And which join suits
    the sound (`advised` acts on so much alone); pauses, accents, targets; how long the shot on screen is, and what was
    settled by the cut into it; the ellipse; how much of the scene is left.

    **Reward** = Σ weight · term. Each beat is scored as what is on screen, so that the return over 60 is a mean over
    screen time, and neither many cuts nor few are better for it. What the cut into a shot was worth counts in each of
    its beats; in the opening shot, which nothing was cut to, it is 1.

    | term            | weight | value                                                                          |
    |-----------------|--------|--------------------------------------------------------------------------------|
    | shot            | 0.22   | how well who speaks or acts is seen: in frame, facing, large enough; and framed |
    | listener        | 0.08   | how well who reacts is seen, 1 where nobody does; halved by ping-pong: a cut    |
    |                 |        | from who spoke to who speaks on his first word                                  |
    | line            | 0.04   | 1 where both cameras are on one side of the line from A to B                    |
    | thirty_degrees  | 0.04   | of two pictures of one person, `continuity.thirty_degrees`                      |
    | eyeline         | 0.04   | of two singles, `continuity.eyeline`                                            |
    | match_on_action | 0.02   | of who acts in both pictures, `continuity.match_on_action`                      |
    | step            | 0.02   | exp(-½ ((ΔEV / 0.5)² + (Δmired / 20)²))                                         |
    | speech          | 0.07   | 1 where the sound is cut between words, 0 from 2 frames inside one, less 0.15   |
    |                 |        | at 12 frames from the picture's cut; times how near the angle's microphone is   |
    |                 |        | to who speaks: 0 from 20 dB below the nearest                                   |
    | beat            | 0.06   | accent of the music at the cut, 1, 0.6 or 0.2, or 1 where a line of dialogue    |
    |                 |        | ends                                                                            |
    | transition      | 0.09   | 1 for a cut, and a dissolve on the ellipse; 0.4 for a cut on it; 0 for a        |
    |                 |        | dissolve elsewhere, and for what is left of a shot that runs through it         |
    | rhythm          | 19.2   | what its shot's length / 60 · `pacing.rhythm` gains by a beat; below 0 where it |
    |                 |        | is too long already. Over the shots they add up to 0.32 of the mean             |

    A dissolve on the ellipse leads to another time: there is nothing that has to go on, and the first five of a cut
    are 1.

    **Expert**: the exact optimum, see `solve`. `expert_policy` earns it, and the best of what is left after any
    beginning; so `normalised_score` is 1 - regret.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {
        "render_fps": 2,
        "yardsticks": {  # python -m rlfilm_lib.envs.yardsticks rlfilm/FilmEdit-v0
            1: {"random": 28.63, "expert": 50.25},
            2: {"random": 28.86, "expert": 50.98},
            3: {"random": 27.70, "expert": 51.09},
        },
    }
    weights: ClassVar[dict[str, float]] = WEIGHTS | {"rhythm": WEIGHTS["rhythm"] * BEATS}
    episode_steps = BEATS
    draws = 2
    options = ("pace",)

    def __init__(
        self, num_envs: int = 1, controls: int = 3, pace: str | None = None, render_mode: str | None = None
    ) -> None:
        check_controls(controls, {1: "straight cuts", 2: "and the sound", 3: "and dissolves"})
        super().__init__(
            num_envs,
            gym.spaces.Box(-OBSERVATION_LIMIT, OBSERVATION_LIMIT, (len(OBSERVATION),), np.float32),
            gym.spaces.Discrete(1 + CONTROLS[controls] * len(ANGLES)),
            render_mode,
        )
        self.controls, self.pace = controls, _checked(pace)
        if pace is not None:  # the yardsticks were measured over all paces
            self.metadata = self.metadata | {"yardsticks": {}}
        example = coverage.draw(np.zeros(1, np.uint64), np.zeros(1, int))
        self.scene = {
            name: np.zeros((array[..., 0].size, num_envs), np.float32)
            for name, array in zip(Scene._fields, example, strict=True)
            if name in SCORED
        }
        self.shapes = {name: getattr(example, name).shape[:-1] for name in self.scene}
        self._reel = np.zeros((1, num_envs), np.uint64)
        self._pace = np.zeros((1, num_envs), np.float32)
        self._edit = np.zeros((EDIT_ROWS, num_envs), np.float32)
        self._content = np.zeros((len(ANGLES) * (BEATS + 1), num_envs), np.float32)
        self._surplus = np.zeros((len(ANGLES) ** 2 * BEATS, num_envs), np.float32)
        self._after = np.zeros((len(ANGLES) * (BEATS + 1), num_envs), np.float32)
        self.scene |= {
            "reel": self._reel,  # the scene's number, see coverage.draw
            "pace": self._pace,  # a number of pacing.ASL
            "edit": self._edit,  # angle, first beat and target of the shot on screen, and what its cut was worth: TERMS
            "content": self._content,  # running sums of what each angle shows, weighted
            "surplus": self._surplus,  # of a cut from an angle to an angle, see _look_ahead
            "after": self._after,  # of the best cut from an angle
        }
        self._column = np.arange(num_envs)

    # How an episode begins

    def _begin(self, index: NDArray | slice, uniform: NDArray, options: dict[str, Any]) -> None:
        pace = _checked(options.get("pace")) or self.pace
        paces = (uniform[1] * len(pacing.ASL)).astype(int)
        if pace is not None:
            paces[:] = list(pacing.ASL).index(pace)
        reel = (uniform[0] * 2.0**53).astype(np.uint64)
        columns = self._column[index]
        for first in range(0, len(columns), CHUNK):
            part = slice(first, first + CHUNK)
            self._load(columns[part], coverage.draw(reel[part], paces[part]))
        self._reel[:, index], self._pace[:, index] = reel, paces
        self._edit[:, index] = 0
        self._edit[TARGET, index] = self.scene["target"][0, index]
        self._edit[JOINED, index] = 1

    def _load(self, columns: NDArray, scene: Scene) -> None:
        for name in SCORED:
            array = getattr(scene, name)
            self.scene[name][:, columns] = array.reshape(-1, array.shape[-1])
        content = _content(scene)
        self._content[:, columns] = content.reshape(len(self._content), -1)
        surplus, after = _look_ahead(scene, CONTROLS[self.controls])
        self._surplus[:, columns] = surplus.reshape(len(self._surplus), -1)
        self._after[:, columns] = after.reshape(len(self._after), -1)

    def rushes(self) -> Scene:
        """The scenes of all environments as the editor has seen them."""
        return coverage.draw(self._reel[0], self._pace[0].astype(int))

    # One step

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        edit, beat = self._edit, self.elapsed
        join, angle = np.divmod(np.asarray(actions) - 1, len(ANGLES))
        opening = beat == 0
        cuts = (actions > 0) & (angle != edit[ANGLE]) & ~opening
        at = np.flatnonzero(cuts)
        if len(at):
            self._join(at, beat[at], angle[at], join[at])
        if opening.any():
            first = np.flatnonzero(opening)
            edit[ANGLE, first] = np.where(actions[first] > 0, angle[first], 0)
        edit[JOINED][TERMS.index("transition")][(beat == self.scene["ellipse"][0]) & ~cuts] = 0

        terms = np.empty((len(self.weights), self.num_envs), np.float32)
        row = (edit[ANGLE].astype(np.int64) * BEATS + beat) * self.num_envs + self._column
        line, thirty, eyeline, match, step, word, accent, transition, listener = edit[JOINED]
        np.take(self.scene["shot"], row, out=terms[0])
        np.multiply(np.take(self.scene["listener"], row), listener, out=terms[1])
        terms[2], terms[3], terms[4], terms[5], terms[6] = line, thirty, eyeline, match, step
        np.multiply(np.take(self.scene["heard"], row), word, out=terms[7])
        terms[8], terms[9], terms[10] = accent, transition, self._rhythm(beat)
        return self._look(slice(None), beat + 1), terms, beat == BEATS - 1

    def _rhythm(self, beat: NDArray) -> NDArray:
        """What the rhythm of the cut gains (N,) as the shot on screen goes on for this beat."""
        length = beat + 1 - self._edit[START]
        target = self._edit[TARGET]
        with_it, without = (n / BEATS * pacing.rhythm(np.maximum(n, 0.5), target) for n in (length, length - 1))
        return with_it - without

    def _join(self, at: NDArray, beat: NDArray, angle: NDArray, join: NDArray) -> None:
        """Cut to new angles in the environments `at`."""
        edit, scene = self._edit, self.scene
        before = edit[ANGLE, at].astype(np.int64)
        pair = PAIR[before, angle]
        lapse = beat == scene["ellipse"][0, at]
        elsewhere = lapse & (join == DISSOLVE)  # another time: nothing has to go on
        joined = np.empty((len(TERMS), len(at)), np.float32)
        for row, name in enumerate(("line", "thirty_degrees", "eyeline", "match_on_action", "step")):
            place = pair * BEATS + beat if name in ("eyeline", "match_on_action") else pair
            joined[row] = np.where(elsewhere, 1, scene[name][place, at])
        joined[5] = scene["word"][join * BEATS + beat, at]
        joined[6] = scene["beat"][beat, at]
        joined[7] = np.where(join == DISSOLVE, lapse, np.where(lapse, coverage.CUT_ON_ELLIPSE, 1))
        subject, handover = scene["subject"], scene["handover"]
        volley = (subject[before, at] == handover[beat, at]) & (subject[angle, at] == scene["speaker"][beat, at])
        joined[8] = np.where(volley & ~elsewhere, PING_PONG, 1)
        edit[ANGLE, at], edit[START, at] = angle, beat
        edit[TARGET, at] = scene["target"][beat, at]
        edit[JOINED, at] = joined

    # What the policy sees

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        return self._look(index, self.elapsed[index])

    def _look(self, index: NDArray | slice, beat: NDArray) -> NDArray:
        """Observations (n, F) before the decision about `beat`, (n,)."""
        scene, column, count = self.scene, self._column[index], self.num_envs
        edit = self._edit[:, index]
        angle = edit[ANGLE].astype(np.int64)
        angles = np.arange(len(ANGLES))[:, None]
        opening = beat == 0
        rows = padded(len(OBSERVATION), len(beat))
        left = iter(range(len(OBSERVATION)))

        def fill(array: NDArray) -> None:
            array = array.reshape(-1, len(beat))
            first = next(left)
            rows[first : first + len(array)] = array
            for _ in range(len(array) - 1):
                next(left)

        def pick(name: str, place: NDArray) -> NDArray:
            return np.take(scene[name], place * count + column)

        now, rest = np.minimum(beat, BEATS - 1), BEATS - beat
        until = scene["ellipse"][0, index] - beat
        length = np.where(opening, 0, beat - edit[START]).astype(np.float32)
        target, joined = edit[TARGET], dict(zip(TERMS, edit[JOINED], strict=True))

        # what the best way on earns, over the GOING_RATE, if the shot on screen ends at once or lasts a few beats more
        cuts = pick("surplus", (np.where(opening, angles, angle) * len(ANGLES) + angles) * BEATS + now)
        cuts[(angles == angle) & ~opening] = -1
        at_once = np.where(rest > 0, cuts.max(axis=0), 0)
        more = np.minimum(ENDS[:, None], rest)
        shown = pick("content", angle * (BEATS + 1) + beat + more)
        steady = sum(WEIGHTS[name] * joined[name] for name in (*CUT, "beat")) - GOING_RATE
        steady += sum(WEIGHTS[name] * (joined[name] - 1) for name in ("listener", "speech"))
        unbroken = np.where(until >= 0, np.minimum(more, until), more)
        tempo = (length + more) * pacing.rhythm(np.maximum(length + more, 0.5), target)
        later = pick("after", angle * (BEATS + 1) + beat + more) - at_once
        later += SHOWN * (shown - shown[0]) + steady * more + WEIGHTS["rhythm"] * (tempo - tempo[0])
        later += WEIGHTS["transition"] * joined["transition"] * unbroken
        stay = later[1:].max(axis=0)
        fill(GAIN * stay)
        fill(GAIN * (cuts - at_once))
        fill((at_once + np.maximum(stay, 0)) / 2 - 1)
        fill(later[SOON])

        word = pick("word", np.arange(len(JOINS))[:, None] * BEATS + now)
        word[DISSOLVE] = -1
        word -= word.max(axis=0)
        word[:, until == 0] = -1
        word[DISSOLVE, until == 0] = 0
        fill(3 * word)
        ahead = np.minimum(beat + np.arange(NEXT)[:, None], BEATS - 1)
        fill(np.max([pick("word", join * BEATS + ahead[1:]) for join in range(DISSOLVE)], axis=0))
        fill(pick("beat", ahead))
        fill((np.log2(pick("target", ahead)) - 2.5) / 1.5)
        fill((np.log2(target) - 2.5) / 1.5)
        fill(length / 8 - 1)
        fill(np.log2(np.maximum(length, 0.5) / target))
        fill(sum(WEIGHTS[name] * joined[name] for name in CUT) / CUT_WEIGHT)
        fill(np.stack([joined[name] for name in ("listener", "speech", "beat", "transition")]))
        fill((angles == angle) & ~opening)
        fill(until == np.arange(NEXT)[:, None])
        fill(until < 0)
        fill(np.minimum(np.maximum(until, 0) / 16, 1))
        fill(beat / (BEATS / 2) - 1)
        fill(np.minimum(rest / 8, 2) - 1)
        fill(np.log2(np.maximum(rest, 0.5) / target) / 2)
        np.clip(rows, -OBSERVATION_LIMIT, OBSERVATION_LIMIT, out=rows)
        return np.ascontiguousarray(rows.T)

    def expert_policy(self) -> Callable[..., NDArray]:
        """The exact optimum of what is left of each scene, whatever was cut before: policy(observations,
        deterministic=True) -> actions (N,). It looks into this environment, not at the observations."""
        plan: dict[str, NDArray] = {}

        def policy(observations: NDArray, deterministic: bool = True) -> NDArray:
            if not plan or (self._reel != plan["reel"]).any():
                solved = solve(self.rushes(), CONTROLS[self.controls])
                plan.update(reel=self._reel.copy(), value=solved.value, action=solved.action, opening=solved.opening)
            return self._best(plan["value"], plan["action"], plan["opening"])

        return policy

    def _best(self, value: NDArray, action: NDArray, opening: NDArray) -> NDArray:
        """The best action (N,) of every environment, by the values of all cuts."""
        beat, edit, column = self.elapsed, self._edit, self._column
        angle = edit[ANGLE].astype(np.int64)
        joined = dict(zip(TERMS, edit[JOINED], strict=True))
        steady = sum(WEIGHTS[name] * joined[name] for name in (*CUT, "beat"))
        stay = np.full(self.num_envs, -np.inf)
        total = np.zeros(self.num_envs)
        for end in range(1, BEATS + 1):
            now = np.maximum(end - 1, beat)  # the beat that a shot which ends here adds to one that ends before
            row = angle * BEATS + np.minimum(now, BEATS - 1)
            gain = (
                steady
                + WEIGHTS["shot"] * self.scene["shot"][row, column]
                + WEIGHTS["listener"] * joined["listener"] * self.scene["listener"][row, column]
                + WEIGHTS["speech"] * joined["speech"] * self.scene["heard"][row, column]
                + WEIGHTS["transition"] * joined["transition"]
                * ((now < self.scene["ellipse"][0]) | (edit[START] >= self.scene["ellipse"][0]))
            )  # fmt: skip
            total = np.where(end > beat, total + gain, total)
            length = end - edit[START]
            ends = total + WEIGHTS["rhythm"] * length * pacing.rhythm(np.maximum(length, 0.5), edit[TARGET])
            ends += value[end, angle, column]
            stay = np.where(end > beat, np.maximum(stay, ends), stay)
        length = beat - edit[START]
        cut = WEIGHTS["rhythm"] * length * pacing.rhythm(np.maximum(length, 0.5), edit[TARGET])
        cut = cut + value[beat, angle, column]
        best = np.where(cut > stay, action[np.minimum(beat, BEATS - 1), angle, column], 0)
        return np.where(beat == 0, opening, best)

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> "Take":
        """What one environment has on screen, from its states, first to last: 12 frames per step, one state a still.

        A dissolve shows as a cut."""
        shown = states[1:] or states
        scene = coverage.draw(shown[0]["reel"][index], shown[0]["pace"][index].astype(int))
        beats = np.array([max(int(state["elapsed"][index]) - 1, 0) for state in shown])
        angles = np.array([int(state["edit"][index, ANGLE]) for state in shown])
        frames = coverage.BEAT_FRAMES if len(states) > 1 else 1
        when = (beats[:, None] * coverage.BEAT_FRAMES + np.arange(frames)).ravel()
        return coverage.film(scene, when, np.repeat(angles, frames))


class OneFilmEdit(SingleEnv, task=FilmEdit):
    """One `FilmEdit`, as `gym.make("rlfilm/FilmEdit-v0")` gives it."""


CHUNK = 128
"""Scenes drawn at a time: their tables stay in the cache."""
TOGETHER = 32
"""Scenes solved at a time."""
SCORED = (
    "shot", "listener", "heard", "line", "thirty_degrees", "step", "eyeline", "match_on_action", "word", "beat",
    "target", "ellipse", "speaker", "handover", "subject",
)  # fmt: skip


def actions(shots: Sequence[Shot]) -> NDArray[np.int64]:
    """The action at each beat (B,) that makes these shots.

    >>> actions([Shot(0, 0), Shot(2, 1, LEAD), Shot(3, 2)])[:5].tolist()
    [1, 0, 6, 3, 0]
    """
    taken = np.zeros(BEATS, np.int64)
    for shot in shots:
        taken[shot.start] = 1 + shot.join * len(ANGLES) + shot.angle
    return taken


def advised(observations: NDArray, deterministic: bool = True) -> NDArray[np.int64]:
    """The actions (N,) that the look-ahead among the observations (N, 48) advises, a policy that learned nothing: stay
    where that earns more, else the best cut by the join that suits the sound. It is the row to hold an agent against.

    >>> observations, _ = FilmEdit(3).reset(seed=0)
    >>> advised(observations).shape, bool((advised(observations) > 0).all())  # a scene opens on some angle
    ((3,), True)
    """
    rows = dict(zip(OBSERVATION, observations.T, strict=True))
    angle = np.argmax([rows[f"cut to {angle}"] for angle in ANGLES], axis=0)
    join = np.argmax([rows[join] for join in JOINS], axis=0)
    return np.where(rows["stay"] > 0, 0, 1 + len(ANGLES) * join + angle)


def shots(taken: ArrayLike) -> list[Shot]:
    """The shots that the actions (B,) of an episode make; a cut to the angle on screen is none.

    >>> shots([0, 1, 6, 3, 3])
    [Shot(start=0, angle=0, join=0), Shot(start=2, angle=1, join=1), Shot(start=3, angle=2, join=0)]
    """
    cut: list[Shot] = []
    for beat, action in enumerate(np.asarray(taken).tolist()):
        join, angle = divmod(action - 1, len(ANGLES)) if action else (STRAIGHT, cut[-1].angle if cut else 0)
        if not cut or angle != cut[-1].angle:
            cut.append(Shot(beat, angle, join if cut else STRAIGHT))
    return cut


def _checked(pace: str | None) -> str | None:
    if pace is not None and pace not in pacing.ASL:
        raise unknown("pace", pace, pacing.ASL)
    return pace


def _cut(scene: Scene) -> NDArray:
    """CUT of each pair and beat (7, B, n), weighted, in [0, 1]."""
    fixed = sum(WEIGHTS[name] * getattr(scene, name) for name in ("line", "thirty_degrees", "step"))
    moving = sum(WEIGHTS[name] * getattr(scene, name) for name in ("eyeline", "match_on_action"))
    return (fixed[:, None] + moving) / CUT_WEIGHT


def _content(scene: Scene) -> NDArray:
    """Running sums (A, B + 1, n) of what each angle shows, weighted, in [0, 1] per beat."""
    terms = {"shot": scene.shot, "listener": scene.listener, "speech": scene.heard}
    return _running(np.sum([WEIGHTS[name] * term for name, term in terms.items()], axis=0) / SHOWN)


def _look_ahead(scene: Scene, joins: int) -> tuple[NDArray, NDArray]:
    """What can be earned over the GOING_RATE by a cut and the best SHOTS_AHEAD shots that it begins.

    Returns (A, A, B, n), from an angle to an angle at a beat, and from an angle to itself for a shot that nothing was
    before; and (A, B + 1, n), by the best cut from an angle, 0 at the end. These are so many steps of the dynamic
    program of `solve`, begun from the GOING_RATE, over LENGTHS. Ping-pong counts as if all it halves had been seen."""
    angles, beats, count = scene.shot.shape
    itself = np.eye(angles, dtype=bool)
    lapse = np.arange(beats)[:, None] == scene.ellipse[0]
    elsewhere = lapse & (joins > DISSOLVE)
    volley = (scene.subject[:, None, None] == scene.handover) & (scene.subject[:, None] == scene.speaker) & ~elsewhere
    pair = np.where(itself, len(coverage.PAIRS), PAIR)
    steady = np.where(elsewhere, CUT_WEIGHT, CUT_WEIGHT * _cut(scene)) + WEIGHTS["beat"] * scene.beat
    steady = steady[pair] - np.where(volley, (1 - PING_PONG) * WEIGHTS["listener"], 0)
    steady[itself] = CUT_WEIGHT + WEIGHTS["beat"]
    steady = (steady - GOING_RATE).astype(np.float32)
    word = np.where(elsewhere, 1, scene.word[: min(joins, DISSOLVE)].max(axis=0))
    whole = np.where(lapse & ~elsewhere, coverage.CUT_ON_ELLIPSE, 1)
    seen = _running(WEIGHTS["shot"] * scene.shot + WEIGHTS["listener"] * scene.listener)
    hears = _running(WEIGHTS["speech"] * scene.heard)
    until = scene.ellipse - np.arange(beats)[:, None]
    own = []
    for length in LENGTHS:
        begins = slice(max(beats - length + 1, 0))
        unbroken = np.where(until > 0, np.minimum(length, until), length) * whole
        earned = seen[:, length:] - seen[:, begins] + word[begins] * (hears[:, length:] - hears[:, begins])
        earned += WEIGHTS["transition"] * unbroken[begins]
        earned += WEIGHTS["rhythm"] * length * pacing.rhythm(length, scene.target[begins])
        own.append(earned.astype(np.float32))
    after = np.zeros((angles, beats + 1, count), np.float32)
    for _ in range(SHOTS_AHEAD):
        best = np.full((angles, angles, beats, count), -np.inf, np.float32)
        for length, earned in zip(LENGTHS, own, strict=True):
            begins = slice(max(beats - length + 1, 0))
            total = np.float32(length) * steady[:, :, begins]
            total += earned + after[:, length:]
            np.maximum(best[:, :, begins], total, out=best[:, :, begins])
        after[:, :beats] = np.where(itself[..., None, None], -np.inf, best).max(axis=1)
    return best, after


def _running(rows: NDArray) -> NDArray:
    """Sums (A, B + 1, n) over the first beats of (A, B, n)."""
    sums = np.zeros((rows.shape[0], rows.shape[1] + 1, rows.shape[2]), rows.dtype)
    np.cumsum(rows, axis=1, out=sums[:, 1:])
    return sums


# The exact optimum


class Plan(NamedTuple):
    """The best way on from every place of n scenes with A angles and B beats.

    Values are the sums of rewards of all that follows a shot but its own."""

    value: NDArray  # (B + 1, A, n) after a shot on this angle that ends before this beat
    action: NDArray  # (B, A, n) to leave it with
    end: NDArray  # (B, A, n) of the shot cut to
    score: NDArray  # (n,) of the whole cut
    opening: NDArray  # (n,) action to begin with
    first_end: NDArray  # (n,) of the first shot

    def shots(self, index: int = 0) -> list[Shot]:
        """The best cut of one of the scenes."""
        cut, at = [Shot(0, int(self.opening[index]) - 1)], int(self.first_end[index])
        while at < len(self.action):
            action, end = (int(rows[at, cut[-1].angle, index]) for rows in (self.action, self.end))
            join, angle = divmod(action - 1, len(ANGLES))
            cut.append(Shot(at, angle, join))
            at = end
        return cut


def solve(scene: Scene, joins: int = len(JOINS)) -> Plan:
    """The exact optimum of n scenes by semi-Markov dynamic programming, backwards over the beats.

    scene: with any number of angles A up to 4, and of beats B; joins: how many of JOINS are allowed. The return is a
    sum over shots of a function of the shot's angle, beginning, end and join and of the angle before. So with V(b, p)
    the best that can follow a shot on angle p that ends before beat b,

        V(b, p) = max over angle a, join, end e of  score(p, a, join, b, e) + V(e, a),   V(B, p) = 0,

    in O(B² A²) per scene. Source: Galvane et al., "Continuity editing for 3D animation", AAAI 2015.
    """
    angles, beats, count = scene.shot.shape
    if count > TOGETHER:
        parts = np.split(np.arange(count), range(TOGETHER, count, TOGETHER))
        plans = zip(*(solve(scene.of(part), joins) for part in parts), strict=True)
        return Plan(*(np.concatenate(arrays, axis=-1) for arrays in plans))
    pair = PAIR[:angles, :angles]
    shot, listener, heard = (_running(np.asarray(rows, float)) for rows in (scene.shot, scene.listener, scene.heard))
    going_on = _cut(scene).astype(float) * CUT_WEIGHT
    value = np.zeros((beats + 1, angles, count))
    action, end = np.zeros((2, beats, angles, count), np.int64)
    ellipse, other = scene.ellipse[0], ~np.eye(angles, dtype=bool)[..., None, None]
    opening = first_end = score = np.zeros(count)
    for b in reversed(range(beats)):
        length = np.arange(1, beats - b + 1)[:, None]  # (E, 1)
        seen, reacts, hears = (rows[:, b + 1 :] - rows[:, b : b + 1] for rows in (shot, listener, heard))
        tempo = length * pacing.rhythm(length, scene.target[b])
        unbroken = np.where(ellipse > b, np.minimum(length, ellipse - b), length)  # beats before time is left out
        alone = WEIGHTS["shot"] * seen + WEIGHTS["rhythm"] * tempo + value[b + 1 :].transpose(1, 0, 2)  # (A, E, n)
        if b == 0:
            whole = alone + CUT_WEIGHT * length + WEIGHTS["listener"] * reacts + WEIGHTS["speech"] * hears
            whole += WEIGHTS["beat"] * length + WEIGHTS["transition"] * unbroken
            whole = whole.reshape(-1, count)
            best = whole.argmax(axis=0)
            score, opening, first_end = whole.max(axis=0), 1 + best // beats, 1 + best % beats
            break
        lapse = ellipse == b
        volley = (scene.subject[:, None] == scene.handover[b]) & (scene.subject == scene.speaker[b])  # (p, a, n)
        factor = np.where(volley, PING_PONG, 1.0)[:, :, None]
        accent = WEIGHTS["beat"] * scene.beat[b]
        straight = alone + length * (going_on[pair, b][:, :, None] + accent) + WEIGHTS["listener"] * factor * reacts
        sound = scene.word[: min(joins, 3), b]
        options = [
            straight
            + WEIGHTS["speech"] * sound.max(axis=0) * hears
            + WEIGHTS["transition"] * np.where(lapse, coverage.CUT_ON_ELLIPSE, 1.0) * unbroken
        ]
        if joins > DISSOLVE:
            elsewhere = alone + length * (CUT_WEIGHT + accent) + WEIGHTS["listener"] * reacts
            dissolve = np.where(lapse, elsewhere + WEIGHTS["transition"] * length, straight)
            options.append(dissolve + WEIGHTS["speech"] * scene.word[DISSOLVE, b] * hears)
        every = np.stack([np.where(other, option, -np.inf) for option in options])  # (joins, p, a, E, n)
        every = every.transpose(1, 0, 2, 3, 4).reshape(angles, -1, count)
        best = every.argmax(axis=1)
        value[b] = every.max(axis=1)
        how, rest = np.divmod(best, angles * (beats - b))
        to, lasts = np.divmod(rest, beats - b)
        join = np.where(how == 1, DISSOLVE, sound.argmax(axis=0))
        action[b], end[b] = 1 + join * len(ANGLES) + to, b + 1 + lasts
    return Plan(value, action, end, score, opening, first_end)


def optimum(scene: Scene, joins: int = len(JOINS), index: int = 0) -> tuple[float, list[Shot]]:
    """The highest return that one of the scenes allows, and the shots that earn it.

    >>> scene = coverage.draw(np.array([1], np.uint64), np.array([0]))
    >>> score, cut = optimum(scene)
    >>> round(score, 2), len(cut), cut[1]
    (51.63, 5, Shot(start=6, angle=3, join=0))
    """
    plan = solve(scene.of([index]), joins)
    return float(plan.score[0]), plan.shots()
