"""rlfilm/MovieScene-v0: set camera, lights and character so that a shot fulfils its brief. See `MovieScene`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.batch import BatchEnv, BriefedEnv, SingleEnv, between, beyond, column, padded
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.film import framing, light

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

FPS = 24
STEPS_PER_SECOND = 12  # one action per two frames
DT = 1 / STEPS_PER_SECOND

# The stage, in metres. A take ends where the camera leaves CAMERA_RANGE; lights and character are held within theirs.
BACKDROP = 6.0  # y of the wall
CAMERA_RANGE = np.array([[-3.5, 3.5], [-6.0, 4.5], [0.15, 2.6]], np.float32)
LIGHT_RANGE = np.array([[-8.0, 8.0]] * 3, np.float32)  # stops
CHARACTER_RANGE = np.array([[-1.0, 1.0], [1.0, 3.0], [1.30, 1.75]], np.float32)  # x, y on the floor; top of the head
TOUCH = 0.45  # m on the floor between camera and character at which they touch

# Speed limits per axis. Over all axes together the camera makes at most 1.5 m/s and the character walks at most 1.2
# m/s.
CAMERA_SPEED = np.array([0.8, 1.2, 0.4], np.float32)  # truck, dolly, pedestal: m/s
LIGHT_SPEED = np.array([2.4, 2.4, 2.4], np.float32)  # stops/s
CHARACTER_SPEED = np.array([0.84, 0.84, 0.3], np.float32)  # m/s

# The rig: key from the camera's left, fill from its right, the back light hung over the top edge of the backdrop, so
# that it rims the character and never spills on the wall.
LIGHT_POSITION = np.array([[-3.4, 1.0, 2.6], [2.4, -1.0, 1.9], [1.2, BACKDROP, 3.3]], np.float32)  # key, fill, back
LIGHT_KELVIN = (4700.0, 5600.0, 7600.0)
WHITE_BALANCE = 5600.0

# Where the meter is held: key cheek, fill cheek, the rim of the head on the back light's side, the backdrop beside it.
YAW = float(np.radians(15))  # the character turns this far to the free side of the frame
CHEEK = float(np.radians(45))  # a cheek looks this far away from where the face does
RIM = float(np.radians(55))  # the rim looks this far away from straight up
EYES_FORWARD = 0.08  # m, from the head's axis to the eyes
HEAD_CENTRE_BELOW_TOP = 0.11  # m
PATCH_RADIUS = 0.085  # m, from the head's centre to cheeks and rim
BESIDE = 0.2  # m, from the head's axis to where the picture shows the background that the rim is compared with

# Lens of the brief: focal length in mm, range of the shot size k, f-stop.
LENSES = {"wide": (25.0, (1.25, 1.55), 2.8), "medium": (50.0, (0.42, 0.5), 2.8), "close": (85.0, (0.18, 0.23), 2.0)}
SIDES = {"left": -1.0, "right": 1.0}
KEY_FILL = (1.0, 3.0)  # stops between the two sides of the face: 2:1 to 8:1
EXPOSURE = (-1.0, 1.0)  # stops of the key cheek over correct exposure
SEPARATION = 1.0  # stops of the rim over the background, as a spot meter reads them
RIM_ALBEDO, BACKDROP_ALBEDO = 0.10, 0.20  # hair and jacket, painted canvas

# The briefs of the film: wide high-key, medium, close low-key.
BRIEFS: dict[str, dict[str, Any]] = {
    "wide": {"lens": "wide", "k": 1.4, "side": "right", "key_fill": 2.0, "exposure": 0.5},
    "medium": {"lens": "medium", "k": 0.45, "side": "left", "key_fill": 4.0, "exposure": 0.0},
    "close": {"lens": "close", "k": 0.2, "side": "right", "key_fill": 8.0, "exposure": -0.5},
}

# Where an episode begins, drawn from these ranges.
MARKS = np.array([[-0.5, 0.5], [1.7, 2.5], [1.30, 1.75]]).T[..., None]  # of the character
START_SIZE = (0.35, 0.8)  # octaves too tight or too loose
START_PLACE = ((0.1, 0.3), (0.05, 0.25))  # of the picture, across and up, away from where the eyes belong
START_MARGIN = 0.3  # m, of the camera inside the stage
START_STOPS = (-2.5, 2.5)  # of each light, away from where it belongs
START_DIMMER = (0.75, 3.0)  # stops too bright or too dark, with controls=1

# Tolerances: the error at which a term has fallen to exp(-1/2) = 0.61.
PLACE_TOLERANCE = 0.12  # of the picture: thirds, headroom
SIZE_TOLERANCE = 0.5  # octaves: shot_size
EXPOSURE_TOLERANCE = 0.75  # stops: exposure
RATIO_TOLERANCE = 0.75  # stops: key_fill, separation
JERK_TOLERANCE = 60.0  # m/s³, rms, at which smoothness is 1/2
JERK_MEMORY = 5 / 6  # per step: jerk² is averaged over about half a second

# The brief as the scene holds it: first what the readings of viewfinder and light meter should be.
BRIEF = ("u", "v", "headroom", "separation", "shot size (log2 k)", "key:fill", "exposure", "focal length", "side")
OBSERVATION = (
    "camera x", "camera y", "camera z", "key", "fill", "back", "character x", "character y", "character top",
    "shot size", "key:fill", "exposure", "lens", "side",
    "u error", "v error", "headroom error", "separation error", "size error", "key:fill error", "exposure error",
    "velocity x", "velocity y", "velocity z", "acceleration x", "acceleration y", "acceleration z",
    "smoothness", "face in frame", "progress",
)  # fmt: skip
OBSERVATION_LIMIT = 2.0


# Scales of the observation, and of the actions.
POSE_RANGE = np.concatenate([CAMERA_RANGE, LIGHT_RANGE, CHARACTER_RANGE])
POSE_CENTRE, POSE_HALF = column(POSE_RANGE.mean(axis=1)), column(np.ptp(POSE_RANGE, axis=1) / 2)
BRIEF_RANGE = np.array([(-2.5, 0.7), KEY_FILL, EXPOSURE, (25, 85), (-1, 1)])
BRIEF_CENTRE, BRIEF_HALF = column(BRIEF_RANGE.mean(axis=1)), column(np.ptp(BRIEF_RANGE, axis=1) / 2)
ERROR_SCALE = column([1.5, 1.5, 1.5, 1 / 3, 1, 1 / 3, 1 / 3])
TOLERANCE = column([PLACE_TOLERANCE] * 3 + [RATIO_TOLERANCE, SIZE_TOLERANCE, RATIO_TOLERANCE, EXPOSURE_TOLERANCE])
MOTION_SCALE = column([*CAMERA_SPEED, *(2 * CAMERA_SPEED * STEPS_PER_SECOND)])
INCREMENT = column([*CAMERA_SPEED, *LIGHT_SPEED, *CHARACTER_SPEED]) / STEPS_PER_SECOND
GATE_WIDTH, GATE_HEIGHT = framing.SUPER_35
ASPECT = GATE_WIDTH / GATE_HEIGHT
ALBEDO_STOPS = float(np.log2(RIM_ALBEDO / BACKDROP_ALBEDO))


class MovieScene(BriefedEnv):
    """Set the camera, three lights and the character so that a shot of 4 s fulfils its brief.

    The camera looks along +y, level; the brief names the lens. One action per two frames, 48 steps, then the episode is
    truncated. It is terminated, with a penalty, when the camera touches the character or leaves the stage.

    **Brief**: lens (25 mm wide, 50 medium, 85 close), shot size k = visible height / stature, side of the frame,
    key:fill ratio and exposure of the face. `brief=` of the constructor fixes it for all episodes, and
    `reset(options={"brief": ...})` for one: "wide", "medium", "close" or a dict with some or all entries of those
    (see BRIEFS). What is not fixed is drawn.

    **Actions** in [-1, 1], clipped. `controls=9`: speeds of the camera (truck, dolly, pedestal: 0.8, 1.2, 0.4 m/s), of
    the lights (key, fill, back: 2.4 stops/s) and of the character (x, y, height of the head: 0.84, 0.84, 0.3 m/s).
    `controls=3`: the camera's alone; lights and character are already right. `controls=1`: one dimmer for all three
    lights, of which only the common level is off; all else is right.

    **Observation** (30,) float32, about [-1, 1], see OBSERVATION: the state, the brief, the errors that viewfinder and
    light meter show, the camera's motion, its smoothness so far, the progress of the take. The reward needs no more.

    **Reward** = Σ weight · term, measured in the picture. g(e, t) = exp(-e² / 2t²):

    | term       | weight | value                                                                    | t          |
    |------------|--------|--------------------------------------------------------------------------|------------|
    | thirds     | 0.15   | g of the eyes' distance on screen from (1/2 ± 1/6, 2/3)                  | 0.12       |
    | headroom   | 0.15   | g of gap above the head / frame height - target of the size              | 0.12       |
    | separation | 0.15   | g of log2(rim of the head / backdrop seen beside it) - 1                 | 0.75 stop  |
    | shot_size  | 0.15   | g of log2(k / k of the brief), k = d · h_gate / (f · stature)            | 0.5 octave |
    | key_fill   | 0.15   | g of log2(key cheek / fill cheek) - brief; that is (K + F) / F           | 0.75 stop  |
    | exposure   | 0.15   | g of log2(key cheek / correct exposure) - brief                          | 0.75 stop  |
    | smoothness | 0.10   | 1 / (1 + J / (60 m/s³)²), J: mean of the camera's jerk² over about 0.5 s |            |
    | collision  | -5     | 1 where the camera touches the character or leaves the stage             |            |

    The framing is that of `film.framing`, the light that of `film.light.meter`: illuminance on the cheeks, times albedo
    on rim and backdrop. Where the eyes are out of frame or behind the camera there is nothing to frame and to meter,
    and the first six terms are 0. Eyes on the upper third and the headroom of the size do not quite go together: the
    best compromise leaves both at 0.77 in a wide shot, 0.87 in a medium one, 1 in a close-up. All others reach 1.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {
        "render_fps": STEPS_PER_SECOND,
        "yardsticks": {  # python -m rlfilm_lib.envs.yardsticks rlfilm/MovieScene-v0
            1: {"random": 39.86, "expert": 45.56},
            3: {"random": 24.64, "expert": 44.63},
            9: {"random": 12.95, "expert": 44.03},
        },
    }
    weights: ClassVar[dict[str, float]] = {
        "thirds": 0.15, "headroom": 0.15, "separation": 0.15, "shot_size": 0.15, "key_fill": 0.15, "exposure": 0.15,
        "smoothness": 0.10, "collision": -5.0,
    }  # fmt: skip
    offered: ClassVar[dict[int, str]] = {1: "exposure", 3: "camera", 9: "all"}
    entries = tuple(BRIEFS["wide"])
    briefs = BRIEFS
    episode_steps = 48
    draws = 15

    def __init__(
        self, num_envs: int = 1, controls: int = 9, brief: str | dict | None = None, render_mode: str | None = None
    ) -> None:
        super().__init__(num_envs, controls, len(OBSERVATION), OBSERVATION_LIMIT, brief, render_mode)
        pose, motion = np.zeros((9, num_envs), np.float32), np.zeros((6, num_envs), np.float32)
        self._pose, self._motion = pose, motion
        self._jerk = np.zeros((1, num_envs), np.float32)
        self._brief = np.zeros((9, num_envs), np.float32)
        self.scene = {
            "camera": pose[0:3],  # m
            "lights": pose[3:6],  # stops
            "character": pose[6:9],  # m: x, y, top of the head
            "velocity": motion[0:3],  # of the camera, m/s
            "acceleration": motion[3:6],  # m/s²
            "jerk": self._jerk,  # running mean of jerk², m²/s⁶
            "brief": self._brief,  # see BRIEF
        }
        self._driven = pose[3:6] if controls == 1 else pose[:controls]
        self._increment = INCREMENT[3:6] if controls == 1 else INCREMENT[:controls]

    def expert_policy(self) -> Callable[..., NDArray]:
        """The scripted `expert`: policy(observations (N, 30), deterministic=True) -> actions (N, controls)."""
        return lambda observations, deterministic=True: expert(observations, self.controls)

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> "Take":
        """The shot that one environment filmed: two frames per step, linear in between, from its states, first to last.

        S states give 2 (S - 1) frames, one state a still. The focus follows the eyes.
        """
        from rlfilm_lib.stage import figure
        from rlfilm_lib.stage.take import Take, level_camera

        frames = max(1, 2 * (len(states) - 1))
        when = np.arange(frames) / 2

        def follow(name: str) -> NDArray:
            rows = np.array([state[name][index] for state in states], float)
            return np.stack([np.interp(when, np.arange(len(states)), row) for row in rows.T], axis=-1)

        camera, lights, character = follow("camera"), follow("lights"), follow("character")
        *_, focal_length, side = states[0]["brief"][index].astype(float)
        steps = np.hypot(*np.diff(character[:, :2], axis=0, prepend=character[:1, :2]).T)
        start, end = figure.figure(character[:, :2], character[:, 2], np.full(frames, -side * YAW), np.cumsum(steps))
        eyes = _body(character.T, np.full(frames, side))[:, 0]
        return Take(
            fps=FPS,
            gate=framing.SUPER_35,
            camera_position=camera,
            camera_rotation=np.broadcast_to(level_camera(), (frames, 3, 3)),
            focal_length=np.full(frames, focal_length),
            f_stop=np.full(frames, {mm: f_stop for mm, _, f_stop in LENSES.values()}[focal_length]),
            focus_distance=np.maximum(eyes[1] - camera[:, 1], framing.NEAREST_DEPTH),
            exposure=np.zeros(frames),
            white_balance=WHITE_BALANCE,
            light_position=np.broadcast_to(LIGHT_POSITION, (frames, 3, 3)),
            light_stops=lights,
            light_kelvin=np.broadcast_to(LIGHT_KELVIN, (frames, 3)),
            capsule_start=start,
            capsule_end=end,
            capsule_radius=figure.RADIUS,
            capsule_albedo=figure.ALBEDO,
            capsule_name=figure.NAMES,
            backdrop=BACKDROP,
        )

    def _checked(self, brief: dict[str, Any]) -> dict[str, Any]:
        for name, value in brief.items():
            if name in ("lens", "side"):
                choices = LENSES if name == "lens" else SIDES
                if value not in choices:
                    raise unknown(name, value, choices)
                continue
            low, high = {"k": (0.1, 3), "key_fill": tuple(np.exp2(KEY_FILL)), "exposure": EXPOSURE}[name]
            if not low <= value <= high:
                raise UserError(f"{name}={value} of the brief is out of range: give {low:g} to {high:g}")
        if "k" in brief and "lens" not in brief:
            raise UserError(f"a brief with k={brief['k']} needs its lens: add one of {', '.join(LENSES)}")
        return brief

    def _set_up(self, index: NDArray | slice, uniform: NDArray, brief: dict[str, Any]) -> None:
        wanted = _draw_brief(uniform[:5], brief)
        character = between(MARKS, uniform[5:8])
        camera = camera_goal(character, wanted)
        lights = light_goal(camera, character, wanted)
        if self.controls == 1:
            lights += beyond(START_DIMMER, uniform[8])
        else:
            camera = _misframed(character, wanted, uniform[8:11])
        if self.controls == 9:
            lights += between(START_STOPS, uniform[11:14])
        self._pose[:, index] = np.concatenate([camera, np.clip(lights, *LIGHT_RANGE.T[..., None]), character])
        self._motion[:, index] = 0
        self._jerk[:, index] = 0
        self._brief[:, index] = wanted

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        action = np.minimum(np.maximum(actions.T, -1, dtype=np.float32), 1)
        self._driven += self._increment * action
        free = self._pose[3:]
        np.maximum(free, POSE_RANGE[3:, :1], out=free)
        np.minimum(free, POSE_RANGE[3:, 1:], out=free)
        if self.controls > 1:
            self._move_camera(action[:3])
        errors, in_frame = _readings(self._pose, self._brief)
        collided = _collided(self._pose)

        terms = np.empty((8, self.num_envs), np.float32)
        squared = errors / TOLERANCE
        squared *= squared
        squared[1] += squared[0]
        squared *= -0.5
        seen = terms[:6]
        np.exp(squared[1:], out=seen)
        seen *= in_frame
        terms[6] = _smoothness(self._jerk[0])
        terms[7] = collided
        elapsed = self.elapsed + 1
        observations = _observation(self._pose, self._motion, self._brief, errors, in_frame, terms[6], elapsed)
        return observations, terms, collided

    def _move_camera(self, action: NDArray) -> None:
        """Velocity, acceleration and the running mean of jerk² that follow from the camera's action (3, N)."""
        velocity, acceleration = action * CAMERA_SPEED[:, None], self._motion[3:]
        change = (velocity - self._motion[:3]) * STEPS_PER_SECOND
        jerk = (change - acceleration) * STEPS_PER_SECOND
        jerk *= jerk
        self._jerk *= JERK_MEMORY
        self._jerk += (1 - JERK_MEMORY) * (jerk[0] + jerk[1] + jerk[2])
        self._motion[:3], acceleration[...] = velocity, change

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        pose, motion, brief = self._pose[:, index], self._motion[:, index], self._brief[:, index]
        smoothness = _smoothness(self._jerk[0, index])
        return _observation(pose, motion, brief, *_readings(pose, brief), smoothness, self.elapsed[index])


