"""Make the stored runs of lesson 14: every algorithm in both frameworks on FilmEdit-v0, against the exact optimum.

    python course/media/film_edit.py    # three seeds each

Writes beside itself film_edit.json, run by run, and film_edit/policy.safetensors, PPO's first seed in PyTorch. Runs
that are stored already are kept: delete film_edit.json to begin anew.

Regret = (optimum - return) / (optimum - random), in means over scenes that were not trained on: of the final policy,
deterministic, on 20 seeds and on 500 further ones; before training, sampled; and of what the look-ahead among the
observations advises, which nobody had to learn. The settings, see PRESETS, were chosen on 200 others, from seed
5,000,000 on.
"""

import itertools
import json
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ppo_ablations import curve

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import film_edit, yardsticks
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.run import versions

SCENE, SEEDS = "rlfilm/FilmEdit-v0", range(3)
STEPS = {"ppo": 1_500_000, "actor-critic": 2_000_000, "reinforce": 600_000}
BACKENDS = ("pytorch", "tensorflow")
HELD_OUT = {"20 seeds": (20, 1_000), "500 seeds": (500, 2_000_000)}
"""How many scenes, and the seed of the first; trainings draw theirs from 2^30 others."""
RANDOM_CUTS = 8
"""Of each scene, for the mean return of random cuts."""
TARGET = Path(__file__).with_suffix(".json")
POLICY = TARGET.with_suffix("") / "policy.safetensors"


def main() -> None:
    runs = json.loads(TARGET.read_text("utf-8"))["runs"] if TARGET.exists() else []
    stored = {(run["algorithm"], run["backend"], run["seed"]) for run in runs}
    for seed, algorithm, backend in itertools.product(SEEDS, STEPS, BACKENDS):
        if (algorithm, backend, seed) not in stored:
            runs.append(train(algorithm, backend, seed))
            store(runs)


def store(runs: list[dict[str, Any]]) -> None:
    described = {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SCENE,
        "versions": versions(),
        "settings": {algorithm: to_json(configure(algorithm, SCENE)) for algorithm in STEPS},
        "steps": STEPS,
        "advised_regrets": regrets(film_edit.advised, *HELD_OUT["20 seeds"]).round(4).tolist(),
    }
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(f'{json.dumps(described)[:-1]},\n"runs": [\n{lines}\n]}}\n', "utf-8")


def train(algorithm: str, backend: str, seed: int) -> dict[str, Any]:
    """One training, as the lesson reads it."""
    env = rlfilm.make_vec(SCENE, num_envs=configure(algorithm, SCENE).num_envs)
    learner = rlfilm.learner(algorithm, env, backend=backend, seed=seed)
    untrained = learner.policy().seeded(seed)
    before = regrets(lambda observations: untrained(observations, deterministic=False), *HELD_OUT["20 seeds"])
    began = time.process_time()
    history = rlfilm.train(learner, env, STEPS[algorithm], progress=False)
    cpu_s = round(time.process_time() - began)
    if (algorithm, backend, seed) == ("ppo", BACKENDS[0], SEEDS[0]):
        POLICY.parent.mkdir(exist_ok=True)
        save_policy(POLICY, learner.policy())
    after = {name: regrets(learner.policy(), *scenes) for name, scenes in HELD_OUT.items()}
    regret = {name: round(float(found.mean()), 4) for name, found in after.items()}
    print(f"{algorithm}, {backend} {seed}: regret {regret} after {learner.steps:,} steps, {cpu_s} s of CPU", flush=True)
    return {
        "algorithm": algorithm,
        "backend": backend,
        "seed": seed,
        "cpu_s": cpu_s,
        "regret": regret,
        "untrained_regrets": before.round(4).tolist(),
        "regrets": after["20 seeds"].round(4).tolist(),
        **curve(history, 30),
    }


def regrets(policy, scenes: int, seed: int) -> np.ndarray:
    """What the policy leaves of each scene (N,), over the mean span between random and optimum."""
    known = scale(scenes, seed)
    earned = yardsticks.episode_returns(film_edit.FilmEdit(scenes), policy, seed)
    return (known.best - earned) / (known.best.mean() - known.random)


class Scale(NamedTuple):
    """Of some scenes: the most that each allows (N,), and the mean return of random cuts."""

    best: np.ndarray
    random: float


@cache
def scale(scenes: int, seed: int) -> Scale:
    env = film_edit.FilmEdit(scenes)
    env.reset(seed=seed)
    cuts = [yardsticks.episode_returns(env, env.random_policy(number), seed) for number in range(RANDOM_CUTS)]
    env.reset(seed=seed)
    return Scale(film_edit.solve(env.rushes()).score, float(np.mean(cuts)))


if __name__ == "__main__":
    main()
