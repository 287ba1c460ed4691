"""Three agents on one stage: where the actor stands, where the lights hang, what comes along."""

from dataclasses import replace

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.ensemble import ENVIRONMENTS, shoot_together, together
from rlfilm_lib.envs.shooting import play
from rlfilm_lib.errors import UserError
from rlfilm_lib.stage import figure
from rlfilm_lib.stage.take import LIGHT_NAMES, Take, level_camera

GRADE = np.array([1.1, 1, 0.9, 0, 0, 0, 1, 1, 1, 0.8])


def a_take(place, heading, camera, frames=6, grade=None, extra="post"):
    """The figure at `place`, turned by `heading`, before a camera; a post 1 m to its right; lights above the camera."""
    start, end = figure.figure(np.tile(place, (frames, 1)), np.full(frames, 1.75), heading)
    post = np.tile([[[place[0] + 1.0, place[1], 0.0]]], (frames, 1, 1))
    lights = np.add([camera], [[-1, 0, 1], [1, 0, 1], [0, 1, 2]])
    return Take(
        fps=24, camera_position=np.tile(camera, (frames, 1)), camera_rotation=np.tile(level_camera(), (frames, 1, 1)),
        focal_length=np.full(frames, 35.0), f_stop=np.full(frames, 2.8), focus_distance=np.full(frames, 4.0),
        exposure=np.full(frames, 0.5), light_position=np.tile(lights, (frames, 1, 1)),
        light_stops=np.tile([0.0, -1.0, 1.0], (frames, 1)), light_kelvin=np.full((frames, 3), 4000.0),
        capsule_start=np.concatenate([start, post], axis=1),
        capsule_end=np.concatenate([end, np.add(post, (0, 0, 2))], axis=1),
        capsule_radius=np.append(figure.RADIUS, 0.1), capsule_albedo=np.vstack([figure.ALBEDO, [0.2, 0.2, 0.2]]),
        capsule_name=(*figure.NAMES, extra), backdrop=6.0, grade=None if grade is None else np.tile(grade, (frames, 1)),
    )  # fmt: skip


def figure_of(take):
    """Ends (F, C, 3) of the figure's capsules alone."""
    own = [take.capsule_name.index(name) for name in figure.NAMES]
    return take.capsule_start[:, own], take.capsule_end[:, own]


def test_the_actor_takes_the_subjects_place_and_turn():
    camera = a_take((0.7, 2.2), 0.9, (0.0, -2.0, 1.5))
    character = a_take((0.0, 2.0), -0.4, (0.0, -3.0, 1.0))
    merged = together(camera, camera, character)
    for ends, wanted in zip(figure_of(merged), figure_of(camera), strict=True):
        np.testing.assert_allclose(ends, wanted, atol=1e-9)


def test_the_lights_keep_their_bearing_from_the_camera():
    """Subject and camera a quarter turn on: so are the lights."""
    light = a_take((0.0, 0.0), 0.0, (0.0, -4.0, 1.5))
    camera = a_take((0.0, 0.0), 0.0, (4.0, 0.0, 1.5))
    merged = together(camera, light, camera)
    hips = np.array([0.0, 0.016, 0.0])  # about which the lights stand, behind the middle of the floor
    x, y, z = (light.light_position[0] - hips).T
    np.testing.assert_allclose(merged.light_position[3] - hips, np.stack([-y, x, z], axis=1), atol=2e-2)
    np.testing.assert_allclose(merged.light_stops, light.light_stops)


def test_no_light_hangs_behind_the_backdrop():
    light = a_take((0.0, 0.0), 0.0, (0.0, -4.0, 1.5))
    light = replace(light, light_position=np.add(light.light_position, (0, 20, 0)))
    assert together(light, light, light).light_position[..., 1].max() == 6.0


def test_each_brings_what_is_its_own():
    camera = replace(a_take((0.0, 2.0), 0.0, (0.0, -2.0, 1.5), extra="column"), focal_length=np.full(6, 50.0))
    light = a_take((0.0, 2.0), 0.0, (0.0, -2.0, 1.5), grade=GRADE, extra="lamp")
    character = a_take((0.0, 2.0), 0.0, (0.0, -2.0, 1.5), frames=4)
    character = replace(character, capsule_name=figure.NAMES, **{
        name: getattr(character, name)[..., :-1, :] for name in ("capsule_start", "capsule_end", "capsule_albedo")
    }, capsule_radius=figure.RADIUS)  # fmt: skip
    merged = together(camera, light, character)
    assert len(merged) == 4
    assert merged.capsule_name == (*figure.NAMES, "column", "lamp")
    assert (merged.focal_length == 50).all()
    np.testing.assert_allclose(merged.exposure, 1.0)  # half a stop each
    np.testing.assert_allclose(merged.grade, np.tile(GRADE, (4, 1)))
    np.testing.assert_allclose(merged.capsule_start[:, -2:], np.tile([[1.0, 2.0, 0.0]], (4, 2, 1)), atol=1e-9)
    assert merged.light_name == LIGHT_NAMES[:3]


def test_three_experts_make_a_shot():
    pytest.importorskip("mujoco")
    policies = {name: rlfilm.make_vec(env_id, num_envs=1).expert_policy() for name, env_id in ENVIRONMENTS.items()}
    take, shots = shoot_together(policies, seed=1, briefs={"light": "noir"})
    assert len(take) == min(len(shots["camera"].take), len(shots["character"].take))
    alone = play(policies["light"], ENVIRONMENTS["light"], 1, {"brief": "noir"}).take
    np.testing.assert_array_equal(take.light_stops[0], alone.light_stops[-1])


def test_a_missing_agent_is_named():
    with pytest.raises(UserError, match="no policy for the light: give one for each of camera, light, character"):
        shoot_together({"camera": None, "character": None})
