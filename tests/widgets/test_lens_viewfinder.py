"""The lens viewfinder shows what the formulas say, and its sliders hold what they promise to hold."""

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from rlfilm_lib.film import framing
from rlfilm_lib.widgets import lens_viewfinder
from rlfilm_lib.widgets.lens_viewfinder import Camera, LensViewfinder, dolly_zoom, picture, plan, sentence, take


@pytest.fixture(scope="module")
def finder():
    return LensViewfinder()


def test_a_dolly_zoom_keeps_the_size_and_the_focus_on_the_eyes():
    start = Camera(focal_length=35, distance=1.96, focus=1.96)
    there = dolly_zoom(start, 85)
    assert there.distance == pytest.approx(1.96 * 85 / 35)
    assert there.size == start.size and there.blur == start.blur == 0


@pytest.mark.parametrize(("f_stop", "stops"), [(2.0, 2.0), (4.0, 0.0), (8.0, -2.0), (16.0, -4.0)])
def test_each_doubling_of_the_f_number_costs_two_stops(f_stop, stops):
    assert Camera(f_stop=f_stop).stops == pytest.approx(stops)
    assert Camera(f_stop=f_stop, gain=True).stops == 0


def test_an_actor_at_the_limit_of_the_sharp_range_has_the_largest_blur_allowed():
    camera = Camera(focal_length=50, f_stop=2.8, focus=3.0)
    for limit in camera.limits:
        assert replace(camera, distance=limit).blur == pytest.approx(0.025)


@pytest.mark.parametrize("focal_length", [35, 50, 135])
def test_the_eyes_are_on_the_upper_third(focal_length):
    shot = take(dolly_zoom(Camera(distance=2.8, focus=2.8), focal_length))
    eyes = np.array([0, 0, lens_viewfinder.EYES])
    u, v, _ = framing.project(eyes, shot.camera_position[0], shot.focal_length[0], rotation=shot.camera_rotation[0])
    assert (float(u), float(v)) == pytest.approx((0.5, 2 / 3))


def test_a_smaller_hole_is_darker_unless_light_is_added_and_sharper_behind():
    wide, small = (Camera(focal_length=85, distance=2.4, focus=2.4, f_stop=stop, gain=True) for stop in (1.4, 16))
    assert picture(replace(small, gain=False)).mean() < 0.3 * picture(small).mean()
    bulbs = [(picture(camera)[:60, :110].max(axis=2) > 140).sum() for camera in (wide, small)]
    assert bulbs[0] > 3 * bulbs[1] > 0


def test_the_plan_marks_what_is_sharp():
    camera = Camera(focal_length=50, f_stop=2.8, focus=3.0, distance=3.0)
    drawn = base64.b64decode(re.search(r"base64,([^\"]+)", plan(camera).html)[1]).decode()
    root = ElementTree.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    _, sharp = root.iter(f"{space}polygon")
    (left, _), (right, _) = (place.split(",") for place in sharp.get("points").split()[:2])
    scale = (760 - 40) / (lens_viewfinder.FURTHEST + lens_viewfinder.BACKDROP + 0.5)
    assert [(float(place) - 24) / scale for place in (left, right)] == pytest.approx(camera.limits, abs=0.01)
    assert "28 degrees wide" in plan(camera).text


def test_the_words_say_what_is_soft_and_how_far_it_is_sharp():
    assert "(soft)" in sentence(Camera(focus=1.5, distance=3.0)) and "(sharp)" in sentence(Camera())
    assert "to infinity" in sentence(Camera(focal_length=18, f_stop=16, focus=3.0))
    assert "exposure right" in sentence(Camera(f_stop=4)) and "exposure -2.0 stops" in sentence(Camera(f_stop=8))


def test_a_slider_changes_picture_plan_and_words(finder):
    before = {finder.picture.value, finder.plan.value, finder.words.value}
    finder.focus.value = 1.2
    assert finder.camera.focus == 1.2
    assert not before & {finder.picture.value, finder.plan.value, finder.words.value}


def test_the_switches_hold_size_focus_and_exposure(finder):
    finder.show(Camera(focal_length=50, distance=2.8, focus=2.8))
    finder.keep_size.value = finder.on_eyes.value = True
    finder.focal_length.value = 100
    assert finder.distance.value == finder.focus.value == pytest.approx(5.6)
    finder.focal_length.value = 18
    assert finder.camera.size == "MS" and finder.camera.blur == 0
    finder.f_stop.value = 16.0
    assert finder.camera.stops == pytest.approx(-4)
    finder.gain.value = True
    assert finder.camera.stops == 0
    finder.keep_size.value = finder.on_eyes.value = finder.gain.value = False


def test_every_slider_is_labelled_with_its_unit(finder):
    assert [slider.description for slider in finder.sliders.values()] == [
        "focal length (mm)", "f-stop", "focus (m)", "distance (m)"
    ]  # fmt: skip