class OneMovieScene(SingleEnv, task=MovieScene):
    """One `MovieScene`, as `gym.make("rlfilm/MovieScene-v0")` gives it."""


# What the scene shows. Arrays hold one column per environment: pose (9, n) camera, lights, character; brief (9, n).


def _readings(pose: NDArray, brief: NDArray) -> tuple[NDArray, NDArray]:
    """Viewfinder and light meter: errors (7, n), in the order of BRIEF, and whether the face is in frame (n,)."""
    camera, lights, character = pose[:3], pose[3:6], pose[6:]
    focal_length, side = brief[7], brief[8]
    body = _body(character, side)
    u, v, depth = framing.project(body[:, :2].transpose(1, 2, 0), camera.T, focal_length)
    distance = np.maximum(depth[0], framing.NEAREST_DEPTH)
    readings = np.empty((7, len(side)), np.float32)
    readings[0], readings[1], readings[2] = u[0], v[0], framing.headroom(v[1])
    key, fill, rim, background = np.log2(_metered(body, camera, lights, side))
    np.subtract(rim, background - ALBEDO_STOPS, out=readings[3])
    np.log2(framing.visible_height(distance, focal_length) / framing.STATURE, out=readings[4])
    np.subtract(key, fill, out=readings[5])
    readings[6] = key
    off_axis = np.abs(readings[:2] - 0.5)
    in_frame = (np.maximum(off_axis[0], off_axis[1]) <= 0.5) & (depth[0] > framing.NEAREST_DEPTH)
    readings -= brief[:7]
    return readings, in_frame


