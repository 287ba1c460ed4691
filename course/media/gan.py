"""Make the stored GANs of lesson 11: one that was trained on clips, without its candidates, and as a policy.

    python course/media/gan.py                   # all three parts
    python course/media/gan.py train             # a part: train, mean or compare
    python course/media/gan.py train --device cuda --mixed-precision

- **train**: a GAN over clips of 16 frames from 16×16 pixels. On the way: what its discriminator says of held-out clips,
  real, made and damaged; realism, recall, freezing, and how much the noise makes; and made clips for a few prompts.
- **mean**: the same training with one candidate instead of several, so that its supervised part learns the mean of all
  clips of a condition: what is left of the noise.
- **compare**: from where the supervised start of the first ends, the same generator goes on by the discriminator alone,
  once with the pathwise gradient and once as a policy with the score-function gradient, with all else the same, three
  seeds: realism over the steps, and how far single estimates of either gradient scatter around their mean.

Writes to gan/ beside itself what generates (weights rounded to float16), the codec of its frames, the clips on the way
(clips.npz, latents) and what the discriminator said of them (views.npz), and gan.json. The run is kept in --out with
its checkpoints, and goes on with --resume.
"""

import argparse
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from flow import MODALITIES, SCALES, Clips, parser_for, rounded, run, timed
from numpy.typing import NDArray

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.checkpoint import read_tensors, write_json, write_tensors
from rlfilm_lib.run import versions
from rlfilm_lib.video import gan
from rlfilm_lib.video.gan import GAN, GANConfig
from rlfilm_lib.video.generator import GENERATING, Draw, read_history, train
from rlfilm_lib.widgets.discriminator_view import Views, judged, kinds

HERE = Path(__file__).resolve().parent
TARGET, FOLDER = HERE / "gan.json", HERE / "gan"
CLIPS, SUPERVISED = 16_384, 2000
CONFIG = GANConfig(supervised_steps=SUPERVISED, pull=4.0, candidates=8)
LOOKS = (0, 200, 500, 1000, 2000, 2050, 2100, 2200, 2400, 2600, 3000)
"""Steps of the training after which it is judged."""
PROMPTS = (
    "a red disc moves fast to the right",
    "a green square bounces slowly to the left",
    "a blue triangle circles fast up",
    "a yellow seven moves slowly down",
)
NOISES = 6
"""Clips of each prompt that are kept of the last look."""
VIEWED = 6
"""Held-out clips of which it is kept what the discriminator said, frame by frame."""
POLICY = replace(CONFIG, policy_std=0.3, pull=0.0, candidates=1)
COMPARED = {"pathwise": POLICY, "score-function": replace(POLICY, gradient="score-function", group_size=16)}
COMPARE_STEPS, EVERY, ESTIMATES, SEEDS = 150, 50, 24, range(3)
"""Steps of either, between two looks at them, how many single estimates of a gradient are drawn, and the seeds."""
SEEN = ("discriminator_loss", "real_score", "fake_score", "slope_penalty", "spread", "frozen")


def scores(model: GAN) -> Callable[[NDArray, NDArray], NDArray]:
    """The discriminator as a function of clips (N, T, Z) and conditions (N, C): what its two parts say, (2, N)."""
    module = import_module(f"{rlfilm.BACKENDS[model.backend][1]}.gan")
    params = model.networks["discriminator"].params()
    return lambda x, told: model.array(module.scores(params, model.config, model.tensor(x), model.tensor(told)))


def said(model: GAN, clips: Clips, told: NDArray) -> dict[str, list[float]]:
    """Mean scores of all held-out clips, [spatial, temporal], by kind."""
    real, made = clips.codec.encode(clips.held.frames), model.sample(told, np.random.default_rng(1))
    return {
        kind: np.round(scores(model)(x, conditions).astype(float).mean(axis=1), 3).tolist()
        for kind, (x, conditions) in kinds(real, made, told).items()
    }


def look(model: GAN, clips: Clips, told: NDArray) -> dict[str, float]:
    """Realism, coherence and match of clips made for the held-out conditions; their spread, told words alone."""
    text = clips.told(clips.held, "text")
    twice = [model.sample(text, np.random.default_rng(seed)) for seed in (1, 2)]
    return {
        "steps": model.steps,
        **clips.judge(model.sample(told, np.random.default_rng(1)), *MODALITIES),
        "spread": round(gan.spread(*twice), 4),
    }


