"""Clips made here: a coloured shape or a handwritten digit moves over a dark ground, in time with a sound.

A clip has four parts, and each tells what the others don't:
- the **caption** (`video.captions`): colour, subject, verb, speed, direction;
- the **reference**, a picture of the subject before it sets off: its exact shade, its size, its handwriting, its place,
  and the shade of the ground;
- the **onsets** of the sound: when the beats fall. On a beat the subject swells and surges forward, and calms down
  until the next;
- the **frames**. What none of the three tells stays chance: the side to which it first bounces.

Lengths are in heights of the picture, x to the right and y down from the upper left corner. The world goes round: what
leaves the picture on one side comes in on the other, so that a clip of any length is well defined.

| word    | what the subject does                                                                                  |
|---------|--------------------------------------------------------------------------------------------------------|
| moves   | goes straight in the caption's direction                                                               |
| bounces | goes in that direction too, and to and fro between the two walls beside its way                        |
| circles | goes round anticlockwise as seen on screen; the direction is the one in which it sets off              |
| slowly  | 0.4 heights (bounces: and 0.8 across; circles: 0.4 turns) in 16 frames, on the average                  |
| fast    | three times that                                                                                       |

A core makes 11,000 clips of 16 frames a second at 16×16 pixels, 4,400 at 32×32 and 600 at 64×64:

    $ python -m timeit -n 1 -p -s "from rlfilm_lib.video import data; data.make(1, 0)" "data.make(2048, 0)"
"""

import functools
import hashlib
import io
import itertools
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.checkpoint import make_folder, write_bytes
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video.captions import Caption

FPS = 8
"""Frames per second."""
RATE = 16_000
"""Samples per second of the sound."""
SIZES, LENGTHS = (16, 64), (8, 32)
"""Smallest and largest edge of the picture in pixels; shortest and longest clip in frames."""
BATCH = 256
"""Clips that are drawn together."""
VERSION = 1
"""Of the clips: a cached file of another version is made anew."""

SHADES = np.array([[230, 40, 40], [40, 200, 60], [60, 90, 245], [235, 215, 40], [190, 60, 220], [235, 235, 235]]) / 255
"""RGB of `captions.COLOURS`; a clip's own shade is up to VARIED brighter or darker in each channel."""
VARIED = 0.12
GROUND = (0.02, 0.14)
RADIUS = (0.17, 0.24)
"""Half the height of a disc; a square, a triangle, and a digit look as large."""
SWELL, DECAY = 0.35, 0.45
"""How far a beat blows the subject up, and what is left of it from one frame to the next."""
CALM, SURGE = 0.7, 0.7
"""The share of the speed that is always there, and what a beat adds."""
TEMPO = (90, 150)
"""Beats per minute."""
SPEED = np.array([0.4, 1.2]) / 16
"""Of `captions.SPEEDS`: heights, or turns, per frame."""
ACROSS = 2.0
"""Speed between the walls over the speed along them."""
ORBIT = 0.2
"""Radius of the circle."""
HEADINGS = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]], float)
"""Of `captions.DIRECTIONS`, on screen."""


class Clips(NamedTuple):
    """frames: (N, T, H, W, 3) uint8; captions: N of them, of the grammar in `video.captions`, or in `stage.clips` where
    that made them; reference: (N, H, W, 3) uint8; onsets: (N, T) in [0, 1]."""

    frames: NDArray[np.uint8]
    captions: list[Any]
    reference: NDArray[np.uint8]
    onsets: NDArray[np.float32]

    def take(self, rows: slice | Sequence[int] | NDArray) -> "Clips":
        """Some of the clips."""
        chosen = np.arange(len(self.captions))[rows]
        return Clips(
            self.frames[chosen], [self.captions[i] for i in chosen], self.reference[chosen], self.onsets[chosen]
        )


