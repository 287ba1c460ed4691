"""rlfilm/CameraMove-v0: operate a camera so that a walking subject is filmed as the brief asks. See `CameraMove`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.batch import BatchEnv, BriefedEnv, SingleEnv, between, beyond, column, padded
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.film import framing, lens

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

FPS = 24
STEPS_PER_SECOND = 12  # one action per two frames
DT = 1 / STEPS_PER_SECOND
STEPS = 72  # of a take: 6 s
DEGREE = np.pi / 180
LN2 = float(np.log(2))  # from octaves to the natural logarithm


class Axis(NamedTuple):
    """What an action drives: how far it goes, and how fast."""

    name: str
    low: float
    high: float
    speed: float  # per second


# The camera. Leaving the stage (x, y) ends a take; all else has stops. Actions drive x and y as truck and dolly.
AXES = (
    Axis("x", -8.0, 8.0, 1.6),  # m
    Axis("y", -8.0, 5.0, 1.6),
    Axis("z", 0.2, 3.2, 0.6),
    Axis("pan", -120 * DEGREE, 120 * DEGREE, 70 * DEGREE),  # 0 looks along +y, positive turns right
    Axis("tilt", -40 * DEGREE, 40 * DEGREE, 40 * DEGREE),  # positive looks up
    Axis("zoom", float(np.log2(18.0)), float(np.log2(135.0)), 1.0),  # log2 of the focal length in mm: octaves
    Axis("focus", -1.0, 4.0, 2.0),  # log2 of the focus distance in m: octaves
    Axis("iris", 1.0, 9.0, 3.0),  # stops from f/1: f/1.4 to f/22
)
X, Y, Z, PAN, TILT, ZOOM, FOCUS, IRIS = range(len(AXES))
CONTROLS = {1: [FOCUS], 3: [PAN, TILT, ZOOM], 8: list(range(8))}
TIME_CONSTANT = 0.25  # s, in which a velocity covers 63 % of the way to what the action asks for
RESPONSE = float(1 - np.exp(-DT / TIME_CONSTANT))

# The subject walks from rest; on the way it turns twice, first towards the camera, and stops once.
BACKDROP = 6.0  # y of the wall, m
EYES_HEIGHT = framing.STATURE - framing.EYES_BELOW_TOP
EYES_FORWARD = 0.08  # m, from the head's axis to the eyes
STAGE_CENTRE = np.array([[-0.5, 0.5], [1.6, 2.4]], np.float32)  # of the path
START = (0.0, 0.6)  # s, when it sets off
TURN, TURN_TIME = (15 * DEGREE, 50 * DEGREE), (1.0, 4.5)  # rad, and s when a turn begins
STOP, STOP_TIME = (0.6, 1.6), (2.0, 4.5)  # s that a stop takes, and when it begins
LOOK_AHEAD = (0, 1, 6)  # steps
PATH = ("x", "y", "velocity x", "velocity y", "facing x", "facing y")
PATH_STEPS = STEPS + max(LOOK_AHEAD) + 1

# Set pieces are columns with a round top: radius, height of the axis.
PIECE_RADIUS = np.array([0.16, 0.16, 0.22], np.float32)[:, None]
PIECE_HEIGHT = np.array([2.6, 2.6, 1.15], np.float32)[:, None]
SUBJECT_ROOM, CAMERA_ROOM = 0.65, 0.9  # m, that a piece leaves free of the paths of subject and camera
TOUCH = 0.5  # m on the floor between camera and subject at which they touch
CAMERA_RADIUS = 0.2  # m


class Movement(NamedTuple):
    """What a camera movement asks for, and how the subject walks."""

    walk: tuple[float, float]  # m/s
    heading: tuple[float, float] = (25 * DEGREE, 95 * DEGREE)  # at first, away from the camera, either way
    rate: tuple[float, float] = (0.0, 0.0)  # of the movement
    follows: float = 0.0  # 1: motion is relative to the subject, 0: to the floor
    push: float = 0.0  # growth of the distance, 1/s, per unit of rate
    orbit: float = 0.0  # turn about the subject, rad/s, per unit of rate
    zoom: float = 0.0  # octaves/s, per unit of rate
    still: float = 0.0  # 1: the head is locked
    pans: float = 0.0  # 1: the head pans with the subject
    both_ways: bool = False  # the rate may have either sign


MOVEMENTS = {
    "static": Movement((0.0, 0.15), still=1.0),
    "pan": Movement((0.5, 0.8), (65 * DEGREE, 110 * DEGREE), pans=1.0),
    "tracking": Movement((0.7, 1.1), follows=1.0),
    "push-in": Movement((0.0, 0.3), rate=(0.05, 0.10), follows=1.0, push=-1.0),
    "orbit": Movement((0.0, 0.4), rate=(0.12, 0.25), follows=1.0, orbit=1.0, both_ways=True),
    "dolly zoom": Movement((0.0, 0.2), rate=(0.08, 0.16), follows=1.0, push=LN2, zoom=1.0, both_ways=True),
}
"""rate is in 1/s for a push-in, rad/s for an orbit and octaves/s for a dolly zoom."""

# The brief.
ANGLES = {"low": -12 * DEGREE, "eye": 0.0, "high": 14 * DEGREE}  # of the camera over the eyes
SIDES = {"left": -1.0, "centre": 0.0, "right": 1.0}
LIMITS = {"k": (0.2, 1.4), "lead_room": (0.0, 1 / 3), "blur": (0.0005, 0.2), "f_stop": (2.0, 5.6)}
BRIEFS: dict[str, dict[str, Any]] = {
    "interview": {"movement": "static", "k": 0.38, "angle": "eye", "side": "left", "lead_room": 0.2, "blur": 0.03},
    "walk past": {"movement": "pan", "k": 1.2, "angle": "eye", "side": "centre", "lead_room": 0.0, "blur": 0.003},
    "walk and talk": {"movement": "tracking", "k": 0.55, "angle": "eye", "side": "left", "lead_room": 0.3},
    "realisation": {"movement": "push-in", "rate": 0.09, "k": 0.3, "angle": "eye", "side": "centre", "blur": 0.03},
    "hero": {"movement": "orbit", "rate": 0.2, "k": 0.7, "angle": "low", "side": "centre", "lead_room": 0.0},
    "vertigo": {"movement": "dolly zoom", "rate": -0.15, "k": 0.45, "angle": "eye", "side": "centre"},
}
"""movement and its rate (see MOVEMENTS); shot size k in the middle of the take; angle; side of the frame; lead_room of
a profile, as a fraction of the frame's width; blur, the diameter of the backdrop's blur circle as a fraction of the
frame's height; f_stop, at which the set is exposed right."""
BRIEF = (
    "size", "headroom", "angle", "side", "lead room", "blur", "iris",
    "follows", "push", "orbit", "zoom", "still", "pans",
)  # fmt: skip

