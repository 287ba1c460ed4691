"""Blender's pictures against the formulas of film/, the preview and Mitsuba; needs a Blender, see `stage.blender`."""

import os
import signal
import sys
import threading

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.film import colour, lens, light
from rlfilm_lib.stage import blender, preview


@pytest.fixture(scope="module")
def cycles():
    """Renders a take in Blender; skips where there is none."""
    try:
        blender.find()
    except UserError:
        pytest.skip("there is no Blender here: set RLFILM_BLENDER")

    def pictures(take, width=160, height=90, samples=16, moments=1):
        return np.array(list(blender.scene_linear(take, width, height, samples, moments)))

    return pictures


@pytest.mark.parametrize("size", [(320, 180), (180, 180)])
def test_the_eye_lands_where_the_formula_puts_it(cycles, eye_take, eye_places, centroid, size):
    """In the picture of the gate's shape, and in one that squeezes it as the preview does."""
    seen = np.array([centroid(picture) for picture in cycles(eye_take, *size)])
    np.testing.assert_allclose(seen, eye_places(*size), atol=0.5)


def test_a_card_is_exposed_and_tinted_as_the_formulas_say(cycles, simple_take):
    """A lamp of 3200 K under a white balance of 5600 K, one stop over."""
    fields = dict(light_position=[[[0.0, 0.0, 1.5]]], light_kelvin=[[3200.0]], exposure=[1.0])
    take = simple_take((0, 3.5, 1.5), 0.5, albedo=(0.18, 0.18, 0.18), **fields)
    middle = cycles(take, samples=64)[0, 42:48, 77:83].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, 2 * 0.18 * (colour.light_colour(3200, 5600) + light.AMBIENT), rtol=0.02)


def test_the_edge_of_what_is_out_of_focus_is_as_wide_as_the_blur_circle(cycles, simple_take):
    fields = dict(light_stops=[[-20.0]], exposure=[5.0], focal_length=[85.0], f_stop=[1.4], focus_distance=[4.0],
                  gate=(24.89, 24.89 / 32))  # fmt: skip
    take = simple_take((0.4, 2.0, -20.0), 0.4, end=(0.4, 2.0, 20.0), **fields)
    profile = cycles(take, 640, 20, samples=256)[0, ..., 0].mean(axis=0)
    expected = float(lens.blur_circle(2.0, 4.0, 85.0, 1.4)) / 24.89 * 640  # pixels
    middle, reach = int(np.argmax(profile > (profile.max() + profile[:20].mean()) / 2)), round(0.7 * expected) + 3
    slope = np.diff(profile[middle - reach : middle + reach])
    place = np.arange(len(slope))
    mean = (slope * place).sum() / slope.sum()
    width = 4 * np.sqrt((slope * (place - mean) ** 2).sum() / slope.sum() - 1 / 6)  # of a disc of that variance
    assert width == pytest.approx(expected, rel=0.05)


def test_what_moves_is_drawn_out_over_half_of_its_way(cycles, moving_take):
    """A sphere that goes 0.4 m per frame: a shutter of 180 degrees draws it out by 0.2 m, about where it stands."""
    still, moved = cycles(moving_take)[1], cycles(moving_take, samples=32, moments=8)[1]
    across = [np.flatnonzero(picture[45, :, 0] > 0.05) for picture in (still, moved)]
    metre = 50 / 24.89 / 4.0 * 160  # pixels
    assert np.ptp(across[1]) - np.ptp(across[0]) == pytest.approx(0.2 * 7 / 8 * metre, abs=2)
    assert across[1].mean() == pytest.approx(across[0].mean(), abs=0.6)


def test_an_expert_shot_is_the_preview_s_shot_and_mitsuba_s(cycles, expert_shot, patches):
    """Cheeks, jacket and backdrop within a third of a stop of the preview, and a tenth of Mitsuba."""
    (seen,) = cycles(expert_shot, 320, 180)
    (expected,) = preview.scene_linear(expert_shot, 320, 180)
    np.testing.assert_allclose(np.log2(patches(seen) / patches(expected)), 0, atol=1 / 3)
    mitsuba = pytest.importorskip("rlfilm_lib.stage.mitsuba")
    pytest.importorskip("mitsuba", reason="Mitsuba is not installed")
    (traced,) = mitsuba.scene_linear(expert_shot, 320, 180, 16, 1)
    np.testing.assert_allclose(np.log2(patches(seen) / patches(traced)), 0, atol=0.1)


def test_the_grade_of_the_take_is_applied(cycles, simple_take):
    cdl = [[1.0, 1.0, 0.0, 0, 0, 0, 1, 1, 1, 1]]
    (picture,) = blender.frames(simple_take((0, 4.0, 1.5), 0.5, grade=cdl), 32, 18, 4, 1)
    assert picture.dtype == np.uint8 and picture[..., 0].max() > 20 and picture[..., 2].max() == 0


def test_ctrl_c_ends_blender_and_leaves_nothing(cycles, moving_take, monkeypatch):
    started = []
    launch = blender.subprocess.Popen
    monkeypatch.setattr(blender.subprocess, "Popen", lambda *a, **k: started.append(launch(*a, **k)) or started[-1])
    main = threading.main_thread().ident
    threading.Timer(2.0, signal.pthread_kill, [main, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        next(blender.frames(moving_take, 640, 360, samples=100_000))
    (process,) = started
    assert process.poll() is not None
    assert not os.path.exists(process.args[-1])  # its folder


def test_without_blender_the_remedy_is_named(simple_take, monkeypatch):
    monkeypatch.delenv(blender.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError) as caught:
        blender.frames(simple_take((0, 4.0, 1.5), 0.4))
    message = str(caught.value)
    assert "\n" not in message and "pip install bpy" in message and "RLFILM_BLENDER=blender/bin/python" in message


@pytest.mark.parametrize(
    ("named", "words"),
    [("nowhere/blender", "RLFILM_BLENDER is 'nowhere/blender', where there is no program"),
     (sys.executable, "No module named 'bpy'")],
)  # fmt: skip
def test_what_is_no_blender_is_named(simple_take, monkeypatch, named, words):
    monkeypatch.setenv(blender.VARIABLE, named)
    if named == sys.executable:
        with pytest.raises(UserError, match=words):
            blender.version()
    with pytest.raises(UserError, match=words):
        next(blender.frames(simple_take((0, 4.0, 1.5), 0.4)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(dict(samples=0), "samples is 0; give 1 or more"), (dict(moments=0), "moments is 0"), (dict(width=8), "16x16")],
)
def test_what_cannot_be_rendered_is_refused_at_once(simple_take, monkeypatch, arguments, words):
    monkeypatch.setenv(blender.VARIABLE, sys.executable)
    with pytest.raises(UserError, match=words):
        blender.frames(simple_take((0, 4.0, 1.5), 0.4), **arguments)