class Staging(NamedTuple):
    """What a caption leaves open, and the reference shows; `side` alone is nowhere told.

    start: (N, 2) x, y; radius: (N,); shade: (N, 3) RGB in [0, 1]; ground: (N,) grey in [0, 1]; hand: (N,) in [0, 1),
    which of the digit's handwritten samples; side: (N,) 1 or -1, where it first bounces to.
    """

    start: NDArray
    radius: NDArray
    shade: NDArray
    ground: NDArray
    hand: NDArray
    side: NDArray


def make(
    n: int, seed: int, size: int = 16, frames: int = 16, beats: bool = True, cache: str | os.PathLike | None = None
) -> Clips:
    """The first n clips of `stream(seed, ...)`.

    size: edge of the picture in pixels, 16 to 64; frames: per clip, 8 to 32; beats: False leaves out the sound;
    cache: a folder in which the clips are kept as a file and looked for first, see `cached`.

    >>> clips = make(2, seed=0)
    >>> clips.frames.shape, clips.captions[0].text
    ((2, 16, 16, 16, 3), 'a white square moves slowly down')
    """
    check(n, size, frames)

    def draw() -> dict[str, NDArray]:
        parts = []
        for number in range(-(-n // BATCH)):
            captions, staging, onsets = _drawn(seed, number, BATCH, frames, beats)
            left = n - number * BATCH  # of the last batch no more is filmed than is asked for
            parts.append(film(captions[:left], Staging(*(part[:left] for part in staging)), onsets[:left], size))
        return {
            "frames": np.concatenate([part.frames for part in parts]),
            "captions": np.concatenate([grammar.encode(part.captions) for part in parts]),
            "reference": np.concatenate([part.reference for part in parts]),
            "onsets": np.concatenate([part.onsets for part in parts]),
        }

    settings = {
        "kind": "clips",
        "version": VERSION,
        "n": n,
        "seed": seed,
        "size": size,
        "frames": frames,
        "beats": beats,
    }
    arrays = cached(cache, settings, draw) if cache else draw()
    return Clips(arrays["frames"], grammar.decode(arrays["captions"]), arrays["reference"], arrays["onsets"])


def stream(seed: int, batch: int = BATCH, size: int = 16, frames: int = 16, beats: bool = True) -> Iterator[Clips]:
    """Clips without end, `batch` at a time; batch i is drawn from `default_rng([seed, i])`."""
    check(batch, size, frames)
    for number in itertools.count():
        yield film(*_drawn(seed, number, batch, frames, beats), size)


def _drawn(seed: int, number: int, batch: int, frames: int, beats: bool) -> tuple[list[Caption], Staging, NDArray]:
    """Captions, staging and onsets of a batch."""
    rng = np.random.default_rng([seed, number])
    captions = grammar.sample(rng, batch)
    staging = stage(rng, captions)
    return captions, staging, rhythm(rng, batch, frames) if beats else np.zeros((batch, frames), np.float32)


def check(n: int, size: int, frames: int) -> None:
    """UserError where so many clips of this size cannot be made."""
    if n < 1:
        raise UserError(f"{n} clips is none; ask for 1 or more")
    if not SIZES[0] <= size <= SIZES[1]:
        raise UserError(f"a picture of {size} pixels cannot be made; choose {SIZES[0]} to {SIZES[1]}")
    if not LENGTHS[0] <= frames <= LENGTHS[1]:
        raise UserError(f"a clip of {frames} frames cannot be made; choose {LENGTHS[0]} to {LENGTHS[1]}")


# What is drawn by chance


def stage(rng: np.random.Generator, captions: Sequence[Caption]) -> Staging:
    """Draw what the captions leave open."""
    n = len(captions)
    colour = grammar.encode(captions)[:, 0]
    shade = SHADES[colour] + rng.uniform(-VARIED, VARIED, (n, 3))
    return Staging(
        start=rng.uniform(RADIUS[1], 1 - RADIUS[1], (n, 2)),
        radius=rng.uniform(*RADIUS, n),
        shade=np.clip(shade, 0, 1),
        ground=rng.uniform(*GROUND, n),
        hand=rng.random(n),
        side=rng.choice([-1.0, 1.0], n),
    )


def rhythm(rng: np.random.Generator, n: int, frames: int) -> NDArray[np.float32]:
    """Onsets (n, frames) of steady beats: 1 in the frames in which one falls. Tempo and phase are drawn."""
    period = 60 * FPS / rng.uniform(*TEMPO, n)
    beat = (np.arange(frames) + rng.uniform(0, 1, n)[:, None] * period[:, None]) / period[:, None]
    return (np.floor(beat) > np.floor(beat - 1 / period[:, None])).astype(np.float32)


# What follows from it


def pulse(onsets: NDArray) -> NDArray:
    """How much of the last beats is left in each frame: pₜ = max(onsetₜ, DECAY · pₜ₋₁), (N, T).

    >>> pulse(np.array([[0.0, 1.0, 0.0, 0.0]]))
    array([[0.    , 1.    , 0.45  , 0.2025]])
    """
    out = np.array(onsets, dtype=np.result_type(onsets, np.float32))
    for t in range(1, out.shape[1]):
        np.maximum(out[:, t], DECAY * out[:, t - 1], out=out[:, t])
    return out


def path(captions: Sequence[Caption], staging: Staging, onsets: NDArray) -> tuple[NDArray, NDArray]:
    """Where the subject's middle is (N, T, 2), not yet brought back into the picture, and its radius (N, T).

    >>> captions = [Caption("red", "disc", "moves", "fast", "right")]
    >>> staging = stage(np.random.default_rng(0), captions)._replace(start=np.array([[0.5, 0.5]]))
    >>> path(captions, staging, np.array([[0, 1, 0, 0]]))[0][0].round(4)[:3]
    array([[0.5   , 0.5   ],
           [0.605 , 0.5   ],
           [0.6811, 0.5   ]])
    """
    _, _, verb, speed, direction = grammar.encode(captions).T
    beat = pulse(onsets)
    step = SPEED[speed][:, None] * (CALM + SURGE * beat)
    gone = np.cumsum(step, axis=1) - step[:, :1]  # the first frame shows the start
    heading = HEADINGS[direction][:, None]
    beside = np.flip(heading, axis=-1)  # across the way
    start = staging.start[:, None]

    straight = start + gone[..., None] * heading

    room = 1 - 2 * RADIUS[1]  # between the walls, for the middle of the largest subject
    first = (staging.start * np.abs(beside[:, 0])).sum(axis=-1, keepdims=True) - RADIUS[1]
    swing = np.mod(first + ACROSS * gone * staging.side[:, None], 2 * room)
    across = RADIUS[1] + room - np.abs(swing - room)
    bounced = np.where(beside != 0, across[..., None], straight)

    angle = np.arctan2(-heading[..., 1], heading[..., 0]) - np.pi / 2 + 2 * np.pi * gone
    ring = ORBIT * np.stack([np.cos(angle), -np.sin(angle)], axis=-1)
    circled = start + ring - ring[:, :1]

    centre = np.choose(verb[:, None, None], [straight, bounced, circled])
    return centre, staging.radius[:, None] * (1 + SWELL * beat)


def film(captions: Sequence[Caption], staging: Staging, onsets: NDArray, size: int = 16) -> Clips:
    """The clips in which these captions, so staged, go to this sound: onsets (N, T) in [0, 1]."""
    centre, radius = path(captions, staging, onsets)
    still = staging.start[:, None], staging.radius[:, None]
    return Clips(
        _render(captions, staging, centre, radius, size),
        list(captions),
        _render(captions, staging, *still, size)[:, 0],
        np.asarray(onsets, np.float32),
    )


# Drawing


def _render(captions: Sequence[Caption], staging: Staging, centre: NDArray, radius: NDArray, size: int) -> NDArray:
    """Pictures (N, T, size, size, 3) of subjects at centre (N, T, 2) with radius (N, T)."""
    subject = grammar.encode(captions)[:, 1]
    pixels = (np.arange(size, dtype=np.float32) + 0.5) / size
    offset = pixels - np.asarray(centre, np.float32)[..., None]
    x, y = np.moveaxis(offset - np.round(offset), 2, 0)  # (N, T, size) each, the shorter way round the world
    radius = np.asarray(radius, np.float32)
    cover = np.empty((*radius.shape, size, size), np.float32)
    for number, shape in enumerate((_disc, _square, _triangle)):
        rows = np.flatnonzero(subject == number)
        across, down = x[rows][:, :, None, :], y[rows][:, :, :, None]
        distance = shape(across, down, radius[rows][:, :, None, None])
        cover[rows] = np.clip(0.5 - distance * size, 0, 1)
    rows = np.flatnonzero(subject >= 3)
    if len(rows):
        cover[rows] = _digit(subject[rows] - 3, staging.hand[rows], x[rows], y[rows], radius[rows], size)
    ground = (255 * staging.ground).astype(np.float32)[:, None, None, None]
    shade = (255 * staging.shade).astype(np.float32)
    pictures = np.empty((*cover.shape, 3), np.uint8)
    for channel in range(3):
        pictures[..., channel] = cover * (shade[:, channel, None, None, None] - ground) + (ground + 0.5)
    return pictures


def _disc(x: NDArray, y: NDArray, radius: NDArray) -> NDArray:
    """Signed distance to the outline, negative inside; of the other shapes too."""
    return np.sqrt(x * x + y * y) - radius


def _square(x: NDArray, y: NDArray, radius: NDArray) -> NDArray:
    return np.maximum(np.abs(x), np.abs(y)) - 0.9 * radius


def _triangle(x: NDArray, y: NDArray, radius: NDArray) -> NDArray:
    """It points up."""
    low = y - 0.75 * radius
    return np.maximum(low, 0.88 * np.abs(x) - 0.475 * (y + 1.15 * radius))


def _digit(digit: NDArray, hand: NDArray, x: NDArray, y: NDArray, radius: NDArray, size: int) -> NDArray:
    """The 8×8 samples as a smooth surface: cubic interpolation (Keys 1981), first down, then across."""
    samples = _digits()
    ink = np.stack([samples[d][int(h * len(samples[d]))] for d, h in zip(digit, hand, strict=True)])
    spacing = (2 * 1.15 / 8 * radius)[..., None, None]
    places = spacing * (np.arange(8, dtype=np.float32) - 3.5)
    width = np.maximum(spacing, 1 / size)  # finer than the pixels, it is smoothed to them
    across, down = (spacing / width * _keys((axis[..., None] - places) / width) for axis in (x, y))
    surface = down @ ink[:, None] @ np.swapaxes(across, -1, -2)
    return np.clip(1.25 * surface, 0, 1)


def _keys(distance: NDArray) -> NDArray:
    """The cubic convolution kernel, a = -1/2."""
    d = np.minimum(np.abs(distance), 2)
    return np.where(d < 1, (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2)


@functools.cache
def _digits() -> tuple[NDArray[np.float32], ...]:
    """scikit-learn's handwritten digits (Alpaydin & Kaynak 1998), in [0, 1]: for each digit (samples, 8, 8)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise UserError(
            "made clips need scikit-learn, which is not installed; run: pip install 'rlfilm[video]'"
        ) from None
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) / 16).astype(np.float32)
    return tuple(images[labels == digit] for digit in range(10))


# Sound


def sound(onsets: NDArray) -> NDArray[np.float32]:
    """The sound track of onsets (T,): a click of an eighth of a second in the middle of each frame that has one,
    as loud as the onset is strong. Returns (T · RATE / FPS,) samples at RATE, full scale ±1."""
    hop = RATE // FPS
    time = np.arange(hop) / RATE
    click = 0.8 * np.exp(-time / 0.015) * np.sin(2 * np.pi * 900 * time)
    wave = np.zeros((len(onsets) + 1, hop))
    wave[:-1] = np.asarray(onsets, float)[:, None] * click
    return np.roll(wave.ravel(), hop // 2)[: len(onsets) * hop].astype(np.float32)


def measure_onsets(wave: NDArray, rate: int, frames: int) -> NDArray[np.float32]:
    """The onset envelope of a sound, per frame of a clip: the inverse of `sound`, and what reads a user's file.

    wave: (samples,) at `rate` per second, full scale ±1. Spectral flux (Dixon 2006): the summed rise of the spectrum's
    magnitudes from one window of 25 ms to the next, read every 6 ms. Its peaks are onsets; a frame gets the strongest
    in it, over the strongest of all. Returns (frames,) in [0, 1].

    UserError where the sound is shorter than the clip, or nothing in it is louder than -60 dB of full scale.

    >>> measure_onsets(sound(np.array([0, 1, 0, 0, 1, 0, 0, 0])), RATE, 8).tolist()
    [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    wave = np.asarray(wave, np.float32)
    seconds = frames / FPS
    if len(wave) < int(seconds * rate):
        raise UserError(f"the sound lasts {len(wave) / rate:.2f} s and the clip {seconds:.2f} s; give a longer sound")
    wave = wave[: int(seconds * rate)]
    if not np.abs(wave).max(initial=0) > 1e-3:
        raise UserError(f"the first {seconds:.2f} s of the sound are silent; give a sound with beats")
    hop = rate // 160
    padded = np.pad(wave, (8 * hop, 0))  # silence before, so that a beat at once is heard
    windows = np.lib.stride_tricks.sliding_window_view(padded, 4 * hop)[::hop]
    level = np.abs(np.fft.rfft(windows * np.hanning(4 * hop)))
    flux = np.maximum(level[4:] - level[:-4], 0).sum(axis=1)  # flux[i] is of the window that ends at sample i · hop
    around = np.lib.stride_tricks.sliding_window_view(np.pad(flux, 8), 17)
    onset = np.where(
        (flux == around.max(axis=1)) & (flux > 2 * around.mean(axis=1)) & (flux > 0.1 * flux.max()), flux, 0
    )
    frame = np.minimum(np.arange(len(flux)) * hop * FPS // rate, frames - 1)
    envelope = np.zeros(frames)
    np.maximum.at(envelope, frame, onset)
    return (envelope / max(envelope.max(), 1e-12)).astype(np.float32)


# Cached files


def cached(
    folder: str | os.PathLike, settings: dict[str, Any], draw: Callable[[], dict[str, NDArray]]
) -> dict[str, NDArray]:
    """The arrays that `draw` returns, from a file of the folder where there is one for these settings.

    The file is named after the settings. It holds them and a checksum of all names, shapes, types and contents; where
    either is another, or the file cannot be read, it is made anew, with a warning.
    """
    path = Path(folder) / ("-".join(str(value) for value in settings.values()) + ".npz")
    if path.is_file():
        try:
            return _read(path, settings)
        except (ValueError, KeyError, OSError, EOFError) as error:
            warnings.warn(f"'{path}' is not as it was written ({error}); it is made anew", stacklevel=3)
    arrays = draw()
    _write(path, settings, arrays)
    return arrays


def _write(path: Path, settings: dict, arrays: dict[str, NDArray]) -> None:
    """An .npz of the arrays, whole or not at all."""
    about = json.dumps(settings | {"sha256": _checksum(arrays)})
    data = io.BytesIO()
    np.savez(data, allow_pickle=False, about=np.array(about), **arrays)
    make_folder(path.parent)
    write_bytes(path, data.getvalue())


def _read(path: Path, settings: dict) -> dict[str, NDArray]:
    """The arrays of a file. ValueError where it is not what `_write` wrote for these settings."""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except zipfile.BadZipFile:
        raise ValueError("it is damaged") from None
    about = json.loads(str(arrays.pop("about")))
    checksum = about.pop("sha256")
    if about != settings:
        raise ValueError("it is of other settings")
    if checksum != _checksum(arrays):
        raise ValueError("its checksum is another")
    return arrays


def _checksum(arrays: dict[str, NDArray]) -> str:
    """Of names, shapes, types and contents."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
