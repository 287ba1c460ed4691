"""Make the stored flows of lessons 12 and 13: one that was trained on clips, and what rewards made of it.

    python course/media/flow.py                  # all three parts
    python course/media/flow.py train            # a part: train, tune or hack
    python course/media/flow.py train --size large --device cuda --mixed-precision

- **train**: a flow over clips of 16 frames from 16×16 pixels, and how well it shows what it is asked for on held-out
  clips, by modality and guidance, beside real clips.
- **tune**: the flow fine-tuned by policy gradient towards a reward of named terms, in three seeds, and pulled back to
  the flow more and less: reward, KL and realism on held-out captions, beside the flow and the best of N of its clips.
- **hack**: the same towards redness alone, without and with a pull towards the flow.

Writes what generates to flow/ beside itself (weights rounded to float16, and the codec of the frames), a few clips of
each row of tune and hack, and flow.json. The course's flow is of `--size shipped`; `--size lesson` is the same network,
trained in three minutes on two cores. Runs are kept in --out with checkpoints, and go on from there with --resume.
`--size large` is meant for one large GPU (64×64 pixels, 16 frames); it has not been run yet.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.checkpoint import read_tensors, write_json, write_tensors
from rlfilm_lib.rl.statistics import bootstrap_interval
from rlfilm_lib.run import versions
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video import conditions, data, features, fine_tune, metrics
from rlfilm_lib.video.captions import VOCABULARY
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.conditions import MODALITIES, Encoder
from rlfilm_lib.video.fine_tune import FineTuneConfig
from rlfilm_lib.video.flow import Flow, FlowConfig
from rlfilm_lib.video.generator import GENERATING, Size, read_history, train

HERE = Path(__file__).resolve().parent
TARGET, FOLDER = HERE / "flow.json", HERE / "flow"
TRAINING_SEED, HELD_OUT_SEED, JUDGED = 600, 611, 256
"""Guidance and sizes were chosen on clips of seed 601, so that those of 611 are new to everything but the judge."""
ABSENT = 0.25
"""Share of the clips of a minibatch that are told without their caption; likewise without reference, and sound."""


@dataclass(frozen=True)
class Scale:
    """A size of clips, and of the flow that learns them."""

    pixels: int
    latents: int
    softened: float
    """0: latents of unit variance; 1: of the variance in the pictures. The smaller finer components are, the sooner
    noise hides them, and the more of the network goes to the coarse ones: where the subject is, and its colour."""
    clips: int
    steps: int
    config: FlowConfig


SCALES = {
    "lesson": Scale(
        *(16, 48, 0.5, 16_384, 4000),
        FlowConfig(learning_rate=2e-3, minibatch_size=32, anneal_steps=4000, guidance=2.5),
    ),
    "shipped": Scale(
        *(16, 48, 0.5, 65_536, 26_000),
        FlowConfig(learning_rate=2e-3, minibatch_size=32, anneal_steps=13_000, guidance=2.5),
    ),
    "large": Scale(
        *(64, 256, 0.5, 65_536, 100_000),
        FlowConfig(3e-4, minibatch_size=256, width=768, layers=12, heads=12, anneal_steps=100_000, guidance=2.5),
    ),
}
TUNING = FineTuneConfig(
    learning_rate=2e-4, groups=12, group_size=8, denoising_steps=6, minibatch_size=144, kl_coef=0.02
)
ITERATIONS, SEEDS = 40, range(3)
PULLS = (0.0, 0.1, 0.3)
"""kl_coef of further runs, in the first seed."""
SHOWN = 4
"""Clips of each row that are stored."""
HACKING = {name: replace(TUNING, learning_rate=3e-4, kl_coef=pull) for name, pull in {"free": 0.0, "held": 0.3}.items()}
BEST_OF = (2, 4, 8, 16)


class Clips:
    """Clips of one scale as what a flow learns from, and how they are judged."""

    def __init__(self, scale: Scale) -> None:
        fitted = data.make(1024, TRAINING_SEED, scale.pixels)
        codec = PCA.fit(fitted.frames, scale.latents)
        softer = codec.scale.max() ** scale.softened * codec.scale ** (1 - scale.softened)
        self.scale, self.codec = scale, replace(codec, scale=softer.astype(np.float32))
        self.encoder = Encoder(self.codec, frames=16)
        self.held = data.make(JUDGED, HELD_OUT_SEED, scale.pixels)

    @property
    def size(self) -> Size:
        return Size(16, self.scale.latents, self.encoder.size)

    def told(self, clips: data.Clips, *modalities: str) -> NDArray[np.float32]:
        """The conditions of clips, of these modalities alone."""
        whole = self.encoder(clips.captions, clips.reference, clips.onsets)
        return self.encoder.without(whole, *(name for name in MODALITIES if name not in modalities))

    def draw(self) -> Callable[[np.random.Generator, int], tuple[NDArray, NDArray]]:
        """Minibatches of the training's clips; each clip is told by a random choice of modalities, one at least."""
        batches = islice(data.stream(TRAINING_SEED, size=self.scale.pixels), self.scale.clips // data.BATCH)
        parts = [(self.codec.encode(clips.frames), self.told(clips, *MODALITIES)) for clips in batches]
        latents, told = (np.concatenate(column) for column in zip(*parts, strict=True))
        columns = np.zeros((len(MODALITIES), self.encoder.size), bool)
        for number, name in enumerate(MODALITIES):
            columns[number, self.encoder.parts[name]] = True
            columns[number, self.encoder.parts["given"].start + number] = True

        def draw(rng: np.random.Generator, count: int) -> tuple[NDArray, NDArray]:
            chosen = rng.integers(len(latents), size=count)
            given = rng.random((count, len(MODALITIES))) >= ABSENT
            given[~given.any(axis=1), 0] = True
            return latents[chosen], told[chosen] * (given @ columns)

        return draw

    def judge(self, latents: NDArray, *modalities: str) -> dict[str, Any]:
        """Realism, coherence, and match with what was told, of latents made for the held-out clips."""
        frames, held = self.codec.decode(latents), self.held
        real = features.features(self.codec.decode(self.codec.encode(held.frames)))
        made = features.features(frames)
        precision, recall = metrics.precision_recall(real, made)
        match = metrics.condition_match(
            frames,
            held.captions if "text" in modalities else None,
            held.reference if "image" in modalities else None,
            held.onsets if "sound" in modalities else None,
        )
        judged = {
            "frechet": metrics.frechet(real, made),
            "precision": precision,
            "recall": recall,
            "warp_error": metrics.warp_error(frames[:64]),
            "flicker": metrics.flicker(frames),
            "freeze_rate": metrics.freeze_rate(frames),
        }
        return rounded(judged | match)

    def save(self, model: Flow, name: str) -> None:
        """What generates, its weights rounded to float16, beside the codec; `model` takes on the rounded weights."""
        model.save(FOLDER / name)
        (FOLDER / name / "training.safetensors").unlink()
        tensors, described = read_tensors(FOLDER / name / GENERATING, "generator")
        half = {key: array.astype(np.float16) for key, array in tensors.items()}
        write_tensors(FOLDER / name / GENERATING, half, described)
        model.set_weights(half)
        self.codec.save(FOLDER / "codec.safetensors")

    def show(self, shown: dict[str, NDArray], name: str) -> None:
        """A few latents (K, T, Z) for the first held-out captions under each name, rounded to float16."""
        some = {row: latents.astype(np.float16) for row, latents in shown.items()}
        write_tensors(FOLDER / f"{name}.safetensors", some, {"captions": [c.text for c in self.held.captions[:SHOWN]]})


# The three parts


def training(clips: Clips, flow_class: type[Flow], options: argparse.Namespace, out: Path) -> dict[str, Any]:
    scale = clips.scale
    config = replace(scale.config, mixed_precision=options.mixed_precision)
    if options.minibatch_size:
        config = replace(config, minibatch_size=options.minibatch_size)
    model = flow_class(config, clips.size, device=options.device)
    if options.resume:
        model.restore(out)
    history = read_history(out, model.steps) if options.resume else None
    history = train(model, clips.draw(), scale.steps, out, history=history)
    clips.save(model, options.size)
    made: dict[str, Any] = {
        "real, as the codec shows it": clips.judge(clips.codec.encode(clips.held.frames), *MODALITIES)
    }
    for modalities in (MODALITIES, ("text",), ("text", "image"), ("text", "sound"), ("image", "sound")):
        for guidance in (1.0, config.guidance, 4.0) if modalities in (MODALITIES, ("text",)) else (config.guidance,):
            told = clips.told(clips.held, *modalities)
            latents = model.sample(told, np.random.default_rng(1), guidance=guidance)
            made[f"{' + '.join(modalities)}, guidance {guidance:g}"] = clips.judge(latents, *MODALITIES)
    one = clips.told(clips.held, *MODALITIES)[:1]
    model.sample(one, np.random.default_rng(0))
    sampling = min(timed(lambda: model.sample(one, np.random.default_rng(0))) for _ in range(5))
    parts = np.array_split(history.column("loss"), 60)
    return {
        "config": asdict(config),
        "size": clips.size._asdict(),
        "weights": int(sum(array.size for array in model.weights().values())),
        "wall_s": round(history[-1]["wall_s"], 1),
        "seconds_per_clip": round(sampling, 3),
        "loss": [round(float(part.mean()), 4) for part in parts],
        "held out": made,
    }


def terms(clips: Clips) -> Callable[[NDArray, NDArray], dict[str, NDArray]]:
    """The reward's terms, each in [0, 1]: latents (N, T, Z), conditions (N, C) → (N,) by name.

    - match: the probability that the reading network gives the caption's words, mean over the five;
    - realism: exp(-½ d² / F), d the Mahalanobis distance of the clip's F features to those of real clips.

    The held-out network, which judges in the end, has no part in it.
    """
    every = grammar.decode(np.stack(np.meshgrid(*map(np.arange, map(len, VOCABULARY.values())), indexing="ij"), -1)
                           .reshape(-1, len(VOCABULARY)))  # fmt: skip
    codes, vectors = grammar.encode(every), conditions.text(every)
    some = data.make(1024, TRAINING_SEED + 2, clips.scale.pixels)
    real = features.features(clips.codec.decode(clips.codec.encode(some.frames))).astype(float)
    mean, precision = real.mean(axis=0), np.linalg.pinv(np.cov(real, rowvar=False) + 1e-3 * np.eye(real.shape[1]))

    def of(latents: NDArray, told: NDArray) -> dict[str, NDArray]:
        frames, text = clips.codec.decode(latents), told[:, clips.encoder.parts["text"]]
        words = codes[((text[:, None] - vectors) ** 2).sum(axis=-1).argmin(axis=1)]
        read = features.classify(frames)
        rows = np.arange(len(frames))
        match = np.mean(
            [np.exp(read[slot][rows, word]) for slot, word in zip(VOCABULARY, words.T, strict=True)], axis=0
        )
        away = features.features(frames) - mean
        distance = np.einsum("nf,fg,ng->n", away, precision, away) / away.shape[1]
        return {"match": match, "realism": np.exp(-0.5 * distance)}

    return of


def redness(clips: Clips) -> Callable[[NDArray, NDArray], NDArray]:
    """Mean of red less the mean of green and blue over a clip, of full scale."""

    def reward(latents: NDArray, told: NDArray) -> NDArray:
        colour = clips.codec.decode(latents).reshape(len(latents), -1, 3).mean(axis=1) / 255
        return colour[:, 0] - colour[:, 1:].mean(axis=1)

    return reward


def captions_of(clips: Clips) -> Callable[[np.random.Generator, int], NDArray]:
    """Conditions of random captions alone."""
    return lambda rng, count: clips.encoder(captions=grammar.sample(rng, count))


def tuned(
    clips: Clips, flow_class: type[Flow], options: argparse.Namespace, reward: fine_tune.Reward, config: FineTuneConfig,
    iterations: int, seed: int, out: Path,
) -> tuple[Flow, list[dict[str, float]], float]:  # fmt: skip
    """A flow fine-tuned from the stored one, its rows, and the seconds that took."""
    model, reference = (flow_class.load(FOLDER / options.size, options.device) for _ in range(2))
    model.steps, model.seed = 0, seed
    if options.resume and out.exists():
        model.restore(out)
    history = read_history(out, model.steps) if options.resume and out.exists() else None
    began = time.perf_counter()
    history = fine_tune.fine_tune(
        model, reference, reward, captions_of(clips), config, iterations, out, history=history
    )
    return model, [rounded(row) for row in history], time.perf_counter() - began


def path_kl(model: Flow, reference: Flow, told: NDArray, config: FineTuneConfig) -> float:
    """KL of the denoising process to that of the reference, per clip."""
    rng = np.random.default_rng(2)
    path = fine_tune.wander(model, told, config, model.noise(len(told), rng), rng)
    return float(fine_tune.path_kl(path, fine_tune.reference_means(reference, path, told, config)).mean())


def tuning(clips: Clips, flow_class: type[Flow], options: argparse.Namespace, out: Path) -> dict[str, Any]:
    of, told = terms(clips), clips.told(clips.held, "text")

    def reward(latents: NDArray, conditions: NDArray) -> NDArray:
        return np.sum(list(of(latents, conditions).values()), axis=0)

    def described(latents: NDArray) -> tuple[dict[str, Any], NDArray]:
        named = of(latents, told)
        whole = np.sum(list(named.values()), axis=0)
        means = {"reward": whole.mean(), **{name: values.mean() for name, values in named.items()}}
        return rounded(means) | clips.judge(latents, "text"), whole

    reference = flow_class.load(FOLDER / options.size, options.device)
    start = reference.sample(told, np.random.default_rng(1), guidance=1.0)
    judged, before = described(start)
    rows: dict[str, Any] = {"the flow": judged | {"kl": 0.0}}
    shown = {"the flow": start[:SHOWN]}
    guided = reference.sample(told, np.random.default_rng(1))
    rows[f"the flow, guidance {reference.config.guidance:g}"] = described(guided)[0]
    most = max(BEST_OF)
    repeated = np.repeat(told, most, axis=0)
    many = reference.sample(repeated, np.random.default_rng(1), guidance=1.0)
    rewards = reward(many, repeated).reshape(-1, most)
    many = many.reshape(*rewards.shape, *many.shape[1:])
    for number in BEST_OF:
        best = many[np.arange(len(many)), rewards[:, :number].argmax(axis=1)]
        kl = float(np.log(number) - (number - 1) / number)
        rows[f"best of {number}"] = described(best)[0] | rounded({"kl": kl}) | {"clips_per_caption": number}
        shown[f"best of {number}"] = best[:SHOWN]
    curves = {}
    for pull, seed in [(TUNING.kl_coef, seed) for seed in SEEDS] + [(pull, SEEDS[0]) for pull in PULLS]:
        name, config = f"tuned, kl_coef {pull:g}, seed {seed}", replace(TUNING, kl_coef=pull)
        run = out / f"tune-{pull:g}-{seed}"
        model, curve, wall_s = tuned(clips, flow_class, options, reward, config, ITERATIONS, seed, run)
        latents = model.sample(told, np.random.default_rng(1), guidance=1.0)
        judged, after = described(latents)
        gain = [round(float(end), 4) for end in bootstrap_interval(after - before)]
        extra = {"kl": path_kl(model, reference, told, config), "gain": float((after - before).mean())}
        more = {"gain_ci95": gain, "kl_coef": pull, "seed": seed, "wall_s": round(wall_s, 1)}
        rows[name] = judged | rounded(extra) | more
        curves[name], shown[name] = columns(curve), latents[:SHOWN]
        if (pull, seed) == (TUNING.kl_coef, SEEDS[0]):
            clips.save(model, f"{options.size}-tuned")
    clips.show(shown, f"{options.size}-frontier")
    return {
        "config": asdict(TUNING),
        "iterations": ITERATIONS,
        "clips_made": ITERATIONS * TUNING.groups * TUNING.group_size,
        "held out": rows,
        "curves": curves,
    }


def hacking(clips: Clips, flow_class: type[Flow], options: argparse.Namespace, out: Path) -> dict[str, Any]:
    told, reward = clips.told(clips.held, "text"), redness(clips)
    reference = flow_class.load(FOLDER / options.size, options.device)
    start = reference.sample(told, np.random.default_rng(1), guidance=1.0)
    rows = {"the flow": rounded({"redness": reward(start, told).mean(), "kl": 0.0}) | clips.judge(start, "text")}
    curves, shown = {}, {"the flow": start[:SHOWN]}
    for name, config in HACKING.items():
        model, curve, _ = tuned(clips, flow_class, options, reward, config, ITERATIONS // 2, 0, out / f"hack-{name}")
        latents = model.sample(told, np.random.default_rng(1), guidance=1.0)
        extra = {"redness": float(reward(latents, told).mean()), "kl": path_kl(model, reference, told, config)}
        rows[name] = rounded(extra) | clips.judge(latents, "text")
        curves[name], shown[name] = columns(curve), latents[:SHOWN]
    clips.show(shown, f"{options.size}-hack")
    return {
        "iterations": ITERATIONS // 2,
        "kl_coef": {name: config.kl_coef for name, config in HACKING.items()},
        "held out": rows,
        "curves": curves,
    }


PARTS = {"train": training, "tune": tuning, "hack": hacking}


def columns(rows: list[dict[str, float]]) -> dict[str, list[float]]:
    return {name: [row[name] for row in rows] for name in ("reward", "kl", "clip_fraction")}


def rounded(figures: dict[str, Any]) -> dict[str, float]:
    return {name: round(float(figure), 4) for name, figure in figures.items()}


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def parser_for(description: str, parts: Iterable[str], out: str) -> argparse.ArgumentParser:
    """What the script of a generator can be asked for; `out`: where its runs are kept unless it is told."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=parts, help="all of them without")
    parser.add_argument("--backend", choices=rlfilm.BACKENDS, default="pytorch")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--mixed-precision", action="store_true", help="multiply matrices in bfloat16")
    parser.add_argument("--out", type=Path, default=Path(out), help="where the runs are kept")
    parser.add_argument("--resume", action="store_true", help="go on with the runs in --out")
    return parser


def run(main: Callable[[], None]) -> None:
    """End as a command does: 2 after one line for a mistake, 130 after Ctrl-C."""
    try:
        main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    parser = parser_for(__doc__, PARTS, "runs/flow")
    parser.add_argument("--size", choices=SCALES, default="lesson")
    parser.add_argument("--minibatch-size", type=int, help="where memory is short")
    options = parser.parse_args()
    flow_class = import_module(f"{rlfilm.BACKENDS[options.backend][1]}.flow").Flow
    clips = Clips(SCALES[options.size])
    stored = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
    for name in [options.part] if options.part else PARTS:
        made = PARTS[name](clips, flow_class, options, options.out / options.size / name)
        asked = [name] + ["--size", options.size] * (options.size != "lesson")
        command = shlex.join(["python", f"course/media/{Path(__file__).name}", *asked])
        about = {"command": command, "device": options.device, "backend": options.backend, "versions": versions()}
        stored.setdefault(options.size, {})[name] = about | made
        write_json(TARGET, stored)
        print(json.dumps(made["held out"], indent=1))


if __name__ == "__main__":
    run(main)