def _metered(body: NDArray, camera: NDArray, lights: NDArray, side: NDArray) -> NDArray:
    """Illuminance (4, n) of key cheek, fill cheek, rim and background, as a meter reads it there."""
    point, normal = _patches(body, camera, side)
    return light.meter(point, normal, LIGHT_POSITION[:, None, None], lights[:, None])


def _patches(body: NDArray, camera: NDArray, side: NDArray) -> tuple[NDArray, NDArray]:
    """Points and normals (4, n, 3) where the meter is held: both cheeks, the rim of the head, and the background, which
    is the point of the backdrop that the camera sees just beside the head."""
    normal = NORMAL_BASE + side * NORMAL_SLOPE
    point = body[:, 2:].copy()
    background = point[:, 3]
    ray = background - camera
    ray *= (BACKDROP - camera[1]) / np.maximum(ray[1], framing.NEAREST_DEPTH)
    np.add(camera, ray, out=background)
    background[1] = BACKDROP
    return point.transpose(1, 2, 0), normal.transpose(1, 2, 0)


def _body(character: NDArray, side: NDArray) -> NDArray:
    """World points (3, 6, n) of a character (3, n): eyes, top, key cheek, fill cheek, rim, and a point beside the
    head."""
    return character[:, None] + BODY_BASE + side * BODY_SLOPE


