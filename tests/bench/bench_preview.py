"""Frames per second of the preview: 320 x 180, one core, the figure filling the frame of an 85 mm close-up."""

import json
import time

import numpy as np

from rlfilm_lib.stage import figure, preview
from rlfilm_lib.stage.take import Take, level_camera


def close_up(length: int) -> Take:
    """An actor who turns the head while the camera pushes in, under key, fill and back light."""
    start, end = figure.figure(np.tile([0.0, 4.5], (length, 1)), np.full(length, 1.75), np.linspace(-0.3, 0.3, length))
    camera = np.stack([np.zeros(length), np.linspace(2.3, 2.2, length), np.full(length, 1.58)], axis=-1)
    return Take(
        fps=24, camera_position=camera, camera_rotation=np.tile(level_camera(), (length, 1, 1)),
        focal_length=np.full(length, 85.0), f_stop=np.full(length, 2.8), focus_distance=4.4 - camera[:, 1],
        exposure=np.zeros(length),
        light_position=np.tile([[-3.4, 1.4, 2.6], [2.4, 0.0, 1.9], [1.2, 7.5, 3.3]], (length, 1, 1)),
        light_stops=np.tile([0.2, -2.0, 1.0], (length, 1)), light_kelvin=np.tile([5600.0, 5600.0, 6500.0], (length, 1)),
        capsule_start=start, capsule_end=end, capsule_radius=figure.RADIUS, capsule_albedo=figure.ALBEDO,
        capsule_name=figure.NAMES, backdrop=7.5,
    )  # fmt: skip


def bench(seconds: float = 4.0) -> dict:
    """Frames per second of one core's time, over about `seconds` of it."""
    take = close_up(24)
    preview.render(take[:2], 320, 180)
    rendered, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        rendered += sum(1 for _ in preview.frames(take, 320, 180))
    return {"close-up at 320x180, frames/s": round(rendered / spent, 1)}


if __name__ == "__main__":
    print(json.dumps(bench()))
