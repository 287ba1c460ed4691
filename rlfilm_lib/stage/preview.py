"""Preview of a Take: a NumPy ray caster of a small film set, quick enough to watch while an agent learns.

The set is a figure of capsules on a floor of boards before a painted backdrop. Light is scene-linear Rec.709: a pixel
is albedo times illuminance (`film.light`), tinted by the lamp's colour under the camera's white balance, times two to
the exposure. The display transform is `film.colour.shoulder`, then the sRGB curve.

A frame is made in four steps:
1. floor and backdrop: their light on a coarse grid, the boards at full size, filtered to the blur;
2. each capsule is cast into the box of pixels it may cover, and every pixel keeps the nearest few;
3. what is seen of them is lit and shaded;
4. they are laid over the set by coverage. The edge of a capsule is as wide as a pixel and the blur circle of
   `film.lens` together, so silhouettes are smooth and depth of field needs no second pass.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.film import colour, lens, light
from rlfilm_lib.stage.take import Take

LIGHT_RADIUS = 0.22
"""Radius, in metres, of the soft boxes that the lights are: it widens the edges of shadows."""
SMALLEST_SHADOW = 0.0095
"""Radius, in metres, up to which a capsule casts no shadow: those of eyes and lips would not be seen."""

FLOOR_ALBEDO = np.array([0.235, 0.165, 0.115], np.float32)
BACKDROP_ALBEDO = np.array([0.150, 0.205, 0.255], np.float32)
BOARD = 0.16
"""Width of a board of the floor, in metres."""

NEAR = 0.05
"""Depth, in metres, before which nothing is seen."""
FARTHEST = np.float32(1e6)
BITS = 0xFF
EMPTY = FARTHEST.view(np.int32) & ~BITS
"""Keys of the depth buffer are the bits of the depth with the capsule's number in the eight lowest, so that the smaller
key is the nearer capsule. EMPTY is that of a pixel without one."""
LAYERS = 6
"""How many capsules deep a pixel looks where the nearer ones cover only part of it."""
SEAM = 0.25
"""Where two capsules meet they blend over this part of the radius."""
SHELVES = 16
"""Parts of the height of a lamp's view, in which its shadows are looked for one by one."""
COARSE = 4
"""Pixels between samples of the light on floor and backdrop."""


class View(NamedTuple):
    """The camera of one frame: the rays through its pixels as slopes (right and up, over forward), and their blur."""

    position: np.ndarray  # (3,) m
    rotation: np.ndarray  # (3, 3) rows right, up, forward
    x: np.ndarray  # (H, W) right over forward
    y: np.ndarray  # (H, W) up over forward
    pixel: float  # width of a pixel, as a slope
    blur: float  # diameter, as a slope, of the blur circle of a point at infinity
    focus: float  # m

    def softness(self, depth: np.ndarray) -> np.ndarray:
        """Half width, as a slope, of an edge at `depth` (m).

        The variances of the pixel and of the blur circle add up; sqrt(5) turns a deviation into the reach of `_edge`.
        """
        blur = self.blur * np.abs(1 - self.focus / depth)
        return np.sqrt(5 * (self.pixel**2 / 12 + blur**2 / 16))


def render(take: Take, width: int = 640, height: int = 360) -> np.ndarray:
    """The take as pictures (F, height, width, 3), uint8, ready for a display (sRGB curve, Rec.709 primaries)."""
    pictures = np.empty((len(take), height, width, 3), np.uint8)
    for number, picture in enumerate(frames(take, width, height)):
        pictures[number] = picture
    return pictures


def frames(take: Take, width: int = 640, height: int = 360) -> Iterator[np.ndarray]:
    """The pictures of `render`, one at a time."""
    for picture, cdl in zip(scene_linear(take, width, height), take.grade, strict=True):
        yield develop(picture, cdl)


def check_size(width: int, height: int) -> None:
    """ValueError where a picture of this size, in pixels, is too small."""
    if width < 16 or height < 16:
        raise UserError(f"a picture of {width}x{height} pixels is too small to see: ask for at least 16x16")