def scatter(model: GAN, draw: Draw, gradient: str, seed: int) -> dict[str, float]:
    """Single estimates of ∇J for one minibatch of conditions and z: the length of their mean, and their deviation.

    Each is of `group_size` clips per condition. The mean's squared length is corrected for the scatter left in it.
    """
    rng = np.random.default_rng(seed)
    conditions = model.tensor(draw(rng, model.config.minibatch_size)[1])
    z, _ = model.draw(model.config.minibatch_size, rng)
    total, squares, seconds = 0.0, 0.0, []
    for _ in range(ESTIMATES):
        _, noise = model.draw(model.config.minibatch_size, rng)
        began = time.perf_counter()
        estimate = model.array(model.slope(conditions, z[0], noise, gradient)).astype(float)
        seconds.append(time.perf_counter() - began)
        total, squares = total + estimate, squares + float(estimate @ estimate)
    mean = total / ESTIMATES
    variance = (squares - ESTIMATES * float(mean @ mean)) / (ESTIMATES - 1)
    length = max(float(mean @ mean) - variance / ESTIMATES, 0.0)
    return {
        "group_size": model.config.group_size,
        "length_of_mean": length**0.5,
        "deviation": variance**0.5,
        "seconds": float(np.median(seconds)),
    }


def save(model: GAN, clips: Clips) -> None:
    """What generates, its weights rounded to float16, beside the codec; `model` takes on the rounded weights."""
    model.save(FOLDER)
    (FOLDER / "training.safetensors").unlink()
    tensors, described = read_tensors(FOLDER / GENERATING, "generator")
    half = {key: array.astype(np.float16) for key, array in tensors.items()}
    write_tensors(FOLDER / GENERATING, half, described)
    model.set_weights(half)
    clips.codec.save(FOLDER / "codec.safetensors")


# The three parts


def described(model: GAN, clips: Clips) -> dict[str, Any]:
    """Clips made for the held-out conditions, told this or that."""
    made: dict[str, Any] = {
        "real, as the codec shows it": clips.judge(clips.codec.encode(clips.held.frames), *MODALITIES)
    }
    for modalities in (MODALITIES, ("text",), ("text", "image"), ("text", "sound"), ("image",), ("sound",)):
        told = clips.told(clips.held, *modalities)
        once, again = (model.sample(told, np.random.default_rng(seed)) for seed in (1, 2))
        made[" + ".join(modalities)] = clips.judge(once, *MODALITIES) | {"spread": round(gan.spread(once, again), 4)}
    return made


def training(clips: Clips, draw: Draw, model_class: type[GAN], options: argparse.Namespace) -> dict[str, Any]:
    config = replace(CONFIG, mixed_precision=options.mixed_precision)
    model = model_class(config, clips.size, device=options.device)
    out, told = options.out / "train", clips.told(clips.held, *MODALITIES)
    prompts, real = clips.encoder(captions=PROMPTS), clips.codec.encode(clips.held.frames[:VIEWED])
    looks: list[dict[str, Any]] = []
    shown: list[NDArray] = []
    views: Views | None = None
    if options.resume:
        model.restore(out)
        looks = json.loads((out / "looks.json").read_text("utf-8"))["looks"]
        views = Views.load(out / "views.npz")
        with np.load(out / "clips.npz") as kept:
            shown = list(kept["latents"][: len(looks)])
    history = read_history(out, model.steps) if options.resume else None
    for steps in LOOKS:
        if steps < model.steps or (looks and looks[-1]["steps"] >= steps):
            continue
        history = train(model, draw, steps, out, history=history)
        looks.append(look(model, clips, told) | {"scores": said(model, clips, told)})
        shown.append(model.sample(prompts, np.random.default_rng(2)).astype(np.float16))
        made = model.sample(told[:VIEWED], np.random.default_rng(1))
        seen = judged(scores(model), steps, clips.held.captions[:VIEWED], real, made, told[:VIEWED])
        views = views.followed_by(seen) if views else seen
        views.save(out / "views.npz")
        write_json(out / "looks.json", {"looks": looks})
        np.savez_compressed(out / "clips.npz", latents=np.stack(shown), steps=[each["steps"] for each in looks])
        print({name: value for name, value in looks[-1].items() if name != "scores"}, flush=True)
        if steps == SUPERVISED:
            model.save(options.out / "supervised")
    save(model, clips)
    for name in ("clips.npz", "views.npz"):
        (FOLDER / name).write_bytes((out / name).read_bytes())
    model.sample(told[:1], np.random.default_rng(0))
    curves = {name: np.array_split(history.column(name)[SUPERVISED:], 100) for name in SEEN}
    return {
        "config": asdict(config),
        "size": clips.size._asdict(),
        "weights": int(sum(array.size for array in model.weights().values())),
        "wall_s": round(history[-1]["wall_s"], 1),
        "seconds_per_clip": round(
            min(timed(lambda: model.sample(told[:1], np.random.default_rng(0))) for _ in range(5)), 4
        ),
        "prompts": PROMPTS,
        "curves": {name: [round(float(part.mean()), 4) for part in parts] for name, parts in curves.items()},
        "looks": looks,
        "held out": described(model, clips),
    }


