"""Make the stored runs of lesson 10: a generator of frames, supervised and then tuned on a reward.

    python course/media/frame_gen.py              # about an hour on a core of its own
    python course/media/frame_gen.py critics      # a part of it: start, critics, rival, an algorithm, pull, or judge

Writes rlfilm_lib/envs/frame_gen.safetensors, the codec and the networks whose judgement is the reward of
rlfilm/FrameGen-v0; beside itself frame_gen/start.safetensors, the supervised start, and frame_gen/tuned.safetensors,
what PPO made of it with seed 0; runs/frame_gen/, all policies; and frame_gen.json: return, terms, Fréchet distance,
condition match and coherence of all of them on clips that were held out, over the length of training and twice that.
"""

import functools
import itertools
import json
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import nn
from torch.nn import functional

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import frame_gen
from rlfilm_lib.envs.frame_gen import CONTEXT, Critics, FrameGen
from rlfilm_lib.pytorch.learner import log_prob_and_entropy, value
from rlfilm_lib.rl import supervised
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.policy import Policy, initialize
from rlfilm_lib.rl.preference import start_from
from rlfilm_lib.run import versions
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video import conditions, data, metrics
from rlfilm_lib.video.captions import VOCABULARY
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.features import features

HERE = Path(__file__).resolve().parent
TARGET, FOLDER, RUNS = HERE / "frame_gen.json", HERE / "frame_gen", HERE.parents[1] / "runs" / "frame_gen"
CRITICS = Path(frame_gen.__file__).with_suffix(".safetensors")
SCENE, LATENTS, FRAMES, LONG = "rlfilm/FrameGen-v0", 32, 16, 32
CODEC_CLIPS, SEED = 1024, 500
CRITIC_STEPS, CRITIC_BATCH = 3000, 64
SUPERVISED: dict[str, Any] = {
    "hidden_sizes": (256, 256), "clips": 16_384, "noise": 0.4, "steps": 10_000, "minibatch_size": 512,
    "learning_rate": 2e-3,
}  # fmt: skip
COMMON: dict[str, Any] = {
    "hidden_sizes": [256, 256], "normalize_observations": False, "gamma": 0.8, "max_grad_norm": 1.0, "anneal": True,
    "log_std_init": -2.0,
}  # fmt: skip
TUNING: dict[str, dict[str, Any]] = {
    "reinforce": COMMON | {"learning_rate": 4e-4, "num_envs": 64},
    "actor-critic": COMMON | {"learning_rate": 4e-4, "num_envs": 64, "num_steps": 16},
    "ppo": COMMON
    | {"learning_rate": 2e-4, "num_envs": 256, "num_steps": 16, "minibatch_size": 1024, "epochs": 4},
}  # fmt: skip
STEPS, LOOKS = 400_000, 8
"""Frames of a run, and how often it is looked at."""
SEEDS: dict[str, tuple[int, ...]] = {"ppo": (0, 1, 2), "actor-critic": (0,), "reinforce": (0,)}
RIVAL, RIVAL_STEPS = 99, 300_000
JUDGED = 512
"""Held-out clips."""
PULL, PULLS = 0.02, (0.0, 0.1)
"""Of the tuning, see `supervised.Pulled`, and others to compare it with."""
FIELDS = ("return_per_frame", "frechet", "term_realism", "match_text")
"""What is looked at during a run."""


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

    def named(self):
        """The layers by the names that `Critics` knows them by."""
        return {f"{self.name}/{i}": layer for i, layer in enumerate(self.layers)} | dict(self.heads)

    def arrays(self):
        kernels = {f"{name}/kernel": layer.weight.T for name, layer in self.named().items()}
        biases = {f"{name}/bias": layer.bias for name, layer in self.named().items()}
        return {name: np.ascontiguousarray(array.detach().numpy()) for name, array in (kernels | biases).items()}

    def take(self, arrays):
        """Take on what `arrays` returned."""
        with torch.no_grad():
            for name, layer in self.named().items():
                layer.weight.copy_(torch.from_numpy(arrays[f"{name}/kernel"]).T)
                layer.bias.copy_(torch.from_numpy(arrays[f"{name}/bias"]))


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


