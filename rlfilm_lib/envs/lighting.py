"""rlfilm/Lighting-v0: light a face, set the exposure and grade the picture until it has the mood of its brief.

See `Lighting`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.batch import BatchEnv, BriefedEnv, SingleEnv, between, beyond, column, padded
from rlfilm_lib.errors import UserError
from rlfilm_lib.film import colour, framing, light
from rlfilm_lib.stage import figure, preview

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

FPS = 24
STEPS_PER_SECOND = 12  # one action per two frames

# The set-up, in metres: a medium close-up on the left of the picture, a lamp on the right, a backdrop behind.
BACKDROP = 6.0  # y of the wall
CAMERA = np.array([0.0, 0.0, 1.58])
FOCAL_LENGTH, F_STOP = 65.0, 2.8  # mm
SUBJECT = np.array([-0.15, 2.4])  # on the floor; the head turns by YAW to the picture's right
YAW = float(np.radians(20))
WHITE_BALANCE = 5600.0

LIGHTS = ("key", "fill", "back", "practical")
DEGREE = np.pi / 180
# Each light runs on a rail about the subject, at this distance on the floor; the rail of the back light is the top
# edge of the backdrop, so that it never spills on the wall.
RAIL = (1.6, 1.8, BACKDROP - SUBJECT[1], 2.2)


class Knob(NamedTuple):
    """What an action turns: its bounds, how far it goes in a second, and between which values a set-up is drawn."""

    name: str
    low: float
    high: float
    speed: float
    drawn: tuple[float, float]


# Azimuths: 0 is the camera's side of the subject, positive to the picture's right.
KNOBS = (
    Knob("key azimuth", 25 * DEGREE, 110 * DEGREE, 60 * DEGREE, (35 * DEGREE, 80 * DEGREE)),
    Knob("fill azimuth", -110 * DEGREE, -25 * DEGREE, 60 * DEGREE, (-75 * DEGREE, -35 * DEGREE)),
    Knob("back azimuth", -170 * DEGREE, -140 * DEGREE, 30 * DEGREE, (-165 * DEGREE, -145 * DEGREE)),
    Knob("practical azimuth", 157 * DEGREE, 165 * DEGREE, 10 * DEGREE, (158 * DEGREE, 164 * DEGREE)),
    Knob("key height", 1.4, 2.6, 0.6, (1.7, 2.3)),  # m
    Knob("fill height", 1.2, 2.2, 0.6, (1.4, 2.0)),
    Knob("back height", 2.5, 3.6, 0.6, (2.7, 3.4)),
    Knob("practical height", 1.35, 1.85, 0.3, (1.45, 1.75)),
    Knob("key", -8.0, 4.0, 3.0, (-2.5, -0.5)),  # stops
    Knob("fill", -8.0, 4.0, 3.0, (-6.0, -2.0)),
    Knob("back", -8.0, 4.0, 3.0, (-1.0, 3.0)),
    Knob("practical", -8.0, 4.0, 3.0, (-6.0, -1.5)),
    Knob("key colour", 80.0, 500.0, 240.0, (120.0, 420.0)),  # mired
    Knob("fill colour", 80.0, 500.0, 240.0, (120.0, 420.0)),
    Knob("back colour", 80.0, 500.0, 240.0, (120.0, 420.0)),
    Knob("practical colour", 80.0, 500.0, 240.0, (120.0, 420.0)),
    Knob("exposure", -4.0, 4.0, 3.0, (-1.5, 1.5)),  # stops
    Knob("balance", -0.4, 0.4, 0.4, (-0.1, 0.1)),  # stops of red over blue, of the encoded picture
    Knob("offset", -0.06, 0.06, 0.06, (-0.02, 0.02)),
    Knob("power", 0.7, 1.5, 0.8, (0.85, 1.25)),
    Knob("saturation", 0.6, 1.4, 0.8, (0.85, 1.15)),
)
EXPOSURE = 16  # its place among the knobs; lights before it, grade behind
CONTROLS = {1: slice(EXPOSURE, EXPOSURE + 1), 3: slice(8, 11), len(KNOBS): slice(0, len(KNOBS))}
START_STOPS = (0.75, 3.0)  # with 1 or 3 controls: too bright or too dark by so much

# What the meters read: in stops, but colours in mired and tint in Duv. LIMITS are those of a brief's entries.
MEASURES = ("key:fill", "face", "background", "contrast", "separation", "face colour", "background colour", "tint")
LIMITS = {
    "key_fill": (1.0, 32.0), "face": (-3.0, 1.5), "background": (-6.0, 1.5), "contrast": (-0.5, 6.0),
    "separation": (-3.0, 3.0), "face_kelvin": (2000.0, 14000.0), "background_kelvin": (2000.0, 14000.0),
}  # fmt: skip
TOLERANCE = np.array([0.5, 0.5, 0.75, 0.5, 0.75, 30.0, 40.0, 0.02], np.float32)[:, None]
STEADY_TOLERANCE = 0.2  # stops a step
FLARE = 0.002  # light of the room on the screen: black is no blacker than that
WHITE, BLACK = 0.95, 0.04  # of the display: beyond them a patch clips more and more

BRIEFS: dict[str, dict[str, float]] = {
    "day interior": {"key_fill": 3.0, "face": 0.2, "background": 0.0, "contrast": 1.6, "separation": 0.3,
                     "face_kelvin": 6200.0, "background_kelvin": 6500.0},
    "high-key": {"key_fill": 1.6, "face": 0.6, "background": 1.1, "contrast": 0.6, "separation": 0.0,
                 "face_kelvin": 6500.0, "background_kelvin": 6800.0},
    "candle-lit": {"key_fill": 8.0, "face": -0.6, "background": -2.2, "contrast": 3.2, "separation": 1.0,
                   "face_kelvin": 2700.0, "background_kelvin": 2500.0},
    "moonlight": {"key_fill": 6.0, "face": -1.2, "background": -2.4, "contrast": 2.6, "separation": 1.5,
                  "face_kelvin": 11500.0, "background_kelvin": 10500.0},
    "noir": {"key_fill": 16.0, "face": -0.2, "background": -3.2, "contrast": 4.8, "separation": 1.5,
             "face_kelvin": 6500.0, "background_kelvin": 6500.0},
}  # fmt: skip
"""Moods. key_fill is a ratio, (K + F) / F; the temperatures, in kelvin, are what a grey card shows as before the face
and before the backdrop; the rest is in stops."""

# Where the picture is measured: points of the figure by part, azimuth and elevation of the surface's normal (degrees),
# and points (x, z) of the backdrop, of which those beside the rim come first.
FIGURE_PATCHES: dict[str, tuple[tuple[str, float, float], ...]] = {
    "key side": (("skull", 30, 15), ("left cheek", 45, 0), ("left cheek", 60, 0), ("face", 50, 0), ("chin", 50, -15)),
    "fill side": (
        ("right cheek", -25, 0), ("right cheek", -35, 0), ("right cheek", -45, 0), ("right cheek", -45, -15),
        ("chin", -35, -15),
    ),
    "rim": (
        ("hair", -75, 30), ("hair", -60, 30), ("right side hair", -75, 15),
        ("right upper arm", -75, 30), ("right upper arm", -75, 45), ("right upper arm", -60, 45),
    ),
}  # fmt: skip
BESIDE_RIM = ((-0.75, 1.7), (-0.75, 2.05), (-0.9, 1.5), (-0.9, 1.9), (-1.05, 1.7))
BACKDROP_PATCHES = (
    *BESIDE_RIM, (0.0, 1.9), (0.15, 1.6), (0.3, 1.5), (0.3, 1.8), (0.3, 2.1), (0.6, 2.15), (0.9, 2.15),
)  # fmt: skip
PATCHES = (*FIGURE_PATCHES, "background", "beside rim")
KEY, FILL, RIM, BACKGROUND, BESIDE = range(len(PATCHES))


class Points(NamedTuple):
    """The K points that are measured, and what share each has in the patches."""

    position: NDArray  # (K, 3) m
    normal: NDArray  # (K, 3)
    albedo: NDArray  # (K, 3)
    share: NDArray  # (patches, K), rows add up to 1


def points() -> Points:
    """Where the picture is measured, on the figure and on the backdrop as the preview draws them."""
    start, end = (ends[0] for ends in figure.figure(SUBJECT[None], [framing.STATURE], [YAW]))
    position, normal, albedo = [], [], []
    for places in FIGURE_PATCHES.values():
        for part, azimuth, elevation in places:
            capsule = figure.NAMES.index(part)
            a, e = azimuth * DEGREE, elevation * DEGREE
            out = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
            foremost = max(start[capsule], end[capsule], key=out.dot)
            position.append(foremost + figure.RADIUS[capsule] * out)
            normal.append(out)
            albedo.append(figure.ALBEDO[capsule])
    for x, z in BACKDROP_PATCHES:
        position.append(np.array([x, BACKDROP, z]))
        normal.append(np.array([0.0, -1.0, 0.0]))
        albedo.append(preview.BACKDROP_ALBEDO * preview.canvas(np.array(x), np.array(z)))
    sizes = [len(places) for places in FIGURE_PATCHES.values()]
    member = np.zeros((len(PATCHES), len(position)))
    for patch, (size, last) in enumerate(zip(sizes, np.cumsum(sizes), strict=True)):
        member[patch, last - size : last] = 1
    member[BACKGROUND, sum(sizes) :] = 1
    member[BESIDE, sum(sizes) : sum(sizes) + len(BESIDE_RIM)] = 1
    share = member / member.sum(axis=1, keepdims=True)
    return Points(np.array(position), np.array(normal), np.array(albedo), share)


# Shading, as products of matrices: with the head as the origin, the squared distance of a point from a light at l, and
# n · l to it, in metres, are linear in (x, y, z, 1, |l|²).
HEAD = np.array([*SUBJECT, 1.6], np.float32)
POINTS = points()
_at = POINTS.position - HEAD
SQUARED_DISTANCE = np.column_stack([-2 * _at, (_at**2).sum(axis=1), np.ones(len(_at))]).astype(np.float32)
FACING = np.column_stack([POINTS.normal, -(POINTS.normal * _at).sum(axis=1), np.zeros(len(_at))]).astype(np.float32)
REFLECTANCE = (POINTS.share[:, None] * POINTS.albedo.T).reshape(-1, len(_at)).astype(np.float32)
"""(patches · 3, K): from illuminance at the points to what each patch reflects of each colour, on average."""
AMBIENT = (light.AMBIENT * REFLECTANCE.sum(axis=1)).reshape(len(PATCHES), 3, 1)
CORRECT = np.log2(POINTS.share @ colour.luminance(POINTS.albedo)).tolist()
"""log2 of the luminance of each patch under correct exposure: white light with E = 1."""

FACE_CARD = (0.18 / np.array(figure.SKIN, np.float32))[:, None]
WALL_CARD = (0.18 / preview.BACKDROP_ALBEDO)[:, None]
"""From what skin and backdrop show to what a grey card would."""

MIRED = (80.0, 500.0)
TINT_DEGREE = 6
TINT = np.polynomial.polynomial.polyfit(
    np.linspace(-1, 1, 1001), colour.light_colour(colour.mired(np.linspace(*MIRED, 1001)), WHITE_BALANCE), TINT_DEGREE
).T.astype(np.float32)
"""(3, 7) `film.colour.light_colour` as polynomials of the mired scaled to [-1, 1], good to 0.002."""


LOW, HIGH = column([knob.low for knob in KNOBS]), column([knob.high for knob in KNOBS])
INCREMENT = column([knob.speed for knob in KNOBS]) / STEPS_PER_SECOND
DRAWN = np.array([knob.drawn for knob in KNOBS]).T[..., None]
OBSERVATION = (
    *(knob.name for knob in KNOBS),
    *(f"{name} wanted" for name in MEASURES[:-1]),
    *(f"{name} error" for name in MEASURES),
    "progress",
)
OBSERVATION_LIMIT = 2.0
KNOB_CENTRE, KNOB_HALF = (HIGH + LOW) / 2, (HIGH - LOW) / 2
BRIEF_CENTRE = column([2.0, -0.5, -2.0, 2.0, 0.0, 230.0, 230.0])
BRIEF_HALF = column([2.0, 1.5, 3.0, 2.5, 2.0, 170.0, 170.0])
ERROR_SCALE = 1 / (4 * TOLERANCE)


class Lighting(BriefedEnv):
    """Light a face with four lamps, set the exposure and grade the picture: a take of 4 s in the mood of its brief.

    The figure stands in a medium close-up, its face turned a little to the lamp that stands in the picture (the
    practical), a backdrop behind. One action per two frames, 48 steps, then the episode is truncated.

    **Brief**: key:fill ratio, exposure of the face and of the background, contrast, separation, and the colour
    temperatures of face and background.
    `brief=` of the constructor fixes it for all episodes, and `reset(options={"brief": ...})` for one: the name of a
    mood (see BRIEFS) or a dict with some or all entries of those. What is not fixed is drawn: a set-up of all knobs
    within the ranges of KNOBS, whose readings are what the brief asks for; so every drawn brief can be met.

    **Actions** in [-1, 1], clipped, are rates of the knobs, each within its bounds and with its speed, see KNOBS.
    `controls=21`: azimuth, height, stops and colour of key, fill, back and practical; the camera's exposure; the
    grade's balance (red against blue), offset, power and saturation, which make an ASC CDL. `controls=3`: the stops of
    key, fill and back, all else being right; `controls=1`: the exposure alone.

    **Observation** (37,) float32, about [-1, 1], see OBSERVATION: knobs, brief, errors of the readings, progress.

    **Reward** = Σ weight · term, measured in the picture. g(e, t) = exp(-e² / 2t²):

    | term                | weight | value                                                              | t         |
    |---------------------|--------|--------------------------------------------------------------------|-----------|
    | key_fill            | 0.15   | g of log2(key side / fill side of the face) - brief                | 0.5 stop  |
    | face_exposure       | 0.15   | g of log2(key side / correct exposure) - brief                     | 0.5 stop  |
    | background_exposure | 0.15   | g of log2(background / correct exposure) - brief                   | 0.75 stop |
    | contrast            | 0.15   | g of log2(key side / fill side) as displayed - brief               | 0.5 stop  |
    | separation          | 0.15   | g of log2(rim / backdrop beside it) - brief                        | 0.75 stop |
    | colour_temperature  | 0.15   | g of mired - brief of a grey card at the face, as displayed        | 30 mired  |
    |                     |        | · g of mired - brief of one at the backdrop                        | 40 mired  |
    |                     |        | · g of the tint at the face, Duv                                   | 0.02      |
    | steadiness          | 0.10   | g of the change of face and background in this step, rms           | 0.2 stop  |
    | clipping            | -0.5   | share of face and background that the display shows white or black |           |

    A patch is a few points of the figure, or of the backdrop, where the camera sees them; its colour is the mean over
    the points of albedo · light as `film.light` and `film.colour` have it, each light with its cosine, no cast shadows.
    Key:fill, exposure and separation are scored scene-linear before the grade, contrast and colour after it: shoulder,
    sRGB curve, CDL, and back to the screen's light, with a flare of 0.002. The card is held where the key side is.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {
        "render_fps": STEPS_PER_SECOND,
        "yardsticks": {  # python -m rlfilm_lib.envs.yardsticks rlfilm/Lighting-v0
            1: {"random": 29.23, "expert": 45.79},
            3: {"random": 19.54, "expert": 44.77},
            21: {"random": 12.8, "expert": 45.8},
        },
    }
    weights: ClassVar[dict[str, float]] = {
        "key_fill": 0.15, "face_exposure": 0.15, "background_exposure": 0.15, "contrast": 0.15,
        "separation": 0.15, "colour_temperature": 0.15, "steadiness": 0.10, "clipping": -0.5,
    }  # fmt: skip
    offered: ClassVar[dict[int, str]] = {1: "exposure", 3: "three lights", len(KNOBS): "all"}
    entries = tuple(LIMITS)
    briefs = BRIEFS
    episode_steps = 48
    draws = 2 * len(KNOBS) + 1

    def __init__(
        self,
        num_envs: int = 1,
        controls: int = len(KNOBS),
        brief: str | dict | None = None,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(num_envs, controls, len(OBSERVATION), OBSERVATION_LIMIT, brief, render_mode)
        self._knobs = np.zeros((len(KNOBS), num_envs), np.float32)
        self._brief = np.zeros((len(LIMITS), num_envs), np.float32)
        self._seen = np.zeros((2, num_envs), np.float32)
        self.scene = {
            "azimuth": self._knobs[0:4],  # rad, of LIGHTS
            "height": self._knobs[4:8],  # m
            "stops": self._knobs[8:12],
            "colour": self._knobs[12:16],  # mired
            "exposure": self._knobs[16:17],  # stops
            "grade": self._knobs[17:21],  # balance, offset, power, saturation
            "brief": self._brief,  # see MEASURES, but for the tint
            "seen": self._seen,  # what face and background were exposed like, stops
        }
        self._driven = CONTROLS[controls]

    def expert_policy(self) -> Callable[..., NDArray]:
        """The optimising `expert`: policy(observations (N, 37), deterministic=True) -> actions (N, controls)."""
        return lambda observations, deterministic=True: expert(observations, self.controls)

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> "Take":
        """The shot that one environment filmed: two frames per step, linear in between, from its states, first to last.

        S states give 2 (S - 1) frames, one state a still. The focus is on the eyes.
        """
        from rlfilm_lib.stage.take import Take, level_camera

        frames = max(1, 2 * (len(states) - 1))
        when = np.arange(frames) / 2

        def follow(name: str) -> NDArray:
            rows = np.array([state[name][index] for state in states], float)
            return np.stack([np.interp(when, np.arange(len(states)), row) for row in rows.T])

        azimuth, height = follow("azimuth"), follow("height")
        position = light_position(azimuth, height)
        start, end = figure.figure(np.tile(SUBJECT, (frames, 1)), np.full(frames, framing.STATURE), YAW)
        lamp = lampshade(position[:, 3].T)
        return Take(
            fps=FPS,
            gate=framing.SUPER_35,
            camera_position=np.tile(CAMERA, (frames, 1)),
            camera_rotation=np.broadcast_to(level_camera(), (frames, 3, 3)),
            focal_length=np.full(frames, FOCAL_LENGTH),
            f_stop=np.full(frames, F_STOP),
            focus_distance=np.full(frames, SUBJECT[1] - CAMERA[1] - 0.08),
            exposure=follow("exposure")[0],
            white_balance=WHITE_BALANCE,
            light_position=position.transpose(2, 1, 0),
            light_stops=follow("stops").T,
            light_kelvin=colour.mired(follow("colour")).T,
            light_name=LIGHTS,
            capsule_start=np.concatenate([start, lamp[0]], axis=1),
            capsule_end=np.concatenate([end, lamp[1]], axis=1),
            capsule_radius=np.concatenate([figure.RADIUS, np.full(len(LAMP), SLAT_RADIUS)]),
            capsule_albedo=np.concatenate([figure.ALBEDO, LAMP_ALBEDO]),
            capsule_name=(*figure.NAMES, *LAMP),
            backdrop=BACKDROP,
            grade=cdl(follow("grade")),
        )

    def _checked(self, brief: dict[str, Any]) -> dict[str, Any]:
        for name, value in brief.items():
            low, high = LIMITS[name]
            if not isinstance(value, int | float | np.number) or not low <= value <= high:
                raise UserError(f"{name}={value} of the brief is out of range: give {low:g} to {high:g}")
        return brief

    def _set_up(self, index: NDArray | slice, uniform: NDArray, brief: dict[str, Any]) -> None:
        knobs, wanted = _drawn_set_up(uniform[: len(KNOBS) + 1], brief)
        if self.controls == len(KNOBS):
            knobs = between(DRAWN, uniform[len(KNOBS) + 1 :])
        else:
            if brief:
                knobs = solve(knobs, wanted)
            knobs[self._driven] += beyond(START_STOPS, uniform[len(KNOBS) + 1 :][: self.controls])
        knobs = np.clip(knobs, LOW, HIGH)
        self._knobs[:, index] = knobs
        self._brief[:, index] = wanted
        readings, _ = measure(self._knobs[:, index])
        self._seen[:, index] = readings[1:3]

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        action = np.minimum(np.maximum(actions.T, -1, dtype=np.float32), 1)
        driven = self._knobs[self._driven]
        driven += INCREMENT[self._driven] * action
        np.maximum(driven, LOW[self._driven], out=driven)
        np.minimum(driven, HIGH[self._driven], out=driven)
        readings, clipping = measure(self._knobs)

        terms = np.empty((8, self.num_envs), np.float32)
        change = readings[1:3] - self._seen
        self._seen[...] = readings[1:3]
        errors = _errors(readings, self._brief)
        scaled = errors / TOLERANCE
        scaled *= scaled
        np.add.reduce(scaled[5:8], axis=0, out=scaled[5])
        change *= change
        np.add(change[0], change[1], out=scaled[6])
        scaled[6] /= 2 * STEADY_TOLERANCE**2
        scaled *= -0.5
        np.exp(scaled[:7], out=terms[:7])
        terms[7] = clipping
        return _observation(self._knobs, self._brief, errors, self.elapsed + 1), terms, np.zeros(self.num_envs, bool)

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        knobs, brief = self._knobs[:, index], self._brief[:, index]
        return _observation(knobs, brief, _errors(measure(knobs)[0], brief), self.elapsed[index])


class OneLighting(SingleEnv, task=Lighting):
    """One `Lighting`, as `gym.make("rlfilm/Lighting-v0")` gives it."""


# What the picture shows. Arrays hold one column per environment: knobs (21, n), brief (7, n).


def light_position(azimuth: NDArray, height: NDArray) -> NDArray:
    """Positions (3, 4, n), m, of the lights on their rails, from azimuths (rad) and heights (m), (4, n) each."""
    x, y = np.sin(azimuth), -np.cos(azimuth)
    radius = np.empty_like(x)
    radius[...] = np.array(RAIL)[:, None]
    radius[2] /= y[2]
    position = np.empty((3, *x.shape), x.dtype)
    np.multiply(x, radius, out=position[0])
    np.multiply(y, radius, out=position[1])
    position[:2] += SUBJECT[:, None, None]
    position[2] = height
    return position


def recorded(knobs: NDArray) -> NDArray:
    """Scene-linear Rec.709 colour (5, 3, n) of the PATCHES as the camera records it, exposure included."""
    knobs = np.asarray(knobs, np.float32)
    count = knobs.shape[1]
    basis = np.empty((4, 5, count), np.float32)  # of each light: x, y, z, 1, |l|²
    basis[:, :3] = light_position(knobs[0:4], knobs[4:8]).transpose(1, 0, 2)
    basis[:, :3] -= HEAD[:, None]
    basis[:, 3] = 1
    np.add.reduce(basis[:, :3] * basis[:, :3], axis=1, out=basis[:, 4])
    lamps = lamp_colour(knobs[12:16])
    lamps *= light.REFERENCE_DISTANCE**2 * np.exp2(knobs[8:12])
    shown = np.empty((len(PATCHES), 3, count), np.float32)
    shown[...] = AMBIENT
    for number in range(len(LIGHTS)):
        squared = SQUARED_DISTANCE @ basis[number]
        received = FACING @ basis[number]
        np.maximum(received, 0, out=received)
        received /= squared
        received /= np.sqrt(squared, out=squared)
        shown += (REFLECTANCE @ received).reshape(shown.shape) * lamps[:, number]
    shown *= np.exp2(knobs[EXPOSURE])
    return shown


def lamp_colour(mired: NDArray) -> NDArray:
    """`film.colour.light_colour` of lamps of these mired (4, n) under the white balance, (3, 4, n), within 0.002."""
    scaled = (mired - sum(MIRED) / 2) / (np.ptp(MIRED) / 2)
    lamps = np.empty((3, *mired.shape), mired.dtype)
    lamps[...] = TINT[:, -1, None, None]
    for power in range(TINT_DEGREE - 1, -1, -1):
        lamps *= scaled
        lamps += TINT[:, power, None, None]
    return lamps


def cdl(grade: NDArray) -> NDArray:
    """The ASC CDL (n, 10) of a grade (4, n): balance, offset, power, saturation.

    >>> cdl(np.array([[0.2], [0.01], [1.1], [0.9]]))[0].round(2).tolist()
    [1.07, 1.0, 0.93, 0.01, 0.01, 0.01, 1.1, 1.1, 1.1, 0.9]
    """
    balance, offset, power, saturation = grade
    numbers = np.empty((10, len(balance)), grade.dtype)
    np.exp2(balance / 2, out=numbers[0])
    numbers[1] = 1
    np.divide(1, numbers[0], out=numbers[2])
    numbers[3:6], numbers[6:9], numbers[9] = offset, power, saturation
    return numbers.T


def measure(knobs: NDArray) -> tuple[NDArray, NDArray]:
    """Readings (8, n), in the order of MEASURES, and the share (n,) of the patches that clip."""
    knobs = np.asarray(knobs, np.float32)
    patch = recorded(knobs)
    luminance = np.log2(_luminance(patch))
    readings = np.empty((len(MEASURES), knobs.shape[1]), np.float32)
    np.subtract(luminance[KEY], luminance[FILL], out=readings[0])
    np.subtract(luminance[KEY], CORRECT[KEY], out=readings[1])
    np.subtract(luminance[BACKGROUND], CORRECT[BACKGROUND], out=readings[2])
    np.subtract(luminance[RIM], luminance[BESIDE], out=readings[4])

    face, wall = patch[KEY], patch[BACKGROUND]
    shown = np.stack([face, patch[FILL], wall, face * FACE_CARD, wall * WALL_CARD])
    display = colour.grade(colour.encode_srgb(colour.shoulder(shown.transpose(0, 2, 1))), cdl(knobs[17:21]))
    linear = colour.decode_srgb(display[[0, 1, 3, 4]])
    sides = np.log2(colour.luminance(linear[:2]) + FLARE)
    np.subtract(sides[0], sides[1], out=readings[3])
    xy = colour.chromaticity(linear[2:] + FLARE)
    readings[5:7] = colour.mired(colour.correlated_temperature(xy))
    readings[7] = colour.duv(xy[0])
    return readings, clipped(display[:3]).mean(axis=0)


def clipped(display: NDArray) -> NDArray:
    """How far patches (..., 3), sRGB-encoded, are white or black on the display: 0 to 1, by their brightest channel.

    >>> clipped(np.array([[1.0, 1.0, 1.0], [0.96, 0.5, 0.5], [0.2, 0.1, 0.1], [0.01, 0.0, 0.0]])).round(2).tolist()
    [1.0, 0.2, 0.0, 0.75]
    """
    brightest = np.maximum(np.maximum(display[..., 0], display[..., 1]), display[..., 2])
    white, black = (brightest - WHITE) / (1 - WHITE), (BLACK - brightest) / BLACK
    return np.clip(np.maximum(white, black), 0, 1)


def _luminance(rgb: NDArray) -> NDArray:
    """Luminance (..., n) of colours (..., 3, n)."""
    red, green, blue = colour.LUMA.tolist()
    return red * rgb[..., 0, :] + green * rgb[..., 1, :] + blue * rgb[..., 2, :]


def _errors(readings: NDArray, brief: NDArray) -> NDArray:
    """What the readings (8, n) miss the brief by; the tint should be none."""
    errors = readings.copy()
    errors[:-1] -= brief
    return errors


def _observation(knobs: NDArray, brief: NDArray, errors: NDArray, elapsed: NDArray) -> NDArray:
    """Observations (n, 37), each on its scale, limited."""
    rows = padded(len(OBSERVATION), knobs.shape[1])
    np.subtract(knobs, KNOB_CENTRE, out=rows[:21])
    rows[:21] /= KNOB_HALF
    np.subtract(brief, BRIEF_CENTRE, out=rows[21:28])
    rows[21:28] /= BRIEF_HALF
    np.multiply(errors, ERROR_SCALE, out=rows[28:36])
    rows[36] = elapsed / Lighting.episode_steps
    limited = rows[21:36]
    np.maximum(limited, -OBSERVATION_LIMIT, out=limited)
    np.minimum(limited, OBSERVATION_LIMIT, out=limited)
    return rows.T.copy()


# How an episode begins


DRAWN_FACE = (-2.0, 0.75)  # stops
DRAWN_SPREAD = 50.0  # mired, by which the lamps of one set-up differ from the first


def _drawn_set_up(uniform: NDArray, fixed: dict[str, float]) -> tuple[NDArray, NDArray]:
    """A set-up (21, n) from uniform (22, n), and the brief (7, n) that it fulfils but for what is fixed."""
    knobs = between(DRAWN, uniform[: len(KNOBS)])
    lamps = knobs[12:16]
    lamps[1:] = np.clip(lamps[0] + DRAWN_SPREAD * (2 * uniform[13:16] - 1), *MIRED)
    face = DRAWN_FACE[0] + (DRAWN_FACE[1] - DRAWN_FACE[0]) * uniform[len(KNOBS)]
    readings, _ = measure(knobs)
    knobs[EXPOSURE] += face - readings[1]
    knobs = np.clip(knobs, LOW, HIGH)
    brief = measure(knobs)[0][:-1]
    for row, name in enumerate(LIMITS):
        if name in fixed:
            value = float(fixed[name])
            brief[row] = np.log2(value) if name == "key_fill" else colour.mired(value) if "kelvin" in name else value
    return knobs, brief


# The expert

DAMPING = 0.02
ITERATIONS = 3
SETTLED = 0.02


def solve(knobs: NDArray, brief: NDArray, driven: slice = CONTROLS[21], iterations: int = 30) -> NDArray:
    """Knobs (21, n), near those given, whose readings are what the brief (7, n) asks for, as far as that goes.

    Damped Gauss-Newton steps on the errors over their tolerances, the knobs measured in what a step of the environment
    can turn them; so of all solutions it heads for one that is soon reached. Knobs at their bounds are held there.
    """
    knobs = np.array(knobs, np.float32)
    for _ in range(iterations):
        residual, jacobian = linearised(knobs, brief, driven)
        if np.abs(residual).max() < SETTLED:
            break
        free = np.ones(jacobian.shape[1:], bool)
        for _ in range(2):
            held = jacobian * free
            step = _least_step(held, residual)
            moved = knobs[driven] + INCREMENT[driven] * step
            free &= (moved >= LOW[driven] - 1e-6) & (moved <= HIGH[driven] + 1e-6)
        knobs[driven] = np.clip(moved, LOW[driven], HIGH[driven])
    return knobs


def linearised(knobs: NDArray, brief: NDArray, driven: slice) -> tuple[NDArray, NDArray]:
    """Errors and clipping over their tolerances (9, n), and their derivatives (9, knobs, n) by forward differences, per
    step that the environment can turn a knob."""
    rows = np.arange(len(KNOBS))[driven]
    turned = np.repeat(knobs[:, None], 1 + len(rows), axis=1)
    turned[rows, 1 + np.arange(len(rows))] += PROBE * INCREMENT[rows]
    readings, clipping = measure(turned.reshape(len(KNOBS), -1))
    errors = _errors(readings, np.tile(brief, 1 + len(rows))) / TOLERANCE
    missed = np.concatenate([errors, clipping[None] / CLIPPING_TOLERANCE]).reshape(-1, *turned.shape[1:])
    return missed[:, 0], (missed[:, 1:] - missed[:, :1]) / PROBE


PROBE = 0.1  # of a step
CLIPPING_TOLERANCE = 0.1


def _least_step(jacobian: NDArray, residual: NDArray) -> NDArray:
    """The damped least-norm step (knobs, n) that takes the residual (9, n) to 0: -Jᵀ (J Jᵀ + λ)⁻¹ r."""
    j = np.ascontiguousarray(jacobian.transpose(2, 0, 1), float)
    normal = j @ j.transpose(0, 2, 1) + DAMPING * np.eye(len(residual))
    return -(j.transpose(0, 2, 1) @ np.linalg.solve(normal, residual.T[..., None]))[..., 0].T


def expert(observations: NDArray, controls: int) -> NDArray:
    """Actions (N, controls) of the optimising expert, a function of the observations (N, 37) alone.

    It solves for a set-up near the present one that meets the brief, and turns every knob towards it as fast as it
    goes; solving afresh at every step makes up for the knobs that are slow."""
    rows = np.asarray(observations, np.float32).T
    knobs = rows[:21] * KNOB_HALF + KNOB_CENTRE
    brief = rows[21:28] * BRIEF_HALF + BRIEF_CENTRE
    driven = CONTROLS[controls]
    way = solve(knobs, brief, driven, ITERATIONS)[driven] - knobs[driven]
    return np.clip(way / INCREMENT[driven], -1, 1).T


# The lamp in the picture

SLATS = 15
SLAT_RADIUS = 0.0095  # m, thin enough to cast no shadow
SHADE_TOP, SHADE_BOTTOM, SHADE_HEIGHT = 0.050, 0.085, 0.16  # radii and height, m
LAMP = (*(f"lampshade {number}" for number in range(1, SLATS + 1)), "lamp stand")
LAMP_ALBEDO = np.array([(0.75, 0.68, 0.56)] * SLATS + [(0.10, 0.08, 0.06)])


def lampshade(position: NDArray) -> tuple[NDArray, NDArray]:
    """Start and end (F, 16, 3) of the capsules of the lamp about a light at (F, 3): slats in a half circle behind it,
    which it makes glow, and a stand down to the floor."""
    around = np.linspace(-80, 80, SLATS) * DEGREE
    ring = np.column_stack([np.sin(around), np.cos(around), np.zeros(SLATS)])
    up = np.array([0.0, 0.0, SHADE_HEIGHT / 2])
    behind = position + np.array([0.0, SHADE_BOTTOM, 0.0])
    start = position[:, None] + SHADE_BOTTOM * ring - up
    end = position[:, None] + SHADE_TOP * ring + up
    floor = behind * np.array([1.0, 1.0, 0.0])
    return np.concatenate([start, (behind - up)[:, None]], axis=1), np.concatenate([end, floor[:, None]], axis=1)
