"""Take to picture by Mitsuba 3: light is traced, so shadows, blur and motion are those of real lamps and lenses.

The studio is that of `stage.studio`; colour, exposure, display transform and grade are the preview's. It is the variant
scalar_rgb on all cores that renders: the LLVM variants end the whole program where they meet an LLVM too old for them.
Source: Jakob et al., "Mitsuba 3 renderer" (2022), https://mitsuba-renderer.org.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.film import lens, light
from rlfilm_lib.stage import preview, studio
from rlfilm_lib.stage.take import Take

SAMPLES = 64
"""Rays per pixel: noise falls with the square root of their number, time grows with it."""
VARIANT = "scalar_rgb"
SIDES = 48
"""Of the tubes between the ends of the capsules. They are no cylinders, as Mitsuba 3.9 shows those black behind a lamp
that it hides: it takes the way from the lamp on for the whole way."""


def frames(
    take: Take, width: int = 640, height: int = 360, samples: int = SAMPLES, moments: int = studio.MOMENTS
) -> Iterator[np.ndarray]:
    """The pictures (height, width, 3) of a take, uint8, ready for a display, one at a time.

    samples: rays per pixel, 1 or more; moments: how many moments motion blur averages over, 1 for none.
    UserError where Mitsuba is not installed, a size is too small, or a number is below 1.
    """
    pictures = scene_linear(take, width, height, samples, moments)
    return (preview.develop(picture, cdl) for picture, cdl in zip(pictures, take.grade, strict=True))


def scene_linear(
    take: Take, width: int = 640, height: int = 360, samples: int = SAMPLES, moments: int = studio.MOMENTS
) -> Iterator[np.ndarray]:
    """One scene-linear picture (height, width, 3), float32, per frame; arguments and errors are those of `frames`."""
    require()
    preview.check_size(width, height)
    studio.check_rays(samples, moments)
    return _pictures(take, width, height, samples, moments)


def require() -> Any:
    """Mitsuba's module. UserError where it is not installed or does not start."""
    try:
        import mitsuba
    except ImportError as error:
        reason = "which is not installed" if isinstance(error, ModuleNotFoundError) else f"which fails: {error}"
        raise UserError(f"this renderer is Mitsuba 3, {reason}: pip install 'rlfilm[render]'") from None
    if mitsuba.variant() is None:  # there must be one to go back to
        mitsuba.set_variant(VARIANT)
    return mitsuba


