"""One vector of caption, reference and sound: what each part holds, and what is refused."""

import itertools

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video import conditions, data
from rlfilm_lib.video.captions import VOCABULARY, Caption
from rlfilm_lib.video.codec import PCA

pytest.importorskip("sklearn")

EVERY = [Caption(*words) for words in itertools.product(*VOCABULARY.values())]


@pytest.fixture(scope="module")
def clips():
    return data.make(64, seed=0)


@pytest.fixture(scope="module")
def encoder(clips):
    return conditions.Encoder(PCA.fit(clips.frames, 32), frames=16)


def test_each_part_is_where_it_should_be(encoder, clips):
    vector = encoder(clips.captions, clips.reference, clips.onsets)
    assert vector.shape == (64, encoder.size) == (64, 24 + 32 + 16 + 3) and vector.dtype == np.float32
    np.testing.assert_array_equal(vector[:, encoder.parts["text"]], conditions.text(clips.captions))
    np.testing.assert_array_equal(vector[:, encoder.parts["image"]], encoder.codec.encode(clips.reference))
    np.testing.assert_array_equal(vector[:, encoder.parts["sound"]], clips.onsets)
    assert np.all(vector[:, encoder.parts["given"]] == 1)


@pytest.mark.parametrize("left", [c for n in (1, 2) for c in itertools.combinations(conditions.MODALITIES, n)])
def test_what_is_not_given_is_zero_and_says_so(encoder, clips, left):
    given = dict(zip(conditions.MODALITIES, clips[1:], strict=True))
    keywords = dict(zip(conditions.MODALITIES, ("captions", "reference", "onsets"), strict=True))
    vector = encoder(**{keywords[name]: given[name] for name in left})
    for i, name in enumerate(conditions.MODALITIES):
        assert np.all(vector[:, encoder.parts["given"]][:, i] == (name in left))
        assert vector[:, encoder.parts[name]].any() == (name in left)
    whole = encoder(*clips[1:])
    np.testing.assert_array_equal(encoder.without(whole, *set(conditions.MODALITIES) - set(left)), vector)


def test_silence_is_not_the_same_as_no_sound(encoder):
    silent = encoder(onsets=np.zeros((1, 16)))
    assert silent[0, encoder.parts["given"]].tolist() == [0, 0, 1] and not silent[0, encoder.parts["sound"]].any()


def test_every_caption_can_be_told_from_its_vector():
    """By a linear readout of each slot, fitted to half of the captions and tried on the others."""
    vectors, codes = conditions.text(EVERY), grammar.encode(EVERY)
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])
    order = np.random.default_rng(0).permutation(len(EVERY))
    half, rest = order[: len(order) // 2], order[len(order) // 2 :]
    for slot, words in enumerate(VOCABULARY.values()):
        readout = np.linalg.lstsq(inputs[half], np.eye(len(words))[codes[half, slot]], rcond=None)[0]
        assert np.mean((inputs[rest] @ readout).argmax(axis=1) == codes[rest, slot]) > 0.98


def test_captions_are_scaled():
    vectors = conditions.text(EVERY)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(vectors.std(axis=0), 1, atol=1e-3)


def test_what_looks_alike_is_near():
    """A caption that differs in one word is nearer than one that differs in all."""
    one = conditions.text(
        ["a red disc moves fast up", "a purple disc moves fast up", "a blue four circles slowly down"]
    )
    near, far = np.linalg.norm(one[1:] - one[0], axis=1)
    assert near < 0.7 * far


def test_a_prompt_is_parsed(encoder):
    prompts = encoder(captions=["A red disc moves fast up.", Caption("red", "disc", "moves", "fast", "up")])
    np.testing.assert_array_equal(*prompts)
    with pytest.raises(UserError, match="unknown word 'cat'"):
        encoder(captions=["a red cat moves fast up"])


def test_refused(encoder, clips):
    with pytest.raises(UserError, match=r"32×32 pixels.*16×16 pixels"):
        encoder(reference=np.zeros((1, 32, 32, 3), np.uint8))
    with pytest.raises(UserError, match="onsets of 12 frames do not fit a clip of 16"):
        encoder(onsets=np.ones((1, 12)))
    with pytest.raises(UserError, match="nothing is asked for"):
        encoder()
    with pytest.raises(UserError, match=r"not equally many \(2 of text, 1 of sound\)"):
        encoder(captions=clips.captions[:2], onsets=clips.onsets[:1])