def mean(clips: Clips, draw: Draw, model_class: type[GAN], options: argparse.Namespace) -> dict[str, Any]:
    config = replace(CONFIG, candidates=1, mixed_precision=options.mixed_precision)
    model = model_class(config, clips.size, device=options.device)
    out = options.out / "mean"
    if options.resume:
        model.restore(out)
    history = read_history(out, model.steps) if options.resume else None
    history = train(model, draw, LOOKS[-1], out, history=history)
    conditions = np.repeat(clips.encoder(captions=PROMPTS), NOISES, axis=0)
    latents = model.sample(conditions, np.random.default_rng(3)).reshape(len(PROMPTS), NOISES, *clips.size[:2])
    np.savez_compressed(FOLDER / "mean.npz", latents=latents.astype(np.float16))
    return {
        "config": asdict(config),
        "wall_s": round(history[-1]["wall_s"], 1),
        "held out": described(model, clips),
    }


def comparing(clips: Clips, draw: Draw, model_class: type[GAN], options: argparse.Namespace) -> dict[str, Any]:
    told = clips.told(clips.held, *MODALITIES)
    rows: dict[str, Any] = {}
    gradients = []
    for name, config in COMPARED.items():
        rows[name] = {"config": asdict(config), "runs": []}
        for seed in SEEDS:
            model = model_class(config, clips.size, device=options.device)
            model.restore(options.out / "supervised")
            model.seed, start, wall, cpu = seed, model.steps, 0.0, 0.0
            looks = [look(model, clips, told)]
            for steps in range(start + EVERY, start + COMPARE_STEPS + 1, EVERY):
                began, spent = time.perf_counter(), time.process_time()
                history = train(model, draw, steps, progress=False)
                wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - spent
                means = {key: history.column(key).mean() for key in (*SEEN, "reward")}
                looks.append(look(model, clips, told) | rounded(means))
                print(name, seed, looks[-1], flush=True)
            run = {"seed": seed, "wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "looks": looks}
            rows[name]["runs"].append(run)
            if config.group_size > 1:
                gradients.append({kind: rounded(scatter(model, draw, kind, seed)) for kind in gan.GRADIENTS})
    return {"from_step": SUPERVISED, "estimates": ESTIMATES, "gradients": gradients, "held out": rows}


PARTS: dict[str, Callable[..., dict[str, Any]]] = {"train": training, "mean": mean, "compare": comparing}


def main() -> None:
    options = parser_for(__doc__, PARTS, "runs/gan").parse_args()
    model_class = import_module(f"{rlfilm.BACKENDS[options.backend][1]}.gan").GAN
    clips = Clips(replace(SCALES["lesson"], clips=CLIPS))
    draw = clips.draw()
    for name in [options.part] if options.part else PARTS:
        made = PARTS[name](clips, draw, model_class, options)
        command = shlex.join(["python", f"course/media/{Path(__file__).name}", name])
        about = {"command": command, "device": options.device, "backend": options.backend, "versions": versions()}
        stored = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
        write_json(TARGET, stored | {name: about | made})
        print(json.dumps(made["held out"], indent=1))


if __name__ == "__main__":
    run(main)
