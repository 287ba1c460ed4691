"""Make the stored runs of lesson 10: a generator of frames, supervised and then tuned on a reward.

    python course/media/frame_gen.py              # about half an hour on a core of its own
    python course/media/frame_gen.py critics      # a part of it: critics (and the start), an algorithm, or judge

Writes rlfilm_lib/envs/frame_gen.safetensors, the codec and the networks whose judgement is the reward of
rlfilm/FrameGen-v0; and beside itself frame_gen/start.safetensors, the supervised start; frame_gen/ALGORITHM-SEED
.safetensors, what the three algorithms of the course made of it; and frame_gen.json: return, terms, Fréchet distance,
condition match and coherence of all of them on clips that were held out, over the length of training and twice that.
"""

import functools
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import frame_gen
from rlfilm_lib.envs.frame_gen import CONTEXT, Critics, FrameGen
from rlfilm_lib.rl import supervised
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.preference import start_from
from rlfilm_lib.run import versions
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video import data, metrics
from rlfilm_lib.video.captions import VOCABULARY
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.features import features

HERE = Path(__file__).resolve().parent
TARGET, FOLDER = HERE / "frame_gen.json", HERE / "frame_gen"
CRITICS = Path(frame_gen.__file__).with_suffix(".safetensors")
SCENE, LATENTS, FRAMES, LONG = "rlfilm/FrameGen-v0", 32, 16, 32
CODEC_CLIPS, SEED = 1024, 500
CRITIC_STEPS, CRITIC_BATCH = 1200, 96
SUPERVISED = {"hidden_sizes": (128, 128), "steps": 3000, "minibatch_size": 256, "learning_rate": 1e-3}
COMMON: dict[str, Any] = {
    "hidden_sizes": [128, 128], "normalize_observations": False, "gamma": 0.8, "num_envs": 64, "max_grad_norm": 1.0,
    "log_std_init": -2.0,
}  # fmt: skip
TUNING: dict[str, dict[str, Any]] = {
    "reinforce": COMMON | {"learning_rate": 5e-4},
    "actor-critic": COMMON | {"learning_rate": 5e-4, "num_steps": 16},
    "ppo": COMMON
    | {
        "learning_rate": 3e-4,
        "num_envs": 256,
        "num_steps": 16,
        "minibatch_size": 1024,
        "epochs": 4,
        "gae_lambda": 0.95,
    },
}
STEPS, SEEDS, JUDGED = 300_000, range(3), 256


# The networks that judge


class Network(nn.Module):
    """Two hidden layers, as `Critics` reads them, and heads."""

    def __init__(self, name, inputs, hidden, heads):
        super().__init__()
        self.name = name
        self.layers = nn.ModuleList([nn.Linear(inputs, hidden[0]), nn.Linear(*hidden)])
        self.heads = nn.ModuleDict({head: nn.Linear(hidden[1], outputs) for head, outputs in heads.items()})

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return {name: head(x) for name, head in self.heads.items()}

    def arrays(self):
        layers = {f"{self.name}/{i}": layer for i, layer in enumerate(self.layers)} | dict(self.heads)
        kernels = {f"{name}/kernel": layer.weight.T for name, layer in layers.items()}
        biases = {f"{name}/bias": layer.bias for name, layer in layers.items()}
        return {name: np.ascontiguousarray(array.detach().numpy()) for name, array in (kernels | biases).items()}


def windows(latents, reference):
    """Every frame of clips (N, T, Z) with the three before it, newest first: (N, T, 4 · Z), as in the environment."""
    before = np.concatenate([np.repeat(reference[:, None], CONTEXT, axis=1), latents], axis=1)
    length = latents.shape[1]
    return np.concatenate([before[:, CONTEXT - k : CONTEXT - k + length] for k in range(CONTEXT + 1)], axis=-1)


