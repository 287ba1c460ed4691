"""Cutting real footage to a length: which pieces to keep, in order, and what to do to them. See `FootageEdit`."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlfilm_lib.envs.batch import BatchEnv
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.film import framing, pacing
from rlfilm_lib.media.footage import Footage, embed
from rlfilm_lib.rl.streams import Purpose, stream

PIECES_PER_SHOT = 6
"""A shot of the pace's average length is made of so many pieces."""
MOST_PIECES, MOST_SAMPLES = 2000, 1500
"""Longer footage is divided more coarsely."""
FAR_S = 10.0
"""Pictures further apart than this count as fully different (Zhou et al. 2018: 20 pictures at 2 fps)."""
BEAT_S = 0.06
"""Of a cut from the nearest beat, at which `beat` has fallen to exp(-1/2)."""
JUMP = 0.25
"""Two pictures of one shot that differ by this (1 - cosine) can be cut together."""
DULL_MOTION = 0.01
"""Change of luma over 1/8 s below which a passage is better run through."""
ZOOM = 1.2
"""How far a reframed shot is enlarged."""
SOFTENED = 0.9
"""What that costs in sharpness."""
PLACE_TOLERANCE = 0.2
GRADE_STOPS = 0.5
"""Step of colour and brightness across a cut at which `grade` has fallen to exp(-1/2)."""
LARGEST_POWER = 1.35
"""Of a grade, and one over it the smallest. A power, unlike a slope, clips no highlight."""
RAMP_THRESHOLD = 1.0
HARMONICS, COMPONENTS = 4, 6
"""Of the position in the footage, and of the embedding, that a policy sees."""

KEEP, RAMP, REFRAME, GRADE = range(4)
KEPT, RAMPED, REFRAMED, GRADED = 1, 2, 4, 8
"""Bits of a decision."""
OBSERVATION = (
    "progress", "left", "slack", "must keep", "in a shot", "length", "rhythm if cut", "rhythm if kept", "new shot",
    "beat", "speech at the cut", "speech before it", "difference from the kept", "coverage gained", "jump cut",
    "motion", "sharpness", "loudness", "speech", "dullness", "gain of reframing", "colour step", "graded colour step",
    "reframed", "graded", "ramped",
    *(f"embedding {n}" for n in range(1, COMPONENTS + 1)),
    *(f"{wave} {n}" for n in range(1, HARMONICS + 1) for wave in ("sine", "cosine")),
)  # fmt: skip
SHOT = ("frames", "number", "beat", "speech", "jump_cut", "grade", "reframed", "graded", "ramped", "last")
"""What is known of the shot being made: frames so far, how many came before, what its beginning earned, its effects
(of its last piece), and the last piece kept, -1 before the first."""
FRAMES, NUMBER, BEAT, SPEECH, JUMP_CUT, STEP, IS_REFRAMED, IS_GRADED, IS_RAMPED, LAST = range(len(SHOT))
TERMS = (
    "diversity", "representativeness", "rhythm", "beat", "speech", "jump_cut", "speed_ramp", "reframe", "grade",
)  # fmt: skip


@dataclass(frozen=True)
class Pieces:
    """Footage in P pieces, in order; cuts are made between them. T pictures of it are embedded.

    | field    | shape  | meaning                                                                    |
    |----------|--------|----------------------------------------------------------------------------|
    | source   | (P,)   | number of its file                                                         |
    | shot     | (P,)   | number of its shot, over all files                                         |
    | start    | (P,)   | its first frame, in the file                                               |
    | frames   | (P,)   | its length                                                                 |
    | vectors  | (T, D) | embeddings, unit vectors                                                   |
    | piece_of | (T,)   | the piece that each embedded picture belongs to                            |
    | seconds  | (T,)   | when it is, from the beginning of all footage                              |
    | colour   | (P, 3) | log2 of mean red, green, blue                                              |
    | power    | (P, 3) | powers of an ASC CDL that bring its shot to the footage's middle            |
    | place    | (P, 2) | how well the point of interest is placed: as it is, and reframed           |
    | crop     | (P, 2) | left and lower edge of the reframed picture, in shares of the whole         |
    | motion, sharpness, loudness, speech | (P,) | means                                              |
    | voiced   | (P, 2) | speech at its first frame and at the first frame after it, 0 to 1          |
    | beat     | (P,)   | how near its first frame is to an onset, 0 to 1                            |
    """

    fps: float
    source: NDArray
    shot: NDArray
    start: NDArray
    frames: NDArray
    vectors: NDArray
    piece_of: NDArray
    seconds: NDArray
    colour: NDArray
    power: NDArray
    place: NDArray
    crop: NDArray
    motion: NDArray
    sharpness: NDArray
    loudness: NDArray
    speech: NDArray
    voiced: NDArray
    beat: NDArray

    def __len__(self) -> int:
        return len(self.frames)