def _turned(azimuth: NDArray) -> tuple[NDArray, NDArray]:
    """Horizontal unit vectors at these angles (k,) from where the face looks, as base + side · slope, (3, k) each.

    The face looks at -y, turned by -side · YAW, so the sine of that angle is linear in side and its cosine constant.
    """
    sine, cosine, zero = np.sin(azimuth), np.cos(azimuth), np.zeros_like(azimuth)
    return np.stack([sine, -cosine, zero]) * np.cos(YAW), np.stack([-cosine, -sine, zero]) * np.sin(YAW)


def _head() -> tuple[NDArray, ...]:
    """Patch normals (3, 4, 1) and body points (3, 6, 1) from the top of the head, each as base and slope over side."""
    (face_base, face_slope), (cheek_base, cheek_slope) = _turned(np.zeros(1)), _turned(np.array([-CHEEK, CHEEK]))
    fixed = np.array([[np.sin(RIM), 0, np.cos(RIM)], [0, -1, 0]]).T
    normal_base, normal_slope = np.hstack([cheek_base, fixed]), np.hstack([cheek_slope, 0 * fixed])
    down, beside = np.array([[0], [0], [-1]]), np.array([[BESIDE], [0], [-HEAD_CENTRE_BELOW_TOP]])
    body_base = np.hstack([
        EYES_FORWARD * face_base + framing.EYES_BELOW_TOP * down,
        0 * down,
        PATCH_RADIUS * normal_base[:, :3] + HEAD_CENTRE_BELOW_TOP * down,
        beside,
    ])  # fmt: skip
    body_slope = np.hstack([EYES_FORWARD * face_slope, 0 * down, PATCH_RADIUS * normal_slope[:, :3], 0 * down])
    return tuple(a[..., None].astype(np.float32) for a in (normal_base, normal_slope, body_base, body_slope))


