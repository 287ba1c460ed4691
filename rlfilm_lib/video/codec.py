"""Frames as short vectors: a whitened principal component analysis, fitted here.

Why not an autoencoder: peak signal-to-noise ratio, dB, of frames of unseen clips (`video.data`), measured by
`python course/media/video_features.py codec`, the autoencoder having two layers of 512 units each way and 1,500 steps:

| numbers per frame | PCA 16×16 | autoencoder 16×16 | PCA 32×32 |
|-------------------|-----------|-------------------|-----------|
| 32                | 20.5      | 22.8              | 20.3      |
| 64                | 22.6      | 23.9              | 22.3      |
| 96                | 24.2      | 24.4              | 23.7      |

From 64 on there is little between them, and PCA is fitted in a second, needs no framework to decode, orders its numbers
by what they hold, and makes them white, as generators like them.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.checkpoint import read_tensors, write_tensors


@dataclass(frozen=True)
class PCA:
    """z = (x - mean) basisᵀ / scale, and back: Z numbers per frame, of mean 0 and variance 1 on what it was fitted to.

    mean: (D,) of frames in [0, 1] laid out flat, D = H · W · 3; basis: (Z, D), orthonormal rows, the direction of
    largest variance first; scale: (Z,), the standard deviation along each; shape: (H, W, 3). All float32.

    >>> frames = np.random.default_rng(0).integers(256, size=(40, 4, 4, 3), dtype=np.uint8)
    >>> pca = PCA.fit(frames, 39)  # forty frames span thirty-nine dimensions
    >>> latents = pca.encode(frames)
    >>> latents.shape, round(float(latents.std(axis=0, ddof=1).mean()), 3), bool((pca.decode(latents) == frames).all())
    ((40, 39), 1.0, True)
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    scale: NDArray[np.float32]
    shape: tuple[int, int, int]

    @classmethod
    def fit(cls, frames: NDArray[np.uint8], components: int) -> "PCA":
        """The best `components` dimensions of frames (..., H, W, 3) in the sense of least squared error."""
        shape = frames.shape[-3:]
        x = frames.reshape(-1, int(np.prod(shape))).astype(np.float32) / 255
        if not 1 <= components < min(len(x), x.shape[1] + 1):
            raise UserError(
                f"{components} components cannot be fitted to {len(x)} frames of {x.shape[1]} numbers; "
                f"choose 1 to {min(len(x) - 1, x.shape[1])}"
            )
        from sklearn.decomposition import PCA as Fit

        fit = Fit(components, random_state=0).fit(x)
        scale = np.maximum(np.sqrt(fit.explained_variance_), 1e-6)
        mean, basis, scale = (np.ascontiguousarray(a, np.float32) for a in (fit.mean_, fit.components_, scale))
        return cls(mean, basis, scale, shape)

    @property
    def components(self) -> int:
        return len(self.scale)

    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Frames (..., H, W, 3) uint8 → latents (..., Z) float32. UserError for pictures of another size."""
        if frames.shape[-3:] != self.shape:
            raise UserError(
                f"a picture of {_named(frames.shape[-3:])} does not fit: this model was made for {_named(self.shape)}; "
                "resize it"
            )
        x = frames.reshape(*frames.shape[:-3], -1).astype(np.float32) / 255
        return (x - self.mean) @ (self.basis.T / self.scale)

    def decode(self, latents: NDArray) -> NDArray[np.uint8]:
        """Latents (..., Z) → frames (..., H, W, 3) uint8."""
        x = np.asarray(latents, np.float32) @ (self.basis * self.scale[:, None]) + self.mean
        return (255 * np.clip(x, 0, 1) + 0.5).astype(np.uint8).reshape(*x.shape[:-1], *self.shape)

    def save(self, path: str | os.PathLike) -> None:
        """Write a safetensors file."""
        write_tensors(Path(path), {"mean": self.mean, "basis": self.basis, "scale": self.scale}, {"shape": self.shape})

    @classmethod
    def load(cls, path: str | os.PathLike) -> "PCA":
        """Read what `save` wrote. UserError where the file is missing or damaged."""
        arrays, described = read_tensors(Path(path), "codec", "give the one that the generator was trained with")
        return cls(**arrays, shape=tuple(described["shape"]))


def _named(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape[:2])) + f" pixels and {shape[2]} channels"