def divide(footage: Sequence[Footage], fps: float, asl: float) -> Pieces:
    """Divide footage into pieces of about asl / 6 seconds, each within one shot, that begin where a cut is good.

    That is at an onset of the sound, and not inside a word, as far as one is within a third of a piece.
    """
    total = sum(each.frames for each in footage)
    step = max(asl * fps / PIECES_PER_SHOT, total / MOST_PIECES)
    rows: dict[str, list] = {
        name: [] for name in ("source", "shot", "start", "frames", "voiced", "beat", "place", "crop")
    }
    means: dict[str, list] = {name: [] for name in ("colour", "motion", "sharpness", "loudness", "speech")}
    shots, grades, piece_of, seconds, kept, before = 0, [], [], [], [], 0
    every = math.ceil(sum(len(each.sampled) for each in footage) / MOST_SAMPLES)
    for number, each in enumerate(footage):
        near = _near_onset(np.arange(each.frames + 1), each.onsets, fps)
        voiced = np.append(each.voiced, 0)
        edges_of_file: list[int] = []
        for first, end in itertools.pairwise([*each.shots.tolist(), each.frames]):
            edges = _edges(first, end, step, near - voiced)
            inside = (each.sampled >= first) & (each.sampled < end)
            crop = _crop(np.median(each.interest[inside], axis=0) if inside.any() else np.array([0.5, 0.5]))
            for low, high in itertools.pairwise(edges):
                rows["source"].append(number)
                rows["shot"].append(shots)
                rows["start"].append(low)
                rows["frames"].append(high - low)
                rows["voiced"].append((voiced[low], voiced[high]))
                rows["beat"].append(near[low])
                eye = each.interest[np.abs(each.sampled - (low + high) / 2).argmin()]
                rows["place"].append((_placed(eye), SOFTENED * _placed((eye - crop) * ZOOM)))
                rows["crop"].append(crop)
                for name, values in means.items():
                    values.append(getattr(each, name)[low:high].mean(axis=0))
            grades += [np.clip(each.colour[first:end].mean(axis=0), 1 / 255, 0.98)] * (len(edges) - 1)
            edges_of_file += edges[:-1]
            shots += 1
        chosen = slice(None, None, every)
        offset = len(rows["source"]) - len(edges_of_file)
        piece_of.append(offset + np.searchsorted(edges_of_file, each.sampled[chosen], side="right") - 1)
        seconds.append((before + each.sampled[chosen]) / fps)
        kept.append(each.features[chosen])
        before += each.frames
    arrays = {name: np.array(values) for name, values in (rows | means).items()}
    of_shots = np.array(grades)
    middle = np.exp2(np.median(np.log2(of_shots), axis=0))
    return Pieces(
        fps=fps,
        **arrays | {"colour": np.log2(np.maximum(arrays["colour"], 1 / 255))},
        vectors=embed(np.concatenate(kept)),
        piece_of=np.concatenate(piece_of),
        seconds=np.concatenate(seconds),
        power=np.clip(np.log(middle) / np.log(of_shots), 1 / LARGEST_POWER, LARGEST_POWER),
    )


