"""Clips filmed on our own stage: a figure, a camera move, a light, and a sound in time with which the light flares.

They are like those of `video.data` and come in the same arrays; captions are of a grammar of their own:

    a POSE figure, the camera MOVE, lit from SIDE
    "a sitting figure, the camera pushes in, lit from the left"

The reference shows the set-up before the camera moves: where the figure is, how large, which way it faces. On a beat
the key light flares by `FLARE` stops and dies down as `video.data.pulse` does. A clip of 16 frames at 32×32 takes about
0.2 s on a core, so that a folder for `cache` is worth having.

    $ python -m timeit -n 1 -r 1 -s "from rlfilm_lib.stage import clips" "clips.make(16, 0, size=32)"
"""

import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.film.framing import STATURE
from rlfilm_lib.stage import figure, preview
from rlfilm_lib.stage.take import Take, level_camera
from rlfilm_lib.video import data
from rlfilm_lib.video.data import Clips

POSES = ("standing", "sitting", "walking")
MOVES = {
    "holds": (0.0, 0.0, 0.0, 0.0),
    "pushes in": (0.0, 0.6, 0.0, 0.0),
    "pulls out": (0.0, -0.6, 0.0, 0.0),
    "trucks left": (-0.35, 0.0, 0.0, 0.0),
    "trucks right": (0.35, 0.0, 0.0, 0.0),
    "cranes up": (0.0, 0.0, 0.25, 0.0),
    "pans left": (0.0, 0.0, 0.0, -0.1),
    "pans right": (0.0, 0.0, 0.0, 0.1),
}
"""What the camera does, and how far in a second: right, ahead, up (m), and turned to the right (rad)."""
SIDES = {"the left": -1.0, "the right": 1.0, "the front": 0.0}
VOCABULARY = {"pose": POSES, "move": tuple(MOVES), "side": tuple(SIDES)}
VERSION = 1

FIGURE_Y, BACKDROP = 4.0, 6.0
GATE = (18.0, 18.0)
FOCAL_LENGTH = 26.0
"""mm, with a square gate: at 4 m the picture is 2.8 m high."""
PACE = 0.7
"""m/s of a walking figure."""
KEY, FILL = 0.7, -1.5
"""Stops of key and fill light."""
FLARE = 1.4
"""Stops that a beat adds to the key."""
KELVIN = ((4300.0, 6500.0), (5000.0, 6000.0))
"""Range of the key's and the fill's colour."""


@dataclass(frozen=True)
class Shot:
    """What a clip shows, a phrase for each slot of `VOCABULARY`. UserError for one that the slot hasn't.

    >>> Shot("sitting", "pushes in", "the left").text
    'a sitting figure, the camera pushes in, lit from the left'
    """

    pose: str
    move: str
    side: str

    def __post_init__(self) -> None:
        for field in fields(self):
            phrase = getattr(self, field.name)
            if phrase not in VOCABULARY[field.name]:
                raise unknown(field.name, phrase, VOCABULARY[field.name])

    @property
    def text(self) -> str:
        return f"a {self.pose} figure, the camera {self.move}, lit from {self.side}"


def parse(text: str) -> Shot:
    """The shot that a text stands for. UserError where it does not follow the grammar.

    >>> parse("A walking figure, the camera holds, lit from the front.")
    Shot(pose='walking', move='holds', side='the front')
    """
    parts = [part.strip() for part in text.lower().rstrip(". ").split(",")]
    if len(parts) != 3:
        raise UserError(
            f"the prompt '{text}' is not of three parts; write it as '{Shot(POSES[0], 'holds', 'the left').text}'"
        )
    pose, move, side = (
        part.removeprefix(before).removesuffix(after).strip()
        for part, (before, after) in zip(
            parts, (("a ", " figure"), ("the camera ", ""), ("lit from ", "")), strict=True
        )
    )
    return Shot(pose, move, side)


class Staging(NamedTuple):
    """What the words leave open: place (N, 2) m and heading (N,) rad of the figure, kelvin (N, 2) of key and fill."""

    place: NDArray
    heading: NDArray
    kelvin: NDArray


