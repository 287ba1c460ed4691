"""What a clip shall show, as one vector: of a caption, a reference picture, and the onsets of a sound.

    [ text (24) | image (Z) | sound (T) | which of the three are given (3) ]

- **text**: tanh(Σ E[word] + b) W + c over the five words of the caption. A word belongs to one slot of the grammar, so
  that its place in the sentence adds nothing. Trained here, by `course/media/video_features.py`, so that captions and
  clips which belong together find each other (Radford et al. 2021), and scaled to mean 0 and variance 1 over all
  captions;
- **image**: the codec's latent of the reference;
- **sound**: the onset envelope, a number per frame;
- what is not given is zeros, and so is its flag.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video.captions import VOCABULARY, Caption
from rlfilm_lib.video.codec import PCA

MODALITIES = ("text", "image", "sound")
TEXT = 24
"""Numbers that stand for a caption."""
FIRST = np.cumsum([0, *(len(words) for words in VOCABULARY.values())])[:-1]
"""Number of each slot's first word among all words."""
WORDS = sum(len(words) for words in VOCABULARY.values())


@dataclass(frozen=True)
class Encoder:
    """Captions, references and onsets to conditions (N, C) float32, C = 24 + Z + T + 3.

    codec: whose latents stand for the reference; frames: T, of the clips.

    >>> codec = PCA.fit(np.random.default_rng(0).integers(256, size=(40, 16, 16, 3), dtype=np.uint8), 32)
    >>> encoder = Encoder(codec, frames=16)
    >>> vector = encoder(captions=["a red disc bounces slowly to the left"], onsets=np.ones((1, 16)))
    >>> vector.shape, vector[:, encoder.parts["image"]].any(), vector[:, encoder.parts["given"]].tolist()
    ((1, 75), np.False_, [[1.0, 0.0, 1.0]])
    """

    codec: PCA
    frames: int = 16

    @property
    def parts(self) -> dict[str, slice]:
        """Where in the vector text, image, sound, and the flags of the three stand ("given")."""
        ends = np.cumsum([0, TEXT, self.codec.components, self.frames, len(MODALITIES)]).tolist()
        return {name: slice(*ends[i : i + 2]) for i, name in enumerate((*MODALITIES, "given"))}

    @property
    def size(self) -> int:
        """C, the length of the vector."""
        return self.parts["given"].stop

    def __call__(
        self,
        captions: Sequence[Caption | str] | None = None,
        reference: NDArray[np.uint8] | None = None,
        onsets: NDArray | None = None,
    ) -> NDArray[np.float32]:
        """Conditions (N, C) of N captions, references (N, H, W, 3) uint8, onsets (N, T), or some of the three.

        UserError for a word outside the grammar, a reference of another size than the codec's, onsets of another
        length, none of the three, or not equally many.
        """
        parts = {
            "text": None if captions is None else text(captions),
            "image": None if reference is None else self.codec.encode(np.asarray(reference)),
            "sound": None if onsets is None else self._sound(np.asarray(onsets, np.float32)),
        }
        lengths = {name: len(part) for name, part in parts.items() if part is not None}
        if not lengths:
            raise UserError("nothing is asked for; give a caption, a reference picture or a sound")
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{n} of {name}" for name, n in lengths.items())
            raise UserError(f"conditions are not equally many ({listed}); give one of each per clip")
        vector = np.zeros((next(iter(lengths.values())), self.size), np.float32)
        for i, (name, part) in enumerate(parts.items()):
            if part is not None:
                vector[:, self.parts[name]] = part
                vector[:, self.parts["given"].start + i] = 1
        return vector

    def without(self, conditions: NDArray[np.float32], *modalities: str) -> NDArray[np.float32]:
        """The same conditions (N, C), some of the three taken away."""
        left = conditions.copy()
        for name in modalities:
            left[:, self.parts[name]] = 0
            left[:, self.parts["given"].start + MODALITIES.index(name)] = 0
        return left

    def _sound(self, onsets: NDArray[np.float32]) -> NDArray[np.float32]:
        if onsets.shape[1:] != (self.frames,):
            raise UserError(
                f"onsets of {onsets.shape[-1]} frames do not fit a clip of {self.frames}; "
                f"measure them with measure_onsets(wave, rate, frames={self.frames})"
            )
        return onsets


def text(captions: Sequence[Caption | str]) -> NDArray[np.float32]:
    """Captions, or prompts that are parsed, as (N, 24). UserError for a word outside the grammar."""
    weights = _load()
    parsed = [grammar.parse(caption) if isinstance(caption, str) else caption for caption in captions]
    words = weights["embedding"][grammar.encode(parsed) + FIRST].sum(axis=1)
    return np.tanh(words + weights["bias"]) @ weights["kernel"] + weights["shift"]


@functools.cache
def _load() -> dict[str, NDArray[np.float32]]:
    return load_file(Path(__file__).resolve().parent / "text.safetensors")