NORMAL_BASE, NORMAL_SLOPE, BODY_BASE, BODY_SLOPE = _head()


def _collided(pose: NDArray) -> NDArray[np.bool_]:
    """(n,) True where the camera touches the character or has left the stage."""
    camera = pose[:3]
    apart = camera[:2] - pose[6:8]
    apart *= apart
    outside = (camera < CAMERA_RANGE[:, :1]) | (camera > CAMERA_RANGE[:, 1:])
    return (apart[0] + apart[1] < TOUCH**2) | outside[0] | outside[1] | outside[2]


def _smoothness(jerk: NDArray) -> NDArray:
    """1 / (1 + J / tolerance²) of the mean squared jerk (n,)."""
    return JERK_TOLERANCE**2 / (jerk + JERK_TOLERANCE**2)


def _observation(
    pose: NDArray,
    motion: NDArray,
    brief: NDArray,
    errors: NDArray,
    in_frame: NDArray,
    smoothness: NDArray,
    elapsed: NDArray,
) -> NDArray:
    """Observations (n, 30), each reading on its scale, the errors limited."""
    rows = padded(len(OBSERVATION), len(in_frame))
    np.divide(pose - POSE_CENTRE, POSE_HALF, out=rows[0:9])
    np.divide(brief[4:] - BRIEF_CENTRE, BRIEF_HALF, out=rows[9:14])
    shown = errors * ERROR_SCALE
    np.maximum(shown, -OBSERVATION_LIMIT, out=shown)
    np.minimum(shown, OBSERVATION_LIMIT, out=rows[14:21])
    np.divide(motion, MOTION_SCALE, out=rows[21:27])
    rows[27] = smoothness
    rows[28] = in_frame
    rows[29] = elapsed / MovieScene.episode_steps
    return rows.T.copy()


