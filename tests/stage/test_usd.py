"""USD files, read back by OpenUSD itself and compared with the take."""

import sys
from dataclasses import replace

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.film import framing, light
from rlfilm_lib.stage import preview, usd
from rlfilm_lib.stage.take import level_camera

pytest.importorskip("pxr", reason="usd-core is not installed")

from pxr import Gf, Usd, UsdGeom, UsdLux


@pytest.fixture(scope="module")
def take():
    """A wide shot by the expert whose camera also pans, tilts, zooms and pulls focus."""
    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=1)
    take = rlfilm.shoot(env.expert_policy(), "rlfilm/MovieScene-v0", seed=7, options={"brief": "wide"})[:24]
    along = np.linspace(0, 1, 24)
    rotation = level_camera(0.4 * along - 0.2)
    tilt = 0.15 * along[:, None]
    up, forward = rotation[:, 1], rotation[:, 2]
    up, forward = np.cos(tilt) * up - np.sin(tilt) * forward, np.cos(tilt) * forward + np.sin(tilt) * up
    return replace(
        take, camera_rotation=np.stack([rotation[:, 0], up, forward], axis=1), focal_length=25 + 60 * along,
        f_stop=2.0 + 2 * along, focus_distance=3 + along, exposure=along, gate=(36.0, 20.25), white_balance=4300.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def stage(take, tmp_path_factory):
    path = usd.write(tmp_path_factory.mktemp("usd") / "take.usda", take)
    return Usd.Stage.Open(str(path))


def test_time_units_and_axes(stage, take):
    assert stage.GetTimeCodesPerSecond() == take.fps == 24
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, 23)
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1 and UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z
    assert stage.GetDefaultPrim().GetPath() == "/shot"


def test_the_camera_is_that_of_the_take_in_every_frame(stage, take):
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/shot/camera"))
    for frame in range(len(take)):
        seen = camera.GetCamera(frame)
        to_world = np.array(seen.transform)
        right, up, forward = take.camera_rotation[frame]
        np.testing.assert_allclose(to_world[:3, :3], [right, up, -forward], atol=1e-4)
        np.testing.assert_allclose(to_world[3, :3], take.camera_position[frame], atol=1e-4)
        assert seen.focalLength * Gf.Camera.FOCAL_LENGTH_UNIT * 1000 == pytest.approx(
            take.focal_length[frame], abs=1e-4
        )
        apertures = np.array([seen.horizontalAperture, seen.verticalAperture]) * Gf.Camera.APERTURE_UNIT * 1000
        np.testing.assert_allclose(apertures, take.gate, atol=1e-4)
        assert seen.fStop == pytest.approx(take.f_stop[frame], abs=1e-4)
        assert seen.focusDistance == pytest.approx(take.focus_distance[frame], abs=1e-4)
        assert camera.GetExposureAttr().Get(frame) == pytest.approx(take.exposure[frame], abs=1e-4)
    assert camera.GetPrim().GetCustomDataByKey("whiteBalance") == 4300
    assert camera.GetShutterCloseAttr().Get() - camera.GetShutterOpenAttr().Get() == 0.5


def test_the_eyes_land_where_the_formula_puts_them(stage, take):
    """Within half a pixel of a picture 1920 wide, through USD's own frustum."""
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/shot/camera"))
    for frame in range(len(take)):
        frustum = camera.GetCamera(frame).frustum
        to_picture = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
        for side in ("left", "right"):
            eye = UsdGeom.Xformable(stage.GetPrimAtPath(f"/shot/figure/{side}_eye"))
            place = eye.ComputeLocalToWorldTransform(frame).ExtractTranslation()
            x, y, _ = to_picture.Transform(place)
            number = take.capsule_name.index(f"{side} eye")
            middle = (take.capsule_start + take.capsule_end)[frame, number] / 2
            u, v, _ = framing.project(
                middle, take.camera_position[frame], take.focal_length[frame], take.gate, take.camera_rotation[frame]
            )
            assert 0 < u < 1 and 0 < v < 1
            np.testing.assert_allclose([960 * (x + 1), 540 * (y + 1)], [1920 * u, 1080 * v], atol=0.5)


