import numpy as np

from rlfilm_lib.rl.normalize import RunningMoments, normalize


def test_pieces_give_the_moments_of_the_whole():
    rows = np.random.default_rng(0).normal(1e4, 3, (1000, 2))
    moments = RunningMoments(2)
    for piece in np.split(rows, [1, 10, 400]):
        moments.update(piece)
    np.testing.assert_allclose(moments.mean, rows.mean(axis=0))
    np.testing.assert_allclose(moments.var, rows.var(axis=0))
    assert moments.count == 1000


def test_before_the_first_row_nothing_changes():
    moments = RunningMoments(2)
    x = np.array([[0.5, -3.0]])
    np.testing.assert_allclose(normalize(x, moments.mean, moments.var), x)


def test_the_type_is_kept_and_the_input_untouched():
    x = np.array([[2.0, 1e9]], np.float32)
    scaled = normalize(x, np.zeros(2), np.ones(2))
    assert scaled.dtype == np.float32 and x[0, 1] == np.float32(1e9) and scaled[0, 1] == 10