# Where an episode begins, drawn from these ranges.
SIZE = (0.22, 1.3)
BEARING = 35 * DEGREE  # of the camera about the subject in the middle of the take, 0 is from -y, either way
DISTANCE = (1.7, 5.5)  # m, in the middle of the take
LENGTHS = (20.0, 125.0)  # mm, of the focal length
CLEARANCE = 1.0  # m, that the subject stays away from a camera that does not follow it
OFF = np.array([0.25, 0.3, 0.2, 0.15, 0.4, 0.6, 1.5], np.float32)[:, None]
"""How far off at most: distance (octaves), z (m), u and v (of the picture), zoom, focus (octaves), iris (stops)."""
FOCUS_OFF = (0.3, 1.0)  # octaves, with controls=1

# Tolerances: the error at which a term has fallen to exp(-1/2) = 0.61; of movement, focus and smoothness, to 1/2.
PLACE_TOLERANCE = 0.12  # of the picture: thirds, headroom, lead room
SIZE_TOLERANCE = 0.4  # octaves
ANGLE_TOLERANCE = 6 * DEGREE
FOCUS_TOLERANCE = 2 * lens.CIRCLE_OF_CONFUSION  # mm
BLUR_TOLERANCE = 0.75  # octaves
EXPOSURE_TOLERANCE = 1.0  # stops
MOVE_TOLERANCE = (0.15, 0.15, 0.1, 4 * DEGREE, 4 * DEGREE)  # m/s twice, octaves/s, rad/s twice
SIGHT = 0.1  # m: the eyes are seen wholly past a piece by so much, and not at all where it covers them by so much
JERK_TOLERANCE = (20.0, 20.0, 20.0, 12.0, 12.0, 12.0)  # m/s³, rad/s³, octaves/s³
JERK_MEMORY = 5 / 6  # per step: jerk² is averaged over about half a second

ROWS = {
    "pose": ("camera x", "camera y", "camera z", "pan", "tilt", "zoom", "focus", "iris"),
    "rates": ("truck", "dolly", "pedestal", "pan rate", "tilt rate", "zoom rate", "focus rate", "iris rate"),
    "acceleration": ("truck acceleration", "dolly acceleration", "pedestal acceleration", "pan acceleration",
                     "tilt acceleration", "zoom acceleration"),
    "errors": ("u error", "v error", "headroom error", "lead room missing", "size error", "angle error", "blur error",
               "exposure error", "focus error"),
    "move": ("truck error", "dolly error", "zoom rate error", "pan rate error", "tilt rate error"),
    "subject": ("subject right", "subject ahead", "distance", "gaze right", "gaze ahead"),
    "walk": ("velocity right", "velocity ahead", "velocity right at 1", "velocity ahead at 1", "velocity right at 6",
             "velocity ahead at 6"),
    "brief": ("size", "angle", "side", "lead room", "blur", "follows", "push", "orbit", "zoom", "still", "pans"),
    "pieces": ("piece 1 right", "piece 2 right", "piece 3 right", "piece 1 ahead", "piece 2 ahead", "piece 3 ahead"),
    "rest": ("sharpness", "sight", "eyes in frame", "smoothness", "progress"),
}  # fmt: skip
"""What is read of the scene, in the camera's own directions: right, ahead (level) and up."""
OBSERVATION = tuple(name for names in ROWS.values() for name in names)
OBSERVATION_LIMIT = 3.0
_ends = np.cumsum([len(names) for names in ROWS.values()]).tolist()
POSE, RATES, ACCELERATION, ERRORS, MOVE, SUBJECT, WALK, WANTED, PIECES, REST = (
    slice(end - len(names), end) for end, names in zip(_ends, ROWS.values(), strict=True)
)


LOW, HIGH, SPEED = (column([getattr(axis, name) for axis in AXES]) for name in ("low", "high", "speed"))
CENTRE, HALF = (
    column([value for part in parts for value in part])
    for parts in (
        (((LOW + HIGH) / 2).ravel(), [0] * 8, [0] * 6, [0] * 9, [0] * 5, [0, 3, 1.5, 0, 0], [0] * 6,
         [-1.0, 0, 0, 1 / 6, -6, 0.5, 0, 0, 0, 0.5, 0.5], [0, 0, 0, 3, 3, 3], [0.5] * 5),
        (((HIGH - LOW) / 2).ravel(), SPEED.ravel(), 4 * SPEED[:6].ravel(),
         [0.4, 0.4, 0.4, 0.3, 0.8, 0.2, 1.5, 2, 0.6], [0.6, 0.6, 0.4, 0.3, 0.3], [2, 3, 1.5, 1, 1], [1.0] * 6,
         [1.3, 0.25, 1, 1 / 6, 2, 0.5, 0.15, 0.25, 0.16, 0.5, 0.5], [3] * 6, [0.5] * 5),
    )
)  # fmt: skip
SCALE = 1 / HALF
"""observation = (reading - CENTRE) * SCALE, limited."""
ERROR_SCALE = 1 / column([PLACE_TOLERANCE] * 4 + [SIZE_TOLERANCE, ANGLE_TOLERANCE, BLUR_TOLERANCE, EXPOSURE_TOLERANCE])
MOVE_SCALE, JERK_SCALE = 1 / column(MOVE_TOLERANCE), 1 / column(JERK_TOLERANCE)
GATE_WIDTH, GATE_HEIGHT = framing.SUPER_35


