"""Make the stored comparison of lesson 06: REINFORCE, Actor-Critic and PPO on MovieScene-v0, five seeds each.

    python course/media/three_algorithms.py    # writes three_algorithms.json beside it, in about six minutes

All nine controls, 300,000 steps, with the library's settings for this scene.
"""

from pathlib import Path

from ppo_ablations import BACKEND, SCENE, SEEDS, score, trained, write

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.rl.environment import yardsticks

ALGORITHMS, STEPS = ("reinforce", "actor-critic", "ppo"), 300_000
TARGET = Path(__file__).with_suffix(".json")


def main() -> None:
    settings = {name: configure(name, SCENE) for name in ALGORITHMS}
    envs = {name: rlfilm.make_vec(SCENE, num_envs=config.num_envs) for name, config in settings.items()}
    learners = {
        name: [rlfilm.learner(name, env, backend=BACKEND, seed=seed) for seed in SEEDS] for name, env in envs.items()
    }
    described = {
        "settings": {name: to_json(config) for name, config in settings.items()},
        "yardsticks": yardsticks(envs["ppo"]),
        "untrained_score": [score(learner) for learner in learners["ppo"]],
    }
    write(TARGET, [trained(learner, name, STEPS) for name in ALGORITHMS for learner in learners[name]], described)


if __name__ == "__main__":
    main()