def damaged(rng, latents, seen):
    """Windows (N, T, 4 · Z) whose newest frame is not what it was, or all of whose frames are the same: one way for
    each clip."""
    n, length, z = latents.shape
    other = latents[rng.permutation(n)]
    later = np.take_along_axis(latents, rng.integers(length, size=(n, length))[..., None], axis=1)
    share = rng.uniform(0.3, 0.7, (n, 1, 1))
    kept = np.arange(z) < rng.integers(4, z, (n, 1, 1))
    new = np.stack(
        [
            latents + rng.uniform(0.2, 1.0, (n, 1, 1)) * rng.standard_normal(latents.shape),
            share * latents + (1 - share) * other,
            share * latents + (1 - share) * later,
            latents * rng.uniform(0.4, 0.9, (n, 1, 1)),
            np.where(kept, latents, 0),
            later,
            seen[..., z : 2 * z],
            rng.uniform(0.5, 3.0, (n, 1, 1)) * rng.standard_normal(latents.shape),
            latents,
            np.tile(rng.uniform(0.5, 3.0, (n, 1, 1)) * rng.standard_normal((n, 1, z)), (1, length, 1)),
        ]
    )
    way = rng.integers(len(new), size=n)
    made = seen.copy()
    made[..., :z] = new[way, np.arange(n)]
    frozen = way >= len(new) - 2
    made[frozen] = np.tile(made[frozen, :, :z], 4)
    return made.astype(np.float32)


def critics():
    """Codec and networks. Those that tell real from damaged see what the supervised start makes of it, too."""
    began = time.perf_counter()
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    codec = PCA.fit(data.make(CODEC_CLIPS, SEED).frames, LATENTS)
    heads = {slot: len(words) for slot, words in VOCABULARY.items()} | {"pulse": 1}
    judge = Network("judge", 4 * LATENTS, (256, 128), heads)
    look = Network("look", LATENTS, (96, 64), {"shade": 4})
    doubt = Network("doubt", 4 * LATENTS, (192, 96), {"real": 1})
    networks = (judge, look, doubt)
    steps: list[np.ndarray] = []
    sizes: list[np.ndarray] = []

    def store(usual):
        parts = {f"codec/{name}": getattr(codec, name) for name in ("mean", "basis", "scale")}
        parts |= {f"usual/{name}": np.array(value, np.float32) for name, value in usual.items()}
        for name, squares in (("step", steps), ("size", sizes)):
            length = np.log(np.sqrt(np.concatenate(squares)))
            parts[name] = np.array([length.mean(), length.std()], np.float32)
        for network in networks:
            parts |= network.arrays()
        save_file(parts, CRITICS)
        frame_gen.pictures.cache_clear()

    def batch():
        captions = grammar.sample(rng, CRITIC_BATCH)
        staging = data.stage(rng, captions)
        clips = data.film(captions, staging, data.rhythm(rng, CRITIC_BATCH, FRAMES))
        latents, reference = codec.encode(clips.frames), codec.encode(clips.reference)
        shown = np.concatenate([staging.shade, staging.ground[:, None]], axis=1).astype(np.float32)
        return clips, latents, reference, shown

    def train(which, steps_of, loss_of):
        parameters = [p for network in which for p in network.parameters()]
        optimizer = torch.optim.Adam(parameters, 2e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps_of, pct_start=0.1)
        for step in range(steps_of):
            loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if step % 250 == 0:
                print(
                    [n.name for n in which],
                    step,
                    round(loss.item(), 3),
                    f"{time.perf_counter() - began:.0f} s",
                    flush=True,
                )

    def judging():
        clips, latents, reference, shown = batch()
        if len(steps) < 40:
            steps.append((np.diff(latents, axis=1) ** 2).mean(axis=2).ravel())
            sizes.append((latents**2).mean(axis=2).ravel())
        seen = windows(latents, reference)
        noise = rng.uniform(0, 0.3, (CRITIC_BATCH, 1, 1)) * rng.standard_normal(seen.shape)
        rows = torch.from_numpy((seen + noise).astype(np.float32).reshape(-1, 4 * LATENTS))
        codes = torch.from_numpy(grammar.encode(clips.captions)).repeat_interleave(FRAMES, dim=0)
        logits = judge(rows)
        loss = sum(functional.cross_entropy(logits[slot], codes[:, i]) for i, slot in enumerate(VOCABULARY))
        pulse = torch.from_numpy(data.pulse(clips.onsets).reshape(-1, 1))
        loss = loss + 10 * functional.mse_loss(logits["pulse"], pulse)
        shade = torch.from_numpy(np.repeat(shown, FRAMES, axis=0))
        return loss + 30 * functional.mse_loss(look(rows[:, :LATENTS])["shade"], shade)

    train((judge, look), CRITIC_STEPS, judging)
    store({"real": 1.0, "caption": 1.0})
    first, supervised_row = start()
    env = FrameGen(CRITIC_BATCH)
    made = rollouts(env, first.seeded(SEED), rounds=12, sampled=False) + rollouts(
        env, first.seeded(SEED), rounds=4, sampled=True
    )

    def doubting():
        _, latents, reference, _ = batch()
        seen = windows(latents, reference)
        own = windows(*made[rng.integers(len(made))])
        rows = np.concatenate([seen, damaged(rng, latents, seen), own]).reshape(-1, 4 * LATENTS).astype(np.float32)
        real = torch.zeros(len(rows), 1)
        real[: seen.shape[0] * FRAMES] = 0.95
        weight = torch.ones(len(rows), 1)
        weight[: seen.shape[0] * FRAMES] = 2.0  # as many real ones as others
        return functional.binary_cross_entropy_with_logits(doubt(torch.from_numpy(rows))["real"], real, weight)

    train((doubt,), CRITIC_STEPS, doubting)
    store({"real": 1.0, "caption": 1.0})
    loaded = Critics.load()
    clips, latents, reference, _ = batch()
    judged = loaded(windows(latents, reference).reshape(-1, 4 * LATENTS))
    codes = np.repeat(grammar.encode(clips.captions), FRAMES, axis=0)
    right = {slot: float((judged[slot].argmax(1) == codes[:, i]).mean()) for i, slot in enumerate(VOCABULARY)}
    likely = np.exp([judged[slot][np.arange(len(codes)), codes[:, i]] for i, slot in enumerate(VOCABULARY)]).mean(
        axis=0
    )
    usual = {"real": float(np.median(judged["real"])), "caption": float(np.median(likely))}
    store(usual)
    return {"wall_s": round(time.perf_counter() - began), "accuracy": right, "usual": usual, "start": supervised_row}