def _edges(first: int, end: int, step: float, good: NDArray) -> list[int]:
    """Frames from `first` to `end` about `step` apart, each the best within a third of it by good (F + 1,)."""
    count = max(1, round((end - first) / step))
    grid = np.linspace(first, end, count + 1)
    reach = int((end - first) / count / 3)
    edges = [first]
    for middle in grid[1:-1].round().astype(int):
        around = np.arange(middle - reach, middle + reach + 1)
        edges.append(int(around[(good[around] - 0.1 * np.abs(around - middle) / max(reach, 1)).argmax()]))
    return [*edges, end]


def _near_onset(frames: NDArray, onsets: NDArray, fps: float) -> NDArray:
    """exp(-½ (distance to the nearest onset / 0.06 s)²) of each frame; 0 where there is none."""
    if not len(onsets):
        return np.zeros(len(frames))
    after = np.searchsorted(onsets, frames)
    distance = np.minimum(
        np.abs(frames - onsets[np.minimum(after, len(onsets) - 1)]), np.abs(frames - onsets[np.maximum(after - 1, 0)])
    )
    return np.exp(-0.5 * (distance / fps / BEAT_S) ** 2)


def _placed(eye: NDArray) -> float:
    """How well a point (u, v) lies on the upper third."""
    return float(max(framing.thirds(eye[0], eye[1], side, PLACE_TOLERANCE) for side in (-1, 1)))


def _crop(eye: NDArray) -> NDArray:
    """Left and lower edge of the enlarged picture that puts a point on the nearer upper third, as far as it can."""
    side = 1 if eye[0] > 0.5 else -1
    return np.clip(eye - np.array([0.5 + side / 6, 2 / 3]) / ZOOM, 0, 1 - 1 / ZOOM)


