"""The camera report of a Take: what was set on camera and lights, frame by frame, as the rows of a table.

World axes are those of `stage.take`: x to the right, y away from the camera, z up. Positive are a pan to the right, a
tilt upwards, and a roll that raises the right side of the camera; at 0 the camera is level and looks along +y.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

CAMERA = (
    "frame time_s focal_length_mm f_stop focus_distance_m exposure_stops x_m y_m z_m pan_deg tilt_deg roll_deg"
).split()
DECIMALS = 5


def columns(take: "Take") -> list[str]:
    """Names of the columns, with their units: CAMERA, then stops, colour temperature and place of every light."""
    measures = ("stops", "kelvin", "x_m", "y_m", "z_m")
    return CAMERA + [f"{light.replace(' ', '_')}_{measure}" for light in take.light_name for measure in measures]


def rows(take: "Take") -> Iterator[dict[str, float]]:
    """One row per frame, {column: value}, frames from 0 on; values are rounded to 5 decimals."""
    right, up, forward = np.moveaxis(take.camera_rotation, 1, 0)
    pan, tilt = np.arctan2(forward[:, 0], forward[:, 1]), np.arcsin(np.clip(forward[:, 2], -1, 1))
    roll = np.arctan2(right[:, 2], up[:, 2])
    lights = np.dstack([take.light_stops, take.light_kelvin, take.light_position])
    table = np.column_stack([
        np.arange(len(take)) / take.fps, take.focal_length, take.f_stop, take.focus_distance, take.exposure,
        take.camera_position, np.degrees([pan, tilt, roll]).T, lights.reshape(len(take), -1),
    ])  # fmt: skip
    names = columns(take)
    for frame, values in enumerate(table.round(DECIMALS).tolist()):
        yield dict(zip(names, [frame, *values], strict=True))
