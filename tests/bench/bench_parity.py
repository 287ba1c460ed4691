"""How far PyTorch and TensorFlow are apart: the relative L2 distance of all weights, with each algorithm's defaults.

    one update     float32, from shared weights, moments and rollout; against the distance it moved; at most 1e-3
    free, float64  five iterations from the same seed, each on its own data; at most 1e-5
    free, float32  ten iterations; at most 1e-3 for REINFORCE and Actor-Critic, while PPO runs part (see lesson 06)

`tests/parity/test_algorithms.py` holds the twins to these bounds.
"""

import json

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.rl.policy import flatten
from rlfilm_lib.rl.rollout import Collector

ENVIRONMENTS = ("Pendulum-v1", "CartPole-v1", "rlfilm/MovieScene-v0")


def made(algorithm: str, backend: str, env_id: str, **settings: object) -> tuple[Learner, Collector]:
    """A learner with the algorithm's defaults, not the environment's preset, and what collects for it."""
    env = rlfilm.make_vec(env_id, num_envs=16)
    learner = rlfilm.learner(algorithm, env, backend=backend, **to_json(configure(algorithm)) | settings)
    return learner, Collector(env, learner.seed, learner.config.num_steps)


def iterated(learner: Learner, collector: Collector, iterations: int) -> Learner:
    for _ in range(iterations):
        learner.update(collector.collect(learner.policy(), learner.iteration))
    return learner


def theta(learner: Learner) -> np.ndarray:
    return flatten(learner.policy().weights).astype(np.float64)


def free_running(algorithm: str, env_id: str, iterations: int, precision: str) -> float:
    """After `iterations` of each framework by itself, from one seed."""
    ours, theirs = (
        theta(iterated(*made(algorithm, backend, env_id, precision=precision), iterations))
        for backend in rlfilm.BACKENDS
    )
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def one_update(algorithm: str, env_id: str) -> float:
    """After one update from all that the other framework had after two; against how far it moved."""
    (ours, collector), (theirs, _) = (made(algorithm, backend, env_id) for backend in rlfilm.BACKENDS)
    iterated(ours, collector, 2)
    rollout, before = collector.collect(ours.policy(), 2), theta(ours)
    theirs.set_tensors(ours.tensors())
    theirs.moments, theirs.iteration = ours.moments, ours.iteration
    for learner in (ours, theirs):
        learner.learn(rollout, learner.config.learning_rate)
    return float(np.linalg.norm(theta(ours) - theta(theirs)) / np.linalg.norm(theta(theirs) - before))


def bench() -> dict[str, object]:
    rows: dict[str, object] = {}
    for algorithm in rlfilm.ALGORITHMS:
        for env_id in ENVIRONMENTS:
            distances = {
                "one update": one_update(algorithm, env_id),
                "free, float64": free_running(algorithm, env_id, 5, "float64"),
                "free, float32": free_running(algorithm, env_id, 10, "float32"),
            }
            rows |= {f"{algorithm}, {env_id}, {name}": f"{distance:.1e}" for name, distance in distances.items()}
    return rows


if __name__ == "__main__":
    print(json.dumps(bench(), indent=1))
