"""The board's views say what the tables say, and its buttons play the story."""

import base64
import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")

from rlfilm_lib.envs import storyboard
from rlfilm_lib.envs.storyboard import STATES, state_of
from rlfilm_lib.rl.tabular import policy_iteration
from rlfilm_lib.widgets import storyboard_board as board

HOLD, WIDER, CLOSER, TOWARDS = range(4)
LOST = np.eye(5)[np.full(STATES, TOWARDS)]


@pytest.fixture(scope="module")
def optimum():
    exact = storyboard.model()
    return exact.action_values(policy_iteration(exact, 0.97)[1], 0.97)


@pytest.fixture(scope="module")
def careful():
    exact = storyboard.model()
    return exact.action_values(policy_iteration(exact.soft(0.1), 0.97)[1], 0.97)


def test_the_ways_of_the_two_optima(optimum, careful):
    """From the close-up back to the extreme wide shot: along the line, or one row further away."""
    assert board.way(optimum, 22, told=2) == [22, 21, 20, 19, 18, 17, 16]
    path = board.way(careful, 22, told=2)
    assert path[1] == 14 and path[-1] == 16 and len(path) == 9


def test_a_way_ends_beyond_the_line_and_where_it_turns_in_a_circle():
    assert board.way(LOST, 1, told=0) == [1, 9, 17]
    assert board.way(LOST, 20, told=0) == [20, 28]
    assert board.way(np.eye(5)[np.full(STATES, WIDER)], 2, told=1) == [2, 1, 0]


def test_sentences(optimum, careful):
    assert board.sentence(optimum, 2) == "reaches “alone” in 6 cuts, 7 of its 7 panels next to the line"
    assert board.sentence(careful, 2).startswith("reaches “alone” in 8 cuts")
    assert board.sentence(LOST, 2).startswith("does not reach “alone”")
    values = optimum[state_of(np.arange(24), 2)].max(axis=1)
    expected = f"values from {values.min():.2f} to {values.max():.2f}, highest at "
    assert board.sentence(optimum, 2, "values").startswith(expected)


def drawn(kind, told, q):
    from matplotlib.figure import Figure

    axes = Figure(figsize=(9.2, 3.1)).subplots()
    board.view(axes, kind, told, q)
    return axes


def test_the_values_stand_on_their_panels(optimum):
    axes = drawn("values", 1, optimum)
    written = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert len(written) == 24
    for panel in (0, 17, 22):
        left, top = storyboard.corner(panel)
        assert written[left + 80, top + 45] == f"{optimum[state_of(panel, 1)].max():.2f}"


def test_the_arrows_point_where_the_policy_goes(optimum):
    axes = drawn("policy", 1, optimum)
    arrows = {text.xyann: text.xy for text in axes.texts}
    best = optimum[state_of(np.arange(24), 1)].argmax(axis=1)
    assert len(arrows) + len(axes.lines) == 24 and len(axes.lines) == (best == HOLD).sum()
    left, top = storyboard.corner(18)
    (start, end), *_ = [
        item for item in arrows.items() if left < item[0][0] < left + 160 and top < item[0][1] < top + 90
    ]
    assert best[18] == CLOSER and end[0] > start[0] and end[1] == start[1]


def test_a_table_that_was_never_there_says_nothing():
    assert not drawn("values", 0, np.zeros((STATES, 5))).texts
    assert not drawn("panels", 0, LOST).texts


def test_boards_leave_a_described_jpeg(optimum):
    described = board.boards({"optimum": optimum, "lost": LOST}, "policy", 2)
    assert described.text == f"optimum: {board.sentence(optimum, 2)}; lost: {board.sentence(LOST, 2)}"
    data = base64.b64decode(re.search(r"jpeg;base64,([^\"]+)", described.html)[1])
    assert data[:2] == b"\xff\xd8" and len(data) < 300_000


@pytest.fixture
def shell(optimum):
    pytest.importorskip("ipywidgets")
    return board.StoryboardBoard({"optimum": optimum, "lost": LOST}, start=17)


def test_the_buttons_make_cuts(shell):
    assert "0 panels, 0 of 3 beats, return 0.00" in shell.words.value and "they meet (LS at 20°)" in shell.words.value
    before = shell.picture.value
    shell.buttons["closer"].click()
    assert "1 panels, 0 of 3 beats, return -0.05" in shell.words.value and shell.picture.value != before
    shell.buttons["towards the line"].click()
    assert "The line is crossed" in shell.words.value and "return -5.10" in shell.words.value
    assert all(button.disabled for button in shell.buttons.values())
    shell.buttons["wider"].click()
    assert "2 panels" in shell.words.value
    shell.again.click()
    assert "0 panels" in shell.words.value and not shell.buttons["hold"].disabled


def test_a_table_tells_the_story_to_its_end(shell):
    shell.go.click()
    story = board.strip_of(shell.env.state())
    assert story[0] == 17 and story[-1] == 16 and f"{len(story) - 1} panels, 3 of 3 beats" in shell.words.value
    assert sum(shell.rewards) == pytest.approx(3 - 0.05 * len(shell.rewards))
    assert "All beats are told" in shell.words.value
    shell.again.click()
    shell.table.value = "lost"
    shell.go.click()
    assert "The line is crossed" in shell.words.value


def test_views_and_beats_can_be_chosen(shell):
    seen = [shell.picture.value]
    for control, value in ((shell.kind, "values"), (shell.kind, "policy"), (shell.table, "lost"), (shell.told, 2)):
        control.value = value
        seen.append(shell.picture.value)
    assert len(set(seen)) == len(seen)
    assert "2 of 3 beats" in shell.words.value and shell.env.state()["panel"][0, 0] == storyboard.BEAT_PANELS[1]


def test_a_shaky_hand_does_anything_that_often(shell):
    shell.hand.value = 0.5
    taken = np.bincount([shell.shaken(HOLD) for _ in range(4000)], minlength=5) / 4000
    np.testing.assert_allclose(taken, [0.6, 0.1, 0.1, 0.1, 0.1], atol=0.04)
    slipped = board.readout(shell.env.state(), [-0.05], slip="wider")
    assert "Your hand slipped: wider." in slipped
