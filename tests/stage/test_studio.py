"""The studio of the path tracers: lamps that give what the meter reads, the lens's blur, the shutter."""

from dataclasses import replace

import numpy as np
import pytest

from rlfilm_lib.film import lens, light
from rlfilm_lib.stage import preview, studio
from rlfilm_lib.stage.take import level_camera


def received(lamp, point, normal):
    """Illuminance of a lamp, in the house's unit, integrated over points of it that the point sees."""
    rng = np.random.default_rng(0)
    if lamp.flush:
        angle, place = rng.uniform(0, 2 * np.pi, 20_000), preview.LIGHT_RADIUS * np.sqrt(rng.uniform(size=20_000))
        points = lamp.position + np.stack([place * np.cos(angle), 0 * angle, place * np.sin(angle)], axis=-1)
        facing, area = np.tile([0.0, -1.0, 0.0], (20_000, 1)), np.pi * preview.LIGHT_RADIUS**2
    else:
        facing = rng.normal(size=(20_000, 3))
        facing /= np.linalg.norm(facing, axis=1, keepdims=True)
        points, area = lamp.position + preview.LIGHT_RADIUS * facing, 4 * np.pi * preview.LIGHT_RADIUS**2
    way = points - point
    distance = np.linalg.norm(way, axis=1)
    way /= distance[:, None]
    share = np.clip(way @ normal, 0, None) * np.clip(-(way * facing).sum(axis=1), 0, None) / distance**2
    return share.mean() * area * lamp.radiance / np.pi


@pytest.mark.parametrize("place", [(-3.4, 1.0, 2.6), (1.2, 6.0, 3.3), (1.2, 5.9, 3.3), (-2.0, 9.0, 4.0)])
def test_a_lamp_gives_the_illuminance_of_the_formula(simple_take, place):
    """A ball in the studio, and discs on the backdrop for lamps that stand on, before and behind it."""
    middle, stops = np.array([0.2, 2.0, 1.2]), 0.5
    take = simple_take(middle, 0.1, light_position=[[place]], light_stops=[[stops]], backdrop=6.0)
    (lamp,) = studio.lamps(take, 0)
    assert lamp.flush == (place[1] > 5) and lamp.position[1] < 6.0
    normal = np.array(place) - middle
    normal /= np.linalg.norm(normal)
    expected = light.illuminance(middle, normal, np.array(place), stops)
    np.testing.assert_allclose(received(lamp, middle, normal), expected, rtol=0.02)
    towards = lamp.position - middle
    np.testing.assert_allclose(towards / np.linalg.norm(towards), normal, atol=1e-12)


def test_the_aperture_gives_the_blur_of_the_formula(simple_take):
    """Seen through a lens of that diameter that is focused at s, a far point spreads to diameter / s, as a slope."""
    take = simple_take((0, 3, 1), 0.1, focal_length=[85.0], f_stop=[2.0], focus_distance=[1.2])
    blur = lens.blur_circle(1e9, 1.2, 85.0, 2.0) / 85.0
    np.testing.assert_allclose(studio.aperture(take) / 1.2, blur, rtol=1e-6)


def test_floor_and_backdrop_are_those_of_the_preview():
    np.testing.assert_allclose(studio.boards().mean(axis=(0, 1)), preview.FLOOR_ALBEDO, rtol=2e-3)
    assert studio.boards().shape == (2, 1024, 3) and studio.boards().max() < 1
    row, column = 300, 400  # 44.5 texels of 5 cm above the floor, 144.5 to the right of the middle
    tone = preview.canvas(np.array(144.5 * 0.05), np.array(44.5 * 0.05))
    np.testing.assert_allclose(studio.canvas()[row, column], tone * preview.BACKDROP_ALBEDO, rtol=1e-5)


def test_the_shutter_is_open_for_half_a_frame_about_its_moment(moving_take):
    x = studio.exposed(moving_take, 1, moments=4).capsule_start[:, 0, 0]
    np.testing.assert_allclose(x, 0.4 * np.array([-3, -1, 1, 3]) / 16)
    assert studio.exposed(moving_take, 1, moments=1).capsule_start[0, 0, 0] == 0
    x = studio.exposed(moving_take, 0, moments=4).capsule_start[:, 0, 0]  # nothing is known from before the take
    np.testing.assert_allclose(x, -0.4 + 0.4 * np.array([0, 0, 1, 3]) / 16)
    np.testing.assert_array_equal(studio.exposed(moving_take[:1], 0, 2).capsule_start[:, 0, 0], -0.4)


def test_a_camera_that_turns_keeps_a_rotation(moving_take):

    turning = replace(moving_take, camera_rotation=level_camera(np.array([0.0, 0.4, 0.8])))
    rotation = studio.exposed(turning, 1, 2).camera_rotation
    np.testing.assert_allclose(rotation @ rotation.swapaxes(1, 2), np.tile(np.eye(3), (2, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(rotation, level_camera(np.array([0.35, 0.45])), atol=1e-3)


def test_a_bulb_leaves_room_for_what_stands_within_the_ball(simple_take):
    """A sphere of 2 cm whose surface is 10 cm from one light, and far from the other."""
    take = simple_take((0.0, 3.0, 1.0), 0.02, light_position=[[(0.0, 2.88, 1.0), (0.0, 0.0, 1.0)]],
                       light_stops=[[0.0, 0.0]], light_kelvin=[[5600.0, 5600.0]])  # fmt: skip
    near, far = studio.lamps(take, 0)
    assert near.bulb == pytest.approx(0.09) and far.bulb == preview.LIGHT_RADIUS
    np.testing.assert_allclose(studio.distance(np.array([0.0, 2.88, 1.0]), take, 0), [0.10])