# Where the scene should go


def camera_goal(character: NDArray, brief: NDArray) -> NDArray:
    """Camera position (3, n) that frames the character (3, n) as the brief (9, n) wants.

    Shot size, and thirds across, are met exactly. Up and down, the upper third and the headroom may disagree: the goal
    lies where the sum of the squared errors is smallest, which is where the sum of the two terms is largest.
    """
    _, _, headroom, _, size, _, _, focal_length, side = brief
    eyes_x, eyes_y, eyes_z = _body(character, side)[:, 0]
    _, top_y, top_z = character
    visible = framing.STATURE * 2.0**size
    depth = visible * focal_length / GATE_HEIGHT
    eyes_scale, top_scale = 1 / visible, focal_length / (GATE_HEIGHT * (depth + top_y - eyes_y))
    eyes_wanted, top_wanted = eyes_z * eyes_scale - 1 / 6, top_z * top_scale - (0.5 - headroom)
    z = (eyes_scale * eyes_wanted + top_scale * top_wanted) / (eyes_scale**2 + top_scale**2)
    return np.stack([eyes_x - side / 6 * visible * ASPECT, eyes_y - depth, z])


def light_goal(camera: NDArray, character: NDArray, brief: NDArray) -> NDArray:
    """Stops (3, n) of key, fill and back that give exposure, key:fill and separation as the brief (9, n) wants.

    Illuminance is linear in the lights' intensities, so three readings ask for the solution of three linear equations.
    Where that would take less than no light, the light is as low as it goes.
    """
    *_, key_fill, exposure, _, side = brief
    point, normal = _patches(_body(character, side), camera, side)
    key, fill, rim, background = light.illuminance(point, normal, LIGHT_POSITION[:, None, None], 0.0).transpose(1, 2, 0)
    face, times = 2.0**exposure, 2 ** (SEPARATION - ALBEDO_STOPS)
    equations = np.stack([key, fill, rim - times * background], axis=1)
    wanted = np.stack([face, face * 2.0**-key_fill, np.full_like(face, times * light.AMBIENT)], axis=1) - light.AMBIENT
    intensity = np.linalg.solve(equations, wanted[..., None])[..., 0].T
    return np.log2(np.maximum(intensity, 2.0 ** LIGHT_RANGE[:, :1]))


