"""Captions of made clips: a small grammar, read and written.

    a COLOUR SUBJECT VERB SPEED DIRECTION
    "a red disc bounces slowly to the left" · "a green seven moves fast up"

Left and right are written "to the left", "to the right"; up and down stand alone. Articles and "to" may be left out.
What the words mean on screen is said in `video.data`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from rlfilm_lib.errors import UserError, unknown

COLOURS = ("red", "green", "blue", "yellow", "purple", "white")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SUBJECTS = ("disc", "square", "triangle", *DIGITS)
VERBS = ("moves", "bounces", "circles")
SPEEDS = ("slowly", "fast")
DIRECTIONS = ("left", "right", "up", "down")
VOCABULARY = {"colour": COLOURS, "subject": SUBJECTS, "verb": VERBS, "speed": SPEEDS, "direction": DIRECTIONS}
"""The five slots of a caption, in the order in which they are written, and the words of each."""
UNSTRESSED = ("a", "an", "the", "to")
"""Words that carry nothing."""


@dataclass(frozen=True)
class Caption:
    """What a clip shows, a word for each slot of `VOCABULARY`. UserError for a word that the slot hasn't.

    >>> Caption("red", "disc", "bounces", "slowly", "left").text
    'a red disc bounces slowly to the left'
    """

    colour: str
    subject: str
    verb: str
    speed: str
    direction: str

    def __post_init__(self) -> None:
        for field in fields(self):
            word = getattr(self, field.name)
            if word not in VOCABULARY[field.name]:
                raise unknown(field.name, word, VOCABULARY[field.name])

    @property
    def words(self) -> tuple[str, ...]:
        """The five words that carry the meaning."""
        return self.colour, self.subject, self.verb, self.speed, self.direction

    @property
    def text(self) -> str:
        way = f"to the {self.direction}" if self.direction in ("left", "right") else self.direction
        return f"a {self.colour} {self.subject} {self.verb} {self.speed} {way}"


def parse(text: str) -> Caption:
    """The caption that a text stands for; upper case and a full stop don't matter.

    UserError where a word is not in the grammar, naming the nearest that is; where a slot is empty, given twice or out
    of order.

    >>> parse("A blue seven moves fast up.").direction
    'up'
    >>> parse("a red disk bounces slowly to the left")
    Traceback (most recent call last):
    rlfilm_lib.errors.UserError: unknown word 'disk'; did you mean 'disc'? ...
    """
    slot_of = {word: slot for slot, words in VOCABULARY.items() for word in words}
    words = [word for word in text.lower().replace(".", " ").replace(",", " ").split() if word not in UNSTRESSED]
    for word in words:
        if word not in slot_of:
            raise unknown("word", word, sorted(slot_of))
    slots = [slot_of[word] for word in words]
    for slot, choices in VOCABULARY.items():
        if slot not in slots:
            raise UserError(f"the prompt '{text}' names no {slot}; add one of: {', '.join(choices)}")
    if slots != list(VOCABULARY):
        raise UserError(
            f"the prompt '{text}' is not in the order of the grammar; write it as '{Caption(*_in_order(words)).text}'"
        )
    return Caption(*words)


def _in_order(words: Sequence[str]) -> list[str]:
    """The first word of each slot."""
    return [next(word for word in words if word in choices) for choices in VOCABULARY.values()]


def sample(rng: np.random.Generator, n: int) -> list[Caption]:
    """n captions, each word drawn evenly.

    >>> len(sample(np.random.default_rng(0), 3))
    3
    """
    return decode(np.stack([rng.integers(len(words), size=n) for words in VOCABULARY.values()], axis=1))


def encode(captions: Sequence[Caption]) -> np.ndarray:
    """The number of each word in its slot, (N, 5) int64.

    >>> encode([Caption("red", "disc", "bounces", "slowly", "right")])
    array([[0, 0, 1, 0, 1]])
    """
    numbers = [{word: number for number, word in enumerate(words)} for words in VOCABULARY.values()]
    codes = [[number[word] for number, word in zip(numbers, caption.words, strict=True)] for caption in captions]
    return np.array(codes, np.int64).reshape(-1, len(VOCABULARY))


def decode(codes: np.ndarray) -> list[Caption]:
    """The inverse of `encode`."""
    slots = list(VOCABULARY.values())
    return [Caption(*(words[number] for words, number in zip(slots, row, strict=True))) for row in codes]