def _pictures(take: Take, width: int, height: int, samples: int, moments: int) -> Iterator[np.ndarray]:
    mi = require()
    each = -(-samples // moments)
    with tempfile.TemporaryDirectory(prefix="rlfilm-") as folder:
        tube = _write_tube(Path(folder) / "tube.ply")
        for frame in range(len(take)):
            shot = studio.exposed(take, frame, moments)
            picture = np.zeros((height, width, 3), np.float32)
            for moment in range(moments):
                with mi.util.scoped_set_variant(VARIANT):
                    picture += _trace(mi, tube, shot, moment, (width, height), each, seed=frame * moments + moment)
            yield picture * np.float32(2 ** take.exposure[frame] / moments)


def _trace(mi: Any, tube: Path, take: Take, moment: int, size: tuple[int, int], samples: int, seed: int) -> np.ndarray:
    """Scene-linear picture of one moment, before the exposure of the camera.

    It is a sum: of the studio under each lamp alone, so that none stands in another's light, and of the ambient light,
    for which everything glows by itself. As that is faint and even, a quarter of the rays do.
    """
    width, height = size
    across = round(width * take.gate[1] / take.gate[0])  # rows that make pixels square, as Mitsuba's are
    sensor = _camera(mi, take, moment, width, across)
    direct = {"type": "direct", "emitter_samples": 1, "bsdf_samples": 0, "hide_emitters": True}
    glow = {"integrator": {"type": "path", "max_depth": 1}, **_things(mi, tube, take, moment, _glowing)}
    picture = light.AMBIENT * _render(mi, glow, sensor, -(-samples // 4), seed)
    things = {name: mi.load_dict(thing) for name, thing in _things(mi, tube, take, moment, _matt).items()}
    for lamp in studio.lamps(take, moment):
        picture += _render(mi, {"integrator": direct, **things, "lamp": _lamp(mi, lamp)}, sensor, samples, seed)
        if (
            lamp.bulb < preview.LIGHT_RADIUS
        ):  # what stands within the ball is dark: a smaller one lights it, and no more
            near = studio.distance(lamp.position, take, moment) < preview.LIGHT_RADIUS
            within = {str(number) for number in np.flatnonzero(near)}
            alone = _things(mi, tube, take, moment, _black) | {
                name: thing for name, thing in things.items() if name.split()[-1] in within
            }
            bulb = {"integrator": direct, **alone, "bulb": _lamp(mi, lamp, studio.SMALLEST_BULB)}
            picture += _render(mi, bulb, sensor, samples, seed)
    return picture if across == height else np.array(mi.Bitmap(picture).resample(size))


def _render(mi: Any, scene: dict[str, Any], sensor: Any, samples: int, seed: int) -> np.ndarray:
    return np.array(mi.render(mi.load_dict({"type": "scene", **scene}), sensor=sensor, spp=samples, seed=seed))


def _camera(mi: Any, take: Take, frame: int, width: int, height: int) -> Any:
    to_world = np.eye(4)
    right, up, forward = take.camera_rotation[frame]
    to_world[:3] = np.stack([-right, up, forward, take.camera_position[frame]], axis=-1)
    return mi.load_dict({
        "type": "thinlens",
        "to_world": mi.ScalarTransform4f(to_world),
        "fov_axis": "x",
        "fov": float(np.degrees(lens.field_of_view(take.gate[0], take.focal_length[frame]))),
        "aperture_radius": float(studio.aperture(take)[frame] / 2),
        "focus_distance": float(take.focus_distance[frame]),
        "near_clip": preview.NEAR,
        "film": {
            "type": "hdrfilm", "width": width, "height": height, "pixel_format": "rgb", "component_format": "float32",
            "rfilter": {"type": "box"},
        },
        "sampler": {"type": "multijitter"},
    })  # fmt: skip


def _things(mi: Any, tube: Path, take: Take, frame: int, surface: Callable[[dict], dict]) -> dict[str, Any]:
    """Floor, backdrop and figure; `surface` makes of an albedo what it is."""
    turn, extent = mi.ScalarTransform4f(), studio.EXTENT
    boards, canvas = 2 * extent / preview.BOARD_PERIOD, extent / studio.CANVAS
    things: dict[str, Any] = {
        "floor": {
            "type": "rectangle", "to_world": turn.scale(extent),
            **surface({"type": "bitmap", "bitmap": mi.Bitmap(studio.boards()), "raw": True, "wrap_mode": "repeat",
                       "to_uv": turn.scale([boards, 1, 1])}),
        },
        "backdrop": {
            "type": "rectangle",
            "to_world": turn.translate([0, take.backdrop, 0]).rotate([1, 0, 0], 90).scale(extent),
            **surface({"type": "bitmap", "bitmap": mi.Bitmap(studio.canvas()), "raw": True, "wrap_mode": "mirror",
                       "to_uv": turn.translate([0.5, 0.5, 0]).scale([canvas, canvas, 1]).translate([-0.5, -0.5, 0])}),
        },
    }  # fmt: skip
    capsules = zip(
        take.capsule_start[frame], take.capsule_end[frame], take.capsule_radius, take.capsule_albedo, strict=True
    )
    for number, (start, end, radius, albedo) in enumerate(capsules):
        looks = surface({"type": "rgb", "value": albedo.tolist()})
        ball = {"type": "sphere", "radius": float(radius), **looks}
        things[f"start {number}"] = {"center": start.tolist(), **ball}
        if not np.allclose(start, end, rtol=0, atol=1e-6):
            place = mi.ScalarTransform4f(_along(start, end, radius))
            things[f"end {number}"] = {"center": end.tolist(), **ball}
            things[f"side {number}"] = {"type": "ply", "filename": str(tube), "to_world": place, **looks}
    return things


def _write_tube(path: Path) -> Path:
    """A tube of radius 1 about z, from 0 to 1, as PLY: two triangles a side, smooth."""
    angle = 2 * np.pi * np.arange(SIDES) / SIDES
    normal = np.tile(np.column_stack([np.cos(angle), np.sin(angle), np.zeros(SIDES)]), (2, 1))
    place = normal + [0, 0, 1] * np.repeat([[0], [1]], SIDES, axis=0)
    here = np.arange(SIDES)
    beside = (here + 1) % SIDES
    above, across = here + SIDES, beside + SIDES
    faces = np.concatenate([np.column_stack([here, beside, across]), np.column_stack([here, across, above])])
    properties = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    with path.open("w") as file:
        file.write(f"ply\nformat ascii 1.0\nelement vertex {len(place)}\n{properties}element face {len(faces)}\n")
        file.write("property list uchar int vertex_indices\nend_header\n")
        np.savetxt(file, np.hstack([place, normal]), "%.7f")
        np.savetxt(file, np.insert(faces, 0, 3, axis=1), "%d")
    return path


def _along(start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """Matrix (4, 4) that lays the tube from start to end (3,)."""
    axis = end - start
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    to_world = np.eye(4)
    up = np.cross(axis, side) / np.linalg.norm(axis)
    to_world[:3] = np.stack([radius * side, radius * up, axis, start], axis=-1)
    return to_world


def _matt(albedo: dict[str, Any]) -> dict[str, Any]:
    return {"surface": {"type": "diffuse", "reflectance": albedo}}


def _black(albedo: dict[str, Any]) -> dict[str, Any]:
    return _matt({"type": "rgb", "value": 0.0})


def _glowing(albedo: dict[str, Any]) -> dict[str, Any]:
    return {"surface": {"type": "area", "radiance": albedo}}


def _lamp(mi: Any, lamp: studio.Lamp, radius: float = preview.LIGHT_RADIUS) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "sphere", "center": lamp.position.tolist(), "radius": radius}
    if lamp.flush:
        place = mi.ScalarTransform4f().translate(lamp.position.tolist()).rotate([1, 0, 0], 90)
        shape = {"type": "disk", "to_world": place.scale(radius)}
    radiance = lamp.radiance * (preview.LIGHT_RADIUS / radius) ** 2
    return shape | {"emitter": {"type": "area", "radiance": {"type": "rgb", "value": radiance.tolist()}}}
