"""Mitsuba's pictures against the formulas of film/ and against the preview."""

import subprocess
import sys

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.film import colour, framing, lens, light
from rlfilm_lib.stage import mitsuba, preview

pytest.importorskip("mitsuba", reason="Mitsuba is not installed")


def shoot(take, width=160, height=90, samples=16, moments=1):
    return next(mitsuba.scene_linear(take, width, height, samples, moments))


def test_the_eye_lands_where_the_formula_puts_it(eye_take, eye_places, centroid):
    pictures = mitsuba.scene_linear(eye_take, 320, 180, samples=16, moments=1)
    seen = np.array([centroid(picture) for picture in pictures])
    np.testing.assert_allclose(seen, eye_places(320, 180), atol=0.5)


@pytest.mark.parametrize("size", [(160, 90), (120, 120)])
def test_the_gate_fills_the_picture_whatever_its_shape(simple_take, size):
    """A square picture of a 16:9 gate is squeezed, here as in the preview."""
    take = simple_take((0.4, 4.0, 1.7), 0.15, exposure=[4.0], light_stops=[[-20.0]])
    seen, expected = shoot(take, *size)[..., 0], next(preview.scene_linear(take, *size))[..., 0]
    rows, columns = np.indices(seen.shape)
    for places in (rows, columns):
        middles = [(places * (picture > 0.16)).sum() / (picture > 0.16).sum() for picture in (seen, expected)]
        assert middles[0] == pytest.approx(middles[1], abs=0.3)


def test_a_grey_card_correctly_lit_is_correctly_exposed(simple_take):
    take = simple_take(
        (0, 3.5, 1.5), 0.5, albedo=(0.18, 0.18, 0.18), light_position=[[[0.0, 0.0, 1.5]]], exposure=[1.0]
    )
    middle = shoot(take, samples=64)[42:48, 77:83].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, 2 * 0.18 * (1 + light.AMBIENT), rtol=0.02)
    assert next(mitsuba.frames(take, 32, 18, 64))[9, 16, 0] == pytest.approx(255 * colour.encode_srgb(0.36), abs=5)


def test_what_stands_behind_a_lamp_is_lit(simple_take):
    """The camera does not see the ball of light, but the post behind it, as bright as the preview has it."""
    take = simple_take((0, 4.0, 0.5), 0.15, end=(0, 4.0, 2.5), light_position=[[[0.0, 2.0, 1.5]]])
    seen, expected = shoot(take, samples=64), next(preview.scene_linear(take, 160, 90))
    np.testing.assert_allclose(seen[40:50, 79:81], expected[40:50, 79:81], rtol=0.05)


def test_lamps_are_tinted_by_their_kelvin_under_the_white_balance(simple_take):
    fields = dict(albedo=(0.5, 0.5, 0.5), light_position=[[[0.0, 0.0, 1.5]]], light_kelvin=[[3200.0]])
    pixel = shoot(simple_take((0, 3.5, 1.5), 0.5, **fields))[45, 80] - 0.5 * light.AMBIENT
    np.testing.assert_allclose(pixel / colour.luminance(pixel), colour.light_colour(3200, 5600), rtol=5e-3)


@pytest.mark.parametrize("distance", [2.0, 8.0])
def test_the_edge_of_what_is_out_of_focus_is_as_wide_as_the_blur_circle(simple_take, distance):
    fields = dict(light_stops=[[-20.0]], exposure=[5.0], focal_length=[85.0], f_stop=[1.4], focus_distance=[4.0],
                  gate=(24.89, 24.89 / 32))  # fmt: skip
    take = simple_take((0.4, distance, -20.0), 0.4, end=(0.4, distance, 20.0), **fields)
    profile = shoot(take, 640, 20, samples=256)[..., 0].mean(axis=0)
    expected = float(lens.blur_circle(distance, 4.0, 85.0, 1.4)) / 24.89 * 640  # pixels
    half = (profile.max() + profile[:20].mean()) / 2
    middle, reach = int(np.argmax(profile > half)), round(0.7 * expected) + 3
    slope = np.diff(profile[middle - reach : middle + reach])
    place = np.arange(len(slope))
    mean = (slope * place).sum() / slope.sum()
    width = 4 * np.sqrt((slope * (place - mean) ** 2).sum() / slope.sum() - 1 / 6)  # of a disc of that variance
    assert width == pytest.approx(expected, rel=0.05)