def run_through(frames: ArrayLike, eased: ArrayLike) -> NDArray:
    """Frames on screen of pieces of so many frames that are run through: two thirds where a ramp begins, then half.

    >>> run_through(np.array([24, 25]), np.array([True, False])).tolist()
    [16, 12]
    """
    return np.maximum(np.where(eased, np.multiply(frames, 2) // 3, np.floor_divide(frames, 2)), 1)


@dataclass(frozen=True)
class Shot:
    """A shot of a finished cut: pieces of one shot of the footage without a gap.

    parts: stretches of one speed, (first frame in the file, frames on screen, speed); terms: what it earned, each in
    [0, 1]; record: its first frame in the cut; frames: on screen; first, last: of its pieces.
    """

    source: int
    first: int
    last: int
    record: int
    frames: int
    parts: tuple[tuple[int, int, float], ...]
    reframed: bool
    graded: bool
    terms: dict[str, float]


class FootageEdit(BatchEnv):
    """Cut footage to a length: go through its pieces in order, keep some, and reframe, grade or run through them.

    The cut is exactly `budget` frames long: skipping is impossible once all that is left is needed, and the last piece
    kept is trimmed. The episode ends when the cut is full. All episodes begin alike, with nothing kept.

    **Actions** (4,), on where above a threshold: *keep* this piece; *ramp*, run through it (1.5 times as fast where
    that begins, then twice, until a piece that is not); and, where it opens a shot, *reframe* that (enlarge it by 1.2,
    so that the eye rests on a third) and *grade* it (towards the colours of the whole). The threshold of keep is such
    that standard normal actions, as an untrained policy takes them, open shots as often as the budget allows and keep
    them as long as the pace asks; that of ramp is 1, of the others 0.

    **Observation** (40,) float32, see OBSERVATION: what this piece is like, what keeping it or cutting here would earn,
    the cut so far, and where in the footage this is.

    **Reward** = Σ weight · term. Terms are earned as shots end (`speed_ramp` and `reframe` piece by piece), in the
    share of the cut that they fill, and the first two when the cut is full, so that over an episode each is in [0, 1]:

    | term               | value                                                                                  |
    |--------------------|----------------------------------------------------------------------------------------|
    | diversity          | R_div of Zhou et al. 2018: over pairs of kept pictures 1 - cosine, 1 if over 10 s apart |
    | representativeness | their R_rep: exp(-mean squared distance of every picture to the nearest kept one)      |
    | rhythm             | `pacing.rhythm` of the shot's length and the one wanted next, see `wanted`             |
    | beat               | exp(-½ (distance of the cut from an onset / 0.06 s)²): of the music, else of the shot  |
    | speech             | (1 - speech cut at the shot's beginning) · (1 - speech cut at its end)                 |
    | jump_cut           | (1 - cosine) / 0.25 of the pictures at a cut within one shot of the footage, else 1    |
    | speed_ramp         | dullness where run through, 1 - dullness elsewhere; dull: no motion and no speech      |
    | reframe            | point of interest on an upper third, less a tenth where enlarged                       |
    | grade              | exp(-½ (step of log2 colour across the cut / 0.5)²)                                    |

    R_div and R_rep have the form of the released program. `weights` says which terms count, and how much.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {"render_modes": []}
    weights: ClassVar[dict[str, float]] = dict.fromkeys(TERMS, 1.0)
    draws = 1

    def __init__(
        self,
        pieces: Pieces,
        budget: int,
        pace: str = "medium",
        num_envs: int = 1,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
        beats: NDArray | None = None,
    ) -> None:
        """budget: frames of the cut; seed: of the shot lengths wanted; beats: onsets of music, in frames of the cut."""
        if pace not in pacing.ASL:
            raise unknown("pace", pace, pacing.ASL)
        available = int(pieces.frames.sum())
        if not 1 <= budget <= available:
            raise UserError(f"a cut of {budget} frames cannot be made of {available}: give 1 to {available}")
        self.pieces, self.budget = pieces, budget
        self.weights = {name: float((weights or self.weights).get(name, 0)) for name in TERMS}  # type: ignore[misc]
        self.episode_steps = len(pieces)  # type: ignore[misc]
        seconds = budget / pieces.fps
        count = math.ceil(seconds / pacing.ASL[pace])
        self.wanted = pacing.shot_lengths(stream(seed, 0, Purpose.ENVIRONMENT), seconds / count, count)
        """(n,) seconds that the shots should last, one after the other; together as long as the cut."""
        share, stop = budget / available, 1 / PIECES_PER_SHOT
        opening = min(stop * share / max(1 - share, 1e-3), 0.9)
        normal = NormalDist()
        self._thresholds = np.array([normal.inv_cdf(1 - opening), normal.inv_cdf(stop)])
        """Of keep, outside a shot and within one."""
        super().__init__(
            num_envs,
            gym.spaces.Box(-np.inf, np.inf, (len(OBSERVATION),), np.float32),
            gym.spaces.Box(-4.0, 4.0, (4,), np.float32),
        )
        self._measure(beats)
        samples = len(pieces.vectors)
        self._at, self._left = np.zeros((1, num_envs), np.int64), np.zeros((1, num_envs), np.int64)
        self._decisions = np.zeros((len(pieces), num_envs), np.int8)
        self._kept, self._nearest = np.zeros((2, samples, num_envs), np.float32)
        self._pairs = np.zeros((1, num_envs))
        self._shot = np.zeros((len(SHOT), num_envs))
        self.scene = {
            "at": self._at,  # the piece to decide on
            "left": self._left,  # frames until the cut is full
            "decisions": self._decisions,  # bits KEPT, RAMPED, REFRAMED, GRADED of each piece
            "kept": self._kept,  # 1 for each embedded picture that is kept
            "nearest": self._nearest,  # squared distance of each to the nearest kept one
            "pairs": self._pairs,  # sum of the difference over all pairs of kept pictures
            "shot": self._shot,  # see SHOT
        }

    def _measure(self, beats: NDArray | None) -> None:
        """What follows from the pieces alone, looked up at every step."""
        pieces = self.pieces
        cosine = pieces.vectors @ pieces.vectors.T
        apart = np.abs(pieces.seconds[:, None] - pieces.seconds) > FAR_S
        self._difference = np.where(apart, 1.0, np.clip(1 - cosine, 0, 1)).astype(np.float32)
        np.fill_diagonal(self._difference, 0)
        self._distance = np.maximum(2 - 2 * cosine, 0).astype(np.float32)
        """Of the embedded pictures, (T, T) each; of unit vectors the squared distance is 2 - 2 cosine."""
        count = len(pieces)
        self._members = (pieces.piece_of[None] == np.arange(count)[:, None]).astype(np.float32)
        self._piece_difference = self._members @ self._difference
        self._inner_pairs = (self._piece_difference * self._members).sum(axis=1) / 2
        self._piece_distance = np.full_like(self._members, 4)
        np.minimum.at(self._piece_distance, pieces.piece_of, self._distance)
        middles = np.array([np.abs(pieces.piece_of - piece).argmin() for piece in range(count)])
        self._vectors = pieces.vectors[middles]
        self._suffix = np.append(pieces.frames[::-1].cumsum()[::-1], 0)
        """Frames from each piece to the end."""
        self._dull = np.exp(-pieces.motion / DULL_MOTION * math.log(2)) * (1 - pieces.speech)
        follows = (np.diff(pieces.source) == 0) & (pieces.start[1:] == pieces.start[:-1] + pieces.frames[:-1])
        self._follows = np.append(False, follows)
        self._beats = None if beats is None else _near_onset(np.arange(self.budget + 1), beats, pieces.fps)
        if self._beats is not None:
            self._beats[0] = 1  # where the music begins
        self._graded = pieces.colour[None] * np.stack([np.ones_like(pieces.power), pieces.power])
        """log2 colour of each piece, as it is and graded, (2, P, 3)."""
        place = np.arange(count) / count * 2 * np.pi
        waves = [wave(n * place) for n in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
        ranks = [values.argsort().argsort() / count for values in (pieces.motion, pieces.sharpness, pieces.loudness)]
        embedding = self._vectors[:, :COMPONENTS].T
        embedding = np.pad(embedding, ((0, COMPONENTS - len(embedding)), (0, 0)))
        gain = pieces.place[:, 1] - pieces.place[:, 0]
        self._fixed = np.array([*ranks, pieces.speech, self._dull, gain]), np.array([*embedding, *waves])

    # The episode

    def _begin(self, index: NDArray | slice, uniform: NDArray, options: dict[str, Any]) -> None:
        self._at[:, index], self._left[:, index] = 0, self.budget
        for array in (self._decisions, self._kept, self._pairs, self._shot):
            array[:, index] = 0
        self._nearest[:, index] = 4
        self._shot[LAST, index] = -1

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        pieces, shot, left = self.pieces, self._shot, self._left[0]
        playing = left > 0
        at = np.minimum(self._at[0], len(pieces) - 1)
        wants = np.asarray(actions, float).T
        within = shot[FRAMES] > 0
        same_shot = within & (pieces.shot[at] == pieces.shot[at - 1])
        keep = playing & ((wants[KEEP] > self._thresholds[within.astype(int)]) | (self._suffix[at + 1] < left))
        terms = np.zeros((len(TERMS), self.num_envs))

        joined = keep & within & self._follows[at]
        self._close(playing & within & ~(keep & same_shot), np.where(joined, 0, pieces.voiced[at - 1, 1]), terms)
        self._open(keep & ~same_shot, at, wants, joined)

        run = run_through(pieces.frames[at], shot[IS_RAMPED] == 0)
        ramped = keep & (wants[RAMP] > RAMP_THRESHOLD) & (run <= left) & (self._suffix[at + 1] >= left - run)
        shown = np.where(keep, np.where(ramped, run, np.minimum(pieces.frames[at], left)), 0)
        shot[IS_RAMPED] = ramped
        reframed, graded = shot[IS_REFRAMED].astype(int), shot[IS_GRADED].astype(int)
        share = shown / self.budget
        terms[6] = share * np.where(ramped, self._dull[at], 1 - self._dull[at])
        terms[7] = share * pieces.place[at, reframed]
        decision = keep * (KEPT + RAMPED * ramped + REFRAMED * reframed + GRADED * graded)
        self._decisions[at[playing], np.flatnonzero(playing)] = decision[playing]
        self._pairs[0] += keep * (self._inner_pairs[at] + (self._piece_difference[at].T * self._kept).sum(axis=0))
        np.maximum(self._kept, self._members[at].T * keep, out=self._kept)
        np.minimum(self._nearest, np.where(keep, self._piece_distance[at].T, 4), out=self._nearest)
        shot[FRAMES] += shown
        shot[LAST] = np.where(keep, at, shot[LAST])
        left -= shown
        self._at[0] += playing

        full = playing & (left == 0)
        self._close(full, pieces.voiced[at, 1], terms)
        count = self._kept.sum(axis=0)
        terms[0] = full * 2 * self._pairs[0] / np.maximum(count * (count - 1), 1)
        terms[1] = full * np.exp(-self._nearest.mean(axis=0))
        return self._observe(), terms, full

    def _close(self, ends: NDArray, cut_speech: NDArray, terms: NDArray) -> None:
        """End the shots of the environments where `ends`, and add what they earn to the terms (9, N)."""
        shot = self._shot
        share = ends * shot[FRAMES] / self.budget
        wanted = self.wanted[np.minimum(shot[NUMBER].astype(int), len(self.wanted) - 1)]
        length = np.maximum(shot[FRAMES], 1) / self.pieces.fps
        terms[2] += share * pacing.rhythm(length, wanted)
        terms[3] += share * shot[BEAT]
        terms[4] += share * (1 - shot[SPEECH]) * (1 - cut_speech)
        terms[5] += share * shot[JUMP_CUT]
        terms[8] += share * shot[STEP]
        shot[NUMBER] += ends
        shot[FRAMES] *= ~ends

    def _open(self, begins: NDArray, at: NDArray, wants: NDArray, joined: NDArray) -> None:
        """Begin shots with the pieces `at` in the environments where `begins`."""
        shot, last = self._shot, self._shot[LAST].astype(int)
        graded = wants[GRADE] > 0
        opened = np.zeros_like(shot)
        opened[BEAT] = self._on_beat(at)
        opened[SPEECH] = np.where(joined, 0, self.pieces.voiced[at, 0])
        opened[JUMP_CUT] = self._jump(at)
        step = self._graded[graded.astype(int), at] - self._graded[shot[IS_GRADED].astype(int), last]
        opened[STEP] = np.where(last < 0, 1, _smooth(step))
        opened[IS_REFRAMED], opened[IS_GRADED] = wants[REFRAME] > 0, graded
        rows = slice(BEAT, LAST)  # the effects, too; without a ramp so far
        shot[rows] = np.where(begins, opened[rows], shot[rows])

    def _on_beat(self, at: NDArray) -> NDArray:
        """How near to a beat a cut to the pieces `at` would be, (N,)."""
        return self.pieces.beat[at] if self._beats is None else self._beats[self.budget - self._left[0]]

    def _jump(self, at: NDArray) -> NDArray:
        """How well the pieces `at` can be cut to the last kept ones, (N,)."""
        last = self._shot[LAST].astype(int)
        difference = 1 - (self._vectors[at] * self._vectors[last]).sum(axis=-1)
        other = (last < 0) | (self.pieces.shot[at] != self.pieces.shot[last])
        return np.where(other, 1, np.clip(difference / JUMP, 0, 1))

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        pieces, shot, left = self.pieces, self._shot, self._left[0]
        at, last = np.minimum(self._at[0], len(pieces) - 1), shot[LAST].astype(int)
        within = shot[FRAMES] > 0
        wanted = self.wanted[np.minimum(shot[NUMBER].astype(int), len(self.wanted) - 1)]
        length, longer = shot[FRAMES] / pieces.fps, (shot[FRAMES] + pieces.frames[at]) / pieces.fps
        count = np.maximum(self._kept.sum(axis=0), 1)
        difference = (self._piece_difference[at].T * self._kept).sum(axis=0)
        gained = np.maximum(self._nearest - self._piece_distance[at].T, 0).mean(axis=0)
        steps = [self._graded[to, at] - self._graded[shot[IS_GRADED].astype(int), last] for to in (0, 1)]
        total = self._suffix[0]
        left_out, ahead = self._fixed
        rows = np.array([
            self._at[0] / len(pieces),
            left / self.budget,
            (self._suffix[at] - left) / total,
            self._suffix[at + 1] < left,
            within,
            np.minimum(length / wanted, 3),
            np.where(within, pacing.rhythm(np.maximum(length, 1e-3), wanted), 0),
            pacing.rhythm(longer, wanted),
            pieces.shot[at] != pieces.shot[np.maximum(at - 1, 0)],
            self._on_beat(at),
            pieces.voiced[at, 0],
            np.where(within, pieces.voiced[at - 1, 1], 0),
            np.where(last < 0, 1, difference / count / np.maximum(self._members[at].sum(axis=1), 1)),
            np.where(last < 0, 1, gained),
            self._jump(at),
            *left_out[:, at],
            *(np.where(last < 0, 1, _smooth(step)) for step in steps),
            shot[IS_REFRAMED],
            shot[IS_GRADED],
            shot[IS_RAMPED],
            *ahead[:, at],
        ], np.float32)  # fmt: skip
        return rows.T[index].copy()

    # Policies and finished cuts

    def random_policy(self, seed: int = 0) -> Callable[..., NDArray]:
        """Standard normal actions: shots of the pace's average length anywhere, effects by the toss of a coin."""
        rng = np.random.default_rng(seed)
        return lambda observations, deterministic=True: rng.standard_normal((len(observations), 4)).astype(np.float32)

    def uniform_policy(self, seed: int = 0) -> Callable[..., NDArray]:
        """Shots of equal length, evenly spaced from a random first one on, without effects: uniform sampling."""
        pieces, phase = self.pieces, np.random.default_rng(seed).random(self.num_envs)
        every = self._suffix[0] / len(self.wanted)
        length = self.budget / len(self.wanted)
        middle = self._suffix[0] - self._suffix[:-1] + pieces.frames / 2

        def policy(observations: NDArray, deterministic: bool = True) -> NDArray:
            at = np.minimum(self._at[0], len(pieces) - 1)
            keep = (middle[at] / every + phase) % 1 < length / every
            return np.stack([np.where(keep, 4, -4), *-np.ones((3, len(keep)))], axis=1).astype(np.float32)

        return policy

    def weigh(self, weights: NDArray) -> None:
        """Let the terms count for so much from here on, (9,) in the order of TERMS."""
        self.weights = dict(zip(TERMS, weights.tolist(), strict=True))  # type: ignore[misc]
        self._weights = weights[:, None].copy()

    def play(self, policy: Callable[..., NDArray], deterministic: bool = True) -> tuple[NDArray, NDArray]:
        """One episode in each environment: the terms earned (9, N), and the decisions (P, N)."""
        observations, _ = self.reset(seed=0)
        earned, over = np.zeros((len(TERMS), self.num_envs)), np.zeros(self.num_envs, bool)
        while not over.all():
            observations, _, terminated, _, terms = self.advance(policy(observations, deterministic=deterministic))
            earned += terms
            over |= terminated
        return earned, self._decisions.copy()

    def shots(self, decisions: NDArray) -> list[Shot]:
        """The shots of a finished cut, from its decisions (P,), with what each earns of the terms.

        `diversity` of a shot is its mean difference from the rest of the cut, `representativeness` the share of all
        footage that is nearer to it than to the other shots.
        """
        pieces = self.pieces
        runs: list[list[int]] = []
        for at in np.flatnonzero(decisions).tolist():
            if runs and runs[-1][-1] == at - 1 and pieces.shot[at - 1] == pieces.shot[at]:
                runs[-1].append(at)
            else:
                runs.append([at])
        members = np.array([self._members[run].sum(axis=0) for run in runs])
        nearest = np.array([self._piece_distance[run].min(axis=0) for run in runs]).argmin(axis=0)
        shots: list[Shot] = []
        record = 0
        for number, run in enumerate(runs):
            first, last = run[0], run[-1]
            stretches: list[tuple[float, int, int, int]] = []  # pace, first frame, frames of the file, on screen
            dull, placed, frames, again = 0.0, 0.0, 0, False
            reframed, graded = (bool(decisions[first] & bit) for bit in (REFRAMED, GRADED))
            for at in run:
                begins, taken = int(pieces.start[at]), int(pieces.frames[at])
                ramped = bool(decisions[at] & RAMPED)
                shown = int(run_through(taken, not again)) if ramped else min(taken, self.budget - record - frames)
                tempo = (2.0 if again else 1.5) if ramped else 1.0
                if stretches and stretches[-1][0] == tempo:
                    _, begins, before, on_screen = stretches.pop()
                    stretches.append((tempo, begins, before + taken, on_screen + shown))
                else:
                    stretches.append((tempo, begins, taken, shown))
                dull += shown * (self._dull[at] if ramped else 1 - self._dull[at])
                placed += shown * pieces.place[at, int(reframed)]
                frames, again = frames + shown, ramped
            parts = [(begins, shown, taken / shown if tempo > 1 else 1.0) for tempo, begins, taken, shown in stretches]
            terms = self._boundary_terms(decisions, runs, number, record) | {
                "diversity": _mean_difference(self._difference, members[number], members.sum(axis=0) - members[number]),
                "representativeness": float((nearest == number).mean()),
                "rhythm": float(pacing.rhythm(frames / pieces.fps, self.wanted[min(number, len(self.wanted) - 1)])),
                "speed_ramp": float(dull / frames),
                "reframe": float(placed / frames),
            }
            terms = {name: terms[name] for name in TERMS}
            source = int(pieces.source[first])
            shots.append(Shot(source, first, last, record, frames, tuple(parts), reframed, graded, terms))
            record += frames
        return shots

    def _boundary_terms(self, decisions: NDArray, runs: list[list[int]], number: int, record: int) -> dict[str, float]:
        """What shot `number` earns by how it begins and ends."""
        pieces, run = self.pieces, runs[number]
        first, last = run[0], run[-1]
        joined = number > 0 and runs[number - 1][-1] == first - 1 and self._follows[first]
        runs_on = number + 1 < len(runs) and runs[number + 1][0] == last + 1 and self._follows[last + 1]
        cut_speech = (0 if joined else pieces.voiced[first, 0]), (0 if runs_on else pieces.voiced[last, 1])
        jump = step = 1.0
        if number:
            before = runs[number - 1][-1]
            if pieces.shot[before] == pieces.shot[first]:
                jump = float(np.clip((1 - self._vectors[before] @ self._vectors[first]) / JUMP, 0, 1))
            graded = [int(bool(decisions[at] & GRADED)) for at in (before, first)]
            step = float(_smooth(self._graded[graded[1], first] - self._graded[graded[0], before]))
        return {
            "beat": float(pieces.beat[first] if self._beats is None else self._beats[record]),
            "speech": float((1 - cut_speech[0]) * (1 - cut_speech[1])),
            "jump_cut": jump,
            "grade": step,
        }

    def score(self, decisions: NDArray) -> dict[str, float]:
        """The terms of a finished cut, worked out from all of it at once; what an episode earns step by step."""
        shots, pieces = self.shots(decisions), self.pieces
        kept = decisions[pieces.piece_of] > 0
        count = kept.sum()
        chosen = self._difference[np.ix_(kept, kept)]
        nearest = self._distance[:, kept].min(axis=1) if count else np.full(len(kept), 4)
        share = np.array([shot.frames for shot in shots]) / self.budget
        whole = {name: float(share @ [shot.terms[name] for shot in shots]) for name in TERMS}
        return whole | {
            "diversity": float(chosen.sum() / max(count * (count - 1), 1)),
            "representativeness": float(np.exp(-nearest.mean())),
        }


def _smooth(step: NDArray) -> NDArray:
    """exp(-½ (step / 0.5 stops)²) of differences (..., 3) in log2 colour, their mean magnitude."""
    return np.exp(-0.5 * (np.abs(step).mean(axis=-1) / GRADE_STOPS) ** 2)


def _mean_difference(difference: NDArray, some: NDArray, others: NDArray) -> float:
    """Mean over pairs of the pictures marked in `some` and in `others`, (T,) each; 1 without any."""
    pairs = some.sum() * others.sum()
    return float(some @ difference @ others / pairs) if pairs else 1.0
