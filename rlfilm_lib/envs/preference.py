"""An editor fine-tuned on a learned reward: two wrappers around an environment, so that learners stay as they are.

`LearnedReward` pays what a reward model finds a cut worth, in place of FilmEdit's own reward. `KLPenalty` takes
β · (log π(a|s) - log π_ref(a|s)) off every step, so that the editor stays near where it started. Together the objective
is that of Ziegler et al. 2019, "Fine-tuning language models from human preferences",

    E[worth of the cut] - β KL(π ‖ π_ref) over whole episodes,

whose optimum, where it can be solved, is π* ∝ π_ref · exp(Q / β). The penalty is paid like any reward, with the policy
that acts; that it depends on π itself costs nothing, as E[∇ log π] = 0.

    env = KLPenalty(LearnedReward(FilmEdit(64), model), reference, beta=0.1)
    learner = rlfilm.learner("ppo", env, gamma=1)
    start_from(learner, reference)
    env.follow(learner)
    rlfilm.train(learner, env, steps=100_000)
"""

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.coverage import ANGLES, BEAT_S, BEATS
from rlfilm_lib.envs.film_edit import FilmEdit
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.rl.policy import Policy, log_softmax, mlp
from rlfilm_lib.rl.preference import RewardModel

FEATURES = (*FilmEdit.weights, "cuts_per_minute", "variation")
"""What a cut is described by: the mean of each reward term, and its pace: cuts per minute, and the standard deviation
of its shots' lengths over their average."""

BEST_PACE, PACE_TOLERANCE = 32.0, 8.0
"""Cuts per minute that the viewer of `taste` likes best, and how far from it costs 1."""


def taste(cuts: NDArray) -> NDArray:
    """How much a simulated viewer likes cuts (N, F): a taste made up to be found again, in units of `Viewer`'s odds.

    It wants to see who speaks and who reacts, 8 · listener + 4 · shot, at a brisk pace: less the square of how far the
    cuts per minute are from 32, in eights. Whoever saw only slower cuts takes it for the faster, the better.

    >>> taste(np.array([[0.5, 0.75, *[1.0] * 9, pace, 0.5] for pace in (24.0, 32.0, 48.0)])).tolist()
    [7.0, 8.0, 4.0]
    """
    shot, listener, pace = (cuts[:, FEATURES.index(name)] for name in ("shot", "listener", "cuts_per_minute"))
    return 8 * listener + 4 * shot - ((pace - BEST_PACE) / PACE_TOLERANCE) ** 2


class Cuts:
    """What N cuts are like so far, beat by beat."""

    def __init__(self, number: int) -> None:
        self.terms = np.zeros((len(FilmEdit.weights), number))
        self.beats, self.angle, self.shots, self.length = np.zeros((4, number), np.int64)
        self.squares = np.zeros(number)

    def restart(self, which: NDArray[np.bool_]) -> None:
        """Begin new cuts where `which` (N,) is True."""
        for array in (self.terms, self.beats, self.angle, self.shots, self.length, self.squares):
            array[..., which] = 0

    def add(self, actions: NDArray, terms: dict[str, NDArray]) -> None:
        """The beat that actions (N,) decided about, and the terms (N,) that it earned."""
        actions = np.asarray(actions)
        chosen = np.where(actions > 0, (actions - 1) % len(ANGLES), self.angle)
        cut = (chosen != self.angle) | (self.beats == 0)
        self.squares += np.where(cut, self.length**2, 0)
        self.length = np.where(cut, 1, self.length + 1)
        self.shots += cut
        self.angle = chosen
        self.beats += 1
        self.terms += np.array([terms[name] for name in FilmEdit.weights])

    def features(self) -> NDArray:
        """FEATURES of the cuts as if they ended here, (N, F)."""
        pace = (self.shots - 1) / (self.beats * BEAT_S / 60)
        mean_square = (self.squares + self.length**2) * self.shots / self.beats**2
        return np.stack([*self.terms / self.beats, pace, np.sqrt(np.maximum(mean_square - 1, 0))], axis=1)