JUDGES = {
    "judge": (4 * LATENTS, (256, 128), {slot: len(words) for slot, words in VOCABULARY.items()} | {"pulse": 1}),
    "look": (LATENTS, (96, 64), {"shade": 4}),
    "doubt": (4 * LATENTS, (192, 96), {"real": 1}),
}


def batch(rng, codec):
    """Clips, their latents and references, and the shades (N, 4) of subject and ground."""
    captions = grammar.sample(rng, CRITIC_BATCH)
    staging = data.stage(rng, captions)
    clips = data.film(captions, staging, data.rhythm(rng, CRITIC_BATCH, FRAMES))
    shown = np.concatenate([staging.shade, staging.ground[:, None]], axis=1).astype(np.float32)
    return clips, codec.encode(clips.frames), codec.encode(clips.reference), shown


def train(networks, steps, loss_of, learning_rate=2e-3):
    """Adam, its rate rising and falling."""
    began = time.process_time()
    optimizer = torch.optim.Adam([p for network in networks for p in network.parameters()], learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, steps, pct_start=0.1)
    for step in range(steps):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 0:
            names = ", ".join(network.name for network in networks)
            print(names, step, round(loss.item(), 3), f"{time.process_time() - began:.0f} s", flush=True)


def critics():
    """Codec and networks. The one that tells real from damaged sees what the supervised start makes of it, too."""
    began = time.process_time()
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    codec = PCA.fit(data.make(CODEC_CLIPS, SEED).frames, LATENTS)
    judge, look, doubt = (Network(name, *shape) for name, shape in JUDGES.items())
    steps: list[np.ndarray] = []
    sizes: list[np.ndarray] = []

    def judging():
        clips, latents, reference, shown = batch(rng, codec)
        if len(steps) < 40:
            steps.append((np.diff(latents, axis=1) ** 2).mean(axis=2).ravel())
            sizes.append((latents**2).mean(axis=2).ravel())
        seen = windows(latents, reference)
        noise = rng.uniform(0, 0.3, (CRITIC_BATCH, 1, 1)) * rng.standard_normal(seen.shape, np.float32)
        rows = torch.from_numpy((seen + noise).astype(np.float32).reshape(-1, 4 * LATENTS))
        codes = torch.from_numpy(grammar.encode(clips.captions)).repeat_interleave(FRAMES, dim=0)
        logits = judge(rows)
        loss = sum(functional.cross_entropy(logits[slot], codes[:, i]) for i, slot in enumerate(VOCABULARY))
        pulse = torch.from_numpy(data.pulse(clips.onsets).reshape(-1, 1))
        loss = loss + 10 * functional.mse_loss(logits["pulse"], pulse)
        shade = torch.from_numpy(np.repeat(shown, FRAMES, axis=0))
        return loss + 30 * functional.mse_loss(look(rows[:, :LATENTS])["shade"], shade)

    train((judge, look), CRITIC_STEPS, judging)
    parts = {f"codec/{name}": getattr(codec, name) for name in ("mean", "basis", "scale")}
    for name, squares in (("step", steps), ("size", sizes)):
        length = np.log(np.sqrt(np.concatenate(squares)))
        parts[name] = np.array([length.mean(), length.std()], np.float32)
    for network in (judge, look, doubt):
        parts |= network.arrays()
    store(parts | {f"usual/{name}": np.ones((), np.float32) for name in ("real", "caption")}, rng)
    first = exploring(rlfilm.load(FOLDER / "start.safetensors"))
    doubting(rng, doubt, CRITIC_STEPS, [first])
    accuracy = store(load_file(CRITICS) | doubt.arrays(), rng)
    save_policy(FOLDER / "start.safetensors", appraised(first))
    return {"cpu_s": round(time.process_time() - began), "accuracy": accuracy}