# How an episode begins


def _misframed(character: NDArray, brief: NDArray, uniform: NDArray) -> NDArray:
    """A camera position (3, n) on the stage with the face in frame, but neither of the right size nor in its place."""
    *_, size, _, _, focal_length, side = brief
    eyes_x, eyes_y, eyes_z = _body(character, side)[:, 0]
    octaves = beyond(START_SIZE, uniform[0])
    depth = framing.STATURE * 2.0**size * focal_length / GATE_HEIGHT
    too_far = eyes_y - depth * 2.0**octaves < CAMERA_RANGE[1, 0] + START_MARGIN
    depth *= 2.0 ** np.where(too_far, -octaves, octaves)
    visible = framing.visible_height(depth, focal_length)
    u = side / 6 + beyond(START_PLACE[0], uniform[1])
    v = 1 / 6 + beyond(START_PLACE[1], uniform[2])
    camera = np.stack([eyes_x - u * visible * ASPECT, eyes_y - depth, eyes_z - v * visible])
    return np.clip(camera, CAMERA_RANGE[:, :1] + START_MARGIN, CAMERA_RANGE[:, 1:] - START_MARGIN)


def _draw_brief(uniform: NDArray, fixed: dict[str, Any]) -> NDArray:
    """Briefs (9, n), drawn from uniform (5, n) but for what is fixed."""
    lenses = [fixed["lens"]] if "lens" in fixed else list(LENSES)
    lens = (uniform[0] * len(lenses)).astype(int)
    focal_length = np.array([LENSES[name][0] for name in lenses])[lens]
    smallest, largest = np.array([LENSES[name][1] for name in lenses])[lens].T

    def chosen(name: str, drawn: NDArray) -> NDArray:
        return np.full_like(drawn, fixed[name]) if name in fixed else drawn

    k = chosen("k", smallest * (largest / smallest) ** uniform[1])
    side = np.full_like(k, SIDES[fixed["side"]]) if "side" in fixed else np.where(uniform[2] < 0.5, -1.0, 1.0)
    stops, exposure = between(KEY_FILL, uniform[3]), between(EXPOSURE, uniform[4])
    key_fill, exposure = chosen("key_fill", 2**stops), chosen("exposure", exposure)
    return _wanted(np.log2(k), np.log2(key_fill), exposure, focal_length, side)


def _wanted(size: NDArray, key_fill: NDArray, exposure: NDArray, focal_length: NDArray, side: NDArray) -> NDArray:
    """The brief (9, n), with all readings that follow from it."""
    upper, separation = np.full_like(side, 2 / 3), np.full_like(side, SEPARATION)
    headroom = framing.headroom_target(2.0**size)
    return np.stack([0.5 + side / 6, upper, headroom, separation, size, key_fill, exposure, focal_length, side])


# The expert

DURATIONS = np.arange(3, 31)[:, None, None]  # steps that a move of the camera may take
# Where the expert leaves the character: there the rig can light it as any brief wants.
EXPERT_MARKS = np.array([[-0.7, 0.7], [1.5, 2.7], [1.30, 1.75]])


