"""Takes to film in the tests, and what is read off their pictures."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.film import colour, framing
from rlfilm_lib.stage import figure
from rlfilm_lib.stage.take import PER_FRAME, Take, level_camera


@pytest.fixture
def simple_take() -> Callable[..., Take]:
    """Builds a one-frame take from lists of spheres or capsules and any field by name: before a far backdrop."""

    def build(start, radius, albedo=(1.0, 1.0, 1.0), end=None, **fields) -> Take:
        start = np.atleast_2d(np.asarray(start, float))
        count = len(start)
        values = dict(
            fps=24, camera_position=[[0.0, 0.0, 1.5]], camera_rotation=level_camera()[None], focal_length=[50.0],
            f_stop=[1e6], focus_distance=[4.0], exposure=[0.0], light_position=[[[-1.0, 0.5, 2.0]]],
            light_stops=[[0.0]], light_kelvin=[[5600.0]], capsule_start=start[None],
            capsule_end=(start if end is None else np.atleast_2d(np.asarray(end, float)))[None],
            capsule_radius=np.broadcast_to(radius, count), capsule_albedo=np.broadcast_to(albedo, (count, 3)),
            capsule_name=tuple(f"part {number}" for number in range(count)), backdrop=1e4,
        )  # fmt: skip
        return Take(**(values | fields))

    return build


def aimed(camera: np.ndarray, at: np.ndarray, beside: tuple[float, float], roll: float) -> np.ndarray:
    """Rotation of a camera that pans and tilts towards a point, goes on by `beside` (rad), then rolls."""
    way = at - camera
    pan, tilt = np.arctan2(way[0], way[1]) + beside[0], np.arctan2(way[2], np.hypot(*way[:2])) + beside[1]
    right, up, forward = level_camera(pan)
    up, forward = np.cos(tilt) * up - np.sin(tilt) * forward, np.cos(tilt) * forward + np.sin(tilt) * up
    return np.stack([np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right, forward])


@pytest.fixture
def eye_take(simple_take) -> Take:
    """An eye of the figure, larger, white and alone; from frame to frame the camera pans, tilts, rolls and zooms."""
    start, end = figure.figure([[0.0, 3.0]], [1.75], 0.3)
    eye = figure.NAMES.index("left eye")
    place = (start[0, eye] + end[0, eye]) / 2
    one = simple_take(place, 0.03, light_stops=[[-20.0]], exposure=[5.0])
    camera = np.array([(0.1, 0.0, 1.5), (-0.8, 1.0, 1.9), (2.5, 0.3, 1.3), (-1.0, 4.9, 2.1)])
    turns = [((0.0, 0.0), 0.0), ((0.3, -0.12), 0.0), ((-0.05, 0.02), 0.2), ((0.2, 0.1), -0.1)]
    values = {name: np.repeat(getattr(one, name), 4, axis=0) for name in PER_FRAME}
    values |= {
        "camera_position": camera,
        "camera_rotation": np.array([aimed(at, place, *turn) for at, turn in zip(camera, turns, strict=True)]),
        "focal_length": np.array([50.0, 25.0, 135.0, 35.0]),
    }
    return replace(one, **values)


@pytest.fixture
def eye_places(eye_take) -> Callable[[int, int], np.ndarray]:
    """Where the formula puts the eye in each frame: (column, row) in pixels, (4, 2)."""

    def places(width: int, height: int) -> np.ndarray:
        u, v, _ = framing.project(
            eye_take.capsule_start[:, 0], eye_take.camera_position, eye_take.focal_length, eye_take.gate,
            eye_take.camera_rotation,
        )  # fmt: skip
        return np.stack([u * width, (1 - v) * height], axis=-1)

    return places


@pytest.fixture
def centroid() -> Callable[[np.ndarray], np.ndarray]:
    """Middle (column, row), in pixels, of what is white in a scene-linear picture of `eye_take`."""

    def middle(picture: np.ndarray) -> np.ndarray:
        weight = np.clip(picture[..., 0] - 0.2, 0, None)  # the floor shows at most 0.18 there, the eye 0.64
        rows, columns = np.indices(weight.shape) + 0.5
        return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()

    return middle


@pytest.fixture
def moving_take(simple_take) -> Take:
    """Three frames of a white sphere that goes 0.4 m to the right from each to the next, 4 m away."""
    place = np.array([[[-0.4, 4.0, 1.5]], [[0.0, 4.0, 1.5]], [[0.4, 4.0, 1.5]]])
    one = simple_take(place[1], 0.1, light_stops=[[-20.0]], exposure=[5.0])
    values = {name: np.repeat(getattr(one, name), 3, axis=0) for name in PER_FRAME}
    return replace(one, **(values | {"capsule_start": place, "capsule_end": place}))


@pytest.fixture(scope="session")
def expert_shot() -> Take:
    """The last frame of a medium shot by the expert of MovieScene-v0, key to fill 4:1."""
    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=1)
    take = rlfilm.shoot(env.expert_policy(), "rlfilm/MovieScene-v0", seed=7, options={"brief": "medium"})
    return take[-1:]


@pytest.fixture
def patches(expert_shot) -> Callable[[np.ndarray], np.ndarray]:
    """Luminances of a scene-linear picture of `expert_shot`: key cheek, fill cheek, chest, backdrop left and right."""
    camera = expert_shot.camera_position[0], expert_shot.focal_length[0], expert_shot.gate
    middles = (expert_shot.capsule_start[0] + expert_shot.capsule_end[0]) / 2
    head, breast = (middles[figure.NAMES.index(name)] for name in ("skull", "breast"))
    cheeks = [head + np.array([side * 0.055, -0.06, -0.035]) for side in (-1, 1)]
    places = [*cheeks, breast, *([x, expert_shot.backdrop, head[2]] for x in (-0.9, 1.6))]

    def read(picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        size = height // 45
        readings = []
        for place in places:
            u, v, _ = framing.project(place, *camera)
            row, column = int((1 - v) * height), int(u * width)
            patch = picture[row - size : row + size + 1, column - size : column + size + 1]
            readings.append(colour.luminance(patch).mean())
        return np.array(readings)

    return read
