"""Coverage: a scene of dialogue shot by four cameras at once on our own stage, as an editor finds it in the morning.

Two people A and B, in some scenes a third C, talk for half a minute around a table. Everything is measured per beat of
half a second: who speaks and where the words end, who reacts, who acts, where everybody looks, and from the geometry of
cameras and people what each angle shows of it, and how each pair of angles cuts together (`film.continuity`).

Arrays have the scenes along their last axis, n; `Scene` says what each holds.
"""

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.batch import DRAWS_PER_EPISODE, between, uniforms
from rlfilm_lib.film import continuity, framing, pacing

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

FPS = 24
BEAT_FRAMES = 12
BEAT_S = BEAT_FRAMES / FPS
BEATS = 60
SECONDS = BEATS * BEAT_S
ANGLES = ("master", "single A", "single B", "fourth")
FOURTH = ("insert", "across the line", "two-shot", "single C")
"""What the fourth camera has: the hands on the table; A or B from beyond the line; A and B from near the master, in
nearly its size; or C, who is only there then."""
PEOPLE = ("A", "B", "C")
PAIRS = tuple(combinations(range(len(ANGLES)), 2))
PAIR = np.full((len(ANGLES), len(ANGLES)), len(PAIRS))
"""Number of a pair of angles, either way round; the last is an angle with itself."""
for _number, (_first, _second) in enumerate(PAIRS):
    PAIR[_first, _second] = PAIR[_second, _first] = _number
NOBODY, NO_HANDOVER = -1, -2
JOINS = ("straight", "lead", "trail", "dissolve")
"""How a cut is made: picture and sound together; the sound first (J cut); the picture first (L cut); a dissolve."""
REACH = 12
"""Frames that the sound may be cut before or after the picture at most."""

# Dialogue.
TURNS = 20
TURN_BEATS = (3, 14)
WORD_SLOT = 6  # frames, each with a gap between words at one of its frames, or none
GAP_CHANCE = 0.7
OFF_WORD = 2.0  # frames inside a word at which a cut is heard in full
SPLIT_COST = 0.15  # of a sound cut 12 frames away from the picture's
REACTION_CHANCE, REACTION_BEATS = 0.7, 3
ACTIONS = 3
ACTION_SHARE = 0.7  # of the attention, that an action takes
REACTION_SHARE = 0.5
ACCENTS = np.array([1.0, 0.2, 0.6, 0.2], np.float32)  # of the beats of a bar
ELLIPSE_CHANCE = 0.5
CUT_ON_ELLIPSE = 0.4  # a straight cut there, where a dissolve is 1
SPREAD = 0.6  # of shot lengths within a scene, over their average; a film's is 1.2

# Pictures. Readability of a face falls by this share per octave of shot size from a medium close-up.
BEST_SIZE, SIZE_FALL = 0.38, 0.3
FRAMING_SHARE = 0.3  # of an angle's quality that is up to its operator
BRIGHTNESS_TOLERANCE, COLOUR_TOLERANCE = 0.5, 20.0  # stops, mired
SILENT_DB = 20.0  # below the nearest microphone, at which a voice counts as not heard
TABLE_HEIGHT, HAND_HEIGHT = 0.74, 0.85
SWAY = 0.07  # m


class Scene(NamedTuple):
    """n scenes: A = 4 angles, B = 60 beats, P = 7 pairs of angles (see PAIR), all float32.

    What the editor is scored on, each in [0, 1]:
    """

    shot: NDArray  # (A, B, n) who speaks or acts is seen, and well framed
    listener: NDArray  # (A, B, n) a reaction is seen; 1 where nobody reacts
    heard: NDArray  # (A, B, n) how near the angle's microphone is to who speaks; 1 in silence
    line: NDArray  # (P, n) both cameras are on one side of the line through A and B
    thirty_degrees: NDArray  # (P, n)
    step: NDArray  # (P, n) brightness and colour go on
    eyeline: NDArray  # (P, B, n)
    match_on_action: NDArray  # (P, B, n)
    word: NDArray  # (4, B, n) of a cut of each of JOINS: the sound is not cut inside a word
    beat: NDArray  # (B, n) accent of the music, or 1 where a line of dialogue ends
    # And
    target: NDArray  # (B, n) beats that a shot which begins here should last, by the brief
    ellipse: NDArray  # (1, n) the beat before which time is left out; B: none
    offset: NDArray  # (4, B, n) frames by which the sound is cut before the picture, below 0: after it
    speaker: NDArray  # (B, n) who has the turn, a number of PEOPLE
    active: NDArray  # (B, n) whether he speaks
    handover: NDArray  # (B, n) where another begins to speak: who spoke before; else NO_HANDOVER
    turn: NDArray  # (B, n) 1 where a turn begins
    reaction: NDArray  # (B, n) who reacts, or NOBODY
    gaze: NDArray  # (3, B, n) at whom each looks; 3: at the table
    action: NDArray  # (B, n) the number of the action going on, or NOBODY
    actor: NDArray  # (ACTIONS, n) who acts
    movement: NDArray  # (ACTIONS, 3, n) its direction, a unit vector
    gaps: NDArray  # (B * 12 / 6, n) frame of its slot at which a word ends, or NOBODY
    subject: NDArray  # (A, n) whom an angle shows alone, or NOBODY
    fourth: NDArray  # (1, n) a number of FOURTH
    pace: NDArray  # (1, n) a number of pacing.ASL
    person: NDArray  # (3, 3, n) m: x, y and top of the head at rest
    sway: NDArray  # (3, B, n) m, along the line
    line_direction: NDArray  # (2, n) unit vector from A to B
    camera: NDArray  # (A, 3, n) m
    pan: NDArray  # (A, n) rad
    tilt: NDArray  # (A, n) rad
    focal_length: NDArray  # (A, n) mm
    exposure: NDArray  # (A, n) stops off
    mired: NDArray  # (A, n) off

    def of(self, index: NDArray | list[int]) -> "Scene":
        """Some of the scenes."""
        return Scene(*(array[..., index] for array in self))