def test_what_moves_is_drawn_out_over_half_of_its_way(moving_take):
    """A sphere that goes 0.4 m per frame: a shutter of 180 degrees draws it out by 0.2 m, about where it stands."""
    still, moved = (shoot(moving_take[1:2], 160, 90, 16), shoot_second(moving_take, moments=8))
    across = [np.flatnonzero(picture[45, :, 0] > 0.02) for picture in (still, moved)]
    metre = 50 / 24.89 / 4.0 * 160  # pixels
    assert np.ptp(across[1]) - np.ptp(across[0]) == pytest.approx(0.2 * 7 / 8 * metre, abs=2)
    assert across[1].mean() == pytest.approx(across[0].mean(), abs=0.6)


def shoot_second(take, moments):
    pictures = mitsuba.scene_linear(take, 160, 90, 32, moments)
    next(pictures)
    return next(pictures)


def test_an_expert_shot_is_the_preview_s_shot(expert_shot, patches):
    """Cheeks, jacket and backdrop each within a third of a stop: the preview smooths the seams of the figure."""
    seen, expected = shoot(expert_shot, 320, 180, 16), next(preview.scene_linear(expert_shot, 320, 180))
    stops = np.log2(patches(seen) / patches(expected))
    np.testing.assert_allclose(stops, 0, atol=1 / 3)
    lit, shaded = patches(seen)[:2]
    assert 1.5 < np.log2(lit / shaded) < 3.5  # the key comes from the left: the brief asks for 4:1


def test_the_grade_of_the_take_is_applied(simple_take):
    cdl = [[1.0, 1.0, 0.0, 0, 0, 0, 1, 1, 1, 1]]
    picture = next(mitsuba.frames(simple_take((0, 4.0, 1.5), 0.5, grade=cdl), 32, 18, 4))
    assert picture.dtype == np.uint8 and picture[..., 0].max() > 20 and picture[..., 2].max() == 0


def test_twice_the_same_picture(simple_take):
    take = simple_take((0, 4.0, 1.5), 0.4)
    np.testing.assert_array_equal(shoot(take, 32, 18, 4), shoot(take, 32, 18, 4))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(samples=0), "samples is 0; give 1 or more"),
        (dict(moments=0), "moments is 0"),
        (dict(width=8), "at least 16x16"),
    ],
)
def test_what_cannot_be_rendered_is_refused_at_once(simple_take, arguments, words):
    with pytest.raises(UserError, match=words):
        mitsuba.frames(simple_take((0, 4.0, 1.5), 0.4), **arguments)


def test_without_mitsuba_the_remedy_is_named(simple_take, monkeypatch):
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'rlfilm\[render\]'"):
        mitsuba.frames(simple_take((0, 4.0, 1.5), 0.4))


def test_importing_the_renderer_does_not_import_mitsuba():
    program = "import sys, rlfilm_lib.stage.mitsuba; sys.exit('mitsuba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_stands_within_the_ball_of_a_lamp_is_lit_by_it(simple_take):
    """As a lampshade is: a sphere 10 cm behind a light reads what the meter reads; so does one outside of the ball."""
    take = simple_take([(0.0, 3.14, 1.5), (0.4, 3.14, 1.5)], 0.04, albedo=(0.5, 0.5, 0.5), light_stops=[[-7.0]],
                       light_position=[[[0.0, 3.0, 1.5]]], exposure=[1.0])  # fmt: skip
    picture = shoot(take, 320, 180, 64)
    for place, normal in [((0.0, 3.10, 1.5), (0.0, -1.0, 0.0)), ((0.38, 3.1054, 1.5), (-0.5, -0.866, 0.0))]:
        u, v, _ = framing.project(np.array(place), take.camera_position[0], 50.0, take.gate)
        row, column = int((1 - v) * 180), int(u * 320)
        seen = picture[row - 1 : row + 2, column - 1 : column + 2, 0].mean()
        expected = light.meter(np.array(place), np.array(normal), take.light_position[0], take.light_stops[0])
        assert seen == pytest.approx(2 * 0.5 * float(expected), rel=0.1)


def test_lamps_do_not_stand_in_one_another_s_light(simple_take):
    """A dark lamp between another and a card changes nothing."""
    fields = dict(albedo=(0.18, 0.18, 0.18), light_kelvin=[[5600.0, 5600.0]])
    lamps = [[(0.0, 0.0, 1.5), (0.0, 1.2, 1.5)]]
    take = simple_take((0, 3.5, 1.5), 0.5, light_position=lamps, light_stops=[[0.0, -20.0]], **fields)
    np.testing.assert_allclose(shoot(take, samples=64)[42:48, 77:83].mean(axis=(0, 1)), 0.18 * 1.02, rtol=0.02)
