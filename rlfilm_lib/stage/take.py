"""The Take: one filmed shot as arrays over its frames.

World axes: x to the right, y away from the camera, z up; metres. Inside the camera: millimetres.
"""

from dataclasses import dataclass, replace

import numpy as np

from rlfilm_lib.film.colour import UNGRADED
from rlfilm_lib.film.framing import SUPER_35

PER_FRAME = {
    "camera_position": "F 3", "camera_rotation": "F 3 3", "focal_length": "F", "f_stop": "F", "focus_distance": "F",
    "exposure": "F", "light_position": "F L 3", "light_stops": "F L", "light_kelvin": "F L",
    "capsule_start": "F C 3", "capsule_end": "F C 3", "grade": "F 10",
}  # fmt: skip
PER_CAPSULE = {"capsule_radius": "C", "capsule_albedo": "C 3"}
LIGHT_NAMES = ("key", "fill", "back", "practical")


@dataclass(frozen=True)
class Take:
    """One shot: camera, lens, lights and the things in it, over F frames, with L lights and C capsules.

    A capsule is a segment with a radius; one of no length is a sphere. Besides them there are the floor (z = 0) and the
    backdrop, a wall at y = `backdrop` that faces the camera. `take[a:b]` is part of the shot, `len(take)` its frames.

    Raises ValueError where a shape does not fit the others, or a value is not finite or out of its range.
    """

    fps: float
    camera_position: np.ndarray  # (F, 3) m
    camera_rotation: np.ndarray  # (F, 3, 3) rows are right, up and forward: unit vectors in world axes
    focal_length: np.ndarray  # (F,) mm
    f_stop: np.ndarray  # (F,)
    focus_distance: np.ndarray  # (F,) m, along the forward axis
    exposure: np.ndarray  # (F,) stops added by the camera
    light_position: np.ndarray  # (F, L, 3) m
    light_stops: np.ndarray  # (F, L) at 0 a grey card 3 m away, square on, is correctly exposed
    light_kelvin: np.ndarray  # (F, L)
    capsule_start: np.ndarray  # (F, C, 3) m
    capsule_end: np.ndarray  # (F, C, 3) m
    capsule_radius: np.ndarray  # (C,) m
    capsule_albedo: np.ndarray  # (C, 3) linear Rec.709 reflectance
    capsule_name: tuple[str, ...]  # C names
    backdrop: float  # y of the back wall, m
    white_balance: float = 5600.0  # kelvin
    gate: tuple[float, float] = SUPER_35  # width and height, mm
    light_name: tuple[str, ...] = ()  # L names; left out: the first of LIGHT_NAMES
    grade: np.ndarray = None  # type: ignore[assignment]  # (F, 10) see film.colour.grade; None: as it was shot

    def __post_init__(self) -> None:
        if self.grade is None:
            object.__setattr__(self, "grade", np.tile(UNGRADED, (len(self.camera_position), 1)))
        sizes: dict[str, int] = {}
        for name, axes in (PER_FRAME | PER_CAPSULE).items():
            array = np.asarray(getattr(self, name), float)
            object.__setattr__(self, name, array)
            wanted = axes.split()
            fits = array.ndim == len(wanted) and all(
                size == (int(axis) if axis.isdigit() else sizes.setdefault(axis, size))
                for axis, size in zip(wanted, array.shape, strict=True)
            )
            if not fits:
                known = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
                raise ValueError(f"{name} has shape {array.shape}; a Take needs ({', '.join(wanted)}) with {known}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds a value that is not finite; check what filled it")
        if len(self.capsule_name) != sizes["C"] or not sizes["C"]:
            raise ValueError(f"{len(self.capsule_name)} names for {sizes['C']} capsules; give one or more, a name each")
        if not self.light_name:
            object.__setattr__(self, "light_name", LIGHT_NAMES[: sizes["L"]])
        if len(self.light_name) != sizes["L"]:
            raise ValueError(f"{len(self.light_name)} names for {sizes['L']} lights; give a name each")
        for name in ("fps", "focal_length", "f_stop", "focus_distance", "capsule_radius", "gate"):
            lowest = np.min(np.asarray(getattr(self, name), float), initial=np.inf)
            if not lowest > 0:
                raise ValueError(f"{name} is {lowest:g} at its lowest; it must be above 0")
        if not (self.focus_distance * 1000 > self.focal_length).all():
            raise ValueError(
                f"focus_distance is {self.focus_distance.min():g} m at its nearest; focus beyond the focal length"
            )

    def __len__(self) -> int:
        return len(self.camera_position)

    def __getitem__(self, part: slice) -> "Take":
        if not isinstance(part, slice):
            raise TypeError(f"a Take is cut with a slice, as take[a:b]; got {part!r}")
        return replace(self, **{name: getattr(self, name)[part] for name in PER_FRAME})


def level_camera(heading: float | np.ndarray = 0.0) -> np.ndarray:
    """Rotation (..., 3, 3) of a camera without tilt or roll; at heading 0 it looks along +y, positive turns right.

    >>> level_camera()[2].tolist()  # forward
    [0.0, 1.0, 0.0]
    """
    heading = np.asarray(heading, float)
    sine, cosine, zero, one = np.sin(heading), np.cos(heading), np.zeros_like(heading), np.ones_like(heading)
    rows = [[cosine, -sine, zero], [zero, zero, one], [sine, cosine, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
