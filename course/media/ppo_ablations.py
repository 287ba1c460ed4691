"""Make the stored ablations of lesson 06: PPO on MovieScene-v0, all nine controls, with parts taken away; five seeds.

    python course/media/ppo_ablations.py    # writes ppo_ablations.json beside it, in about eight minutes

Everything that a run's name does not mention is as in PPO's defaults, not as in the scene's preset: a preset is chosen
to make PPO look good, an ablation asks what its parts are worth. Scores are normalised: the final policy,
deterministic, over 100 episodes.
"""

import importlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.config import PPOConfig, to_json
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.rl.train import History
from rlfilm_lib.run import versions

SCENE = "rlfilm/MovieScene-v0"
BACKEND, STEPS, SEEDS, EPISODES, EVALUATION_SEED = "tensorflow", 100_000, range(5), 100, 1000
OFF = 1e6  # a clip range that no ratio reaches
UNSCALED = "advantages not standardised"
SETTINGS: dict[str, dict[str, object]] = {
    **{f"{epochs} epochs, clip on": {"epochs": epochs} for epochs in (1, 3, 10, 30)},
    **{f"{epochs} epochs, clip off": {"epochs": epochs, "clip_range": OFF} for epochs in (1, 3, 10, 30)},
    "clip off, KL stop at 0.02": {"clip_range": OFF, "target_kl": 0.02},
    UNSCALED: {},
    "λ = 1": {"gae_lambda": 1.0},
    "one minibatch of 2048": {"minibatch_size": 2048},
    "observations not normalised": {"normalize_observations": False},
}
TARGET = Path(__file__).with_suffix(".json")


def main() -> None:
    runs = [ablated(name, seed) for name in SETTINGS for seed in SEEDS]
    write(
        TARGET, runs, {"settings": to_json(PPOConfig()), "untrained_score": [score(made("", seed)) for seed in SEEDS]}
    )


def made(name: str, seed: int) -> Learner:
    """An untrained learner with PPO's defaults and what the name says."""
    settings = to_json(PPOConfig()) | SETTINGS.get(name, {})
    env = rlfilm.make_vec(SCENE, num_envs=PPOConfig.num_envs)
    return rlfilm.learner("ppo", env, backend=BACKEND, seed=seed, **settings)


def ablated(name: str, seed: int) -> dict:
    """One training, as the lesson reads it."""
    learner = made(name, seed)
    module = importlib.import_module(type(learner).__module__)
    standardize = (lambda advantages: advantages) if name == UNSCALED else module.standardize
    with patch.object(module, "standardize", standardize):
        return trained(learner, name, STEPS)


def trained(learner: Learner, name: str, steps: int) -> dict:
    """Train a learner of the scene, and describe it."""
    began = time.perf_counter()
    env = rlfilm.make_vec(SCENE, num_envs=learner.config.num_envs)
    history = rlfilm.train(learner, env, steps, progress=False)
    described = {"name": name, "seed": learner.seed, "score": score(learner), **curve(history)}
    print(f"{name:28s} {learner.seed}: {described['score']:.3f} in {time.perf_counter() - began:.1f} s", flush=True)
    return described


def curve(history: History, points: int = 40) -> dict[str, list[float]]:
    """Steps, and the mean return of the episodes that ended since the point before."""
    parts = np.array_split(np.arange(len(history)), points)
    means = {name: [np.nanmean(history.column(name)[part]) for part in parts] for name in ("steps", "return_mean")}
    return {name: [float(f"{mean:.4g}") for mean in column] for name, column in means.items()}


def score(learner: Learner) -> float:
    """Normalised score of the policy as it is, on the same episodes every time."""
    result = rlfilm.evaluate(learner.policy(), SCENE, episodes=EPISODES, seed=EVALUATION_SEED)
    return round(result.normalised_score, 4)


def write(target: Path, runs: Iterable[dict], described: dict) -> None:
    """The runs, one to a line, under what describes them all."""
    described = {
        "command": f"python course/media/{target.with_suffix('.py').name}",
        "env": SCENE,
        "backend": BACKEND,
        "versions": versions(),
        "evaluation_episodes": EPISODES,
        **described,
    }
    lines = ",\n".join(json.dumps(run, ensure_ascii=False) for run in runs)
    target.write_text(f'{json.dumps(described)[:-1]},\n"runs": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main()