def expert(observations: NDArray, controls: int) -> NDArray:
    """Actions (N, controls) of the scripted expert, a function of the observations (N, 30) alone.

    Where the camera and the lights should go follows in closed form from brief and character. The character walks
    straight towards it and the camera does the rest, on the path of least jerk that comes to rest there. Of all
    durations it takes the one for which jerk and waiting cost least reward; planning afresh at every step keeps to the
    plan. The lights go straight to what the picture of the next step wants."""
    rows = np.asarray(observations, float).T
    camera, lights, character = np.split(rows[:9] * POSE_HALF + POSE_CENTRE, 3)
    brief = _wanted(*rows[9:14] * BRIEF_HALF + BRIEF_CENTRE)
    if controls == 1:
        level = light_goal(camera, character, brief) - lights
        return np.clip(level.mean(axis=0) / INCREMENT[3], -1, 1)[:, None]

    way = camera_goal(character, brief) - camera
    walk = np.zeros((len(DURATIONS), *way.shape))
    if controls == 9:
        reach = INCREMENT[6:] * DURATIONS
        marks = np.clip(character + np.clip(-way, -reach, reach), EXPERT_MARKS[:, :1], EXPERT_MARKS[:, 1:])
        walk = marks - character
    velocity, acceleration = np.split(rows[21:27] * MOTION_SCALE, 2)
    camera_action, best = _least_costly_move(way + walk, velocity, acceleration, brief)
    if controls == 3:
        return camera_action.T
    character_action = np.clip(np.take_along_axis(walk, best, axis=0)[0] / INCREMENT[6:], -1, 1)
    next_camera, next_character = camera + camera_action * INCREMENT[:3], character + character_action * INCREMENT[6:]
    light_action = np.clip((light_goal(next_camera, next_character, brief) - lights) / INCREMENT[3:6], -1, 1)
    return np.concatenate([camera_action, light_action, character_action]).T


def _least_costly_move(
    way: NDArray, velocity: NDArray, acceleration: NDArray, brief: NDArray
) -> tuple[NDArray, NDArray]:
    """The camera's action (3, N) for a way to go (durations, 3, N), and which duration suits each axis (1, 3, N)."""
    seconds = DT * DURATIONS
    change = np.stack([  # what the jerk has to bring about in position, velocity and acceleration
        way - velocity * seconds - acceleration * seconds * (seconds + DT) / 2,
        np.broadcast_to(-velocity - acceleration * seconds, way.shape),
        np.broadcast_to(-acceleration, way.shape),
    ])  # fmt: skip
    weights, visible = MovieScene.weights, framing.STATURE * 2.0 ** brief[4]
    tolerance = np.stack([
        PLACE_TOLERANCE * ASPECT * visible,
        SIZE_TOLERANCE * np.log(2) * visible * brief[7] / GATE_HEIGHT,
        PLACE_TOLERANCE * visible,
    ])  # fmt: skip
    at_stake = column([weights["thirds"], weights["shot_size"], weights["thirds"] + weights["headroom"]])
    waiting = at_stake * (1 - np.exp(-0.5 * (way / tolerance) ** 2)) * DURATIONS / 2
    squared_jerk = np.einsum("itan,tij,jtan->tan", change, PLAN_COST, change)
    cost = waiting + weights["smoothness"] / JERK_TOLERANCE**2 * squared_jerk
    best = cost.argmin(axis=0)[None]
    jerk = np.take_along_axis(np.einsum("ti,itan->tan", PLAN_JERK, change), best, axis=0)[0]
    return np.clip((velocity + (acceleration + jerk * DT) * DT) / CAMERA_SPEED[:, None], -1, 1), best


def _least_jerk_plans() -> tuple[NDArray, NDArray]:
    """For each duration, as functions of the change (3,) in position, velocity and acceleration that the jerk has to
    bring: the first step's jerk (durations, 3) and Σ jerk² (durations, 3, 3), of the plan with the least Σ jerk²."""
    step = np.array([[1, DT, DT**2], [0, 1, DT], [0, 0, 1]])
    push = np.array([DT**3, DT**2, DT])
    first, cost = [], []
    for duration in DURATIONS.ravel():
        effect = np.stack([np.linalg.matrix_power(step, duration - 1 - i) @ push for i in range(duration)], axis=1)
        cost.append(np.linalg.inv(effect @ effect.T))
        first.append(effect[:, 0] @ cost[-1])
    return np.array(first), np.array(cost)


PLAN_JERK, PLAN_COST = _least_jerk_plans()