def test_capsules_end_where_those_of_the_take_do(stage, take):
    prims = stage.GetPrimAtPath("/shot/figure").GetChildren()
    assert len(prims) == len(take.capsule_name)
    for number, prim in enumerate(prims):
        capsule = UsdGeom.Capsule(prim)
        assert capsule.GetRadiusAttr().Get() == pytest.approx(take.capsule_radius[number], abs=1e-6)
        np.testing.assert_allclose(capsule.GetDisplayColorAttr().Get()[0], take.capsule_albedo[number], atol=1e-6)
        for frame in (0, 11, 23):
            half = capsule.GetHeightAttr().Get(frame) / 2
            to_world = capsule.ComputeLocalToWorldTransform(frame)
            ends = [to_world.Transform(Gf.Vec3d(0, 0, z)) for z in (-half, half)]
            expected = [take.capsule_start[frame, number], take.capsule_end[frame, number]]
            np.testing.assert_allclose(ends, expected, atol=1e-4)


def test_a_capsule_that_points_straight_down(simple_take, tmp_path):
    stage = Usd.Stage.Open(str(usd.write(tmp_path / "down.usda", simple_take((0, 3, 2), 0.1, end=(0, 3, 1)))))
    capsule = UsdGeom.Capsule(stage.GetPrimAtPath("/shot/figure/part_0"))
    to_world = capsule.ComputeLocalToWorldTransform(0)
    np.testing.assert_allclose(to_world.Transform(Gf.Vec3d(0, 0, 0.5)), (0, 3, 1), atol=1e-6)


def test_lights_give_what_the_meter_reads(stage, take):
    """A sphere of radiance L and radius r lights a surface at d, square on, with pi L (r / d)²: pi times our unit."""
    for number, name in enumerate(("key", "fill")):
        lamp = UsdLux.SphereLight(stage.GetPrimAtPath(f"/shot/lights/{name}"))
        assert lamp.GetEnableColorTemperatureAttr().Get() is True
        for frame in (0, 23):
            position = np.array(lamp.ComputeLocalToWorldTransform(frame).ExtractTranslation())
            np.testing.assert_allclose(position, take.light_position[frame, number], atol=1e-4)
            assert lamp.GetColorTemperatureAttr().Get(frame) == pytest.approx(take.light_kelvin[frame, number])
            radiance = lamp.GetIntensityAttr().Get() * 2 ** lamp.GetExposureAttr().Get(frame)
            received = radiance * (lamp.GetRadiusAttr().Get() / 2.0) ** 2
            towards = np.array([0.0, 1.0, 0.0])
            expected = light.illuminance(position - 2 * towards, towards, position, take.light_stops[frame, number])
            assert received == pytest.approx(float(expected), rel=1e-4)


def test_a_light_on_the_backdrop_is_a_disc_that_faces_the_stage(stage, take):
    back = UsdLux.DiskLight(stage.GetPrimAtPath("/shot/lights/back"))
    to_world = back.ComputeLocalToWorldTransform(0)
    np.testing.assert_allclose(to_world.TransformDir(Gf.Vec3d(0, 0, -1)), (0, -1, 0), atol=1e-6)
    assert to_world.ExtractTranslation()[1] == pytest.approx(take.backdrop, abs=2e-3)
    assert UsdLux.DomeLight(stage.GetPrimAtPath("/shot/lights/ambient")).GetIntensityAttr().Get() == pytest.approx(0.02)


def test_floor_and_backdrop_stand_where_they_do(stage, take):
    floor, wall = (UsdGeom.Mesh(stage.GetPrimAtPath(f"/shot/{name}")) for name in ("floor", "backdrop"))
    assert {point[2] for point in floor.GetPointsAttr().Get()} == {0}
    assert {point[1] for point in wall.GetPointsAttr().Get()} == {take.backdrop}
    np.testing.assert_allclose(wall.GetDisplayColorAttr().Get()[0], preview.BACKDROP_ALBEDO)


def test_names_that_are_alike_are_told_apart(simple_take, tmp_path):
    take = replace(simple_take(np.zeros((3, 3)), 0.1), capsule_name=("left hand", "left hand", "1st"))
    stage = Usd.Stage.Open(str(usd.write(tmp_path / "names.usda", take)))
    assert [prim.GetName() for prim in stage.GetPrimAtPath("/shot/figure").GetChildren()] == [
        "left_hand",
        "left_hand_2",
        "_st",
    ]


@pytest.mark.parametrize(("name", "words"), [("take.usd", "end the name in .usda"), ("none/take.usda", "cannot write")])
def test_a_name_that_cannot_be_written(simple_take, tmp_path, name, words):
    with pytest.raises(UserError, match=words):
        usd.write(tmp_path / name, simple_take((0, 3, 2), 0.1))
    assert not list(tmp_path.iterdir())


def test_without_usd_the_remedy_is_named(simple_take, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'rlfilm\[render\]'"):
        usd.write(tmp_path / "take.usda", simple_take((0, 3, 2), 0.1))