def scene_linear(take: Take, width: int = 640, height: int = 360) -> Iterator[np.ndarray]:
    """One scene-linear picture (height, width, 3), float32, per frame: albedo times illuminance, times 2^exposure.

    Raises ValueError where the size is not at least 16x16, or the take has more than 256 capsules.
    """
    check_size(width, height)
    if len(take.capsule_name) > BITS + 1:
        raise ValueError(f"the preview draws at most {BITS + 1} capsules and the take has {len(take.capsule_name)}")
    tint = colour.light_colour(take.light_kelvin, take.white_balance).astype(np.float32)
    for frame in range(len(take)):
        view = _view(take, frame, width, height)
        capsules = _capsules(take, frame, view)
        positions = (take.light_position[frame] - view.position) @ view.rotation.T
        lamps = [_Lamp(*lamp, capsules) for lamp in zip(positions, take.light_stops[frame], tint[frame], strict=True)]
        picture = np.ascontiguousarray(_set(take.backdrop, view, lamps))  # _draw writes into it
        _draw(picture.reshape(3, -1), view, lamps, capsules)
        picture *= np.float32(2 ** take.exposure[frame])
        yield np.ascontiguousarray(np.moveaxis(picture, 0, -1))


LEVELS = 16384
"""Steps of the display table per unit of scene-linear light; it reaches up to 4, where the shoulder is flat."""
DISPLAY = (255 * colour.encode_srgb(colour.shoulder(np.arange(4 * LEVELS) / LEVELS)) + 0.5).astype(np.uint8)


def to_display(picture: np.ndarray) -> np.ndarray:
    """Display-referred uint8 of a scene-linear picture: the film-like shoulder, then the sRGB curve.

    >>> to_display(np.array([0.0, 0.18, 1.0, 9.0], np.float32)).tolist()
    [0, 118, 233, 255]
    """
    return DISPLAY[np.minimum(picture * LEVELS, 4 * LEVELS - 1).astype(np.uint16)]


def develop(picture: np.ndarray, cdl: np.ndarray = colour.UNGRADED) -> np.ndarray:
    """Display-referred uint8 of a scene-linear picture (..., 3) as a take shows it: `to_display`, then its grade (10,).

    >>> develop(np.full(3, 0.18, np.float32), np.array([1, 1, 0.5, 0, 0, 0, 1, 1, 1, 1])).tolist()
    [118, 118, 59]
    """
    shown = to_display(picture)
    if (cdl == colour.UNGRADED).all():
        return shown
    return (255 * colour.grade(shown / np.float32(255), cdl.astype(np.float32)) + 0.5).astype(np.uint8)


# -- what a frame is made of, in the camera's axes (right, up, forward) ------------------------------------------------


class Capsules(NamedTuple):
    """The C capsules of one frame."""

    start: np.ndarray  # (C, 3) m, camera axes
    axis: np.ndarray  # (C, 3) m, from start to end
    radius: np.ndarray  # (C,) m
    albedo: np.ndarray  # (C, 3)


def _view(take: Take, frame: int, width: int, height: int) -> View:
    focal_length, focus = take.focal_length[frame], take.focus_distance[frame]
    right = ((np.arange(width) + 0.5) / width - 0.5) * take.gate[0] / focal_length
    up = (0.5 - (np.arange(height) + 0.5) / height) * take.gate[1] / focal_length
    x, y = np.meshgrid(right.astype(np.float32), up.astype(np.float32))
    blur = lens.blur_circle(1e9, focus, focal_length, take.f_stop[frame]) / focal_length
    pixel = take.gate[0] / focal_length / width
    return View(take.camera_position[frame], take.camera_rotation[frame], x, y, float(pixel), float(blur), float(focus))


def _capsules(take: Take, frame: int, view: View) -> Capsules:
    start = (take.capsule_start[frame] - view.position) @ view.rotation.T
    end = (take.capsule_end[frame] - view.position) @ view.rotation.T
    return Capsules(start, end - start, take.capsule_radius, take.capsule_albedo)


def _edge(distance: np.ndarray) -> np.ndarray:
    """Share of a soft edge that is covered, 0 at distance -1 and 1 at 1: the integral of the kernel 3/4 (1 - d²)."""
    d = np.clip(distance, -1, 1)
    return 0.5 + d * (0.75 - 0.25 * d * d)


# -- floor and backdrop ------------------------------------------------------------------------------------------------


