"""Take to OpenUSD: a .usda that Blender, Houdini, Maya, Omniverse and usdview open, with everything animated.

One scene unit is a metre and z is up; a time code is a frame, from 0 on. USD gives focal length and apertures in tenths
of a scene unit, so 50 mm stand as 0.5, and the focus distance in scene units. The camera is /shot/camera, lights are
/shot/lights/key and so on, capsules /shot/figure/left_hand and so on. Of a grade and of the white balance USD knows
nothing: the latter stands with the camera as custom data, and the .cube beside the film holds the former.
Sources: the schemas UsdGeomCamera, UsdGeomCapsule and UsdLux, https://openusd.org/release/.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.film import light
from rlfilm_lib.rl.checkpoint import write_bytes
from rlfilm_lib.stage import preview, studio
from rlfilm_lib.stage.take import Take

TENTHS = 100
"""Millimetres in a tenth of a scene unit."""
DECIMALS = 6


def write(path: str | os.PathLike, take: Take) -> Path:
    """Write a take as a .usda file, whole or not at all; returns its path.

    UserError where usd-core is not installed, the name does not end in .usda, or the file cannot be written there.
    """
    path = Path(path)
    if path.suffix.lower() != ".usda":
        raise UserError(f"a USD scene is a .usda file, and '{path.name}' is not named as one; end the name in .usda")
    stage = _stage(require(), take)  # its layer lives only as long as it does
    write_bytes(path, stage.GetRootLayer().ExportToString().encode())
    return path


def require() -> ModuleType:
    """The package pxr. UserError where it is not installed or does not start."""
    try:
        import pxr
        from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdLux  # noqa: F401 (each is loaded on its own)
    except ImportError as error:
        reason = "which is not installed" if isinstance(error, ModuleNotFoundError) else f"which fails: {error}"
        raise UserError(f"USD files need usd-core, {reason}: pip install 'rlfilm[render]'") from None
    return pxr


def _stage(pxr: Any, take: Take) -> Any:
    Usd, UsdGeom = pxr.Usd, pxr.UsdGeom
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(take.fps)
    stage.SetFramesPerSecond(take.fps)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(len(take) - 1)
    shot = UsdGeom.Xform.Define(stage, "/shot")
    stage.SetDefaultPrim(shot.GetPrim())
    _camera(pxr, stage, take)
    _lights(pxr, stage, take)
    _figure(pxr, stage, take)
    _studio(pxr, stage, take)
    return stage


def _animate(attribute: Any, values: np.ndarray, made: Callable[[Any], Any] = float) -> None:
    """Give an attribute a value for each frame (F, ...), or a single one where they are all alike."""
    values = np.round(values, DECIMALS) + 0.0
    if (values == values[0]).all():
        attribute.Set(made(values[0].tolist()))
        return
    for frame, value in enumerate(values.tolist()):
        attribute.Set(made(value), frame)


def _place(pxr: Any, prim: Any, position: np.ndarray) -> None:
    _animate(prim.AddTranslateOp().GetAttr(), position, lambda place: pxr.Gf.Vec3d(*place))


def _camera(pxr: Any, stage: Any, take: Take) -> None:
    camera = pxr.UsdGeom.Camera.Define(stage, "/shot/camera")
    to_world = np.zeros((len(take), 4, 4))  # rows: where the camera's x, y and z point (it looks along -z), its place
    to_world[:, :3, :3] = take.camera_rotation * [[1], [1], [-1]]
    to_world[:, 3, :3] = take.camera_position
    to_world[:, 3, 3] = 1
    _animate(camera.AddTransformOp().GetAttr(), to_world, pxr.Gf.Matrix4d)
    _animate(camera.CreateFocalLengthAttr(), take.focal_length / TENTHS)
    camera.CreateHorizontalApertureAttr(take.gate[0] / TENTHS)
    camera.CreateVerticalApertureAttr(take.gate[1] / TENTHS)
    _animate(camera.CreateFStopAttr(), take.f_stop)
    _animate(camera.CreateFocusDistanceAttr(), take.focus_distance)
    _animate(camera.CreateExposureAttr(), take.exposure)
    camera.CreateClippingRangeAttr(pxr.Gf.Vec2f(preview.NEAR, 1e4))
    camera.CreateShutterOpenAttr(-studio.SHUTTER / 720)
    camera.CreateShutterCloseAttr(studio.SHUTTER / 720)
    camera.GetPrim().SetCustomDataByKey("whiteBalance", float(take.white_balance))


def _lights(pxr: Any, stage: Any, take: Take) -> None:
    """Every light as what it is in the studio, and the ambient light as a dome."""
    lamps = [studio.lamps(take, frame) for frame in range(len(take))]
    pxr.UsdGeom.Scope.Define(stage, "/shot/lights")
    for number, name in enumerate(_identifiers(pxr, take.light_name)):
        flush = all(found[number].flush for found in lamps)
        kind = pxr.UsdLux.DiskLight if flush else pxr.UsdLux.SphereLight
        lamp = kind.Define(stage, f"/shot/lights/{name}")
        position, stops = take.light_position[:, number], take.light_stops[:, number]
        if flush:
            position = np.stack([found[number].position for found in lamps])
            stops = stops + np.log2([found[number].gain for found in lamps])
        _place(pxr, lamp, position)
        if flush:
            lamp.AddRotateXOp().Set(-90.0)  # a disc shines along its -z; so it faces -y
        radius = min(found[number].bulb for found in lamps)
        lamp.CreateRadiusAttr(radius)
        lamp.CreateIntensityAttr((light.REFERENCE_DISTANCE / radius) ** 2)  # the radiance of a lamp of 0 stops
        _animate(lamp.CreateExposureAttr(), stops)
        lamp.CreateEnableColorTemperatureAttr(True)
        _animate(lamp.CreateColorTemperatureAttr(), take.light_kelvin[:, number])
    pxr.UsdLux.DomeLight.Define(stage, "/shot/lights/ambient").CreateIntensityAttr(light.AMBIENT)


def _figure(pxr: Any, stage: Any, take: Take) -> None:
    pxr.UsdGeom.Xform.Define(stage, "/shot/figure")
    axis = take.capsule_end - take.capsule_start
    height = np.linalg.norm(axis, axis=-1)
    # the shortest turn from z to the axis, as a quaternion (w, x, y, z): of half the angle, about z × axis
    along = np.where(height[..., None] > 1e-9, axis, [0.0, 0.0, 1.0])
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    turn = np.stack([1 + along[..., 2], -along[..., 1], along[..., 0], np.zeros_like(height)], axis=-1)
    turn = np.where(along[..., 2:] > -1 + 1e-9, turn, [0.0, 1.0, 0.0, 0.0])
    turn /= np.linalg.norm(turn, axis=-1, keepdims=True)
    for number, name in enumerate(_identifiers(pxr, take.capsule_name)):
        capsule = pxr.UsdGeom.Capsule.Define(stage, f"/shot/figure/{name}")
        radius = float(take.capsule_radius[number])
        capsule.CreateAxisAttr("Z")
        capsule.CreateRadiusAttr(radius)
        _animate(capsule.CreateHeightAttr(), height[:, number])
        reach = radius + float(height[:, number].max()) / 2
        capsule.CreateExtentAttr([(-radius, -radius, -reach), (radius, radius, reach)])
        _place(pxr, capsule, (take.capsule_start + take.capsule_end)[:, number] / 2)
        _animate(capsule.AddOrientOp().GetAttr(), turn[:, number], lambda q: pxr.Gf.Quatf(*q))
        capsule.CreateDisplayColorAttr([tuple(take.capsule_albedo[number].tolist())])


def _studio(pxr: Any, stage: Any, take: Take) -> None:
    """Floor and backdrop, as far as the painting of the backdrop reaches."""
    wide, wall = studio.CANVAS, take.backdrop
    floor = [(-wide, wall - 2 * wide, 0), (wide, wall - 2 * wide, 0), (wide, wall, 0), (-wide, wall, 0)]
    backdrop = [(-wide, wall, 0), (wide, wall, 0), (wide, wall, wide), (-wide, wall, wide)]
    for name, corners, albedo in (
        ("floor", floor, preview.FLOOR_ALBEDO),
        ("backdrop", backdrop, preview.BACKDROP_ALBEDO),
    ):
        mesh = pxr.UsdGeom.Mesh.Define(stage, f"/shot/{name}")
        mesh.CreatePointsAttr(corners)
        mesh.CreateExtentAttr([corners[0], corners[2]])
        mesh.CreateFaceVertexCountsAttr([4])
        mesh.CreateFaceVertexIndicesAttr([0, 1, 2, 3])
        mesh.CreateSubdivisionSchemeAttr("none")
        mesh.CreateDisplayColorAttr([tuple(albedo.tolist())])


def _identifiers(pxr: Any, names: Sequence[str]) -> list[str]:
    """The names as USD allows them, no two alike."""
    found: list[str] = []
    for name in names:
        plain = identifier = pxr.Tf.MakeValidIdentifier(name)
        again = 2
        while identifier in found:
            identifier, again = f"{plain}_{again}", again + 1
        found.append(identifier)
    return found