def rollouts(env, policy, rounds, sampled):
    """Clips that a policy made, as `windows` takes them: a list of (latents (N, T, Z), reference (N, Z))."""
    made = []
    for round_number in range(rounds):
        observations, _ = env.reset(seed=SEED + 10_000 * round_number)
        reference, frames = observations[:, :LATENTS].copy(), []
        for _ in range(env.frames):
            actions = policy(observations, deterministic=not sampled)
            frames.append(actions)
            observations, *_ = env.advance(actions)
        made.append((np.stack(frames, axis=1), reference))
    return made


# The policies


def start():
    """Maximum likelihood of the next frame of the training clips: the policy, and what there is to say of it."""
    began = time.perf_counter()
    env = FrameGen(frame_gen.CLIPS)
    observations, _ = env.reset(seed=SEED)
    expert, seen, shown = env.expert_policy(), [], []
    for _ in range(env.frames):
        seen.append(observations)
        shown.append(expert(observations))
        observations, *_ = env.advance(shown[-1])
    spaces = env.single_observation_space, env.single_action_space
    policy = supervised.fit(np.concatenate(seen), np.concatenate(shown), *spaces, **SUPERVISED)
    policy = replace(policy, env_id=SCENE)
    FOLDER.mkdir(exist_ok=True)
    save_policy(FOLDER / "start.safetensors", policy)
    std = float(np.exp(policy.weights["log_std"]).mean())
    return policy, {"settings": SUPERVISED, "wall_s": round(time.perf_counter() - began), "std": round(std, 3)}


