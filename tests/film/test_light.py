"""The light model against laws and numbers worked by hand."""

import numpy as np
import pytest

from rlfilm_lib.film import light

TOWARDS_CAMERA = np.array([0.0, -1.0, 0.0])


def test_a_light_of_0_stops_square_on_at_3_m_gives_1():
    assert light.illuminance(np.zeros(3), TOWARDS_CAMERA, np.array([0.0, -3.0, 0.0]), 0.0) == pytest.approx(1)


@pytest.mark.parametrize(("distance", "expected"), [(1.5, 4.0), (6.0, 0.25), (12.0, 0.0625)])
def test_twice_as_far_is_two_stops_less(distance, expected):
    position = np.array([0.0, -distance, 0.0])
    assert light.illuminance(np.zeros(3), TOWARDS_CAMERA, position, 0.0) == pytest.approx(expected)


def test_one_stop_more_is_twice_the_light():
    position = np.array([1.0, -2.0, 2.0])
    dim, bright = (light.illuminance(np.zeros(3), TOWARDS_CAMERA, position, stops) for stops in (-1.5, -0.5))
    assert bright == pytest.approx(2 * dim)


def test_the_cosine_of_incidence():
    """At (0, -3, 3) the light stands 45 degrees above the normal and √18 m away: 9/18 · cos 45°."""
    position = np.array([0.0, -3.0, 3.0])
    assert light.illuminance(np.zeros(3), TOWARDS_CAMERA, position, 0.0) == pytest.approx(0.5 / np.sqrt(2))


def test_a_surface_that_looks_away_gets_nothing():
    assert light.illuminance(np.zeros(3), TOWARDS_CAMERA, np.array([1.0, 2.0, 1.0]), 5.0) == 0


def test_a_surface_at_the_light_itself_is_finite():
    assert np.isfinite(light.illuminance(np.zeros(3), TOWARDS_CAMERA, np.zeros(3), 0.0))


def test_lights_broadcast_against_points():
    points = np.random.default_rng(0).normal(size=(5, 3))
    lights = np.array([[0.0, -4.0, 2.0], [3.0, -3.0, 1.0]])
    stops = np.array([0.5, -1.0])
    table = light.illuminance(points, TOWARDS_CAMERA, lights[:, None], stops[:, None])
    assert table.shape == (2, 5)
    for i, point in enumerate(points):
        for j in range(2):
            assert table[j, i] == pytest.approx(float(light.illuminance(point, TOWARDS_CAMERA, lights[j], stops[j])))


def test_the_meter_adds_lights_and_ambient():
    lights = np.array([[0.0, -3.0, 0.0], [0.0, -3.0, 0.0]])
    assert light.meter(np.zeros(3), TOWARDS_CAMERA, lights, np.array([0.0, 1.0])) == pytest.approx(3 + light.AMBIENT)


def test_float32_stays_float32():
    lights, point = np.ones((3, 1, 3), np.float32), np.zeros((4, 3), np.float32)
    normal = np.tile(TOWARDS_CAMERA, (4, 1)).astype(np.float32)
    assert light.meter(point, normal, lights, np.zeros((3, 1), np.float32)).dtype == np.float32


def test_key_two_stops_over_fill_is_5_to_1():
    key, fill = 4.0, 1.0
    ratio = light.key_fill_ratio(key, fill)
    assert ratio == 5
    assert light.stops_between(ratio, 1.0) == pytest.approx(2.32, abs=0.005)


def test_no_key_is_1_to_1():
    assert light.key_fill_ratio(0.0, 0.3) == 1


def test_exposure_value_is_zero_at_f1_and_one_second():
    assert light.exposure_value(1.0, 1.0) == 0


@pytest.mark.parametrize(
    ("settings", "change"),
    [({"f_stop": 5.6 * np.sqrt(2)}, 1), ({"seconds": 1 / 100}, 1), ({"iso": 200.0}, -1)],
    ids=["stopped down", "half the time", "twice the speed"],
)
def test_one_stop_of_each_setting(settings, change):
    """Half the light on the film asks for one EV more of scene light; twice the speed for one less."""
    usual = {"f_stop": 5.6, "seconds": 1 / 50, "iso": 100.0}
    assert light.exposure_value(**usual | settings) - light.exposure_value(**usual) == pytest.approx(change)


def test_a_180_degree_shutter_halves_the_frame():
    assert light.shutter_time(180.0, 24.0) == pytest.approx(1 / 48)
