"""Take to picture by Blender's Cycles, on the CPU, in the studio of `stage.studio`.

Blender brings a Python of its own, so it runs in a process of its own: `stage/blender_scene.py` builds the scene there
and renders it frame by frame, and this side makes pictures of the scene-linear light that comes back, as the preview
does. Any Blender from 4.2 on will do. Which one: the environment variable RLFILM_BLENDER, with the path of a `blender`
or of a Python that has the package bpy; else the `blender` on the PATH.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.film import light
from rlfilm_lib.stage import blender_scene, preview, studio
from rlfilm_lib.stage.take import Take

VARIABLE = "RLFILM_BLENDER"
REMEDY = (
    f"install Blender, or run: python3.11 -m venv blender && blender/bin/pip install bpy==5.0.1; "
    f"then set {VARIABLE}=blender/bin/python"
)
SAMPLES = 64
"""Rays per pixel: noise falls with the square root of their number, time grows with it."""


def frames(
    take: Take, width: int = 640, height: int = 360, samples: int = SAMPLES, moments: int = studio.MOMENTS
) -> Iterator[np.ndarray]:
    """The pictures (height, width, 3) of a take, uint8, ready for a display, one at a time.

    samples: rays per pixel, 1 or more; moments: how many moments motion blur averages over, 1 for none.
    UserError where there is no Blender or it fails, a size is too small, or a number is below 1.
    """
    pictures = scene_linear(take, width, height, samples, moments)
    return (preview.develop(picture, cdl) for picture, cdl in zip(pictures, take.grade, strict=True))


def scene_linear(
    take: Take, width: int = 640, height: int = 360, samples: int = SAMPLES, moments: int = studio.MOMENTS
) -> Iterator[np.ndarray]:
    """One scene-linear picture (height, width, 3), float32, per frame; arguments and errors are those of `frames`."""
    command = find()
    preview.check_size(width, height)
    studio.check_rays(samples, moments)
    return _pictures(command, take, (width, height), samples, moments)


def find() -> list[str]:
    """The beginning of a command line that runs a Python file, named next, inside Blender. UserError without one."""
    given = os.environ.get(VARIABLE)
    path = shutil.which(given or "blender")
    if path is None:
        wrong = f"{VARIABLE} is '{given}', where there is no program" if given else "there is no Blender here"
        raise UserError(f"{wrong}: {REMEDY}")
    if Path(path).name.startswith("python"):
        return [path, "-P"]  # without our own folder on its path
    return [path, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def version(timeout: float = 120) -> str:
    """Version of the Blender that `find` finds. UserError where there is none, or it does not start."""
    command = find()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "version.py"
        program.write_text("import bpy\nprint('rlfilm:', bpy.app.version_string)\n")
        try:
            done = subprocess.run(
                [*command, str(program)], capture_output=True, text=True, timeout=timeout, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError(f"{command[0]} does not start ({error}): {REMEDY}") from None
    said = [line for line in done.stdout.splitlines() if line.startswith("rlfilm:")]
    if done.returncode or not said:
        raise _failure(command, done.stderr)
    return said[0].removeprefix("rlfilm:").strip()


def _failure(command: list[str], said: str) -> UserError:
    reason = (said.strip().splitlines() or ["it said nothing"])[-1]
    return UserError(f"{command[0]} does not run as Blender ({reason.strip()}): {REMEDY}")


def _pictures(
    command: list[str], take: Take, size: tuple[int, int], samples: int, moments: int
) -> Iterator[np.ndarray]:
    """Starts Blender, and hands on each picture as soon as it is there; whatever happens, Blender ends."""
    with tempfile.TemporaryDirectory(prefix="rlfilm-") as name, open(Path(name) / "said", "w+") as said:
        folder = Path(name)
        np.savez(folder / "scene.npz", **_scene(take, size, samples, moments))  # type: ignore[arg-type]
        blender = subprocess.Popen(
            [*command, blender_scene.__file__, "--", str(folder / "scene.npz"), name],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
            start_new_session=True,  # Ctrl-C is ours to deal with
        )  # fmt: skip
        try:
            for frame in range(len(take)):
                file = folder / f"{frame}.npy"
                while not file.exists():
                    if blender.poll() is not None and not file.exists():
                        said.seek(0)
                        raise _failure(command, said.read())
                    time.sleep(0.02)
                picture = np.load(file)
                file.unlink()
                yield picture * np.float32(2 ** take.exposure[frame])
        finally:
            blender.kill()
            blender.wait()


def _scene(take: Take, size: tuple[int, int], samples: int, moments: int) -> dict[str, np.ndarray]:
    """All that `stage/blender_scene.py` needs. F frames, M moments of each, L lamps, C capsules.

    Lengths are in m, in the camera in mm. Matrices hold the axes and the place of a thing as rows, so that the row
    (x, y, z, 1) times the matrix is in world axes.
    """
    shots = [studio.exposed(take, frame, moments) for frame in range(len(take))]
    lamps = [[studio.lamps(shot, moment) for moment in range(moments)] for shot in shots]
    flush = [all(found[number].flush for shot in lamps for found in shot) for number in range(len(take.light_name))]
    axes = np.array([studio.FACING_STAGE if each else np.eye(3) for each in flush])  # (L, 3, 3)
    focal_length = np.stack([shot.focal_length for shot in shots])
    extent, wall = studio.EXTENT, take.backdrop
    repeats, mirrored = extent / preview.BOARD_PERIOD, extent / studio.CANVAS / 2
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return {
        "size": np.array(size),
        "samples": np.array(-(-samples // moments)),
        "gate": np.array(take.gate),
        "ambient": np.array(light.AMBIENT),
        # (F, M, 4, 4) of a camera that looks along -z, and (F, M) each
        "camera_to_world": np.stack([
            _to_world(shot.camera_rotation * [[1], [1], [-1]], shot.camera_position) for shot in shots
        ]),
        "focal_length": focal_length,
        "f_stop": focal_length / 1000 / np.stack([studio.aperture(shot) for shot in shots]),
        "focus_distance": np.stack([shot.focus_distance for shot in shots]),
        # (L,) whether it is a disc that shines along its -z; (F, M, L, 4, 4), (F, M, L) and (F, M, L, 3)
        "lamp_flush": np.array(flush, bool),
        "lamp_radius": np.array([[[lamp.bulb for lamp in found] for found in shot] for shot in lamps]),
        "lamp_to_world": np.stack([
            [_to_world(axes, np.array([lamp.position for lamp in found]).reshape(-1, 3)) for found in shot]
            for shot in lamps
        ]),
        "lamp_radiance": np.array([
            [[lamp.radiance * (preview.LIGHT_RADIUS / lamp.bulb) ** 2 for lamp in found] for found in shot]
            for shot in lamps
        ]),
        # (F, M, C, 3) twice; (C,), (C, 3) and (C,) whether it casts a shadow
        "capsule_start": np.stack([shot.capsule_start for shot in shots]),
        "capsule_end": np.stack([shot.capsule_end for shot in shots]),
        "capsule_radius": take.capsule_radius,
        "capsule_albedo": take.capsule_albedo,
        "capsule_casts": take.capsule_radius > preview.SMALLEST_SHADOW,
        # (4, 3) corners and (4, 2) their place in the picture of the albedo, whose first row is the lowest
        "floor_corners": np.insert(square * extent, 2, 0, axis=1),
        "floor_uv": square * repeats,
        "floor_albedo": studio.boards(),
        "backdrop_corners": np.insert(square * extent, 1, wall, axis=1),
        "backdrop_uv": 0.5 + square * mirrored,
        "backdrop_albedo": studio.canvas(),
    }  # fmt: skip


def _to_world(axes: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Matrices (N, 4, 4) from axes (N, 3, 3), as rows, and places (N, 3)."""
    matrix = np.zeros((len(position), 4, 4))
    matrix[:, :3, :3], matrix[:, 3, :3], matrix[:, 3, 3] = axes, position, 1
    return matrix