def tune(algorithm, seed):
    """The learner of the course, from the supervised start; its exploration begins at `log_std_init`."""
    settings = TUNING[algorithm]
    first = rlfilm.load(FOLDER / "start.safetensors")
    first.weights["log_std"][:] = settings["log_std_init"]
    env = rlfilm.make_vec(SCENE, settings["num_envs"])
    learner = rlfilm.learner(algorithm, env, seed=seed, **settings)
    start_from(learner, first)
    began = time.perf_counter()
    history = rlfilm.train(learner, env, STEPS, progress=False)
    save_policy(FOLDER / f"{algorithm}-{seed}.safetensors", learner.policy())
    curve = history.column("return_mean")[:: max(1, len(history) // 50)]
    print(algorithm, seed, curve[0], curve[-1], f"{time.perf_counter() - began:.0f} s", flush=True)
    return {"wall_s": round(time.perf_counter() - began), "curve": [round(float(value), 3) for value in curve]}


# What became of them


def play(policy, frames, clips="held-out", seed=10_000):
    """Returns (N,), mean terms, and the clips that were made: pictures, and numbers of the clips asked for."""
    env = FrameGen(JUDGED, frames=frames, clips=clips)
    observations, _ = env.reset(seed=seed)
    actor = policy(env) if not isinstance(policy, Policy) else policy
    asked, returns, terms, latents = env._clip[0].copy(), np.zeros(JUDGED), [], []
    for _ in range(frames):
        actions = actor(observations)
        observations, rewards, _, _, parts = env.advance(actions)
        latents.append(np.clip(actions, -frame_gen.LIMIT[LATENTS], frame_gen.LIMIT[LATENTS]))
        returns += rewards
        terms.append(parts.mean(axis=1))
    pictures = env.source.critics.codec.decode(np.stack(latents, axis=1))
    return returns, dict(zip(env.weights, np.mean(terms, axis=0).tolist(), strict=True)), pictures, asked


@functools.cache
def held_out(frames):
    """The clips that `play` is asked for are among these, and the features of 1,024 others, as the codec shows them."""
    clips, codec = data.make(frame_gen.CLIPS, frame_gen.CLIP_SEEDS["held-out"], frames=frames), Critics.load().codec
    asked = play(rlfilm.load(FOLDER / "start.safetensors"), frames)[3]
    rest = np.setdiff1d(np.arange(frame_gen.CLIPS), asked)[:1024]
    return clips, features(codec.decode(codec.encode(clips.frames[rest])))


def judge(policy, frames):
    returns, terms, pictures, asked = play(policy, frames)
    clips, real = held_out(frames)
    made, wanted = features(pictures), clips.take(asked)
    precision, recall = metrics.precision_recall(real, made)
    half = 1.96 * returns.std(ddof=1) / np.sqrt(len(returns))
    row = {"return_per_frame": returns.mean() / frames, "return_per_frame_ci95": half / frames}
    row |= {f"term_{name}": value for name, value in terms.items()}
    row |= {"frechet": metrics.frechet(real, made), "precision": precision, "recall": recall}
    match = metrics.condition_match(pictures, wanted.captions, wanted.reference, wanted.onsets)
    row |= {f"match_{name}": value for name, value in match.items()}
    row |= {"warp_error": metrics.warp_error(pictures[:64]), "flicker": metrics.flicker(pictures)}
    row |= {"freeze_rate": metrics.freeze_rate(pictures), "loop_rate": metrics.loop_rate(pictures)}
    print(frames, {name: round(float(value), 3) for name, value in row.items()}, flush=True)
    return {name: round(float(value), 4) for name, value in row.items()}


def judge_all():
    candidates: dict[str, Any] = {
        "random": lambda env: env.random_policy(0),
        "real": lambda env: env.expert_policy(),
        "supervised": rlfilm.load(FOLDER / "start.safetensors"),
    }
    candidates |= {path.stem: rlfilm.load(path) for path in sorted(FOLDER.glob("*-*.safetensors"))}
    return {
        f"{frames}": {name: judge(policy, frames) for name, policy in candidates.items()} for frames in (FRAMES, LONG)
    }


def main(part=""):
    found: dict[str, Any] = {}
    if part in ("", "critics"):
        found["critics"] = critics()
    for algorithm in TUNING:
        if part in ("", algorithm):
            found[algorithm] = {"settings": TUNING[algorithm], "seeds": [tune(algorithm, seed) for seed in SEEDS]}
    if part in ("", "judge"):
        found["judged"] = judge_all()
    stored = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
    stored |= {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SCENE,
        "versions": versions(),
        "steps": STEPS,
    }
    TARGET.write_text(json.dumps(stored | found, indent=1) + "\n", "utf-8")
    print(json.dumps({name: found[name] for name in ("critics", "judged") if name in found}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
