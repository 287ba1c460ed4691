"""A plain take to film in the tests: one sphere before a far backdrop, one light."""

from collections.abc import Callable

import numpy as np
import pytest

from rlfilm_lib.stage.take import Take, level_camera


@pytest.fixture
def simple_take() -> Callable[..., Take]:
    """Builds a one-frame take from lists of spheres or capsules and any field by name."""

    def build(start, radius, albedo=(1.0, 1.0, 1.0), end=None, **fields) -> Take:
        start = np.atleast_2d(np.asarray(start, float))
        count = len(start)
        values = dict(
            fps=24, camera_position=[[0.0, 0.0, 1.5]], camera_rotation=level_camera()[None], focal_length=[50.0],
            f_stop=[1e6], focus_distance=[4.0], exposure=[0.0], light_position=[[[-1.0, 0.5, 2.0]]],
            light_stops=[[0.0]], light_kelvin=[[5600.0]], capsule_start=start[None],
            capsule_end=(start if end is None else np.atleast_2d(np.asarray(end, float)))[None],
            capsule_radius=np.broadcast_to(radius, count), capsule_albedo=np.broadcast_to(albedo, (count, 3)),
            capsule_name=tuple(f"part {number}" for number in range(count)), backdrop=1e4,
        )  # fmt: skip
        return Take(**(values | fields))

    return build
