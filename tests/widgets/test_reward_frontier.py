"""The frontier's points from rows of figures, where they stand on the chart, and the shell."""

import numpy as np
import pytest

from rlfilm_lib.widgets import reward_frontier
from rlfilm_lib.widgets.reward_frontier import HEIGHT, LEFT, RIGHT, TOP, WIDTH, RewardFrontier, place, points_of

ASKED = ("a red disc moves fast up", "a blue two circles slowly down")
ROWS = {
    "tuned": {"reward": 1.5, "kl": 40.0, "frechet": 9.0, "kl_coef": 0.02},
    "the flow": {"reward": 1.0, "kl": 0.0, "frechet": 12.0},
    "guided": {"reward": 1.2, "frechet": 10.0},
    "best of 4": {"reward": 1.25, "kl": 0.6363, "frechet": 11.0, "clips_per_caption": 4},
}


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    names = [name for name in ROWS if name != "guided"]  # of which no clips were kept
    return points_of(ROWS, {name: rng.integers(256, size=(2, 8, 16, 16, 3), dtype=np.uint8) for name in names})


def test_rows_that_have_clips_become_points_from_the_start_outwards(points):
    assert [(point.name, point.kind) for point in points] == [
        ("the flow", "start"),
        ("best of 4", "best of N"),
        ("tuned", "tuned"),
    ]


def test_the_chart_is_logarithmic_in_the_kl_and_linear_in_the_reward(points):
    bottom = HEIGHT - reward_frontier.BOTTOM
    assert place(0.0, 1.0, points) == pytest.approx((LEFT, bottom))
    assert place(40.0, 1.5, points) == pytest.approx((WIDTH - RIGHT, TOP))
    x, y = place(np.sqrt(41) - 1, 1.25, points)
    assert (x, y) == pytest.approx(((LEFT + WIDTH - RIGHT) / 2, (bottom + TOP) / 2))


def test_the_shell_goes_along_the_points(points):
    pytest.importorskip("ipywidgets")
    pytest.importorskip("PIL")
    shell = RewardFrontier(points, ASKED)
    assert "the flow: reward 1.00" in shell.words.value and ASKED[1] in shell.picture.value
    before = shell.picture.value
    shell.number.value = 2
    assert "tuned: reward 1.50 at a KL of 40.00 nats" in shell.words.value and shell.picture.value != before
    shown = reward_frontier.still(points, ASKED)
    assert all(name in shown.html for name in ("the flow", "best of 4", "tuned")) and ASKED[0] in shown.text
