"""The studio that a Take is shot in, for the path tracers: floor, backdrop, lamps and shutter, as the preview has them.

Light is scene-linear Rec.709: a lit surface shows albedo times illuminance (`film.light`). Lamps are balls of light of
`preview.LIGHT_RADIUS`, which the camera does not see; they light what they see, and a constant ambient light reaches
everything. Nothing is lit by way of a third thing: so a picture is exposed as the light meter said.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.film import colour, light
from rlfilm_lib.stage import preview
from rlfilm_lib.stage.take import PER_FRAME, Take

SHUTTER = 180.0
"""Angle of the shutter, in degrees: each frame is exposed for half its time, about the moment it stands for."""
MOMENTS = 4
"""Moments that a picture with motion blur is averaged over."""
EXTENT = 64 * preview.BOARD_PERIOD
"""Floor and backdrop reach this far to all sides, in metres."""
CANVAS = 12.8
"""The painting of the backdrop reaches this far, in metres, to all sides of x = 0, z = 0; then it is mirrored."""
SMALLEST_BULB = 0.005
"""Radius, in metres, of a lamp that has no room."""
FLUSH = 1e-3
"""Metres that a lamp on the backdrop stands before it."""

FACING_STAGE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Axes x, y and z (rows) of a disc that shines along its -z and faces the stage, which is -y."""


class Lamp(NamedTuple):
    """A light of one frame as something that shines."""

    position: np.ndarray  # (3,) m
    radiance: np.ndarray  # (3,) a surface of albedo a that sees a solid angle of w square on shows a w radiance / pi
    flush: bool  # a disc on the backdrop that faces -y; else a ball
    gain: float  # radiance over that of a ball; a disc needs more for the same light, a nearer place less
    bulb: float  # m, radius that leaves room for what stands within the ball, as a lampshade does; else the ball's


def lamps(take: Take, frame: int) -> list[Lamp]:
    """The lights of one frame, each with the illuminance that `film.light` gives it.

    A ball that would touch the backdrop, or stands behind it, becomes a disc on the backdrop, on the line from the
    light to the middle of the figure, which gets as much light from it as before.
    """
    middle = ((take.capsule_start[frame] + take.capsule_end[frame]) / 2).mean(axis=0)
    tint = colour.light_colour(take.light_kelvin[frame], take.white_balance)
    wall = take.backdrop - FLUSH
    found = []
    for position, stops, tinted in zip(take.light_position[frame], take.light_stops[frame], tint, strict=True):
        flush = bool(position[1] > take.backdrop - preview.LIGHT_RADIUS and middle[1] < wall)
        gain = 1.0
        if flush:
            away = position - middle
            share = (wall - middle[1]) / away[1]  # of the way to the light, up to the backdrop
            position = middle + share * away
            gain = float(share**2 * np.linalg.norm(away) / away[1])
        radiance = gain * np.exp2(stops) * (light.REFERENCE_DISTANCE / preview.LIGHT_RADIUS) ** 2 * tinted
        free = 0.9 * distance(position, take, frame).min()
        bulb = preview.LIGHT_RADIUS if flush else float(np.clip(free, SMALLEST_BULB, preview.LIGHT_RADIUS))
        found.append(Lamp(position, radiance, flush, gain, bulb))
    return found


def distance(point: np.ndarray, take: Take, frame: int) -> np.ndarray:
    """Distance (C,), in m, from a point to the surface of each capsule; negative inside of one."""
    start, axis = take.capsule_start[frame], take.capsule_end[frame] - take.capsule_start[frame]
    along = np.sum((point - start) * axis, axis=-1) / np.maximum(np.sum(axis**2, axis=-1), 1e-12)
    nearest = start + np.clip(along, 0, 1)[:, None] * axis
    return np.linalg.norm(point - nearest, axis=-1) - take.capsule_radius


def check_rays(samples: int, moments: int) -> None:
    """ValueError where no picture can be made of so many rays per pixel and moments of motion blur."""
    for name, value in (("samples", samples), ("moments", moments)):
        if value < 1:
            raise UserError(f"{name} is {value}; give 1 or more")


def boards() -> np.ndarray:
    """Albedo (2, 1024, 3) of the floor over one period of x, from x = 0 on; it is the same for all y."""
    width = preview.BOARD_PERIOD / 1024
    tone = preview.board_tone(((np.arange(1024) + 0.5) * width).astype(np.float32), np.full(1024, width, np.float32))
    return np.tile(tone[:, None] * preview.FLOOR_ALBEDO, (2, 1, 1)).astype(np.float32)


def canvas() -> np.ndarray:
    """Albedo (512, 512, 3) of the backdrop where |x| and |z| are below CANVAS: x along the columns, z up the rows."""
    place = (np.arange(512) + 0.5) * (CANVAS / 256) - CANVAS
    tone = preview.canvas(place, place[:, None])
    return (tone[..., None] * preview.BACKDROP_ALBEDO).astype(np.float32)


def aperture(take: Take) -> np.ndarray:
    """Diameter (F,), in m, that an ideal lens needs for the blur of `film.lens.blur_circle` at the field of view of f.

    The renderers' lens keeps its field of view when it is focused near, while the thin lens of the formula moves away
    from the gate: f/N times s / (s - f) makes up for that.
    """
    focal_length = take.focal_length / 1000
    return focal_length / take.f_stop * take.focus_distance / (take.focus_distance - focal_length)


def exposed(take: Take, frame: int, moments: int = MOMENTS) -> Take:
    """What stands before the lens while the shutter is open for a frame: a Take of so many moments, spread evenly.

    The shutter is open from a quarter of a frame before to a quarter after. In between the frames everything moves
    straight on, and turns; before the first frame and after the last it stands still.
    """
    open_for = SHUTTER / 360
    when = np.clip(frame + open_for * ((np.arange(moments) + 0.5) / moments - 0.5), 0, len(take) - 1)
    before = np.minimum(when.astype(int), max(len(take) - 2, 0))
    after = np.minimum(before + 1, len(take) - 1)
    values = {}
    for name in PER_FRAME:
        array = getattr(take, name)
        weight = (when - before).reshape(-1, *[1] * (array.ndim - 1))
        values[name] = array[before] + weight * (array[after] - array[before])
    u, _, v = np.linalg.svd(values["camera_rotation"])
    values["camera_rotation"] = u @ v  # the nearest rotation
    return replace(take, **values)