def make(
    n: int, seed: int, size: int = 32, frames: int = 16, beats: bool = True, cache: str | os.PathLike | None = None
) -> Clips:
    """n clips, the same for the same seed; size, frames and cache as in `video.data.make`.

    >>> clips = make(1, seed=0, size=16, frames=8)
    >>> clips.frames.shape, clips.captions[0].text
    ((1, 8, 16, 16, 3), 'a sitting figure, the camera pans right, lit from the front')
    """
    data.check(n, size, frames)

    def draw() -> dict[str, NDArray]:
        rng = np.random.default_rng([seed, 1])
        shots = sample(rng, n)
        staging = stage(rng, n)
        onsets = data.rhythm(rng, n, frames) if beats else np.zeros((n, frames), np.float32)
        clips = film(shots, staging, onsets, size)
        return clips._asdict() | {"captions": encode(clips.captions)}

    settings = {
        "kind": "stage",
        "version": VERSION,
        "n": n,
        "seed": seed,
        "size": size,
        "frames": frames,
        "beats": beats,
    }
    arrays = data.cached(cache, settings, draw) if cache else draw()
    return Clips(arrays["frames"], decode(arrays["captions"]), arrays["reference"], arrays["onsets"])


def sample(rng: np.random.Generator, n: int) -> list[Shot]:
    """n shots, each phrase drawn evenly."""
    return decode(np.stack([rng.integers(len(phrases), size=n) for phrases in VOCABULARY.values()], axis=1))


def encode(shots: Sequence[Shot]) -> NDArray[np.int64]:
    """The number of each phrase in its slot, (N, 3)."""
    slots = VOCABULARY.values()
    return np.array(
        [[phrases.index(phrase) for phrases, phrase in zip(slots, astuple(shot), strict=True)] for shot in shots]
    ).reshape(-1, len(VOCABULARY))


def decode(codes: NDArray) -> list[Shot]:
    """The inverse of `encode`."""
    slots = list(VOCABULARY.values())
    return [Shot(*(phrases[number] for phrases, number in zip(slots, row, strict=True))) for row in codes]


def stage(rng: np.random.Generator, n: int) -> Staging:
    """Draw what the words leave open."""
    place = np.stack([rng.uniform(-0.4, 0.4, n), rng.uniform(FIGURE_Y - 0.6, FIGURE_Y + 0.6, n)], axis=1)
    return Staging(place, rng.uniform(-0.3, 0.3, n), np.stack([rng.uniform(*kelvin, n) for kelvin in KELVIN], axis=1))


def film(shots: Sequence[Shot], staging: Staging, onsets: NDArray, size: int = 32) -> Clips:
    """The clips of these shots, so staged, to this sound: onsets (N, T) in [0, 1]."""
    pulse = data.pulse(onsets)
    takes = [take(shot, Staging(*(part[i] for part in staging)), pulse[i]) for i, shot in enumerate(shots)]
    still = [take(shot, Staging(*(part[i] for part in staging)), np.zeros(1)) for i, shot in enumerate(shots)]
    return Clips(
        np.stack([preview.render(each, size, size) for each in takes]),
        list(shots),
        np.stack([preview.render(each, size, size)[0] for each in still]),
        np.asarray(onsets, np.float32),
    )


def take(shot: Shot, staging: Staging, pulse: NDArray) -> Take:
    """One clip as a Take, at `video.data.FPS`: a staging of one, and the beats' pulse in each frame (T,)."""
    frames = len(pulse)
    seconds = np.arange(frames) / data.FPS
    right, ahead, up, turned = (seconds * speed for speed in MOVES[shot.move])
    walked = PACE * seconds if shot.pose == "walking" else np.zeros(frames)
    place = staging.place + walked[:, None] * np.array([np.sin(staging.heading), -np.cos(staging.heading)])
    top = np.full(frames, figure.SEATED if shot.pose == "sitting" else STATURE)
    start, end = figure.figure(place, top, np.full(frames, staging.heading), walked)
    side = SIDES[shot.side]
    key = (3.0 * side, 1.6 if side else 0.2, 2.6)
    fill = (-2.5 * side or 1.5, 1.2, 1.8)
    return Take(
        fps=data.FPS,
        gate=GATE,
        camera_position=np.stack([right, ahead, 1.2 + up], axis=-1),
        camera_rotation=level_camera(turned),
        focal_length=np.full(frames, FOCAL_LENGTH),
        f_stop=np.full(frames, 8.0),
        focus_distance=np.full(frames, FIGURE_Y),
        exposure=np.zeros(frames),
        light_position=np.broadcast_to([key, fill], (frames, 2, 3)),
        light_stops=np.stack([KEY + FLARE * pulse, np.full(frames, FILL)], axis=-1),
        light_kelvin=np.broadcast_to(staging.kelvin, (frames, 2)),
        capsule_start=start,
        capsule_end=end,
        capsule_radius=figure.RADIUS,
        capsule_albedo=figure.ALBEDO,
        capsule_name=figure.NAMES,
        backdrop=BACKDROP,
    )