def rival():
    """An agent that is tuned on the critics without a pull finds what they wrongly believe; so the one that tells real
    from damaged learns on, with that agent's frames among the damaged ones."""
    began = time.process_time()
    rng = np.random.default_rng(SEED + 1)
    doubt, arrays = Network("doubt", *JUDGES["doubt"]), load_file(CRITICS)
    doubt.take(arrays)
    first = rlfilm.load(FOLDER / "start.safetensors")
    tune("ppo", RIVAL, 0.0, RIVAL_STEPS)
    doubting(rng, doubt, CRITIC_STEPS // 2, [first, rlfilm.load(RUNS / f"ppo-{RIVAL}-pull-0.safetensors")])
    store(arrays | doubt.arrays(), rng)
    save_policy(FOLDER / "start.safetensors", appraised(first))
    (RUNS / f"ppo-{RIVAL}-pull-0.safetensors").unlink()
    return {"cpu_s": round(time.process_time() - began)}


def doubting(rng, doubt, steps, policies):
    """Train the network that tells real frames from damaged ones, and from what policies make."""
    codec, env = Critics.load().codec, FrameGen(CRITIC_BATCH)
    made = []
    for policy in policies:
        made += rollouts(env, policy.seeded(SEED), rounds=64, sampled=False)
        made += rollouts(env, policy.seeded(SEED), rounds=32, sampled=True)

    def loss():
        _, latents, reference, _ = batch(rng, codec)
        seen = windows(latents, reference)
        own = windows(*made[rng.integers(len(made))])
        rows = np.concatenate([seen, damaged(rng, latents, seen), own]).reshape(-1, 4 * LATENTS).astype(np.float32)
        real = torch.zeros(len(rows), 1)
        real[: seen.shape[0] * FRAMES] = 0.95
        weight = torch.ones(len(rows), 1)
        weight[: seen.shape[0] * FRAMES] = 2.0  # as many real ones as others
        return functional.binary_cross_entropy_with_logits(doubt(torch.from_numpy(rows))["real"], real, weight)

    train((doubt,), steps, loss)


def store(arrays, rng):
    """Write the critics' file, after measuring what is usual for real windows. Returns how often each word is read."""
    save_file(arrays, CRITICS)
    loaded = Critics.load()
    clips, latents, reference, _ = batch(rng, loaded.codec)
    judged = loaded(windows(latents, reference).reshape(-1, 4 * LATENTS))
    codes = np.repeat(grammar.encode(clips.captions), FRAMES, axis=0)
    right = {slot: float((judged[slot].argmax(1) == codes[:, i]).mean()) for i, slot in enumerate(VOCABULARY)}
    log_probs = [judged[slot][np.arange(len(codes)), codes[:, i]] for i, slot in enumerate(VOCABULARY)]
    usual = {"real": np.median(judged["real"]), "caption": np.median(np.exp(log_probs).mean(axis=0))}
    arrays |= {f"usual/{name}": np.array(level, np.float32) for name, level in usual.items()}
    save_file(arrays, CRITICS)
    frame_gen.pictures.cache_clear()
    print(right, usual, flush=True)
    return right


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
    """Maximum likelihood of the next frame of clips without end: the policy, and what there is to say of it.

    The latents that it goes by are noisy, each row's by another amount, and the answer is the clean frame: so it learns
    to mend what it will get wrong itself (DART, Laskey et al. 2017).
    """
    began = time.perf_counter()
    rng = np.random.default_rng(SEED)
    codec = PCA.fit(data.make(CODEC_CLIPS, SEED).frames, LATENTS)
    frames, told, pulse = [], [], []
    for clips in itertools.islice(data.stream(SEED + 1, 1024), SUPERVISED["clips"] // 1024):
        reference = codec.encode(clips.reference)
        before = np.repeat(reference[:, None], CONTEXT, axis=1)
        frames.append(np.concatenate([before, codec.encode(clips.frames)], axis=1))
        told.append(np.concatenate([conditions.text(clips.captions), reference], axis=1))
        pulse.append(data.pulse(clips.onsets))
    video, known, beats = (torch.from_numpy(np.concatenate(each).astype(np.float32)) for each in (frames, told, pulse))
    env = FrameGen(1)
    spaces = env.single_observation_space, env.single_action_space
    weights = initialize(np.random.default_rng(SEED), *spaces, SUPERVISED["hidden_sizes"], -1.0)
    params = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items() if "critic" not in name}
    steps, rows = SUPERVISED["steps"], SUPERVISED["minibatch_size"]
    optimizer = torch.optim.Adam(params.values(), SUPERVISED["learning_rate"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, SUPERVISED["learning_rate"], steps, pct_start=0.05)
    for step in range(steps):
        clip = torch.from_numpy(rng.integers(len(video), size=rows))
        t = torch.from_numpy(rng.integers(FRAMES, size=rows))
        seen = torch.cat([video[clip, t + CONTEXT - 1 - k] for k in range(CONTEXT)], dim=1)
        strength = SUPERVISED["noise"] * rng.random((rows, 1))
        seen = seen + torch.from_numpy((strength * rng.standard_normal(seen.shape, np.float32)).astype(np.float32))
        inputs = torch.cat([seen, known[clip], beats[clip, t][:, None], (t / FRAMES)[:, None].float()], dim=1)
        loss = -log_prob_and_entropy(params, inputs, video[clip, t + CONTEXT])[0].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 1000 == 0:
            print("start", step, round(loss.item(), 2), f"{time.perf_counter() - began:.0f} s", flush=True)
    weights |= {name: tensor.detach().numpy() for name, tensor in params.items()}
    policy = Policy(weights, *spaces, env_id=SCENE)
    FOLDER.mkdir(exist_ok=True)
    save_policy(FOLDER / "start.safetensors", policy)
    std = np.exp(weights["log_std"])
    return {
        "settings": SUPERVISED,
        "wall_s": round(time.perf_counter() - began),
        "log_prob": round(-loss.item(), 2),
        "std": [round(float(each), 3) for each in (std.min(), np.median(std), std.max())],
    }


def exploring(policy):
    """The same policy with the deviation at which the tuning begins."""
    return replace(policy, weights=policy.weights | {"log_std": np.full(LATENTS, COMMON["log_std_init"], np.float32)})


def appraised(policy):
    """The same policy, whose critic has learned what it earns: what follows after the last frame is taken to be as
    good as what came before."""
    env, rng = FrameGen(1024), np.random.default_rng(SEED)
    policy, seen, returns = policy.seeded(SEED), [], []
    for round_number in range(4):
        observations, _ = env.reset(seed=SEED + 10_000 * round_number)
        rewards = []
        for _ in range(env.frames):
            seen.append(observations)
            observations, earned, *_ = env.advance(policy(observations, deterministic=False))
            rewards.append(earned)
        to_come, ahead = np.mean(rewards) / (1 - COMMON["gamma"]), []
        for earned in reversed(rewards):
            to_come = earned + COMMON["gamma"] * to_come
            ahead.append(to_come)
        returns += ahead[::-1]
    inputs, targets = (torch.from_numpy(np.concatenate(each).astype(np.float32)) for each in (seen, returns))
    weights = {name: torch.tensor(array, requires_grad=True) for name, array in policy.weights.items()}
    critic = {name: tensor for name, tensor in weights.items() if "critic" in name}
    optimizer = torch.optim.Adam(critic.values(), 1e-3)
    for _ in range(1500):
        rows = torch.from_numpy(rng.integers(len(inputs), size=512))
        loss = functional.mse_loss(value(critic, inputs[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("critic of the start: squared error", round(loss.item(), 3), "of", round(targets.var().item(), 3), flush=True)
    return replace(policy, weights={name: tensor.detach().numpy() for name, tensor in weights.items()})


def tune(algorithm, seed, pull=PULL, steps=STEPS):
    """The learner of the course, from the supervised start."""
    settings, first = TUNING[algorithm], rlfilm.load(FOLDER / "start.safetensors")
    env = supervised.Pulled(
        rlfilm.make_vec(SCENE, settings["num_envs"]), first, pull, float(np.exp(settings["log_std_init"]))
    )
    learner = rlfilm.learner(algorithm, env, seed=seed, **settings)
    start_from(learner, first)
    curve, looked, began = [{"steps": 0} | glance(first)], 0.0, time.process_time()

    def look(row):
        nonlocal looked
        if learner.steps * LOOKS >= len(curve) * steps:
            paused = time.process_time()
            curve.append({"steps": learner.steps} | glance(learner.policy()))
            looked += time.process_time() - paused
            print(algorithm, seed, pull, curve[-1], f"{time.process_time() - began:.0f} s", flush=True)

    rlfilm.train(learner, env, steps, progress=False, on_iteration=look)
    RUNS.mkdir(parents=True, exist_ok=True)
    name = f"{algorithm}-{seed}" if pull == PULL else f"{algorithm}-{seed}-pull-{pull:g}"
    save_policy(RUNS / f"{name}.safetensors", learner.policy())
    return {"seed": seed, "pull": pull, "cpu_s": round(time.process_time() - began - looked), "curve": curve}


# What became of them


def play(policy, frames, number=JUDGED):
    """Returns (N,), mean terms, the clips that were made, and the numbers of the clips that were asked for."""
    env = FrameGen(number, frames=frames, clips="held-out")
    observations, _ = env.reset(seed=10_000)
    actor = policy if isinstance(policy, Policy) else policy(env)
    asked, returns, terms, latents = env._clip[0].copy(), np.zeros(number), [], []
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


def glance(policy):
    """A quick look at what it makes: `FIELDS`, of half as many clips."""
    returns, terms, pictures, asked = play(policy, FRAMES, JUDGED // 2)
    clips, real = held_out(FRAMES)
    match = metrics.condition_match(pictures, clips.take(asked).captions)
    figures = (returns.mean() / FRAMES, metrics.frechet(real, features(pictures)), terms["realism"], match["text"])
    return {name: round(float(figure), 4) for name, figure in zip(FIELDS, figures, strict=True)}


def judge(policy, frames, start_returns=None):
    """A row of the table, and the returns (N,). With the start's returns: what is gained over them, clip by clip."""
    returns, terms, pictures, asked = play(policy, frames)
    clips, real = held_out(frames)
    made, wanted = features(pictures), clips.take(asked)
    precision, recall = metrics.precision_recall(real, made)
    row = {"return_per_frame": returns.mean() / frames, "return_per_frame_ci95": half_width(returns) / frames}
    if start_returns is not None:
        row["gain_per_frame"] = (returns - start_returns).mean() / frames
        row["gain_per_frame_ci95"] = half_width(returns - start_returns) / frames
    row |= {f"term_{name}": value for name, value in terms.items()}
    row |= {"frechet": metrics.frechet(real, made), "precision": precision, "recall": recall}
    match = metrics.condition_match(pictures, wanted.captions, wanted.reference, wanted.onsets)
    row |= {f"match_{name}": value for name, value in match.items()}
    row |= {"warp_error": metrics.warp_error(pictures[:64]), "flicker": metrics.flicker(pictures)}
    row |= {"freeze_rate": metrics.freeze_rate(pictures), "loop_rate": metrics.loop_rate(pictures)}
    print(frames, {name: round(float(value), 3) for name, value in row.items()}, flush=True)
    return {name: round(float(value), 4) for name, value in row.items()}, returns


def half_width(sample):
    """Of the 95 % interval of its mean."""
    return 1.96 * sample.std(ddof=1) / np.sqrt(len(sample))


def judge_all():
    shutil.copy(RUNS / "ppo-0.safetensors", FOLDER / "tuned.safetensors")
    candidates: dict[str, Any] = {
        "random": lambda env: env.random_policy(0),
        "real": lambda env: env.expert_policy(),
        "supervised": rlfilm.load(FOLDER / "start.safetensors"),
    }
    candidates |= {path.stem: rlfilm.load(path) for path in sorted(RUNS.glob("*.safetensors"))}
    table = {}
    for frames in (FRAMES, LONG):
        start_returns = play(candidates["supervised"], frames)[0]
        table[f"{frames}"] = {
            name: judge(policy, frames, start_returns if name in candidates and "-" in name else None)[0]
            for name, policy in candidates.items()
        }
    return table


def main(part=""):
    found: dict[str, Any] = {}
    if part in ("", "start"):
        found["start"] = start()
    if part in ("", "critics"):
        found["critics"] = critics()
    if part in ("", "rival"):
        found["rival"] = rival()
    for algorithm in TUNING:
        if part in ("", algorithm):
            found[algorithm] = {
                "settings": TUNING[algorithm],
                "seeds": [tune(algorithm, seed) for seed in SEEDS[algorithm]],
            }
    if part in ("", "pull"):
        found["pull"] = [tune("ppo", 0, pull) for pull in PULLS]
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
