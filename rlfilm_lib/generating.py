"""Generating clips: a prompt, a picture or a sound in, a film of a second or two out, by a generator of the course.

A generator lies in a folder: `generator.safetensors`, what it learned, and there or in the folder above
`codec.safetensors`, how it sees pictures. Those that come with the course are in course/media/ of a clone.
"""

import importlib
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import frame_gen
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.media import clip
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.streams import Purpose, stream
from rlfilm_lib.video import data, features
from rlfilm_lib.video.captions import parse
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.conditions import Encoder

MEDIA = Path(__file__).resolve().parent.parent / "course" / "media"
MODELS = {
    "flow": MEDIA / "flow" / "shipped",
    "gan": MEDIA / "gan",
    "actor-critic": MEDIA / "frame_gen" / "start.safetensors",
}
"""Models, and where the one of the course is. The actor is the supervised start: those tuned on the reward earn more,
but by judges that had no part in it their clips are no better; see `frame_gen.json` beside it."""
CLASSES = {"flow": "Flow", "gan": "GAN"}
"""In the modules of these names, of either framework."""
CODEC = "codec.safetensors"
LEAST_PIXELS = 240
"""Of a clip's height in the file: small pictures are enlarged by a whole number, without smoothing."""
GAP = 2
"""Pixels between clips of a grid, before they are enlarged."""
MOST_SAMPLES = 64


def make_clip(
    out: Path,
    prompt: str | None = None,
    image: Path | None = None,
    sound: Path | None = None,
    model: str = "flow",
    run: Path | None = None,
    backend: str | None = None,
    seed: int = 0,
    samples: int = 1,
    device: str = "auto",
    force: bool = False,
) -> dict[str, Any]:
    """Write a clip, or a grid of several, that shows what was asked for. Returns the report.

    prompt: a caption of `video.captions`; image: how the subject looks and where it starts, as large as the generator's
    pictures; sound: its beats drive the motion, and it is heard; at least one of the three. One seed gives one file,
    byte for byte on one machine. UserError for what cannot be: see the messages.
    """
    if model not in MODELS:
        raise unknown("model", model, MODELS)
    if not 1 <= samples <= MOST_SAMPLES:
        raise UserError(f"--samples {samples} is out of range: give 1 to {MOST_SAMPLES}")
    clip.check_path(out)
    if out.exists() and not force:
        raise UserError(f"{out} is already there: replace it with --force, or choose another place with --out")
    run = run or MODELS[model]
    if model == "actor-critic":
        backend = None
        make: Sampler | Player = Player(run)
    else:
        backend = rlfilm.choose_backend(backend)
        module = importlib.import_module(f"{rlfilm.BACKENDS[backend][1]}.{model}")
        make = Sampler(getattr(module, CLASSES[model]).load(run, device), run)
    heard = None if sound is None else read_sound(sound, make.frames)
    onsets = None if heard is None else data.measure_onsets(heard.mean(axis=1), clip.SAMPLE_RATE, make.frames)
    checkpoint.make_folder(out.parent)
    began = time.perf_counter()
    frames = make(prompt, None if image is None else read_picture(image), onsets, samples, seed)
    seconds = time.perf_counter() - began
    clip.write(out, grid(frames), data.FPS, sound=None if heard is None else [heard])
    seen = features.caption(frames, "held_out")
    return {
        "out": str(out),
        "prompt": prompt,
        "model": model,
        "run": str(run),
        "backend": backend,
        "seed": seed,
        "samples": samples,
        "frames": make.frames,
        "fps": data.FPS,
        "seen": [each.text for each in seen],
        "sampling_s": round(seconds, 3),
    }


class Sampler:
    """Clips of a generator that was saved to a folder, with its codec."""

    def __init__(self, generator: Any, folder: Path) -> None:
        codec = next((each / CODEC for each in (folder, folder.parent) if (each / CODEC).is_file()), None)
        if codec is None:
            raise UserError(f"no {CODEC} in {folder} or above it: put there what the generator was trained with")
        self.generator, self.frames = generator, generator.size.frames
        self.encoder = Encoder(PCA.load(codec), self.frames)

    def __call__(
        self, prompt: str | None, picture: NDArray | None, onsets: NDArray | None, samples: int, seed: int
    ) -> NDArray[np.uint8]:
        """So many clips (N, T, H, W, 3) uint8: of a caption, a picture (H, W, 3) and onsets (T,), or some of them."""
        conditions = self.encoder(
            None if prompt is None else [prompt],
            None if picture is None else picture[None],
            None if onsets is None else onsets[None],
        )
        self.generator.require_fit(conditions)
        latents = self.generator.sample(np.repeat(conditions, samples, axis=0), stream(seed, 0, Purpose.NOISE))
        return self.encoder.codec.decode(latents)


class Player:
    """Clips that a policy for rlfilm/FrameGen-v0 makes, frame by frame.

    It always goes by a caption, a picture and a sound. Where it is given no picture, a subject is drawn as the caption
    says, another for each clip; where no sound, steady beats are drawn.
    """

    frames = 16

    def __init__(self, path: Path) -> None:
        self.policy = rlfilm.load(path)

    def __call__(
        self, prompt: str | None, picture: NDArray | None, onsets: NDArray | None, samples: int, seed: int
    ) -> NDArray[np.uint8]:
        """As `Sampler`'s; UserError without a caption."""
        if prompt is None:
            raise UserError("model 'actor-critic' goes by a caption: give --prompt, or choose --model flow")
        rng = stream(seed, 0, Purpose.NOISE)
        captions = [parse(prompt)] * samples
        drawn = data.film(captions, data.stage(rng, captions), data.rhythm(rng, samples, self.frames))
        if picture is not None:
            drawn = drawn._replace(reference=np.repeat(picture[None], samples, axis=0))
        if onsets is not None:
            drawn = drawn._replace(onsets=np.repeat(onsets[None], samples, axis=0))
        return frame_gen.perform(self.policy.seeded(seed), drawn)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture file as (H, W, 3) uint8. UserError where it is missing or none."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise UserError(f"cannot read the picture '{path}': {error}; give a PNG or JPEG file") from None


def read_sound(path: Path, frames: int) -> NDArray[np.float32]:
    """The beginning of a sound file, (samples, 2) at 48 kHz: as long as a clip of so many frames, or as the file is."""
    from rlfilm_lib.media.sound import RATE, Sound

    with Sound(path) as sound:
        return sound.read(0, round(min(frames / data.FPS, sound.seconds) * RATE))


def grid(clips: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Clips (N, T, H, W, 3) side by side in about a square, enlarged: (T, height, width, 3), both even.

    >>> grid(np.zeros((3, 8, 16, 16, 3), np.uint8)).shape
    (8, 544, 544, 3)
    """
    number, _, height, width, _ = clips.shape
    columns = math.ceil(math.sqrt(number))
    rows = math.ceil(number / columns)
    clips = np.pad(clips, ((0, rows * columns - number), *[(0, 0)] * 4))
    gaps = ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0))
    tiles = np.pad(clips, gaps).reshape(rows, columns, *clips.shape[1:2], height + GAP, width + GAP, 3)
    whole = tiles.transpose(2, 0, 3, 1, 4, 5).reshape(len(clips[0]), rows * (height + GAP), columns * (width + GAP), 3)
    scale = 2 * math.ceil(LEAST_PIXELS / height / 2)
    return whole[:, :-GAP, :-GAP].repeat(scale, axis=1).repeat(scale, axis=2)
