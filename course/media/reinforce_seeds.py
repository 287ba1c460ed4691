"""Make the stored result of lesson 04: REINFORCE on MovieScene-v0, all nine controls, five seeds in each framework.

    python course/media/reinforce_seeds.py    # writes reinforce_seeds.json beside it

Each run is `rlfilm train rlfilm/MovieScene-v0 --algo reinforce --backend BACKEND --steps 400000 --seed SEED`, and each
score `rlfilm evaluate` of it over 100 episodes.
"""

import json
import time
from pathlib import Path

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.config import to_json
from rlfilm_lib.rl.environment import yardsticks
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.run import versions

SCENE = "rlfilm/MovieScene-v0"
STEPS, SEEDS, EPISODES, EVALUATION_SEED = 400_000, range(5), 100, 1000
TARGET = Path(__file__).with_suffix(".json")


def main() -> None:
    env = rlfilm.make_vec(SCENE, num_envs=16)
    runs: list[dict] = []
    for backend in rlfilm.backends():
        for seed in SEEDS:
            learner = rlfilm.learner("reinforce", env, backend=backend, seed=seed)
            untrained = score(learner)
            began = time.perf_counter()
            history = rlfilm.train(learner, env, STEPS, progress=False)
            wall_s = time.perf_counter() - began
            trained = score(learner)
            runs.append(
                {
                    "backend": backend,
                    "seed": seed,
                    "untrained_score": untrained,
                    "trained_score": trained,
                    "steps": [int(row["steps"]) for row in history],
                    "return_mean": [round(row["return_mean"], 3) for row in history],
                }
            )
            print(f"{backend:10s} seed {seed}: {untrained:.3f} -> {trained:.3f} in {wall_s:.1f} s", flush=True)
    described = {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SCENE,
        "settings": to_json(learner.config),
        "versions": versions(),
        "yardsticks": yardsticks(env),
        "evaluation_episodes": EPISODES,
    }
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(f'{json.dumps(described)[:-1]},\n"runs": [\n{lines}\n]}}\n')


def score(learner: Learner) -> float:
    """Normalised score of the policy as it is, deterministic, on the same episodes every time."""
    result = rlfilm.evaluate(learner.policy(), SCENE, episodes=EPISODES, seed=EVALUATION_SEED)
    return round(result.normalised_score, 4)


if __name__ == "__main__":
    main()