class LearnedReward(gym.vector.VectorWrapper):
    """FilmEdit, paid by a reward model: an episode's rewards add up to what the model finds the finished cut worth.

    Every beat pays the change of what the cut so far promises, the worth of a cut that went on as it has begun, in
    proportion to its screen time: a potential, so that with gamma=1 it changes no optimum (Ng et al. 1999). The one
    term is `preference`.
    """

    env: FilmEdit

    def __init__(self, env: FilmEdit, model: RewardModel) -> None:
        if not isinstance(env, FilmEdit):
            raise UserError(f"a reward model of cuts needs rlfilm/FilmEdit-v0, not {env}: make that environment")
        super().__init__(env)
        self.model = model
        self.cuts, self.promised = Cuts(env.num_envs), np.zeros(env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict[str, Any]]:
        """Begin new cuts in all environments."""
        self.cuts.restart(np.ones(self.num_envs, bool))
        self.promised = np.zeros(self.num_envs)
        return self.env.reset(seed=seed, options=options)

    def step(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """One beat of every cut; info as FilmEdit's, with this reward's term."""
        observations, _, terminated, truncated, info = self.env.step(actions)
        self.cuts.add(actions, info["reward_terms"])
        promised = self.model(self.cuts.features()) * self.cuts.beats / BEATS
        rewards = promised - self.promised
        done = terminated | truncated
        self.cuts.restart(done)
        self.promised = np.where(done, 0, promised)
        return observations, rewards, terminated, truncated, info | {"reward_terms": {"preference": rewards}}


class KLPenalty(gym.vector.VectorWrapper):
    """Any environment of discrete actions, with β (log π - log π_ref) of each action taken off its reward.

    `follow` says whose π it is; the term is `kl`, with weight -β."""

    def __init__(self, env: gym.vector.VectorEnv, reference: Policy, beta: float) -> None:
        super().__init__(env)
        if not isinstance(env.single_action_space, gym.spaces.Discrete):
            raise UserError(
                f"a KL penalty needs discrete actions, not {env.single_action_space}: use such an environment"
            )
        if not 0 <= beta < np.inf:
            raise UserError(f"beta={beta} is out of range: give a finite number, 0 or above")
        self.reference, self.beta = reference, beta
        self.learner: Learner | None = None
        self.policy, self.iteration = reference, -1
        self.observations = np.zeros(0)

    def follow(self, learner: Learner) -> None:
        """Let π be the learner's policy, as it is whenever a step is taken."""
        self.learner, self.iteration = learner, -1

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict[str, Any]]:
        """Begin new episodes in all environments."""
        self.observations, info = self.env.reset(seed=seed, options=options)
        return self.observations, info

    def step(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, dict[str, Any]]:
        """One step of every environment; info as the environment's, with the term `kl` added."""
        if self.learner is None:
            raise UserError("the KL penalty follows no learner: call follow(learner) before training")
        if self.learner.iteration != self.iteration:
            self.policy, self.iteration = self.learner.policy(), self.learner.iteration
        taken = np.asarray(actions) - self.single_action_space.start  # type: ignore[attr-defined]
        ours, theirs = (p.log_prob(p.inputs(self.observations), taken) for p in (self.policy, self.reference))
        log_ratio = ours - theirs
        self.observations, rewards, terminated, truncated, info = self.env.step(actions)
        terms = info.get("reward_terms", {}) | {"kl": log_ratio}
        return self.observations, rewards - self.beta * log_ratio, terminated, truncated, info | {"reward_terms": terms}


class Screening(NamedTuple):
    """What a policy's cuts of N scenes are like."""

    cuts: NDArray
    """(N, F) FEATURES of each."""
    returns: NDArray
    """(N,) FilmEdit's own reward of each."""
    kl: NDArray
    """(N,) KL(π ‖ π_ref) summed over each cut's decisions, exact in every state that was met; 0 without a reference."""
    actions: NDArray
    """(N, B) what was decided."""


def screen(
    policy: Policy,
    env: FilmEdit,
    reference: Policy | None = None,
    seed: int = 0,
    scenes: list[int] | None = None,
    deterministic: bool = False,
) -> Screening:
    """Cut one scene in each environment, sampling from the policy unless deterministic.

    scenes: the seed of each environment's scene, by default seed, seed + 1, …"""
    observations, _ = env.reset(seed=seed if scenes is None else scenes)
    cuts, policy = Cuts(env.num_envs), policy.seeded(seed)
    returns, kl, actions = np.zeros(env.num_envs), np.zeros(env.num_envs), np.zeros((env.num_envs, BEATS), np.int64)
    for beat in range(BEATS):
        if reference is not None:
            kl += divergence(policy, reference, observations)
        actions[:, beat] = policy(observations, deterministic=deterministic)
        observations, rewards, _, _, info = env.step(actions[:, beat])
        cuts.add(actions[:, beat], info["reward_terms"])
        returns += rewards
    return Screening(cuts.features(), returns, kl, actions)


def divergence(policy: Policy, reference: Policy, observations: NDArray) -> NDArray:
    """KL(π ‖ π_ref) of two policies' choices in states (N, …): (N,), never negative."""
    ours, theirs = (log_softmax(mlp(each.weights, "actor", each.inputs(observations))) for each in (policy, reference))
    return (np.exp(ours) * (ours - theirs)).sum(axis=-1)
