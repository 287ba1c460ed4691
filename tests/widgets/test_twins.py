"""The side-by-side view keeps every line, pairs the equal ones and reads the library's real twins."""

import subprocess
import sys

import pytest

from rlfilm_lib.widgets.twins import aligned, excerpt, side_by_side, twins

LEFT = ["import torch", "", "def loss(x):", "    return torch.mean(x)"]
RIGHT = ["import tensorflow as tf", "", "def loss(x):", "    x = tf.abs(x)", "    return tf.reduce_mean(x)"]


def test_both_sources_come_back_whole_and_in_order():
    rows = aligned(LEFT, RIGHT)
    assert [a for a, b, alike in rows if a or alike] == LEFT
    assert [b for a, b, alike in rows if b or alike] == RIGHT


def test_equal_lines_stand_beside_each_other_and_only_they_count_as_alike():
    assert [a for a, b, alike in aligned(LEFT, RIGHT) if alike] == ["", "def loss(x):"]
    assert all((a == b) == alike for a, b, alike in aligned(LEFT, RIGHT))


def test_source_is_text_not_markup():
    assert "<script>" not in side_by_side("x = '<script>'", "y = 1", ("a", "b")).html


def test_reinforce_twins_are_found_without_importing_a_framework():
    code = (
        "import sys; from rlfilm_lib.widgets.twins import twins; print(twins('reinforce'));"
        "assert not {'torch', 'tensorflow'} & set(sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pytorch/reinforce.py" in printed and "tf/reinforce.py" in printed


def test_an_excerpt_begins_and_ends_where_it_is_told():
    assert "class" not in twins("reinforce", ("def policy_gradient_loss", "return")).html
    with pytest.raises(ValueError, match="no line holds 'def nothing'"):
        excerpt("a\nb", "def nothing", "b")
    with pytest.raises(ValueError, match="no line after line 2 holds 'a'"):
        excerpt("a\nb", "b", "a")