class CameraMove(BriefedEnv):
    """Operate the camera so that a take of 6 s of a walking subject fulfils its brief.

    The subject walks, turns and stops on a path of its own among set pieces that can hide it. One action per two
    frames, 72 steps, then the episode is truncated. It is terminated, with a penalty, when the camera touches the
    subject or a set piece, or leaves the stage.

    **Brief**: shot size k = visible height / stature; angle (low, eye, high) of the camera over the eyes; side of the
    frame for the eyes; lead room; blur of the backdrop; and the movement: static, pan, tracking, push-in, orbit or
    dolly zoom, with its rate. In a push-in the size asked for follows the distance. `brief=` of the constructor fixes
    it for all episodes, and `reset(options={"brief": ...})` for one: a name of BRIEFS or a dict with some or all
    entries of those. What is not fixed is drawn.

    **Actions** in [-1, 1], clipped, are the rates that the operator's hands ask for: truck and dolly (1.6 m/s, along
    the floor to where the camera looks), pedestal (0.6 m/s), pan (70 °/s), tilt (40 °/s), zoom (18 to 135 mm,
    1 octave/s), focus (0.5 to 16 m, 2 octaves/s) and iris (f/1.4 to f/22, 3 stops/s). Velocities follow with a time
    constant of 0.25 s. `controls=8`: all. `controls=3`: pan, tilt and zoom on a locked-off camera that stands right,
    for static shots and pans. `controls=1`: the focus puller. What is not controlled is right at first, and the expert
    operates it.

    **Observation** (69,) float32, about [-1, 1], see OBSERVATION: the camera and its motion, the errors that the
    viewfinder shows, the subject's place and its walk now, in one step and in six, the brief, the set pieces, whether
    the eyes are seen, smoothness so far, progress. Directions are the camera's.

    **Reward** = Σ weight · term, measured in the picture. g(e, t) = exp(-e² / 2t²):

    | term            | weight | value                                                               | t              |
    |-----------------|--------|---------------------------------------------------------------------|----------------|
    | size            | 0.11   | g of log2(k / k of the brief)                                       | 0.4 octave     |
    | thirds          | 0.12   | g of the eyes' distance on screen from (1/2 + side/6, 2/3)          | 0.12           |
    | headroom        | 0.07   | g of gap above the head / frame height - target of the size         | 0.12           |
    | lead_room       | 0.07   | g of what is missing of the lead room that the gaze asks for        | 0.12           |
    | angle           | 0.07   | g of the camera's elevation over the eyes - brief                   | 6°             |
    | focus           | 0.11   | 1 / (1 + (c / 0.05 mm)²), c: blur circle at the eyes, 0.025 mm is   |                |
    |                 |        | sharp                                                               |                |
    | background_blur | 0.08   | g of log2(blur circle of the backdrop / brief)                      | 0.75 octave    |
    | exposure        | 0.08   | g of the stops that the iris is off what the light of the set needs | 1 stop         |
    | movement        | 0.16   | 1 / (1 + Σ e² / t²) of what the camera's motion is off that asked   |                |
    |                 |        | for: velocity on the floor                                          | 0.15 m/s       |
    |                 |        | zoom rate                                                           | 0.1 octaves/s  |
    |                 |        | static: pan and tilt rates; pan: pan rate - that of the subject     | 4 °/s          |
    | smoothness      | 0.05   | 1 / (1 + Σ j² / t²), means over about 0.5 s, of the jerk of         |                |
    |                 |        | x, y, z                                                             | 20 m/s³        |
    |                 |        | pan, tilt and zoom                                                  | 12 rad, oct/s³ |
    | visibility      | 0.08   | of the eyes past the set pieces: 0 covered by 0.1 m, 1 clear by it  |                |
    | collision       | -5     | 1 where the camera touches something or leaves the stage            |                |

    The velocity of a movement is that of the subject (tracking, push-in, orbit, dolly zoom) or none (static, pan), plus
    the push along the line to the subject and the orbit across it; a dolly zoom pushes as it zooms, so that
    distance / focal length stays. Lead room is `film.framing.lead_room` before it is limited, by the sideways part of
    the gaze. Where the eyes are out of frame there is no picture, and all terms but exposure and smoothness are 0.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {
        "render_fps": STEPS_PER_SECOND,
        "yardsticks": {  # python -m rlfilm_lib.envs.yardsticks rlfilm/CameraMove-v0
            1: {"random": 59.23, "expert": 67.88},
            3: {"random": 19.23, "expert": 66.21},
            8: {"random": 14.67, "expert": 66.42},
        },
    }
    weights: ClassVar[dict[str, float]] = {
        "movement": 0.16, "thirds": 0.12, "headroom": 0.07, "lead_room": 0.07, "size": 0.11, "angle": 0.07,
        "background_blur": 0.08, "exposure": 0.08, "focus": 0.11, "visibility": 0.08, "smoothness": 0.05,
        "collision": -5.0,
    }  # fmt: skip
    offered: ClassVar[dict[int, str]] = {1: "focus", 3: "pan, tilt, zoom", 8: "all"}
    entries = ("movement", "rate", "angle", "side", *LIMITS)
    briefs = BRIEFS
    episode_steps = STEPS
    draws = 37

    def __init__(
        self, num_envs: int = 1, controls: int = 8, brief: str | dict | None = None, render_mode: str | None = None
    ) -> None:
        super().__init__(num_envs, controls, len(OBSERVATION), OBSERVATION_LIMIT, brief, render_mode)
        self._pose, self._rates = np.zeros((2, len(AXES), num_envs), np.float32)
        self._acceleration = np.zeros((6, num_envs), np.float32)
        self._jerk = np.zeros((1, num_envs), np.float32)
        self._brief = np.zeros((len(BRIEF), num_envs), np.float32)
        self._pieces = np.zeros((2 * len(PIECE_RADIUS), num_envs), np.float32)
        self._path = np.zeros((PATH_STEPS * len(PATH), num_envs), np.float32)
        self.scene = {
            "camera": self._pose,  # see AXES
            "rates": self._rates,  # of the axes, per second
            "acceleration": self._acceleration,  # of x, y, z, pan, tilt, zoom
            "jerk": self._jerk,  # running mean of the squared jerk over its tolerance
            "brief": self._brief,  # see BRIEF
            "pieces": self._pieces,  # m: x of all, y of all
            "path": self._path,  # of the subject: PATH for each step
        }
        now = [0, 1, 4, 5]
        walk = [step * len(PATH) + row for step in LOOK_AHEAD for row in (2, 3)]
        self._gather = (np.array(now + walk) * num_envs)[:, None]

    def expert_policy(self) -> Callable[..., NDArray]:
        """The scripted `expert`: policy(observations (N, 69), deterministic=True) -> actions (N, controls)."""
        return lambda observations, deterministic=True: expert(observations, self.controls)

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> "Take":
        """The shot that one environment filmed: two frames per step, linear in between, from its states, first to last.

        S states give 2 (S - 1) frames, one state a still.
        """
        from rlfilm_lib.stage import figure
        from rlfilm_lib.stage.take import Take

        frames = max(1, 2 * (len(states) - 1))
        when = np.arange(frames) / 2

        def follow(rows: NDArray) -> NDArray:
            return np.stack([np.interp(when, np.arange(len(rows)), row) for row in rows.T.astype(float)], axis=-1)

        camera = follow(np.array([state["camera"][index] for state in states]))
        path = states[0]["path"][index].reshape(PATH_STEPS, len(PATH))
        begun = int(states[0]["elapsed"][index])
        facing = np.unwrap(np.arctan2(path[:, 4], -path[:, 5]))
        stride = np.cumsum(np.hypot(path[:, 2], path[:, 3])) * DT
        walk = follow(np.column_stack([path[:, :2], facing, stride])[begun : begun + len(states)])
        body = [part for part, name in enumerate(figure.NAMES) if not name.startswith("stool")]
        start, end = figure.figure(walk[:, :2], np.full(frames, framing.STATURE), walk[:, 2], walk[:, 3])
        pieces = states[0]["pieces"][index].reshape(2, -1).T.astype(float)
        foot, head, radius, albedo, names = dressing(pieces)
        brief = states[0]["brief"][index].astype(float)
        return Take(
            fps=FPS,
            gate=framing.SUPER_35,
            camera_position=camera[:, :3],
            camera_rotation=framing.aim(camera[:, PAN], camera[:, TILT]),
            focal_length=np.exp2(camera[:, ZOOM]),
            f_stop=lens.f_stop(camera[:, IRIS]),
            focus_distance=np.exp2(camera[:, FOCUS]),
            exposure=brief[BRIEF.index("iris")] - camera[:, IRIS],
            light_position=np.tile(LIGHT_POSITION, (frames, 1, 1)),
            light_stops=np.tile(LIGHT_STOPS, (frames, 1)),
            light_kelvin=np.tile(LIGHT_KELVIN, (frames, 1)),
            capsule_start=np.concatenate([start[:, body], np.tile(foot, (frames, 1, 1))], axis=1),
            capsule_end=np.concatenate([end[:, body], np.tile(head, (frames, 1, 1))], axis=1),
            capsule_radius=np.concatenate([figure.RADIUS[body], radius]),
            capsule_albedo=np.concatenate([figure.ALBEDO[body], albedo]),
            capsule_name=(*(figure.NAMES[part] for part in body), *names),
            backdrop=BACKDROP,
        )

    def _checked(self, brief: dict[str, Any]) -> dict[str, Any]:
        named = {"movement": self._movements(), "angle": list(ANGLES), "side": list(SIDES)}
        for name, value in brief.items():
            if name in named:
                if value not in named[name]:
                    raise unknown(name, value, named[name])
            elif name == "rate":
                if "movement" not in brief:
                    raise UserError(f"a brief with rate={value} needs its movement: add one of {', '.join(MOVEMENTS)}")
            else:
                _check_range(name, value, *LIMITS[name])
        if "rate" in brief:
            movement = MOVEMENTS[brief["movement"]]
            low, high = movement.rate
            if not high:
                raise UserError(f"a {brief['movement']} shot has no rate: leave rate={brief['rate']} out of the brief")
            magnitude = abs(brief["rate"]) if movement.both_ways and _is_number(brief["rate"]) else brief["rate"]
            either = ", of either sign" if movement.both_ways else ""
            _check_range("rate", magnitude, 0.5 * low, 1.25 * high, either)
        return brief

    def _movements(self) -> list[str]:
        return ["static", "pan"] if self.controls == 3 else list(MOVEMENTS)

    def _set_up(self, index: NDArray | slice, uniform: NDArray, brief: dict[str, Any]) -> None:
        uniform = np.minimum(uniform, 1 - 2.0**-24).astype(np.float32)  # and not rounded up to 1
        shot = _draw_shot(uniform[:29], brief, self._movements())
        pose = _start(shot, 2 * uniform[29:36] - 1, self.controls)
        if self.controls == 1:
            pose[FOCUS] += beyond(FOCUS_OFF, uniform[36])
        pose[Z:] = np.clip(pose[Z:], LOW[Z:], HIGH[Z:])
        self._pose[:, index] = pose
        for rows in (self._rates, self._acceleration, self._jerk):
            rows[:, index] = 0
        self._brief[:, index] = shot.brief
        self._pieces[:, index] = shot.pieces
        self._path[:, index] = shot.path.reshape(PATH_STEPS * len(PATH), -1)

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        action = np.minimum(np.maximum(actions.T, -1, dtype=np.float32), 1)
        if self.controls < len(AXES):
            operated = operate(self._read(slice(None), self.elapsed))
            operated[CONTROLS[self.controls]] = action
            action = operated
        self._drive(action)
        readings = self._read(slice(None), self.elapsed + 1)
        collided = self._collided(readings)

        terms = np.empty((len(self.weights), self.num_envs), np.float32)
        squared = readings[ERRORS][:8] * ERROR_SCALE
        np.maximum(squared[3], 0, out=squared[3])
        squared *= squared
        squared[1] += squared[0]
        move = readings[MOVE] * MOVE_SCALE
        move *= move
        np.divide(1, 1 + np.add.reduce(move, axis=0), out=terms[0])
        squared *= -0.5
        np.exp(squared[1:], out=terms[1:8])
        sharpness, sight, in_frame, smoothness, _ = readings[REST]
        terms[8], terms[9] = sharpness, sight
        terms[:10] *= in_frame
        np.exp(squared[7], out=terms[7])
        terms[10], terms[11] = smoothness, collided
        return _observation(readings), terms, collided

    def _drive(self, action: NDArray) -> None:
        """Move the camera for a step, as the action (8, N) asks."""
        pose, rates = self._pose, self._rates
        command = action * SPEED
        sine, cosine = np.sin(pose[PAN]), np.cos(pose[PAN])
        truck, dolly = command[:2].copy()
        command[X], command[Y] = truck * cosine + dolly * sine, dolly * cosine - truck * sine
        velocity = command - rates
        velocity *= RESPONSE
        velocity += rates
        moved = velocity * DT
        moved += pose
        held = moved[Z:]
        np.maximum(held, LOW[Z:], out=held)
        np.minimum(held, HIGH[Z:], out=held)
        np.subtract(moved, pose, out=velocity)
        velocity *= STEPS_PER_SECOND
        acceleration = (velocity[:6] - rates[:6]) * STEPS_PER_SECOND
        jerk = (acceleration - self._acceleration) * (STEPS_PER_SECOND * JERK_SCALE)
        jerk *= jerk
        self._jerk *= JERK_MEMORY
        self._jerk += (1 - JERK_MEMORY) * np.add.reduce(jerk, axis=0)
        pose[...], rates[...], self._acceleration[...] = moved, velocity, acceleration

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        return _observation(self._read(index, self.elapsed[index]))

    def _read(self, index: NDArray | slice, elapsed: NDArray) -> NDArray:
        """What is read of the scene, (rows, n) in the order of OBSERVATION, unscaled, so many steps into the take."""
        pose, rates, brief = self._pose[:, index], self._rates[:, index], self._brief[:, index]
        size, headroom, angle, side, lead, blur, iris, follows, push, orbit, zoom, still, pans = brief
        count = len(side)
        start = np.minimum(elapsed, STEPS) * self._path[: len(PATH)].size + np.arange(self.num_envs)[index]
        walk = np.take(self._path, self._gather + start).reshape(5, 2, count)
        readings = np.empty((len(OBSERVATION), count), np.float32)
        readings[POSE], readings[RATES], readings[ACCELERATION] = pose, rates, self._acceleration[:, index]

        # what lies on the floor, in the camera's directions: eyes, velocity, acceleration, gaze, walk, pieces
        level = np.empty((2, 10, count), np.float32)
        np.subtract(walk[0] + EYES_FORWARD * walk[1], pose[:2], out=level[:, 0])
        level[:, 1], level[:, 2], level[:, 3] = rates[:2], readings[ACCELERATION][:2], walk[1]
        level[:, 4:7] = walk[2:].transpose(1, 0, 2)
        np.subtract(self._pieces[:, index].reshape(2, 3, count), pose[:2, None], out=level[:, 7:])
        toward_wall = level[1, 0] / (BACKDROP - pose[Y])
        sine, cosine = np.sin(pose[PAN : TILT + 1]), np.cos(pose[PAN : TILT + 1])
        right = level[0] * cosine[0] - level[1] * sine[0]
        ahead = level[0] * sine[0] + level[1] * cosine[0]
        readings[RATES][0], readings[RATES][1] = right[1], ahead[1]
        readings[ACCELERATION][0], readings[ACCELERATION][1] = right[2], ahead[2]

        # eyes and top of the head in the viewfinder
        heights = np.empty((2, count), np.float32)
        np.subtract(EYES_HEIGHT, pose[Z], out=heights[0])
        np.subtract(framing.STATURE, pose[Z], out=heights[1])
        away = np.empty((2, count), np.float32)
        away[0] = ahead[0]
        np.subtract(ahead[0], EYES_FORWARD * ahead[3], out=away[1])
        depth = away * cosine[1] + heights * sine[1]
        distance = np.maximum(depth, framing.NEAREST_DEPTH)
        focal_length, focus, opening = np.exp2(pose[ZOOM:] * LENS_SCALE)
        magnification = focal_length / distance
        v = (heights * cosine[1] - away * sine[1]) * (magnification / GATE_HEIGHT)
        u = right[0] * magnification[0] / GATE_WIDTH
        in_frame = (np.abs(u) <= 0.5) & (np.abs(v[0]) <= 0.5) & (depth[0] > framing.NEAREST_DEPTH)

        # lens
        octaves = np.log2(distance[0])
        blurred = focal_length * focal_length * opening / (1000 * focus - focal_length)
        focus /= distance[0]
        background = blurred * np.abs(1 - focus * np.minimum(np.maximum(toward_wall, 0), 1))
        softness = blurred * np.abs(1 - focus) / FOCUS_TOLERANCE
        on_floor = right[0] * right[0] + ahead[0] * ahead[0]
        sharpness, sight, _, smoothness, progress = readings[REST]
        np.divide(1, 1 + softness * softness, out=sharpness)
        sight[...] = _sight(right, ahead, heights[0], pose[Z], on_floor)
        readings[REST][2] = in_frame
        np.divide(1, 1 + self._jerk[0, index], out=smoothness)
        np.divide(elapsed, STEPS, out=progress, casting="same_kind")

        wanted = size + (push / LN2 - zoom) * ((progress - 0.5) * (STEPS * DT))
        errors = readings[ERRORS]
        errors[0] = u - side / 6
        errors[1] = v[0] - 1 / 6
        errors[2] = 0.5 - v[1] - headroom
        errors[3] = lead * np.abs(right[3]) + 2 * right[3] * u
        errors[4] = octaves - pose[ZOOM] - wanted + SIZE_OFFSET
        errors[5] = np.arctan2(-heights[0], np.sqrt(on_floor)) - angle
        errors[6] = np.log2(np.maximum(background, 1e-3) / GATE_HEIGHT) - blur
        errors[7] = iris - pose[IRIS]
        errors[8] = pose[FOCUS] - octaves

        # the movement
        move = readings[MOVE]
        move[0] = right[1] - follows * right[4] + push * right[0] - orbit * ahead[0]
        move[1] = ahead[1] - follows * ahead[4] + push * ahead[0] + orbit * right[0]
        move[2] = rates[ZOOM] - zoom
        passing = ahead[0] * (right[4] - right[1]) - right[0] * (ahead[4] - ahead[1])
        move[3] = (still + pans) * rates[PAN] - pans * passing / np.maximum(on_floor, TOUCH**2)
        move[4] = still * rates[TILT]

        subject = readings[SUBJECT]
        subject[0], subject[1], subject[2] = right[0], ahead[0], octaves
        subject[3], subject[4] = right[3], ahead[3]
        readings[WALK][0::2], readings[WALK][1::2] = right[4:7], ahead[4:7]
        asked = readings[WANTED]
        asked[0], asked[1:5], asked[5:] = wanted, brief[2:6], brief[7:]
        readings[PIECES][:3], readings[PIECES][3:] = right[7:], ahead[7:]
        return readings

    def _collided(self, readings: NDArray) -> NDArray:
        """Where (N,) the camera touches the subject or a set piece, or has left the stage."""
        right, ahead = readings[SUBJECT][:2]
        touches = right * right + ahead * ahead < TOUCH**2
        rights, aheads = readings[PIECES].reshape(2, 3, -1)
        reach = PIECE_RADIUS + CAMERA_RADIUS
        hits = (rights * rights + aheads * aheads < reach * reach) & (self._pose[Z] < PIECE_HEIGHT + reach)
        on_floor = self._pose[:2]
        off = (on_floor < LOW[:2]) | (on_floor > HIGH[:2])
        return touches | hits[0] | hits[1] | hits[2] | off[0] | off[1]


class OneCameraMove(SingleEnv, task=CameraMove):
    """One `CameraMove`, as `gym.make("rlfilm/CameraMove-v0")` gives it."""


LENS_SCALE = column([1, 1, -0.5])  # log2 of focal length, of focus distance and of 1/N, from zoom, focus and iris
SIZE_OFFSET = float(np.log2(GATE_HEIGHT / framing.STATURE))


def _sight(right: NDArray, ahead: NDArray, rise: NDArray, height: NDArray, on_floor: NDArray) -> NDArray:
    """How freely (n,) the camera sees the eyes past the set pieces: 0 hidden, 1 free.

    right, ahead: (10, n) with the eyes first and the three pieces last; rise: of the eyes over the camera; height: of
    the camera; on_floor: squared distance of the eyes on the floor. A piece is in the way by how near the line from the
    camera to the eyes comes to its axis: where the line passes over the axis, to its upper end.
    """
    x, y, top = right[7:], ahead[7:], PIECE_HEIGHT - height
    flat = x * right[0] + y * ahead[0]
    share = np.minimum(np.maximum(flat / np.maximum(on_floor, 1e-6), 0), 1)
    over = share * rise > top
    above = np.minimum(np.maximum((flat + top * rise) / np.maximum(on_floor + rise * rise, 1e-6), 0), 1)
    share = np.where(over, above, share)
    dx, dy, dz = x - share * right[0], y - share * ahead[0], (top - share * rise) * over
    clearance = np.sqrt(dx * dx + dy * dy + dz * dz) - PIECE_RADIUS
    nearest = np.minimum(np.minimum(clearance[0], clearance[1]), clearance[2])
    return np.minimum(np.maximum(0.5 + nearest / (2 * SIGHT), 0), 1)


def _observation(readings: NDArray) -> NDArray:
    """Observations (n, rows) of the readings (rows, n), each on its scale, limited."""
    rows = padded(*readings.shape)
    np.subtract(readings, CENTRE, out=rows)
    rows *= SCALE
    np.clip(rows, -OBSERVATION_LIMIT, OBSERVATION_LIMIT, out=rows)
    return rows.T.copy()


# How an episode begins


MOMENTS = np.arange(0, STEPS + 1, 6)  # steps at which the camera's way is laid out
MIDDLE = len(MOMENTS) // 2


class Shot(NamedTuple):
    """What a take is about, for n environments."""

    brief: NDArray  # (len(BRIEF), n)
    path: NDArray  # (PATH_STEPS, len(PATH), n) of the subject
    camera: NDArray  # (len(MOMENTS), 2, n) on the floor: the way that the camera should go
    pieces: NDArray  # (6, n)


def _ramp(seconds: NDArray) -> NDArray:
    """0 before 0 s, 1 after 1 s, smooth in between."""
    x = np.clip(seconds, 0, 1)
    return x * x * (3 - 2 * x)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def _check_range(name: str, value: Any, low: float, high: float, hint: str = "") -> None:
    if not _is_number(value) or not low - 1e-9 <= value <= high + 1e-9:
        raise UserError(f"{name}={value} of the brief is out of range: give {low:.3g} to {high:.3g}{hint}")


_KINDS = np.array([np.hstack(movement) for movement in MOVEMENTS.values()], np.float32)


def _draw_shot(uniform: NDArray, fixed: dict[str, Any], movements: list[str]) -> Shot:
    """A brief, drawn but for what is fixed, a path for the subject, the camera's way, and set pieces about both."""
    count = uniform.shape[1]

    def chosen(name: str, drawn: NDArray) -> NDArray:
        return np.full(count, fixed[name], np.float32) if name in fixed else drawn

    asked = [fixed["movement"]] if "movement" in fixed else movements
    kinds = _KINDS[[list(MOVEMENTS).index(name) for name in asked]]
    kind = kinds[(uniform[0] * len(asked)).astype(int)].T
    walk, headings, rates = kind[:6].reshape(3, 2, count)
    follows, push, orbit, zoom, still, pans, both = kind[6:]
    rate = beyond(tuple(rates), uniform[1])
    rate = chosen("rate", np.where(both > 0, rate, np.abs(rate)))
    push, orbit, zoom = push * rate, orbit * rate, zoom * rate
    k = chosen("k", SIZE[0] * (SIZE[1] / SIZE[0]) ** uniform[2])
    angles = [ANGLES[fixed["angle"]]] if "angle" in fixed else list(ANGLES.values())
    angle = np.array(angles, np.float32)[(uniform[3] * len(angles)).astype(int)]
    f_stop = chosen("f_stop", 2.0 ** between(tuple(np.log2(LIMITS["f_stop"]).tolist()), uniform[4]))

    bearing, heading = BEARING * (2 * uniform[5] - 1), beyond(tuple(headings), uniform[6])
    if "side" in fixed:
        side = np.full(count, SIDES[fixed["side"]], np.float32)
        heading = np.where(side == 0, heading, -side * np.abs(heading))
    else:
        side = np.where(uniform[7] < 0.25, 0, -np.sign(heading))
    lead = chosen("lead_room", np.abs(side) / 3 * uniform[8])
    path = _walked(bearing, heading, between(tuple(walk), uniform[9]), uniform[10:19])
    eyes = path[MOMENTS, :2] + EYES_FORWARD * path[MOMENTS, 4:]

    # how far away: as the brief's blur asks for, or drawn; then the camera's way
    seconds = column((MOMENTS - STEPS // 2) * DT)
    per_metre = GATE_HEIGHT / (framing.STATURE * k)  # mm of focal length for each metre of distance
    span = np.exp(np.abs(push) * STEPS * DT / 2)
    from_middle = eyes - eyes[MIDDLE]
    reach = (1 - follows) * np.sqrt((from_middle**2).sum(axis=1).max(axis=0))
    nearest = np.maximum(np.maximum(DISTANCE[0], LENGTHS[0] / per_metre) * span, reach + CLEARANCE)
    farthest = np.maximum(np.minimum(DISTANCE[1], LENGTHS[1] / per_metre) / span, nearest)
    behind = (BACKDROP - eyes[MIDDLE, 1]) / np.cos(bearing)
    if "blur" in fixed:
        ratio = 1000 * GATE_HEIGHT * fixed["blur"] * f_stop / per_metre**2
        distance = np.where(ratio < behind, ratio * behind / np.maximum(behind - ratio, 1e-3), np.inf)
        distance = np.clip(distance, nearest, farthest)
    else:
        distance = nearest * (farthest / nearest) ** uniform[19]
    blur = per_metre**2 / 1000 * distance * behind / ((distance + behind) * f_stop * GATE_HEIGHT)
    blur = chosen("blur", blur)
    around = bearing + orbit * seconds
    away = distance * np.cos(angle) * np.exp(push * seconds)
    base = eyes[MIDDLE] + follows * from_middle
    camera = base + np.stack([away * np.sin(around), -away * np.cos(around)], axis=1)

    pieces = _placed(path[MOMENTS, :2], camera, uniform[20:29])
    brief = np.stack([
        np.log2(k), framing.headroom_target(k), angle, side, lead, np.log2(blur), 2 * np.log2(f_stop),
        follows, push, orbit, zoom, still, pans,
    ])  # fmt: skip
    return Shot(brief, path, camera, pieces)


def _walked(bearing: NDArray, heading: NDArray, speed: NDArray, uniform: NDArray) -> NDArray:
    """The subject's path (PATH_STEPS, len(PATH), n): it sets off, turns twice and stops once, as uniform (9, n) has it.

    bearing: (n,) rad of the camera; heading: (n,) rad at first, away from the camera; speed: (n,) m/s.
    """
    seconds = column(np.arange(PATH_STEPS) * DT)
    turns, turn_times = beyond(TURN, uniform[0:2]), between(TURN_TIME, uniform[2:4])
    start, stop, stopped = (between(b, u) for b, u in zip((START, STOP_TIME, STOP), uniform[4:7], strict=True))
    turns[0] = -np.sign(heading) * np.abs(turns[0])
    heading = bearing + heading + sum(turn * _ramp(seconds - at) for turn, at in zip(turns, turn_times, strict=True))
    pace = _ramp(seconds - start) - _ramp(2 * (seconds - stop)) + _ramp(2 * (seconds - stop - stopped))
    facing = np.stack([np.sin(heading), -np.cos(heading)], axis=1)
    velocity = (speed * pace)[:, None] * facing
    position = np.cumsum(velocity, axis=0)
    position *= DT
    middle = (position[MOMENTS].max(axis=0) + position[MOMENTS].min(axis=0)) / 2
    centre = between((STAGE_CENTRE[:, :1], STAGE_CENTRE[:, 1:]), uniform[7:9])
    return np.concatenate([position - middle + centre, velocity, facing], axis=1)


def _placed(subject: NDArray, camera: NDArray, uniform: NDArray) -> NDArray:
    """Set pieces (6, n): beside the line of sight of some moment, before or behind the subject, clear of both ways.

    subject, camera: (len(MOMENTS), 2, n) on the floor; uniform: (9, n). What would hide the subject for long stands
    behind it.
    """
    when, along, aside = uniform.reshape(3, len(PIECE_RADIUS), -1)
    columns = np.arange(subject.shape[2])
    moment = (when * len(MOMENTS)).astype(int)
    sights = subject - camera
    start, sight = (way[moment, :, columns].swapaxes(1, 2) for way in (camera, sights))  # (pieces, 2, n)
    across = np.stack([-sight[:, 1], sight[:, 0]], axis=1) / np.hypot(sight[:, 0], sight[:, 1])[:, None]
    beside = start + beyond(PIECE_ASIDE, aside)[:, None] * across
    place = _cleared(beside + between(PIECE_ALONG, along)[:, None] * sight, subject, camera)

    from_camera, sights = place - camera[:, None], sights[:, None]
    share = np.add.reduce(from_camera * sights, axis=2) / np.add.reduce(sights * sights, axis=2)
    off = from_camera - np.minimum(np.maximum(share, 0), 1)[:, :, None] * sights
    hidden = (np.hypot(off[:, :, 0], off[:, :, 1]) < PIECE_RADIUS + SIGHT).mean(axis=0)
    place = np.where((hidden > HIDDEN)[:, None], beside + BEHIND * sight, place)
    place = _cleared(place, subject, camera)
    np.minimum(place[:, 1], BACKDROP - 0.4, out=place[:, 1])
    return place.swapaxes(0, 1).reshape(2 * len(PIECE_RADIUS), -1)


def _cleared(place: NDArray, subject: NDArray, camera: NDArray) -> NDArray:
    """Places (pieces, 2, n) for the set pieces, moved out of the ways of camera and subject."""
    index = np.ix_(*map(range, (len(place), place.shape[2])))
    for way, room in ((camera, CAMERA_ROOM), (subject, SUBJECT_ROOM)) * 2:
        apart = place - way[:, None]
        squared = apart[:, :, 0] * apart[:, :, 0] + apart[:, :, 1] * apart[:, :, 1]
        nearest = squared.argmin(axis=0)
        gap = np.sqrt(squared[nearest, *index])
        out = apart[nearest, index[0], :, index[1]].swapaxes(1, 2)
        place = place + out * (np.maximum(room + PIECE_RADIUS - gap, 0) / np.maximum(gap, 1e-6))[:, None]
    return place


PIECE_ALONG = column([0.35, 1.25, 0.4]), column([0.65, 1.7, 1.6])  # of the way to the subject, least and most
PIECE_ASIDE = column([0.3, 0.2, 0.5]), column([0.9, 1.3, 1.4])  # m
BEHIND = 1.5  # of the way to the subject
HIDDEN = 0.2  # share of the take that a piece may hide the subject


def _start(shot: Shot, off: NDArray, controls: int) -> NDArray:
    """The camera (8, n) at the beginning of a take, off where it should be by so much of OFF, off: (7, n)."""
    if controls < len(AXES):
        off = off * column([0, 0, 1, 1, 1, 0, 0] if controls == 3 else [0] * 7)
    farther, higher, u, v, tighter, focus, iris = off * OFF
    size, _, angle, side, _, _, stop, _, push, _, zoom, _, _ = shot.brief
    eyes = shot.path[0, :2] + EYES_FORWARD * shot.path[0, 4:]
    sight = (eyes - shot.camera[0]) * 2.0**farther
    on_floor = np.linalg.norm(sight, axis=0)
    rise = -np.tan(angle) * on_floor - higher
    rise = EYES_HEIGHT - np.clip(EYES_HEIGHT - rise, LOW[Z], HIGH[Z])
    size = size - (push / LN2 - zoom) * (STEPS * DT / 2)
    distance = np.hypot(on_floor, rise)
    focal_zoom = np.log2(distance) + SIZE_OFFSET - size + tighter
    focal_length = 2.0 ** np.clip(focal_zoom, LOW[ZOOM], HIGH[ZOOM])
    pan = np.arctan2(*sight) - np.arctan((side / 6 + u) * GATE_WIDTH / focal_length)
    tilt = np.arctan2(rise, on_floor) - np.arctan((1 / 6 + v) * GATE_HEIGHT / focal_length)
    x, y = eyes - sight
    return np.stack([x, y, EYES_HEIGHT - rise, pan, tilt, focal_zoom, np.log2(distance) + focus, stop + iris])


# The expert

OPERATOR = {  # for a static shot, a pan, and the movements that follow the subject
    "anticipation": (0.07, 0.15, 0.19),  # share of half a second that it looks ahead
    "distance": (0.04, 0.03, 0.08),  # share of the error that is made good in a second
    "distance limit": (0.09, 0.03, 0.05),  # m/s
    "height": (0.83, 1.35, 1.7),
    "aim": (4.2, 5.3, 5.4),
    "zoom": (2.1, 0.23, 1.4),
    "zoom limit": (0.7, 0.63, 0.77),  # octaves/s
    "focus": (8.8, 9.7, 9.6),
    "iris": (3.4, 3.0, 4.1),
    "iris for blur": (0.12, 0.21, 0.15),  # stops per octave
    "headroom": (0.38, 0.39, 0.36),  # its weight against the upper third
    "tighter": (0.34, 0.34, 0.37),  # octaves, per frame height that the two are apart
    "lead room": (0.15, 0.09, 0.11),  # share of what is missing that the frame is shifted by
    "ease": (7.3, 8.8, 7.0),  # share of a change of velocity that is made in a second
    "softness": (0.73, 0.9, 0.82),  # share of a change of acceleration that is made in a step
}
_GAINS = np.array(list(OPERATOR.values()), np.float32)


def expert(observations: NDArray, controls: int) -> NDArray:
    """Actions (N, controls) of the scripted expert, a function of the observations (N, 69) alone.

    An operator in the way of visual servoing: each axis follows what the movement and the subject's next step ask for,
    makes good a share of the error that the viewfinder shows, and changes its speed softly. The numbers of OPERATOR
    were found by a search on the reward."""
    readings = np.asarray(observations, np.float32).T * HALF + CENTRE
    return operate(readings)[CONTROLS[controls]].T


def operate(readings: NDArray) -> NDArray:
    """What the expert does (8, n) about the readings (rows, n)."""
    pose, rates = readings[POSE], readings[RATES]
    u, v, headroom, lead, size, angle, blur, exposure, focus = readings[ERRORS]
    right, ahead, _, gaze, _ = readings[SUBJECT]
    progress = readings[REST][-1]
    follows, push, orbit, zoom, still, pans = readings[WANTED][5:]
    gain = dict(zip(OPERATOR, _GAINS @ np.stack([still, pans, follows]), strict=True))
    _, walk, later = readings[WALK].reshape(3, 2, -1)
    walk = walk + gain["anticipation"] * (later - walk)
    on_floor = np.maximum(np.hypot(right, ahead), TOUCH)
    size = size + gain["tighter"] * (v + headroom)
    framed = np.array([GATE_WIDTH, GATE_HEIGHT])[:, None] / np.exp2(pose[ZOOM])
    wanted = np.empty((len(AXES), readings.shape[1]), np.float32)

    # Distance and focal length together give size and blur. In a push-in or a dolly zoom the blur drifts.
    towards_y = right * -np.sin(pose[PAN]) + ahead * np.cos(pose[PAN])
    nearness = np.clip(towards_y / (BACKDROP - pose[Y]), 0, 0.8)
    growth = push / LN2
    drift = (2 * zoom - (1 + nearness) * growth) * (progress - 0.5) * (STEPS * DT)
    closer = (blur - exposure / 2 - drift + 2 * size) / (1 - nearness)  # octaves
    closing = np.clip(gain["distance"] * LN2 * closer * on_floor, -gain["distance limit"], gain["distance limit"])
    closing = closing / on_floor - push
    truck = follows * walk[0] + closing * right + orbit * ahead
    dolly = follows * walk[1] + closing * ahead - orbit * right
    wanted[X], wanted[Y], wanted[Z] = truck, dolly, -gain["height"] * angle * on_floor
    wanted[ZOOM] = zoom + np.clip(gain["zoom"] * size, -gain["zoom limit"], gain["zoom limit"])

    # The head follows what passes, and frames.
    approach, passage = walk[1] - dolly, walk[0] - truck
    wanted[PAN] = (ahead * passage - right * approach) / on_floor**2
    wanted[PAN] += gain["aim"] * (u + gain["lead room"] * gaze * np.maximum(lead, 0)) * framed[0]
    wanted[TILT] = gain["aim"] * ((1 - gain["headroom"]) * v - gain["headroom"] * headroom) * framed[1]
    wanted[FOCUS] = (right * passage + ahead * approach) / (on_floor**2 * LN2) - gain["focus"] * focus
    wanted[IRIS] = gain["iris"] * (exposure + gain["iris for blur"] * blur)

    velocity = wanted - rates
    velocity[:6] *= gain["ease"] * DT
    velocity[:6] -= readings[ACCELERATION] * DT
    velocity[:6] *= gain["softness"]
    velocity[:6] += readings[ACCELERATION] * DT
    return np.clip((rates + velocity / RESPONSE) / SPEED, -1, 1)


# The set

LIGHT_POSITION = np.array([[-4.5, -3.5, 4.0], [4.5, -3.5, 3.4], [2.0, BACKDROP, 4.0]])  # key, fill, back
LIGHT_STOPS, LIGHT_KELVIN = np.array([2.4, 1.2, 1.6]), np.array([4700.0, 5900.0, 7200.0])
COLUMN = (0.13, 0.085, 0.06)
POT, LEAF = (0.30, 0.13, 0.075), (0.075, 0.13, 0.05)
STONES, LEAVES = 12, 40


def dressing(pieces: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, tuple[str, ...]]:
    """Start and end (C, 3), radius (C,), albedo (C, 3) and names of the capsules of the set pieces, at (3, 2) m.

    Two columns, each on a ring of stones, and a shrub in a pot that fills the space of the third.
    """
    around = 2 * np.pi * np.arange(STONES) / STONES
    ring = np.column_stack([0.12 * np.sin(around), 0.12 * np.cos(around), np.full(STONES, 0.055)])
    turn = np.arange(LEAVES) * np.pi * (3 - np.sqrt(5))
    height = np.linspace(0.42, 1.24, LEAVES)
    spread = np.minimum(0.13, np.sqrt(np.maximum(1.30 - height, 0) * 0.16))
    leaves = np.column_stack([spread * np.sin(turn), spread * np.cos(turn), height])
    foot = np.array([[0, 0, 0.16], [0, 0, 0.16], [0, 0, 0.17], *ring, *ring, *leaves])
    head = np.array([[0, 0, 2.6], [0, 0, 2.6], [0, 0, 0.26], *ring, *ring, *leaves])
    at = np.pad(pieces[[0, 1, 2] + [0] * STONES + [1] * STONES + [2] * LEAVES], ((0, 0), (0, 1)))
    radius = np.array([0.16, 0.16, 0.17] + [0.055] * 2 * STONES + [0.095] * LEAVES)
    shade = 1 + 0.45 * np.sin(7 * turn[:, None])
    albedo = np.concatenate([[COLUMN, COLUMN, POT], [COLUMN] * 2 * STONES, shade * LEAF])
    stones = (f"column {column} stone {number + 1}" for column in (1, 2) for number in range(STONES))
    names = ("column 1", "column 2", "pot", *stones, *(f"leaves {number + 1}" for number in range(LEAVES)))
    return at + foot, at + head, radius, albedo, names