def _boards() -> tuple[np.ndarray, float]:
    """Running sum over x of the boards' tone less its mean, at 8192 places of a period of 16 boards, and the period."""
    boards, samples = 16, 8192
    tone = np.random.default_rng(5).uniform(0.78, 1.18, boards)
    place = (np.arange(samples) + 0.5) * boards / samples
    groove = np.abs(place % 1 - 0.5) > 0.47
    tones = np.where(groove, 0.30, tone[place.astype(int)])
    return np.cumsum(tones / tones.mean() - 1).astype(np.float32) * (boards * BOARD / samples), boards * BOARD


BOARD_SUM, BOARD_PERIOD = _boards()


def board_tone(x: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Tone of the floor, 1 on average, over a stretch of `width` metres about x: a difference of running sums."""
    places = np.float32(len(BOARD_SUM) / BOARD_PERIOD)
    left, right = ((x + side * width) * places for side in (np.float32(-0.5), np.float32(0.5)))
    mask = len(BOARD_SUM) - 1
    return 1 + (BOARD_SUM[right.astype(np.int32) & mask] - BOARD_SUM[left.astype(np.int32) & mask]) / width


def canvas(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Tone of the backdrop, 1 on average: the cloudy brushwork of a painted canvas."""
    waves = ((1.3, 0.7, 0.4), (-0.8, 1.9, 1.7), (2.9, 1.1, 4.0), (-2.3, 3.1, 0.9), (4.7, -2.2, 2.6), (1.1, 5.3, 5.1))
    return 1 + 0.04 * np.sum([np.sin(a * x + b * z + c + np.sin(b * x - a * z)) for a, b, c in waves], axis=0)


def _set(backdrop: float, view: View, lamps: list["_Lamp"]) -> np.ndarray:
    """Scene-linear picture (3, H, W) of the empty set, with the figure's shadow on it."""
    coarse_x, coarse_y = _thinned(view.x[0]), _thinned(view.y[:, 0])
    sight = np.stack(np.broadcast_arrays(coarse_x, coarse_y[:, None], 1.0), axis=-1) @ view.rotation
    ahead = max(backdrop - view.position[1], NEAR)
    to_wall = ahead / np.maximum(sight[..., 1], 1e-2)
    wall = view.position + sight * to_wall[..., None]
    skirting = wall[..., 2].min()
    wall[..., 2] = np.maximum(wall[..., 2], 0)

    wall_light = _light_on(wall, (0.0, -1.0, 0.0), view, lamps)
    painting = canvas(wall[..., 0], wall[..., 2]).astype(np.float32)[..., None]
    picture = _spread(wall_light * painting * BACKDROP_ALBEDO, *view.x.shape)
    if skirting > 0.1:
        return picture

    to_floor = view.position[2] / np.maximum(-sight[..., 2], 1e-3)
    floor = view.position + sight * np.minimum(to_floor, to_wall)[..., None]
    floor[..., 2] = 0
    floor_light = _light_on(floor, (0.0, 0.0, 1.0), view, lamps) * FLOOR_ALBEDO

    x_world, y_world, z_world = (
        view.x * right + view.y * up + forward for right, up, forward in view.rotation.T.astype(np.float32)
    )
    to_wall = np.float32(ahead) / np.maximum(y_world, 1e-2)
    depth = np.minimum(np.float32(view.position[2]) / np.maximum(-z_world, 1e-3), to_wall)
    reach = view.softness(depth) * depth
    above = np.float32(view.position[2]) + to_wall * z_world
    share = _edge(-above / reach)
    first = int(np.argmax(share.any(axis=1)))
    share, depth, reach, x_world, z_world = (a[first:] for a in (share, depth, reach, x_world, z_world))
    boards = _spread(floor_light, *view.x.shape)[:, first:]
    slant = x_world / np.minimum(z_world, -1e-3)
    boards *= board_tone(np.float32(view.position[0]) + depth * x_world, 1.6 * reach * np.sqrt(1 + slant * slant))
    picture[:, first:] += share * (boards - picture[:, first:])
    return picture


def _thinned(slopes: np.ndarray) -> np.ndarray:
    """Slopes of every COARSE-th ray of a row or column, from one before the picture to two past it."""
    number = COARSE * np.arange(-1, -(-len(slopes) // COARSE) + 2)
    return float(slopes[0]) + number * float(slopes[1] - slopes[0])


_PHASE = np.arange(COARSE)[:, None] / COARSE
SPLINE = np.hstack(
    [(1 - _PHASE) ** 3, 4 + _PHASE**2 * (3 * _PHASE - 6), 1 + 3 * _PHASE * (1 + _PHASE * (1 - _PHASE)), _PHASE**3]
).astype(np.float32) / 6  # fmt: skip
"""Weights (COARSE, 4) of a uniform cubic B-spline for the pixels between two samples."""


def _spread(coarse: np.ndarray, height: int, width: int) -> np.ndarray:
    """Smooth picture (3, height, width) through the light (h, w, 3) of every COARSE-th pixel."""
    picture = np.moveaxis(coarse, -1, 0)
    for size in (height, width):
        samples = np.ascontiguousarray(np.swapaxes(picture, 1, 2))
        count = samples.shape[2] - 3
        fine = np.empty((*samples.shape[:2], count, COARSE), np.float32)
        for phase, weights in enumerate(SPLINE):
            fine[..., phase] = sum(w * samples[..., k : k + count] for k, w in enumerate(weights))
        picture = fine.reshape(*samples.shape[:2], -1)[..., :size]
    return picture


def _light_on(point: np.ndarray, normal: tuple[float, float, float], view: View, lamps: list["_Lamp"]) -> np.ndarray:
    """Light (..., 3) that falls on points (..., 3) of a plane, both in world axes, with the figure's shadow."""
    seen = ((point - view.position) @ view.rotation.T).astype(np.float32).reshape(-1, 3).T.copy()
    facing = (view.rotation @ normal).astype(np.float32)[:, None]
    return _illuminate(seen, facing, lamps).T.reshape(point.shape)


# -- light and shadow --------------------------------------------------------------------------------------------------


def _illuminate(point: np.ndarray, normal: np.ndarray, lamps: list["_Lamp"]) -> np.ndarray:
    """Tinted illuminance (3, N) at points (3, N) with unit normals (3, N), shadows and ambient light included."""
    total = np.full(point.shape, light.AMBIENT, np.float32)
    for lamp in lamps:
        received = light.illuminance(point.T, normal.T, lamp.position, lamp.stops)
        lit = np.flatnonzero(received > 1e-4)
        received[lit] *= lamp.visible(np.take(point, lit, axis=1))
        total += lamp.tint[:, None] * received
    return total


class _Lamp:
    """A light of one frame, and the capsules as it sees them: flat strips at a depth, which cast the shadows."""

    def __init__(self, position: np.ndarray, stops: float, tint: np.ndarray, capsules: Capsules):
        self.position, self.stops, self.tint = position.astype(np.float32), np.float32(stops), tint
        ahead = (capsules.start + capsules.axis / 2).mean(axis=0) - position
        basis, _ = np.linalg.qr(np.column_stack([ahead, [0.3, 1.0, 0.2], [1.0, 0.1, 0.3]]))
        basis[:, 0] *= np.sign(ahead @ basis[:, 0])
        self.axes = basis.T.astype(np.float32)  # ahead, towards the capsules, and two across
        start = (capsules.start - position) @ basis
        end = start + capsules.axis @ basis
        casts = (np.minimum(start[:, 0], end[:, 0]) > NEAR) & (capsules.radius > SMALLEST_SHADOW)
        start, end, self.radius = start[casts], end[casts], capsules.radius[casts]
        self.start, self.end = start[:, 1:] / start[:, :1], end[:, 1:] / end[:, :1]
        self.depth, self.end_depth = start[:, 0], end[:, 0]
        self.nearest = np.minimum(self.depth, self.end_depth)
        self.strips = self._strips()

    def _strips(self) -> np.ndarray:
        """What `_covered` needs to know of each capsule, (10, C) float32."""
        (u, v), (du, dv) = self.start.T, (self.end - self.start).T
        square = du * du + dv * dv + 1e-12
        deepen = self.end_depth - self.depth
        rows = (u, v, du, dv, du / square, dv / square, self.depth, deepen, self.radius, 2 / self.radius)
        return np.array(rows, np.float32)

    def visible(self, point: np.ndarray) -> np.ndarray:
        """Share (N,) of this soft light that points (3, N) see past the capsules.

        About the edge of a strip the light fades over the width that a source of LIGHT_RADIUS, seen from the point,
        has at the strip's depth.
        """
        visible = np.ones(point.shape[1], np.float32)
        if not len(visible):
            return visible
        far, u, v = self.axes @ (point - self.position[:, None])
        far = np.maximum(far, NEAR)
        u, v = u / far, v / far
        number, capsule = self._shaded(u, v, far)
        lit = 1 - self._covered(capsule, u[number], v[number], far[number])
        ends = np.cumsum(np.bincount(capsule, minlength=len(self.radius)))
        for first, last in zip(np.append(0, ends), ends, strict=False):
            visible[number[first:last]] *= lit[first:last]
        return visible

    def _shaded(self, u: np.ndarray, v: np.ndarray, far: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pairs of a point and a capsule that may shade it: numbers (P,) of both, capsule after capsule."""
        margin = (self.radius + LIGHT_RADIUS * np.maximum(1 - self.nearest / far.max(), 0)) / self.nearest
        margin = margin[:, None]
        left, bottom = (np.minimum(self.start, self.end) - margin).T.astype(np.float32)
        right, top = (np.maximum(self.start, self.end) + margin).T.astype(np.float32)
        meets = (bottom < v.max()) & (top > v.min()) & (self.nearest < far.max())

        # Points are sorted by shelf, and along it: those beside a strip are a slice of each shelf that it meets.
        across, along, shelf = _scale(u, 1), _scale(v, SHELVES), np.arange(SHELVES, dtype=np.float32)
        key = np.floor(along(v)) + across(u)
        order = np.argsort(key)
        first = np.searchsorted(key, shelf + across(left)[:, None], "left", order)
        last = np.searchsorted(key, shelf + across(right)[:, None], "right", order)
        meets = meets[:, None] & (shelf + 1 >= along(bottom)[:, None]) & (shelf <= along(top)[:, None])
        beside = np.where(meets, np.maximum(last - first, 0), 0)
        capsule = np.repeat(np.arange(len(beside)), beside.sum(axis=1))
        first, beside = first.ravel(), beside.ravel()
        number = order[np.arange(len(capsule)) + np.repeat(first - np.cumsum(beside) + beside, beside)]
        height, nearest = v[number], self.nearest.astype(np.float32)[capsule]
        shaded = np.flatnonzero((height > bottom[capsule]) & (height < top[capsule]) & (far[number] > nearest))
        return number[shaded], capsule[shaded]

    def _covered(self, capsule: np.ndarray, u: np.ndarray, v: np.ndarray, far: np.ndarray) -> np.ndarray:
        """Share (P,) of the light that a capsule hides from a point in direction (u, v) at depth `far`."""
        u0, v0, du, dv, along_u, along_v, depth, deepen, radius, blocks = np.take(self.strips, capsule, axis=1)
        u, v = u - u0, v - v0
        along = np.minimum(np.maximum(u * along_u + v * along_v, 0), 1)
        depth = depth + along * deepen
        aside = np.sqrt((u - along * du) ** 2 + (v - along * dv) ** 2) * depth
        behind = np.maximum(far - depth, 0)
        sharpness = 1 / np.maximum(behind * (LIGHT_RADIUS / far), 0.003)
        inner = np.maximum(np.minimum((radius - aside) * sharpness, 1), -1)
        outer = np.minimum((radius + aside) * sharpness, 1)
        return 0.5 * (inner + outer) * np.minimum(behind * blocks, 1)


def _scale(values: np.ndarray, parts: int) -> Callable[[np.ndarray], np.ndarray]:
    """What leads the range of the values to [0, parts), and anything beyond to its ends."""
    low, high = values.min(), values.max()
    step = parts / max(high - low, np.float32(1e-9))
    return lambda places: np.clip((places - low) * step, 0, parts - np.float32(1e-6))


# -- the figure --------------------------------------------------------------------------------------------------------


def _draw(picture: np.ndarray, view: View, lamps: list["_Lamp"], capsules: Capsules) -> None:
    """Draw the capsules over a scene-linear picture (3, H * W), in place, the farthest layer first."""
    layers = _nearest(view, capsules)
    pixels = np.flatnonzero(layers[0] < EMPTY)
    fragments = []
    for number, layer in enumerate(layers):
        fragments.append(_Fragments(pixels, layer[pixels], layers[number + 1 :], view, capsules))
        pixels = pixels[fragments[-1].through]
        if not len(pixels):
            break
    point, normal, albedo = (np.hstack([getattr(f, name) for f in fragments]) for name in ("point", "normal", "albedo"))
    radiance = np.split(
        albedo * _illuminate(point, normal, lamps), np.cumsum([len(f.pixels) for f in fragments[:-1]]), axis=1
    )

    seen, covered = np.zeros((3, 0), np.float32), np.zeros(0, np.float32)
    for front, own in zip(reversed(fragments), reversed(radiance), strict=True):
        behind = np.take(picture, front.pixels, axis=1)
        behind[:, front.through] = seen
        own[:, front.through] += front.seam * covered * (seen - own[:, front.through])
        seen, covered = behind + front.coverage * (own - behind), front.coverage
    picture[:, fragments[0].pixels] = seen


def _depth(keys: np.ndarray) -> np.ndarray:
    return (keys & ~BITS).view(np.float32)


def _nearest(view: View, capsules: Capsules) -> np.ndarray:
    """Keys (LAYERS, H * W) of the nearest capsules in every pixel, nearest first."""
    layers = np.full((LAYERS, *view.x.shape), EMPTY)
    sight_squared = view.x**2 + view.y**2 + 1
    ends = np.stack([capsules.start[:, 2], capsules.start[:, 2] + capsules.axis[:, 2]])
    depth = np.maximum(ends, NEAR)
    reach = (view.softness(depth) * depth).max(axis=0)
    left, right, top, bottom = _boxes(view, capsules, capsules.radius + reach)
    for number in np.flatnonzero((left < right) & (top < bottom)):
        box = slice(top[number], bottom[number]), slice(left[number], right[number])
        shape = capsules.start[number], capsules.axis[number], capsules.radius[number], reach[number]
        key = _cast(view.x[box], view.y[box], sight_squared[box], *shape).view(np.int32)
        key &= ~BITS
        key |= int(number)
        for layer in layers:
            farther = np.maximum(key, layer[box])
            np.minimum(layer[box], key, out=layer[box])
            if farther.min() >= EMPTY:
                break
            key = farther
    return layers.reshape(LAYERS, -1)


def _boxes(view: View, capsules: Capsules, radius: np.ndarray) -> tuple[np.ndarray, ...]:
    """Left, right, top and bottom (C,) of the pixels that spheres of `radius` about either end stay within."""
    height, width = view.x.shape
    ends = np.stack([capsules.start, capsules.start + capsules.axis])
    step_x, step_y = float(view.x[0, 1] - view.x[0, 0]), float(view.y[0, 0] - view.y[1, 0])
    bounds = []
    for across, origin, step, size in (
        (ends[..., 0], float(view.x[0, 0]), step_x, width),
        (-ends[..., 1], -float(view.y[0, 0]), step_y, height),
    ):
        ahead = ends[..., 2]
        angle = np.arctan2(across, ahead)
        half = np.arcsin(np.minimum(radius / np.maximum(np.hypot(across, ahead), 1e-9), 1))
        low = np.tan(np.maximum(angle - half, -1.57)).min(axis=0)
        high = np.tan(np.minimum(angle + half, 1.57)).max(axis=0)
        wild = (ahead < radius + NEAR).any(axis=0)  # reaches the plane of the lens
        gone = (ahead < NEAR - radius).all(axis=0)  # lies behind it
        low, high = np.where(wild, -1e6, low), np.where(wild, 1e6, high)
        low, high = np.where(gone, 1e6, low), np.where(gone, -1e6, high)
        bounds += [np.clip(np.floor((low - origin) / step), 0, size).astype(int),
                   np.clip(np.ceil((high - origin) / step) + 1, 0, size).astype(int)]  # fmt: skip
    return tuple(bounds)


def _cast(
    x: np.ndarray, y: np.ndarray, squared: np.ndarray, start: np.ndarray, axis: np.ndarray, radius: float, reach: float
) -> np.ndarray:
    """Depth at which the rays (x, y, 1) enter a capsule, FARTHEST where they pass it by more than `reach`.

    Rays that pass within `reach` get the depth at which they come nearest. The quadratic is that of a cylinder about
    the axis, or of the sphere at the end where the ray leaves the cylinder's length (Quilez, "capsule - intersection").
    """
    sx, sy, sz = (float(a) for a in start)
    grown = float((radius + reach) ** 2 - radius**2)
    to_start = x * sx + (y * sy + sz)
    start_square = float(start @ start - radius**2)
    length_square = float(axis @ axis)
    if length_square < 1e-8:
        discriminant = to_start * to_start - squared * start_square
        depth = (to_start - np.sqrt(np.maximum(discriminant, 0))) / squared
        hit = discriminant + squared * grown > 0
    else:
        ax, ay, az = (float(a) for a in axis)
        offset = float(start @ axis)
        along = x * ax + (y * ay + az)
        a = np.maximum(length_square * squared - along * along, 1e-9)
        b = offset * along - length_square * to_start
        discriminant = b * b - a * (length_square * start_square - offset**2)
        depth = (-b - np.sqrt(np.maximum(discriminant, 0))) / a
        place = along * depth - offset
        past_start, past_end = place < 0, place > length_square
        end_square = start_square + 2 * offset + length_square
        to_cap = np.where(past_end, to_start + along, to_start)
        cap = to_cap * to_cap - squared * np.where(past_end, np.float32(end_square), np.float32(start_square))
        capped = past_start | past_end
        depth = np.where(capped, (to_cap - np.sqrt(np.maximum(cap, 0))) / squared, depth)
        hit = np.where(capped, cap + squared * grown, discriminant + a * (length_square * grown)) > 0
    hit &= depth > NEAR
    return np.where(hit, depth, FARTHEST)


class _Fragments:
    """What single pixels (N,) see of one layer of capsules: where it is, and how much of the pixel it covers.

    Of the pixels, those numbered `through` see the layer beneath as well: because this one covers only part of them, or
    because the two meet there and blend by `seam`.
    """

    def __init__(self, pixels: np.ndarray, keys: np.ndarray, deeper: np.ndarray, view: View, capsules: Capsules):
        self.pixels = pixels
        number = keys & BITS
        depth = _depth(keys)
        x, y = view.x.ravel()[pixels], view.y.ravel()[pixels]
        self.point = np.stack([x * depth, y * depth, depth])
        table = np.concatenate([capsules.start.T, capsules.axis.T, capsules.radius[None],
                                np.maximum((capsules.axis**2).sum(1), 1e-12)[None], capsules.albedo.T])  # fmt: skip
        table = np.take(table.astype(np.float32), number, axis=1)
        start, axis, radius, length_square, self.albedo = table[:3], table[3:6], table[6], table[7], table[8:]

        place = np.clip(_dot(self.point - start, axis) / length_square, 0, 1)
        normal = self.point - start - place * axis
        self.normal = normal / np.sqrt(_dot(normal, normal))

        # how far the ray passes from the axis, and what that leaves of the pixel
        squared = x * x + y * y + 1
        along = axis[0] * x + axis[1] * y + axis[2]
        to_start = start[0] * x + start[1] * y + start[2]
        slant = np.maximum(length_square * squared - along * along, 1e-12)
        place = np.clip((to_start * along - _dot(start, axis) * squared) / slant, 0, 1)
        nearest = start + place * axis
        onto = (to_start + place * along) / squared
        aside = np.sqrt((nearest[0] - onto * x) ** 2 + (nearest[1] - onto * y) ** 2 + (nearest[2] - onto) ** 2)
        reach = view.softness(nearest[2]) * nearest[2]
        fill = np.minimum((radius + 0.5 * np.sqrt(length_square)) / reach, 1)  # of the blur, by the capsule's length
        self.coverage = _edge((radius - aside) / reach) - _edge((-radius - aside) / reach)
        self.coverage *= fill * (4 - fill * fill) / 3

        under = deeper[0, pixels] if len(deeper) else np.full_like(keys, EMPTY)
        seam = np.maximum(0.5 - (_depth(under) - depth) / (SEAM * radius), 0)
        self.through = np.flatnonzero((under < EMPTY) & ((self.coverage < 0.996) | (seam > 0)))
        self.seam = seam[self.through]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
