"""Frame latents: against the singular value decomposition, and back."""

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import data
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.metrics import psnr

pytest.importorskip("sklearn")
pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def frames():
    return data.make(64, seed=0).frames


def test_the_error_is_what_the_left_out_dimensions_hold(frames):
    x = frames.reshape(-1, 768) / 255
    variances = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / x.size
    pca = PCA.fit(frames, 24)
    back = pca.encode(frames).reshape(-1, 24) @ (pca.basis * pca.scale[:, None]) + pca.mean
    assert np.mean((back - x) ** 2) == pytest.approx(variances[24:].sum(), rel=1e-3)


def test_latents_are_white_on_what_they_were_fitted_to(frames):
    latents = PCA.fit(frames, 24).encode(frames)
    assert latents.shape == (64, 16, 24) and latents.dtype == np.float32
    np.testing.assert_allclose(np.cov(latents.reshape(-1, 24).T), np.eye(24), atol=1e-3)
    np.testing.assert_allclose(latents.mean(axis=(0, 1)), 0, atol=1e-4)


def test_more_components_show_more_and_other_clips_too(frames):
    others = data.make(32, seed=1).frames
    quality = [psnr(others, (pca := PCA.fit(frames, z)).decode(pca.encode(others))) for z in (16, 32, 64)]
    assert quality == sorted(quality) and quality[-1] > 20


def test_a_saved_codec_is_the_same(frames, tmp_path):
    pca = PCA.fit(frames, 8)
    pca.save(tmp_path / "codec.safetensors")
    read = PCA.load(tmp_path / "codec.safetensors")
    assert read.shape == (16, 16, 3) and np.array_equal(read.encode(frames), pca.encode(frames))


def test_refused(frames):
    with pytest.raises(UserError, match=r"32×32 pixels.*made for 16×16 pixels"):
        PCA.fit(frames, 8).encode(np.zeros((1, 32, 32, 3), np.uint8))
    with pytest.raises(UserError, match="choose 1 to 9"):
        PCA.fit(frames[:1, :10], 32)
