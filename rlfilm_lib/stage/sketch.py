"""Storyboards: set-ups of two people who talk, drawn in ink and wash on paper, and arrows over them.

The stage's own preview is the model that the hand draws after: outlines where its picture has edges, and three washes.
"""

import functools
import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlfilm_lib.film import framing
from rlfilm_lib.stage import figure, preview
from rlfilm_lib.stage.take import Take, level_camera

FPS = 24
WIDTH, HEIGHT = 160, 90
"""Pixels of a panel."""
PAPER, INK = np.array([250.0, 247.0, 238.0]), np.array([38.0, 42.0, 54.0])
WASHES = ((0.55, 0.12), (0.4, 0.2), (0.2, 0.3))
"""Where the picture is darker than the first number (0 to 1), the second is added to the ink."""
APART = 1.3
"""Metres between the two people."""
BACKDROP = 5.0
EYES = framing.STATURE - framing.EYES_BELOW_TOP


@functools.cache
def panel(k: float, angle: float) -> NDArray[np.uint8]:
    """The drawing (HEIGHT, WIDTH, 3), uint8, of one set-up; k and angle as in `setups`.

    >>> panel(0.44, 20.0).shape
    (90, 160, 3)
    """
    return draw(preview.render(setups([k], [angle]), 2 * WIDTH, 2 * HEIGHT)[0])


def draw(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (2 H, 2 W, 3), uint8, as a drawing (H, W, 3), uint8.

    >>> draw(np.full((4, 4, 3), 255, np.uint8))[0, 0].tolist()  # white: paper, no ink
    [250, 247, 238]
    """
    tone = picture.astype(float) / 255
    down, across = (np.diff(tone, axis=axis, append=tone.take([-1], axis)) for axis in (0, 1))
    edge = np.clip(6 * np.sqrt((down**2 + across**2).sum(axis=-1)) - 0.5, 0, 1)
    luma = tone @ [0.2126, 0.7152, 0.0722]
    wash = sum(strength * np.clip((level - luma) / 0.06 + 0.5, 0, 1) for level, strength in WASHES)
    ink = np.maximum(wash, 0.85 * edge)
    ink = ink.reshape(len(ink) // 2, 2, -1, 2).mean(axis=(1, 3))[..., None]
    return (PAPER + ink * (INK - PAPER) + 0.5).astype(np.uint8)


def stroke(picture: NDArray[np.uint8], points: ArrayLike, colour: tuple[int, int, int], width: float) -> None:
    """Draw the polyline through `points` (P, 2), as (x, y) in pixels, into a picture (H, W, 3), `width` pixels wide.

    >>> picture = np.zeros((5, 9, 3), np.uint8)
    >>> stroke(picture, [(1, 2), (7, 2)], (200, 0, 0), 1)
    >>> picture[2, :, 0].tolist()
    [0, 200, 200, 200, 200, 200, 200, 200, 0]
    """
    points = np.asarray(points, float)
    for start, end in itertools.pairwise(points):
        low = np.maximum(np.floor(np.minimum(start, end) - width - 1), 0).astype(int)
        high = np.ceil(np.maximum(start, end) + width + 2).astype(int)
        part = picture[low[1] : high[1], low[0] : high[0]]
        pixels = low + np.moveaxis(np.indices(part.shape[:2])[::-1], 0, -1)
        way = end - start
        along = np.clip((pixels - start) @ way / max(way @ way, 1e-9), 0, 1)
        away = np.linalg.norm(pixels - start - along[..., None] * way, axis=-1)
        cover = np.clip((width + 1) / 2 - away, 0, 1)[..., None]
        part[...] = part + cover * (np.array(colour) - part.astype(float)) + 0.5


def arrow(picture: NDArray[np.uint8], start: ArrayLike, end: ArrayLike, colour: tuple[int, int, int]) -> None:
    """Draw an arrow from `start` to `end`, each (x, y) in pixels, into a picture (H, W, 3)."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    back = 11 * (start - end) / max(np.linalg.norm(end - start), 1e-9)
    side = 0.55 * back[::-1] * [1, -1]
    stroke(picture, [start, end], colour, 4)
    stroke(picture, [end + back + side, end, end + back - side], colour, 4)


def setups(k: ArrayLike, angle: ArrayLike, frames: int = 1) -> Take:
    """The set-ups (P,) as one take, each for so many frames, cut together without a transition.

    k: visible height / stature. angle: degrees between the line that joins the two people and the camera's axis; 90
    shows both in profile, near 0 the camera looks over the shoulder of one at the other, below 0 it stands on the other
    side of the line. The pair is turned, not the camera, so the light on the set stays as it is. Returns P · frames
    frames.

    >>> len(setups([0.44, 0.18], [20.0, 20.0], frames=12))
    24
    """
    k, angle = (np.repeat(np.asarray(values, float), frames) for values in (k, angle))
    visible = k * framing.STATURE
    focal_length = np.where(k > 0.8, 35.0, 50.0)
    distance = visible * focal_length / framing.SUPER_35[1]
    turn = np.radians(angle)
    listener = np.zeros((len(k), 2))
    speaker = -APART * np.stack([np.sin(turn), np.cos(turn)], axis=-1)
    stature = np.full(len(k), framing.STATURE)
    pair = [figure.figure(listener, stature, -turn), figure.figure(speaker, stature, np.pi - turn)]
    lower = np.minimum(1 / 6, (EYES - 0.9) / visible)  # of the picture's height: the eyes stand so far above its middle
    return Take(
        fps=FPS,
        camera_position=np.stack([-0.12 * visible, -distance, EYES - lower * visible], axis=-1),
        camera_rotation=np.broadcast_to(level_camera(), (len(k), 3, 3)),
        focal_length=focal_length,
        f_stop=np.full(len(k), 16.0),
        focus_distance=distance,
        exposure=np.ones(len(k)),
        light_position=np.tile([[-3.0, -3.0, 3.2], [3.5, -3.5, 3.0], [0.5, 3.5, 4.0]], (len(k), 1, 1)),
        light_stops=np.tile([0.6, -0.2, -0.5], (len(k), 1)),
        light_kelvin=np.full((len(k), 3), 5600.0),
        capsule_start=np.concatenate([start for start, _ in pair], axis=1),
        capsule_end=np.concatenate([end for _, end in pair], axis=1),
        capsule_radius=np.tile(figure.RADIUS, 2),
        capsule_albedo=np.concatenate([figure.ALBEDO, 0.45 * figure.ALBEDO + 0.02]),
        capsule_name=tuple(f"{who} {part}" for who in ("listener", "speaker") for part in figure.NAMES),
        backdrop=BACKDROP,
    )
