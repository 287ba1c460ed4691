"""A Take checks its shapes and is cut with a slice."""

import numpy as np
import pytest

from rlfilm_lib.stage.take import Take, level_camera


def fields(frames=5, lights=3, capsules=2):
    rng = np.random.default_rng(0)
    return dict(
        fps=24, camera_position=rng.normal(size=(frames, 3)), camera_rotation=np.tile(level_camera(), (frames, 1, 1)),
        focal_length=np.full(frames, 50.0), f_stop=np.full(frames, 2.8), focus_distance=np.full(frames, 3.0),
        exposure=np.zeros(frames), light_position=rng.normal(size=(frames, lights, 3)),
        light_stops=np.zeros((frames, lights)), light_kelvin=np.full((frames, lights), 5600.0),
        capsule_start=rng.normal(size=(frames, capsules, 3)), capsule_end=rng.normal(size=(frames, capsules, 3)),
        capsule_radius=np.full(capsules, 0.1), capsule_albedo=np.full((capsules, 3), 0.5),
        capsule_name=tuple("ab"[:capsules]), backdrop=6.0,
    )  # fmt: skip


def test_a_slice_cuts_every_array_of_frames_and_nothing_else():
    take = Take(**fields())
    cut = take[1:3]
    assert (len(take), len(cut)) == (5, 2)
    np.testing.assert_array_equal(cut.camera_position, take.camera_position[1:3])
    np.testing.assert_array_equal(cut.capsule_end, take.capsule_end[1:3])
    np.testing.assert_array_equal(cut.capsule_radius, take.capsule_radius)
    assert (cut.gate, cut.backdrop, cut.fps) == (take.gate, take.backdrop, take.fps)


def test_a_take_has_no_single_frame():
    with pytest.raises(TypeError, match="slice"):
        Take(**fields())[1]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("focal_length", np.full(4, 50.0), "focal_length has shape"),
        ("light_stops", np.zeros((5, 2)), "light_stops has shape"),
        ("capsule_radius", np.full(3, 0.1), "capsule_radius has shape"),
        ("camera_rotation", np.zeros((5, 3)), "camera_rotation has shape"),
        ("capsule_name", ("a",), "1 names for 2 capsules"),
        ("f_stop", np.array([2.8, 2.8, 0, 2.8, 2.8]), "f_stop is 0"),
        ("exposure", np.array([0, 0, np.nan, 0, 0]), "exposure holds a value that is not finite"),
        ("fps", 0, "fps is 0"),
        ("focus_distance", np.full(5, 0.04), "focus_distance is 0.04 m"),
    ],
)
def test_what_does_not_fit_is_named(field, value, words):
    with pytest.raises(ValueError) as caught:
        Take(**(fields() | {field: value}))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_level_camera_is_a_rotation_and_turns_right():
    rotation = level_camera(np.array([0.0, np.pi / 2]))
    np.testing.assert_allclose(rotation @ rotation.swapaxes(1, 2), np.tile(np.eye(3), (2, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(rotation[:, 2], [[0, 1, 0], [1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(np.cross(rotation[:, 0], rotation[:, 1]), -rotation[:, 2], atol=1e-12)
