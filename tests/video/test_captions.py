"""The grammar of captions: what is written is read again, and what isn't in it is named."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import captions
from rlfilm_lib.video.captions import Caption, parse


def test_every_caption_is_read_as_it_was_written():
    import itertools

    every = [Caption(*words) for words in itertools.product(*captions.VOCABULARY.values())]
    assert len(every) == 6 * 13 * 3 * 2 * 4
    assert [parse(caption.text) for caption in every] == every
    assert captions.decode(captions.encode(every)) == every


def test_the_captions_of_the_plan():
    assert parse("a red disc bounces slowly to the left") == Caption("red", "disc", "bounces", "slowly", "left")
    assert parse("a green square moves fast to the right") == Caption("green", "square", "moves", "fast", "right")
    assert parse("Yellow seven circles slowly to the down.") == Caption("yellow", "seven", "circles", "slowly", "down")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a red disk moves fast up", "unknown word 'disk'; did you mean 'disc'?"),
        ("a read disc moves fast up", "did you mean 'red'?"),
        ("a red disc moves up", "names no speed; add one of: slowly, fast"),
        ("", "names no colour"),
        ("a red disc fast moves up", "write it as 'a red disc moves fast up'"),
        ("a red red disc moves fast up", "write it as 'a red disc moves fast up'"),
    ],
)
def test_a_prompt_outside_the_grammar(text, message):
    with pytest.raises(UserError) as error:
        parse(text)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_slot_takes_only_its_own_words():
    with pytest.raises(UserError, match="unknown colour 'disc'"):
        Caption("disc", "disc", "moves", "fast", "up")


def test_words_are_drawn_evenly():
    codes = captions.encode(captions.sample(np.random.default_rng(0), 4000))
    for slot, words in zip(codes.T, captions.VOCABULARY.values(), strict=True):
        share = np.bincount(slot, minlength=len(words)) / len(slot)
        assert np.all(np.abs(share - 1 / len(words)) < 4 * np.sqrt(share / len(slot)))
