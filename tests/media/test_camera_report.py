"""The camera report says what the take holds."""

from dataclasses import replace

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.media import camera_report
from rlfilm_lib.stage.take import level_camera


@pytest.fixture(scope="module")
def take():
    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=1)
    take = rlfilm.shoot(env.expert_policy(), "rlfilm/MovieScene-v0", seed=3)[:10]
    return replace(take, exposure=np.linspace(0, 1, 10), light_name=("key", "fill", "back light"))


def test_every_number_of_the_take_is_there(take):
    rows = list(camera_report.rows(take))
    assert len(rows) == 10 and all(list(row) == camera_report.columns(take) for row in rows)
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    expected = {
        "frame": np.arange(10), "time_s": np.arange(10) / 24, "focal_length_mm": take.focal_length,
        "f_stop": take.f_stop, "focus_distance_m": take.focus_distance, "exposure_stops": take.exposure,
        "y_m": take.camera_position[:, 1], "key_stops": take.light_stops[:, 0], "fill_kelvin": take.light_kelvin[:, 1],
        "back_light_z_m": take.light_position[:, 2, 2],
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(table[name], values, atol=1e-5)
    assert not table["pan_deg"].any() and not table["tilt_deg"].any() and not table["roll_deg"].any()


@pytest.mark.parametrize(("pan", "tilt", "roll"), [(30, 0, 0), (-120, 20, 0), (10, -35, 15), (0, 0, -90)])
def test_angles_are_those_that_turned_the_camera(take, pan, tilt, roll):
    a, b, c = np.radians([pan, tilt, roll])
    right, up, forward = level_camera(a)
    up, forward = np.cos(b) * up - np.sin(b) * forward, np.cos(b) * forward + np.sin(b) * up
    rotation = np.stack([np.cos(c) * right + np.sin(c) * up, np.cos(c) * up - np.sin(c) * right, forward])
    row = next(camera_report.rows(replace(take[:1], camera_rotation=rotation[None])))
    assert [row["pan_deg"], row["tilt_deg"], row["roll_deg"]] == pytest.approx([pan, tilt, roll], abs=1e-5)
