"""False colour names the stops that were put in, and the waveform counts every pixel once, where it stands."""

import numpy as np
import pytest

from rlfilm_lib.film import colour, scopes


@pytest.mark.parametrize("stops", scopes.ZONES)
def test_a_grey_card_has_the_colour_of_its_stops(stops):
    card = np.full((2, 3), 0.18 * 2.0**stops)
    wanted = scopes.ZONE_COLOURS[list(scopes.ZONES).index(stops)]
    np.testing.assert_array_equal(scopes.false_colour(card), [wanted, wanted])


def test_zones_meet_halfway():
    for low, high in zip(scopes.ZONES[:-1], scopes.ZONES[1:], strict=True):
        middle = (low + high) / 2
        assert scopes.ZONES[scopes.zone(middle - 1e-6)] == low
        assert scopes.ZONES[scopes.zone(middle + 1e-6)] == high


def test_the_colour_of_light_does_not_change_its_zone():
    """`light_colour` has luminance 1: a warm lamp of correct exposure is still grey in false colour."""
    for kelvin in (2700, 5600, 10000):
        np.testing.assert_allclose(scopes.stops_over_grey(0.18 * colour.light_colour(kelvin, 5600)), 0, atol=1e-6)


def test_every_zone_is_lighter_than_the_one_below():
    luminance = colour.luminance(colour.decode_srgb(scopes.ZONE_COLOURS / 255))
    assert (np.diff(luminance) > 0).all()
    assert np.diff(np.cbrt(luminance)).min() > 0.01


def test_the_waveform_is_a_histogram_of_each_column():
    signal = np.random.default_rng(0).uniform(-0.2, 1.2, (50, 7))
    found = scopes.waveform(signal, levels=11)
    for column in range(7):
        levels = np.round(np.clip(signal[:, column], 0, 1) * 10).astype(int)
        np.testing.assert_allclose(found[::-1, column], np.bincount(levels, minlength=11) / 50)


def test_a_ramp_is_a_diagonal():
    ramp = np.tile(np.linspace(0, 1, 101), (4, 1))
    np.testing.assert_array_equal(scopes.waveform(ramp), np.eye(101)[::-1])
