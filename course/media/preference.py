"""Make the stored runs of lesson 14 on engagement: a reward learned from a simulated viewer, and an editor tuned on it.

    python course/media/preference.py             # about 5 minutes on a core of its own
    python course/media/preference.py tune        # a part of it: reference, learn or tune

Writes beside itself preference/reference.safetensors, the editor that everything starts from, PPO on FilmEdit-v0's own
reward; and preference.json: how well reward models learned from so many pairs rank unseen cuts as the viewer does
(`learned`), and how editors fine-tuned on such a model fare in the model's eyes and in the viewer's (`tuned`), with the
KL to where they started, nats per cut. Both frameworks, `SEEDS` each.
"""

import importlib
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.film_edit import FilmEdit
from rlfilm_lib.envs.preference import FEATURES, KLPenalty, LearnedReward, screen, taste
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.preference import Pairs, RewardModel, Viewer, start_from
from rlfilm_lib.run import versions

HERE = Path(__file__).resolve().parent
TARGET = HERE / "preference.json"
REFERENCE = HERE / "preference" / "reference.safetensors"
SCENE, NUM_ENVS = "rlfilm/FilmEdit-v0", 64
SETTINGS: dict[str, Any] = {
    "num_steps": 60, "minibatch_size": 480, "epochs": 5, "learning_rate": 1e-3, "gamma": 0.98, "anneal": True,
    "max_grad_norm": 2.0, "hidden_sizes": [64, 64], "normalize_observations": False,
}  # fmt: skip
REFERENCE_STEPS = 115_200
TUNING = SETTINGS | {"learning_rate": 3e-4, "epochs": 4, "gamma": 1.0, "anneal": False}
ITERATIONS, EVERY = 40, 2
"""Of PPO on the learned reward, and how many lie between two screenings."""
SHOWN, UNSEEN, SCREENED = 400, 256, 128
"""Cuts that pairs are made of, held-out ones, and those of a screening."""
PAIRS = (25, 50, 100, 200, 400)
ENOUGH = 200
BETAS = (0.0, 0.3)
SEEDS = range(2)


def main(part: str = "") -> None:
    stored = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
    if part in ("", "reference"):
        reference()
    start = rlfilm.load(REFERENCE)
    own = screen(start, FilmEdit(UNSEEN), seed=1000)
    stored |= {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SCENE,
        "versions": versions(),
        "settings": SETTINGS,
        "reference_steps": REFERENCE_STEPS,
        "tuning": TUNING,
        "features": FEATURES,
        "reference": {"own": rounded(own.returns), "true": rounded(taste(own.cuts))},
    }
    plan = list(itertools.product(rlfilm.BACKENDS, SEEDS))
    if part in ("", "learn"):
        stored["learned"] = [learn(start, *each, pairs) for each in plan for pairs in PAIRS]
    if part in ("", "tune"):
        stored["tuned"] = []
        for each, beta in itertools.product(plan, BETAS):
            stored["tuned"].append(tune(start, *each, beta))
            write(stored)
    write(stored)


def write(stored: dict[str, Any]) -> None:
    """One run a line."""
    runs = {name: stored[name] for name in ("learned", "tuned") if name in stored}
    head = json.dumps({name: value for name, value in stored.items() if name not in runs})
    lines = [f'"{name}": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]" for name, rows in runs.items()]
    TARGET.write_text(",\n".join([head[:-1], *lines]) + "}\n", "utf-8")


def reference() -> None:
    """The editor that everything starts from, trained on the environment's own reward."""
    env = FilmEdit(NUM_ENVS)
    learner = rlfilm.learner("ppo", env, backend="pytorch", seed=0, **SETTINGS)
    rlfilm.train(learner, env, REFERENCE_STEPS, progress=False)
    REFERENCE.parent.mkdir(exist_ok=True)
    save_policy(REFERENCE, learner.policy())


def choices(start: Policy, seed: int, pairs: int) -> Pairs:
    """What the viewer says of pairs of the first editor's cuts."""
    return Viewer(taste).compare(screen(start, FilmEdit(SHOWN), seed=seed).cuts, pairs, seed)


def fitted(backend: str, pairs: Pairs, seed: int) -> RewardModel:
    return importlib.import_module(f"{rlfilm.BACKENDS[backend][1]}.preference").fit(pairs, seed=seed)


def learn(start: Policy, backend: str, seed: int, number: int) -> dict[str, object]:
    """A reward model from so many pairs, on cuts and pairs that it has not seen."""
    model = fitted(backend, choices(start, seed, number), seed)
    unseen = screen(start, FilmEdit(UNSEEN), seed=1000).cuts
    found = {"backend": backend, "seed": seed, "pairs": number}
    found |= {"rank_correlation": rounded(spearmanr(model(unseen), taste(unseen)).statistic)}
    found |= {"accuracy": rounded(model.accuracy(Viewer(taste).compare(unseen, 2000, seed=1)))}
    print(found, flush=True)
    return found


def tune(start: Policy, backend: str, seed: int, beta: float) -> dict[str, object]:
    """PPO on a reward learned from ENOUGH pairs, with the weight beta on the KL, screened as it goes."""
    model, began = fitted(backend, choices(start, seed, ENOUGH), seed), time.perf_counter()
    env, scenes = KLPenalty(LearnedReward(FilmEdit(NUM_ENVS), model), start, beta), FilmEdit(SCREENED)
    learner = rlfilm.learner("ppo", env, backend=backend, seed=seed, **TUNING)
    start_from(learner, start)
    env.follow(learner)
    curve: dict[str, list[float]] = {
        name: [] for name in ("iteration", "kl", "learned", "true", "own", "cuts_per_minute")
    }

    def look(row: dict[str, float] | None = None) -> None:
        if learner.iteration % EVERY == 0:
            seen = screen(learner.policy(), scenes, start, seed=2000)
            pace = seen.cuts[:, FEATURES.index("cuts_per_minute")]
            for name, values in zip(
                curve, (learner.iteration, seen.kl, model(seen.cuts), taste(seen.cuts), seen.returns, pace), strict=True
            ):
                curve[name].append(rounded(values))

    look()
    rlfilm.train(learner, env, ITERATIONS * NUM_ENVS * SETTINGS["num_steps"], progress=False, on_iteration=look)
    found = {"backend": backend, "seed": seed, "beta": beta, "seconds": round(time.perf_counter() - began)} | curve
    print(
        backend, seed, beta, {name: (curve[name][0], max(curve[name]), curve[name][-1]) for name in curve}, flush=True
    )
    return found


def rounded(values: Any) -> float:
    """The mean, to three decimals."""
    return round(float(np.mean(values)), 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