DRAWS = 448


def draw(key: NDArray, paces: NDArray) -> Scene:
    """The scenes of n keys, (n,) uint64; paces: (n,), numbers of pacing.ASL."""
    count = len(key)
    blocks = [uniforms(key, np.full(count, block, np.uint64), DRAWS_PER_EPISODE) for block in range(DRAWS // 64)]
    supply = iter(np.concatenate(blocks).astype(np.float32))

    def take(rows: int) -> NDArray:
        return np.stack([next(supply) for _ in range(rows)])

    fourth = (take(1)[0] * len(FOURTH)).astype(int)
    third = fourth == 3
    speech = _dialogue(take(4 * TURNS + 2), third)
    speaker, active, turn, reaction = speech
    gaps, word, offset = _words(take(BEATS * BEAT_FRAMES // WORD_SLOT), active > 0, speaker)
    action, actor, movement = _actions(take(5 * ACTIONS))
    gaze = _gaze(speaker, turn, action, actor)
    person, direction, sway = _people(take(14))
    camera, pan, tilt, focal_length, subject = _cameras(take(20), person, direction, fourth)
    exposure, mired = 0.35 * (take(4) + take(4) - 1), 16 * (take(4) + take(4) - 1)

    present = np.stack([np.ones(count, bool), np.ones(count, bool), third])
    seen = _Seen(person, present, direction, sway, camera, pan, tilt, focal_length, subject, fourth)
    shot, listener = _shots(seen, speech, action, actor, gaze, present)
    heard = _heard(camera, person, speaker, active)
    line, thirty = _static_pairs(seen)
    eyeline, match = _moving_pairs(seen, gaze, action, actor, movement)
    off = (
        ((exposure[a] - exposure[b]) / BRIGHTNESS_TOLERANCE for a, b in PAIRS),
        ((mired[a] - mired[b]) / COLOUR_TOLERANCE for a, b in PAIRS),
    )
    step = np.exp(-0.5 * sum(np.stack(list(part)) ** 2 for part in off))

    music = ACCENTS[(np.arange(BEATS)[:, None] + (take(1) * 4).astype(int)) % 4]
    ends = np.zeros((BEATS, count), bool)
    ends[1:] = (turn[1:] > 0) | ((active[:-1] > 0) & (active[1:] == 0))
    beat = np.where(ends, 1, music)
    handover = np.full((BEATS, count), NO_HANDOVER)
    handover[1:] = np.where(turn[1:] & (speaker[1:] != speaker[:-1]), speaker[:-1], NO_HANDOVER)
    ellipse = _ellipse(take(2), turn)
    return Scene(*(np.asarray(array, np.float32) for array in (
        shot, listener, heard, _with_itself(line), _with_itself(thirty), _with_itself(step), _with_itself(eyeline),
        _with_itself(match), word, beat, _targets(take(16), paces), ellipse, offset, speaker, active, handover, turn,
        reaction, gaze, action, actor, movement, gaps, subject, fourth[None], paces[None], person, sway, direction,
        camera, pan, tilt, focal_length, exposure, mired,
    )))  # fmt: skip


def _with_itself(pairs: NDArray) -> NDArray:
    """Values of pairs (6, ...) with those of an angle and itself: 1."""
    return np.concatenate([pairs, np.ones_like(pairs[:1])])


# Dialogue


def _dialogue(uniform: NDArray, third: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Speaker, activity, beginnings of turns and who reacts, each (B, n)."""
    length_draw, pause_draw, react_draw, who_draw = uniform[: 4 * TURNS].reshape(4, TURNS, -1)
    shortest, longest = TURN_BEATS
    length = shortest + ((longest - shortest + 1) * length_draw**2).astype(int)
    pause = (3 * pause_draw).astype(int)
    end = np.cumsum(length + pause, axis=0)
    start = end - length - pause
    number = np.arange(TURNS)[:, None]
    speaker = (number + (uniform[-2] < 0.5)) % 2
    speaker = np.where(third & (who_draw < 0.25), 2, speaker)
    reacting = np.where(speaker == 2, number % 2, 1 - speaker)
    reacting = np.where(third & (speaker < 2) & (who_draw > 0.7), 2, reacting)
    reacts_at = start + 2 + (react_draw / REACTION_CHANCE * np.maximum(length - 4, 1)).astype(int)
    reacting = np.where((react_draw < REACTION_CHANCE) & (length >= 5), reacting, NOBODY)

    beat = np.arange(BEATS)[:, None]
    current = np.zeros((BEATS, third.size), int)
    for ended in end:
        current += ended <= beat
    along = np.take_along_axis
    since = beat - along(start, current, 0)
    active = since < along(length, current, 0)
    reaction_for = beat - along(reacts_at, current, 0)
    reaction = np.where((reaction_for >= 0) & (reaction_for < REACTION_BEATS), along(reacting, current, 0), NOBODY)
    return along(speaker, current, 0), active, since == 0, reaction


def _words(uniform: NDArray, active: NDArray, speaker: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Gaps between words (slots, n), and per join the score (4, B, n) and the offset of the sound in frames."""
    count = active.shape[1]
    frame = np.floor(uniform / GAP_CHANCE * WORD_SLOT)
    gaps = np.where(uniform < GAP_CHANCE, frame, np.inf)
    # frames from the beat to the gaps of its own two slots, and from those of the two before it to the beat
    after = np.minimum(gaps[0::2], gaps[1::2] + WORD_SLOT)
    after = np.where(active, after, 0)
    earlier = np.concatenate([np.zeros((2, count)), gaps[:-2]])
    late, early = WORD_SLOT - earlier[1::2], 2 * WORD_SLOT - earlier[0::2]
    before = np.where(np.isfinite(late), late, np.where(np.isfinite(early), early, np.inf))
    before[1:] = np.where(active[:-1], before[1:], 1)
    straight = np.minimum(after, before - 1)  # a gap is one frame wide
    straight[1:] = np.where(speaker[1:] == speaker[:-1], straight[1:], 0)
    straight[0] = 0
    word, offset = np.zeros((4, *active.shape)), np.zeros((4, *active.shape))
    word[0] = np.clip(1 - straight / OFF_WORD, 0, 1)
    word[3] = 1
    for join, frames, sign in ((1, before, 1), (2, after + 1, -1)):
        found = np.isfinite(frames)
        word[join] = np.where(found, 1 - SPLIT_COST * np.minimum(frames, REACH) / REACH, 0)
        offset[join] = sign * np.where(found, frames, REACH)
    return np.where(np.isfinite(gaps), gaps, NOBODY), word, offset


def _actions(uniform: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """The action of each beat (B, n), who does each (ACTIONS, n), and its direction (ACTIONS, 3, n)."""
    when, lasts, who, around, rise = uniform.reshape(5, ACTIONS, -1)
    every = BEATS // ACTIONS
    start = np.arange(ACTIONS)[:, None] * every + 2 + np.floor(when * (every - 6))
    stop = start + 2 + np.floor(lasts * 3)
    beat = np.arange(BEATS)[:, None]
    action = np.full((BEATS, when.shape[1]), NOBODY)
    for number in range(ACTIONS):
        action = np.where((beat >= start[number]) & (beat < stop[number]), number, action)
    around, rise = 2 * np.pi * around, (rise - 0.3) * 1.2
    direction = np.stack([np.cos(around) * np.cos(rise), np.sin(around) * np.cos(rise), np.sin(rise)], axis=1)
    return action, np.floor(2 * who), direction


def _gaze(speaker: NDArray, turn: NDArray, action: NDArray, actor: NDArray) -> NDArray:
    """At whom (3, B, n) each of the three looks: at who speaks; he at his partner; who acts at the table."""
    partner = np.where(speaker == 2, np.cumsum(turn, axis=0) % 2, 1 - speaker)
    acting = np.where(action >= 0, np.take_along_axis(actor, np.maximum(action, 0), 0), NOBODY)
    return np.stack([
        np.where(acting == who, 3, np.where(speaker == who, partner, speaker)) for who in range(len(PEOPLE))
    ])  # fmt: skip


def _ellipse(uniform: NDArray, turn: NDArray) -> NDArray:
    """The beat (1, n) before which time is left out, at the beginning of a turn, or B."""
    allowed = turn.copy()
    allowed[:12] = allowed[-12:] = 0
    pick = np.ceil(uniform[1] * np.maximum(allowed.sum(axis=0), 1))
    at = (np.cumsum(allowed, axis=0) >= pick).argmax(axis=0)
    return np.where((uniform[0] < ELLIPSE_CHANCE) & allowed.any(axis=0), at, BEATS)[None]


def _targets(uniform: NDArray, paces: NDArray) -> NDArray:
    """Beats (B, n) that a shot should last, by where it begins: the lengths that the brief lays end to end."""
    target = np.empty((BEATS, len(paces)))
    beat = np.arange(BEATS)[:, None]
    for number, asl in enumerate(pacing.ASL.values()):
        of_pace = np.flatnonzero(paces == number)
        shots = round(SECONDS / asl)
        lengths = pacing.shot_lengths(uniform[:shots, of_pace], BEATS / shots, shots, SPREAD)
        ends = np.cumsum(lengths, axis=0)
        place = np.zeros((BEATS, len(of_pace)), int)
        for end in ends[:-1]:
            place += end <= beat
        target[:, of_pace] = np.take_along_axis(lengths, place, 0)
    return target


# The stage


def _people(uniform: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """People (3, 3, n), the line's direction (2, n), and sway along it (3, B, n)."""
    turn, half, stands, sides, *tops = uniform[:7]
    turn = np.radians(40 * (turn - 0.5))
    direction = np.stack([np.cos(turn), np.sin(turn)])
    beyond = np.stack([-direction[1], direction[0]])
    middle, half = np.array([[0.0], [2.0]]), between((0.55, 0.8), half)
    place = np.stack([middle - half * direction, middle + half * direction,
                      middle + 0.95 * beyond + (sides - 0.5) * 0.5 * direction])  # fmt: skip
    low = np.where(stands < 0.5, 1.30, framing.STATURE - 0.05)
    top = np.stack([low + 0.05 * tops[0], low + 0.05 * tops[1], 1.66 + 0.08 * tops[2]])
    phase, beats = uniform[7:13].reshape(2, 3, 1, -1), np.arange(BEATS)[:, None]
    sway = SWAY * (0.7 * np.sin(2 * np.pi * (beats / 23 + phase[0])) + 0.3 * np.sin(2 * np.pi * (beats / 9 + phase[1])))
    return np.concatenate([place, top[:, None]], axis=1), direction, sway


def _eyes(person: NDArray) -> NDArray:
    return person - np.array([0, 0, framing.EYES_BELOW_TOP])[:, None]


class _SetUp(NamedTuple):
    """What a camera is for, in n scenes: the point it shows and whom, from which way and how far, how large, and on
    which side of the frame."""

    point: Any  # (3, n) m
    way: Any  # (2, n) unit vector from the point to the camera, on the floor
    distance: Any  # m
    k: Any  # shot size
    side: Any  # -1 left, 1 right
    who: Any


def _cameras(
    uniform: NDArray, person: NDArray, direction: NDArray, fourth: NDArray
) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Places (4, 3, n), pan, tilt, focal length and the single person shown, each (4, n)."""
    eyes, near = _eyes(person), np.stack([direction[1], -direction[0]])
    middle = (eyes[0] + eyes[1]) / 2
    count = len(fourth)

    def off_line(along: float, angle: NDArray, side: float = 1.0) -> NDArray:
        return along * np.cos(angle) * direction + side * np.sin(angle) * near

    bearing = np.radians(24 * (uniform[0] - 0.5))
    master_k, angle = between((1.0, 1.4), uniform[1]), np.radians(between((20, 50), uniform[2:5]))
    swing = np.radians(between((8, 26), uniform[5])) * np.where(uniform[6] < 0.5, 1, -1)
    whom = (uniform[7] * 2).astype(int)
    to_a = whom == 0
    square = np.pi / 2 - bearing
    setups = [
        _SetUp(middle, off_line(1, square), between((3.6, 5.0), uniform[8]), master_k, 0, NOBODY),
        _SetUp(
            eyes[0], off_line(1, angle[0]), between((1.4, 2.2), uniform[9]), between((0.27, 0.5), uniform[10]), -1, 0
        ),
        _SetUp(
            eyes[1], off_line(-1, angle[1]), between((1.4, 2.2), uniform[11]), between((0.27, 0.5), uniform[12]), 1, 1
        ),
    ]
    table = middle.copy()
    table[2] = HAND_HEIGHT
    fourths = [
        _SetUp(table, off_line(1, square + swing), 0.9 + 0 * bearing, 0.24 + 0 * bearing, 0, NOBODY),
        _SetUp(np.where(to_a, eyes[0], eyes[1]), np.where(to_a, off_line(1, angle[2], -1), off_line(-1, angle[2], -1)),
         between((1.4, 2.0), uniform[13]), between((0.27, 0.5), uniform[14]), np.where(to_a, 1, -1), whom),
        _SetUp(middle, off_line(1, square + swing), between((3.2, 4.6), uniform[13]),
         master_k * 2 ** between((-0.5, 0.2), uniform[14]), 0, NOBODY),
        _SetUp(eyes[2], off_line(1, square + 1.5 * swing), between((2.2, 2.8), uniform[13]),
         between((0.27, 0.5), uniform[14]), 0, 2),
    ]  # fmt: skip
    setups.append(_SetUp(*(
        np.choose(fourth, [np.broadcast_to(part, (*np.shape(parts[1])[:-1], count)) for part in parts])
        for parts in zip(*fourths, strict=True)
    )))  # fmt: skip
    rise = np.zeros((4, count))
    rise[0], rise[3] = 0.1, np.where(fourth == 0, 0.55, 0.0)
    camera, pan, tilt, focal_length, subject = [], [], [], [], []
    for (point, way, distance, k, side, who), up in zip(setups, rise, strict=True):
        place = np.concatenate([point[:2] + distance * way, (point[2] + up)[None]])
        f = np.hypot(distance, up) * framing.SUPER_35[1] / (framing.STATURE * k)
        camera.append(place)
        pan.append(np.arctan2(-way[0], -way[1]) - np.arctan(side / 6 * framing.SUPER_35[0] / f))
        high = np.where(up > 0.5, 0.0, 1 / 6)
        tilt.append(np.arctan2(-up, distance) - np.arctan(high * framing.SUPER_35[1] / f))
        focal_length.append(f)
        subject.append(np.broadcast_to(who, (count,)))
    return tuple(np.stack(part) for part in (camera, pan, tilt, focal_length, subject))  # type: ignore[return-value]


class _Seen:
    """What each camera sees of each person: all that follows from the geometry, (A, 3, n) but for those of beats."""

    def __init__(self, person, present, direction, sway, camera, pan, tilt, focal_length, subject, fourth):
        eyes = _eyes(person)
        self.eyes, self.camera, self.subject, self.person = eyes, camera, subject, person
        self.right = np.stack([np.cos(pan), -np.sin(pan), np.zeros_like(pan)], axis=1)  # (A, 3, n)
        flat = np.stack([np.sin(pan), np.cos(pan)], axis=1)
        self.forward = np.concatenate([flat * np.cos(tilt)[:, None], np.sin(tilt)[:, None]], axis=1)
        self.up = np.concatenate([-flat * np.sin(tilt)[:, None], np.cos(tilt)[:, None]], axis=1)
        offset = eyes - camera[:, None]  # (A, 3 people, 3, n)
        depth = np.maximum((offset * self.forward[:, None]).sum(axis=2), framing.NEAREST_DEPTH)
        scale = focal_length[:, None] / depth
        u = (offset * self.right[:, None]).sum(axis=2) * scale / framing.SUPER_35[0] + 0.5
        v = (offset * self.up[:, None]).sum(axis=2) * scale / framing.SUPER_35[1] + 0.5
        margin = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
        ahead = (offset * self.forward[:, None]).sum(axis=2) > framing.NEAREST_DEPTH
        self.k = depth * framing.SUPER_35[1] / focal_length[:, None] / framing.STATURE
        clear = np.clip((margin + 0.02) / 0.06, 0, 1) * ahead * present
        self.read = clear * np.clip(1 - SIZE_FALL * np.abs(np.log2(self.k / BEST_SIZE)), 0, 1)
        self.acts = np.where((fourth == 0) & (np.arange(len(ANGLES)) == 3)[:, None], 1, 0)[:, None] + self.read
        away = np.linalg.norm(offset, axis=2, keepdims=True)
        self.to_camera = -offset / away  # (A, 3, 3, n) unit vectors from the eyes

        # gaze of each person at each of A, B, C and the table: unit vectors (3, 4, 3, n)
        table = (eyes[0] + eyes[1]) / 2
        table[2] = TABLE_HEIGHT
        targets = np.concatenate([eyes, table[None]])
        way = targets - eyes[:, None]
        self.gaze = way / np.maximum(np.linalg.norm(way, axis=2, keepdims=True), 1e-9)
        self.face = 0.5 + 0.5 * (self.to_camera[:, :, None] * self.gaze).sum(axis=3)  # (A, 3, 4, n) frontal: 1

        # the operator: the eyes of the person shown alone sway off the place they should have
        alone = np.maximum(subject, 0).astype(int)
        swing = (self.right[:, :2] * direction).sum(axis=1) * np.take_along_axis(scale, alone[:, None], 1)[:, 0]
        moved = _by_person(sway, alone)
        du = swing[:, None] / framing.SUPER_35[0] * moved * (subject >= 0)[:, None]
        self.framed = np.exp(-0.5 * (du / 0.12) ** 2)  # (A, B, n): framing.thirds, from its place


def _by_person(rows: NDArray, who: NDArray) -> NDArray:
    """rows (3, B, n) of the persons `who` (A, n): (A, B, n)."""
    return np.stack([np.take_along_axis(rows, person[None, None], 0)[0] for person in who])


def _shots(
    seen: _Seen, speech: tuple, action: NDArray, actor: NDArray, gaze: NDArray, present: NDArray
) -> tuple[NDArray, NDArray]:
    """Quality of each angle's picture, and how much of a reaction it shows, (A, B, n) each."""
    speaker, active, _, reaction = speech
    face = np.zeros((len(ANGLES), len(PEOPLE), *speaker.shape), np.float32)
    for target in range(4):
        looks = seen.read * seen.face[:, :, target]
        face += looks[:, :, None] * (gaze == target)
    share = np.empty((len(PEOPLE), *speaker.shape), np.float32)
    alike = present / present.sum(axis=0)
    reacts = np.where(reaction >= 0, REACTION_SHARE, 0)
    for who in range(len(PEOPLE)):
        talks = np.where(active, speaker == who, alike[who])
        share[who] = talks * (1 - reacts) + reacts * (reaction == who)
    picture = (face * share).sum(axis=1)
    acting = np.where(action >= 0, np.take_along_axis(actor, np.maximum(action, 0), 0), NOBODY)
    acts = sum(seen.acts[:, who, None] * (acting == who) for who in range(len(PEOPLE)))
    picture = np.where(action >= 0, (1 - ACTION_SHARE) * picture + ACTION_SHARE * acts, picture)
    shot = picture * (1 - FRAMING_SHARE + FRAMING_SHARE * seen.framed)
    reacting = sum(face[:, who] * (reaction == who) for who in range(len(PEOPLE)))
    return shot, np.where(reaction >= 0, reacting, 1)


def _heard(camera: NDArray, person: NDArray, speaker: NDArray, active: NDArray) -> NDArray:
    """How near the microphone of each angle is to who speaks, (A, B, n): 1 the nearest, 0 from 20 dB below it."""
    distance = np.linalg.norm(_eyes(person) - camera[:, None], axis=2)
    level = np.clip(1 - 20 * np.log10(distance / distance.min(axis=0)) / SILENT_DB, 0, 1)
    heard = np.ones((len(ANGLES), *speaker.shape), np.float32)
    for who in range(len(PEOPLE)):
        heard = np.where(active & (speaker == who), level[:, who, None], heard)
    return heard


def _static_pairs(seen: _Seen) -> tuple[NDArray, NDArray]:
    """The line and the 30° rule for each pair of angles, (6, n)."""
    points = np.moveaxis(seen.camera, 1, -1)
    a, b = np.moveaxis(seen.eyes[:2], 1, -1)
    line = np.stack([continuity.keeps_line(points[i], points[j], a, b) for i, j in PAIRS])
    thirty = np.ones(line.shape)
    eyes = np.moveaxis(seen.eyes, 1, -1)
    for pair, (i, j) in enumerate(PAIRS):
        for who in range(len(PEOPLE)):
            shared = (seen.read[i, who] > 0) & (seen.read[j, who] > 0)
            angle = continuity.viewing_angle(points[i], points[j], eyes[who])
            kept = continuity.thirty_degrees(angle, seen.k[i, who], seen.k[j, who])
            thirty[pair] = np.where(shared, np.minimum(thirty[pair], kept), thirty[pair])
    return line, thirty


def _moving_pairs(
    seen: _Seen, gaze: NDArray, action: NDArray, actor: NDArray, movement: NDArray
) -> tuple[NDArray, NDArray]:
    """Eyeline and match on action for each pair of angles and beat, (6, B, n)."""
    shape = (len(PAIRS), *action.shape)
    # the gaze of the person shown alone: across the picture, and its pitch
    across, pitch = np.zeros((2, len(ANGLES), *action.shape))
    for angle in range(len(ANGLES)):
        who = np.maximum(seen.subject[angle], 0).astype(int)
        looks = np.take_along_axis(gaze, who[None, None], 0)[0]
        for target in range(4):
            way = np.take_along_axis(seen.gaze[:, target], who[None, None], 0)[0]  # (3, n)
            at = looks == target
            across[angle] = np.where(at, (way * seen.right[angle]).sum(axis=0), across[angle])
            pitch[angle] = np.where(at, np.arcsin(np.clip(way[2], -1, 1)), pitch[angle])
    # where two people look at each other
    velocity = np.stack([
        (movement[:, None] * axes).sum(axis=2) for axes in (seen.right, seen.up)
    ], axis=-1)  # (ACTIONS, A, n, 2)  # fmt: skip
    eyeline, match = np.ones(shape), np.ones(shape)
    for pair, (i, j) in enumerate(PAIRS):
        reverse = (seen.subject[i] >= 0) & (seen.subject[j] >= 0) & (seen.subject[i] != seen.subject[j])
        eyeline[pair] = np.where(reverse, continuity.eyeline(across[i], across[j], pitch[i], pitch[j]), 1)
        for number in range(ACTIONS):
            who = actor[number].astype(int)[None]
            both = (np.take_along_axis(seen.acts[i], who, 0)[0] > 0.1) & (
                np.take_along_axis(seen.acts[j], who, 0)[0] > 0.1
            )
            matches = continuity.match_on_action(velocity[number, i], velocity[number, j])
            match[pair] = np.where((action == number) & both, matches, match[pair])
    return eyeline, match


# What is filmed

LIGHT_POSITION = np.array([[-2.6, -1.2, 3.0], [2.8, -0.8, 2.4], [0.6, 4.6, 3.0]])
LIGHT_STOPS, LIGHT_KELVIN = np.array([0.6, -0.9, 0.2]), np.array([5200.0, 6000.0, 4600.0])
LATER_STOPS, LATER_MIRED = -0.8, 45.0  # of the light after an ellipse: it is evening
JACKETS = ((0.37, 0.115, 0.045), (0.06, 0.16, 0.30), (0.13, 0.22, 0.09))
HAIRS = ((0.050, 0.030, 0.020), (0.24, 0.13, 0.05), (0.12, 0.11, 0.11))
TABLE_ALBEDO, CUP_ALBEDO = (0.20, 0.11, 0.055), (0.55, 0.52, 0.46)
JAW_DROP, GESTURE = 0.012, 0.22  # m


def film(scene: Scene, frames: NDArray, angles: NDArray) -> "Take":
    """Frames (F,) of the first of the scenes, counted from its beginning, each as the angle (F,) has it."""
    from rlfilm_lib.stage import figure
    from rlfilm_lib.stage.take import Take

    frames, angles = np.asarray(frames), np.asarray(angles)
    beat = np.minimum(frames // BEAT_FRAMES, BEATS - 1)
    place = np.minimum(frames / BEAT_FRAMES, BEATS - 1)
    later = frames >= scene.ellipse[0, 0] * BEAT_FRAMES
    person, direction = scene.person[..., 0].astype(float), scene.line_direction[:, 0].astype(float)
    talks = mouths(scene)
    bodies = []
    for who in range(2 + int(scene.fourth[0, 0] == 3)):
        sway = np.interp(place, np.arange(BEATS), scene.sway[who, :, 0])
        position = person[who, :2] + sway[:, None] * direction
        toward = np.where(scene.gaze[who, :, 0] == 3, np.nan, scene.gaze[who, :, 0])
        known = np.flatnonzero(np.isfinite(toward))
        toward = toward[known[np.maximum(np.searchsorted(known, np.arange(BEATS), side="right") - 1, 0)]].astype(int)
        way = person[toward, :2] - person[who, :2]
        turned = np.repeat(np.unwrap(np.arctan2(way[:, 0], -way[:, 1])), BEAT_FRAMES)
        turned = np.convolve(np.pad(turned, 6, mode="edge"), np.ones(13) / 13, mode="valid")
        start, end = figure.figure(position, np.full(len(frames), person[who, 2]), turned[frames])
        jaw = -JAW_DROP * talks[frames] * (scene.speaker[beat, 0] == who)
        for name in ("chin", "left lip", "right lip"):
            for side in (start, end):
                side[:, figure.NAMES.index(name), 2] += jaw
        moved = _gestures(scene, who)[frames]
        for name, sides in (("right forearm", [end]), ("right hand", [start, end]), ("right thumb", [start, end])):
            for side in sides:
                side[:, figure.NAMES.index(name)] += moved
        albedo = figure.ALBEDO.copy()
        albedo[(albedo == figure.JACKET).all(axis=1)] = JACKETS[who]
        albedo[(albedo == figure.HAIR).all(axis=1)] = HAIRS[who]
        seated = person[who, 2] < 1.5
        parts = [part for part, name in enumerate(figure.NAMES) if seated or not name.startswith("stool")]
        names = [f"{PEOPLE[who]} {figure.NAMES[part]}" for part in parts]
        bodies.append((start[:, parts], end[:, parts], figure.RADIUS[parts], albedo[parts], names))
    bodies.append(_table(person, direction, len(frames)))
    start, end, radius, albedo, names = zip(*bodies, strict=True)

    camera = scene.camera[angles, :, 0].astype(float)
    focal_length = scene.focal_length[angles, 0].astype(float)
    subject = np.maximum(scene.subject[angles, 0].astype(int), 0)
    to_subject = np.linalg.norm(_eyes(person[..., None])[subject, :, 0] - camera, axis=1)
    mired = scene.mired[angles, 0] + LATER_MIRED * later
    count = len(frames)
    return Take(
        fps=FPS,
        camera_position=camera,
        camera_rotation=framing.aim(scene.pan[angles, 0].astype(float), scene.tilt[angles, 0].astype(float)),
        focal_length=focal_length,
        f_stop=np.full(count, 4.0),
        focus_distance=to_subject,
        exposure=scene.exposure[angles, 0].astype(float),
        light_position=np.tile(LIGHT_POSITION, (count, 1, 1)),
        light_stops=LIGHT_STOPS + LATER_STOPS * later[:, None],
        light_kelvin=1e6 / (1e6 / LIGHT_KELVIN + mired[:, None]),
        capsule_start=np.concatenate(start, axis=1),
        capsule_end=np.concatenate(end, axis=1),
        capsule_radius=np.concatenate(radius),
        capsule_albedo=np.concatenate(albedo),
        capsule_name=tuple(name for part in names for name in part),
        backdrop=6.0,
    )


def words(scene: Scene) -> list[tuple[int, int, int]]:
    """The words of the first of the scenes: who speaks, first frame, and the frame after its last."""
    spoken = []
    active, speaker, gaps = scene.active[:, 0] > 0, scene.speaker[:, 0].astype(int), scene.gaps[:, 0]
    begun = None
    for frame in range(BEATS * BEAT_FRAMES + 1):
        beat, slot = frame // BEAT_FRAMES, frame // WORD_SLOT
        over = beat >= BEATS or not active[beat]
        if begun is not None:
            who, first = begun
            if over or speaker[beat] != who or frame % WORD_SLOT == gaps[slot]:
                if frame > first:
                    spoken.append((who, first, frame))
                begun = None
        if not over and begun is None:
            begun = (speaker[beat], frame + (frame % WORD_SLOT == gaps[slot]))
    return spoken


def mouths(scene: Scene) -> NDArray[np.float64]:
    """How far the mouth of who speaks is open in each frame (F,), 0 to 1."""
    opened = np.zeros(BEATS * BEAT_FRAMES)
    for _, first, end in words(scene):
        syllables = max(1, round((end - first) / 5))
        opened[first:end] = np.sin(np.pi * syllables * (np.arange(end - first) + 0.5) / (end - first)) ** 2
    return opened


def _gestures(scene: Scene, who: int) -> NDArray:
    """Where the right hand of a person is off its rest in each frame (F, 3), m."""
    moved = np.zeros((BEATS * BEAT_FRAMES, 3))
    for number in range(ACTIONS):
        beats = np.flatnonzero(scene.action[:, 0] == number)
        if scene.actor[number, 0] == who and len(beats):
            span = np.arange(beats[0] * BEAT_FRAMES, (beats[-1] + 1) * BEAT_FRAMES)
            out = np.sin(np.pi * (np.arange(len(span)) + 0.5) / len(span)) ** 2
            moved[span] = GESTURE * out[:, None] * scene.movement[number, :, 0]
    return moved


def _table(person: NDArray, direction: NDArray, frames: int) -> tuple[NDArray, NDArray, NDArray, NDArray, list[str]]:
    """A small table between A and B with a cup, as capsules."""
    middle, beyond = (person[0, :2] + person[1, :2]) / 2, np.array([-direction[1], direction[0]])
    across = np.linspace(-0.22, 0.22, 9)
    half = np.sqrt(0.26**2 - across**2)
    top = [
        (middle + a * beyond - h * direction, middle + a * beyond + h * direction)
        for a, h in zip(across, half, strict=True)
    ]
    start = [[*a, TABLE_HEIGHT - 0.03] for a, _ in top] + [[*middle, TABLE_HEIGHT - 0.05], [*middle + 0.05, 0.775]]
    end = [[*b, TABLE_HEIGHT - 0.03] for _, b in top] + [[*middle, 0.02], [*middle + 0.05, 0.805]]
    radius = np.array([0.03] * len(top) + [0.03, 0.028])
    albedo = np.array([TABLE_ALBEDO] * (len(top) + 1) + [CUP_ALBEDO])
    names = [*(f"table {i}" for i in range(len(top))), "table leg", "cup"]
    foot, head = (np.tile(np.array(ends, float), (frames, 1, 1)) for ends in (start, end))
    return foot, head, radius, albedo, names
