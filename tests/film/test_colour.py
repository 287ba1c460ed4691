"""Colour temperature against the CIE's own white points."""

import numpy as np
import pytest

from rlfilm_lib.film import colour

KELVIN = np.array([2000, 2856, 3200, 4000, 5000, 6504, 8000, 10000])


def test_mired_is_its_own_inverse():
    np.testing.assert_allclose(colour.mired([2000, 3200, 5600]), [500, 312.5, 178.571], atol=1e-3)
    np.testing.assert_allclose(colour.mired(colour.mired(KELVIN)), KELVIN)


def test_planckian_locus_against_the_cie():
    # illuminant A, and the black body of 6504 K (Wyszecki and Stiles, table 1(3.11)) just below D65
    np.testing.assert_allclose(colour.planckian_xy([2856, 6504]), [[0.4476, 0.4074], [0.3134, 0.3235]], atol=1.5e-3)


def test_the_splines_join_without_a_step():
    for joint in (2222, 4000):
        below, above = colour.planckian_xy([joint - 0.01, joint + 0.01])
        np.testing.assert_allclose(below, above, atol=1e-4)


@pytest.mark.parametrize(
    ("xy", "kelvin"), [((0.31271, 0.32902), 6504), ((0.44757, 0.40745), 2856), ((0.34567, 0.35850), 5003)]
)
def test_mccamy_on_the_cie_illuminants(xy, kelvin):
    assert colour.correlated_temperature(xy) == pytest.approx(kelvin, abs=4)  # D65, A, D50


def test_temperature_comes_back_from_its_chromaticity():
    np.testing.assert_allclose(colour.correlated_temperature(colour.planckian_xy(KELVIN)), KELVIN, rtol=0.013)


def test_a_lamp_of_the_balanced_temperature_is_white():
    np.testing.assert_allclose(colour.light_colour(KELVIN, KELVIN), 1, atol=2e-4)


def test_light_keeps_its_luminance_and_warms_as_kelvin_fall():
    lamps = colour.light_colour(KELVIN, 5600)
    np.testing.assert_allclose(colour.luminance(lamps), 1)
    assert (np.diff(lamps[:, 0]) < 0).all() and (np.diff(lamps[:, 2]) > 0).all()


def test_a_temperature_off_the_scale_is_named():
    with pytest.raises(ValueError, match="1000 K"):
        colour.planckian_xy([3200, 1000])


def test_display_curve_by_hand():
    # 18 % grey: 1.055 * .18^(1/2.4) - .055 = .4614; the linear toe: 12.92 * .002
    np.testing.assert_allclose(colour.encode_srgb([0, 0.002, 0.18, 1]), [0, 0.02584, 0.46135, 1], atol=1e-5)


def test_shoulder_is_smooth_rises_and_leaves_greys_alone():
    light = np.linspace(0, 8, 8001)
    rolled = colour.shoulder(light)
    np.testing.assert_array_equal(rolled[light < 0.5], light[light < 0.5])
    slope = np.diff(rolled) / np.diff(light)
    assert (slope > 0).all() and np.abs(np.diff(slope)).max() < 0.01 and rolled[-1] < 1


def test_decoding_undoes_encoding():
    linear = np.linspace(0, 1, 2001)
    np.testing.assert_allclose(colour.decode_srgb(colour.encode_srgb(linear)), linear, atol=1e-6)
    assert colour.decode_srgb(0.04) == pytest.approx(0.04 / 12.92)  # by hand, below the knee


def test_chromaticity_of_the_primaries():
    """ITU-R BT.709: red (0.64, 0.33), green (0.30, 0.60), blue (0.15, 0.06), at any level."""
    primaries = colour.chromaticity(np.diag([1.0, 0.5, 0.2]))
    np.testing.assert_allclose(primaries, [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]], atol=1e-4)


def test_a_lamp_shows_its_chromaticity():
    """Under the white balance of D65 a lamp keeps its colour temperature, but for what the adaptation moves."""
    xy = colour.chromaticity(colour.light_colour(KELVIN[1:], 6504))
    np.testing.assert_allclose(colour.mired(colour.correlated_temperature(xy)), colour.mired(KELVIN[1:]), rtol=0.04)


def test_duv_is_0_on_the_locus_and_known_off_it():
    np.testing.assert_allclose(colour.duv(colour.planckian_xy(KELVIN[1:])), 0, atol=7e-4)
    # CIE illuminants: A lies on the locus, D50 and D65 above it, F4 (0.4402, 0.4031) about on it
    known = colour.duv([[0.44757, 0.40745], [0.34567, 0.35850], [0.31271, 0.32902]])
    np.testing.assert_allclose(known, [0.0000, 0.0033, 0.0032], atol=2e-4)


def test_duv_is_positive_on_the_green_side():
    green, magenta = colour.duv(colour.chromaticity([[1.0, 1.2, 1.0], [1.0, 0.8, 1.0]]))
    assert green > 0.01 and magenta < -0.005
