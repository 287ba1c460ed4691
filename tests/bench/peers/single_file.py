"""Proximal policy optimisation in one file, top to bottom: PyTorch, eager, with the Adam that PyTorch gives by default.

Written for the benchmarks in the manner of the single-file libraries (CleanRL): networks as `nn.Module`, storage as
tensors, every detail in the one loop. As is usual there, an episode that was cut by its time limit counts as ended.
With one epoch over one minibatch it is the advantage actor-critic (Huang et al. 2022, "A2C is a special case of PPO").
"""

from collections.abc import Callable

import gymnasium as gym
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical, Normal

Policy = Callable[..., np.ndarray]


def make_env(env_id: str) -> gym.Env:
    env = gym.wrappers.RecordEpisodeStatistics(gym.make(env_id))
    return gym.wrappers.ClipAction(env) if isinstance(env.action_space, gym.spaces.Box) else env


def layer(inputs: int, outputs: int, gain: float = 2**0.5) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


class Agent(nn.Module):
    def __init__(self, envs: gym.vector.VectorEnv) -> None:
        super().__init__()
        size = int(np.prod(envs.single_observation_space.shape))
        space = envs.single_action_space
        self.discrete = isinstance(space, gym.spaces.Discrete)
        actions = int(space.n) if self.discrete else int(np.prod(space.shape))
        self.actor = nn.Sequential(layer(size, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, actions, gain=0.01))
        self.critic = nn.Sequential(layer(size, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, gain=1.0))
        self.log_std = nn.Parameter(torch.zeros(actions), requires_grad=not self.discrete)

    def value(self, observation: torch.Tensor) -> torch.Tensor:
        return self.critic(observation).squeeze(-1)

    def act(self, observation: torch.Tensor, action: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """Action (drawn where not given), its log-prob, the entropy and the value."""
        head = self.actor(observation)
        if self.discrete:
            distribution = Categorical(logits=head)
            action = distribution.sample() if action is None else action
            return action, distribution.log_prob(action), distribution.entropy(), self.value(observation)
        distribution = Normal(head, self.log_std.exp().expand_as(head))
        action = distribution.sample() if action is None else action
        return action, distribution.log_prob(action).sum(-1), distribution.entropy().sum(-1), self.value(observation)

    def greedy(self, observations: np.ndarray, deterministic: bool = True) -> np.ndarray:
        with torch.no_grad():
            head = self.actor(torch.as_tensor(observations, dtype=torch.float32))
        return head.argmax(-1).numpy() if self.discrete else head.numpy()


def train(
    env_id: str,
    num_envs: int,
    steps: int,
    seed: int,
    on_iteration: Callable[[int, Callable[[], Policy]], object],
    num_steps: int = 128,
    minibatch_size: int = 64,
    epochs: int = 10,
    learning_rate: float = 3e-4,
    gamma: float = 0.99,
    gae_lambda: float = 0.95,
    clip_range: float = 0.2,
    entropy_coef: float = 0.0,
    value_coef: float = 0.5,
    max_grad_norm: float = 0.5,
) -> None:
    """Train for `steps`; after each iteration calls on_iteration(steps so far, a function that gives the policy)."""
    np.random.seed(seed)  # noqa: NPY002 (as these files do)
    torch.manual_seed(seed)
    envs = gym.vector.SyncVectorEnv(
        [lambda: make_env(env_id)] * num_envs, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP
    )
    agent = Agent(envs)
    optimizer = torch.optim.Adam(agent.parameters(), lr=learning_rate, eps=1e-5)
    batch_size = num_steps * num_envs

    observations = torch.zeros((num_steps, num_envs, *envs.single_observation_space.shape))
    actions = torch.zeros((num_steps, num_envs, *envs.single_action_space.shape))
    log_probs = torch.zeros((num_steps, num_envs))
    rewards = torch.zeros((num_steps, num_envs))
    dones = torch.zeros((num_steps, num_envs))
    values = torch.zeros((num_steps, num_envs))

    first, _ = envs.reset(seed=seed)
    next_observation = torch.as_tensor(first, dtype=torch.float32)
    next_done = torch.zeros(num_envs)
    for iteration in range(1, -(-steps // batch_size) + 1):
        for step in range(num_steps):
            observations[step], dones[step] = next_observation, next_done
            with torch.no_grad():
                action, log_prob, _, value = agent.act(next_observation)
            actions[step], log_probs[step], values[step] = action, log_prob, value
            following, reward, terminated, truncated, _ = envs.step(action.numpy())
            rewards[step] = torch.as_tensor(reward, dtype=torch.float32)
            next_observation = torch.as_tensor(following, dtype=torch.float32)
            next_done = torch.as_tensor(terminated | truncated, dtype=torch.float32)

        with torch.no_grad():
            next_value = agent.value(next_observation)
            advantages = torch.zeros_like(rewards)
            trace = torch.zeros(num_envs)
            for step in reversed(range(num_steps)):
                last = step == num_steps - 1
                going_on = 1.0 - (next_done if last else dones[step + 1])
                following_value = next_value if last else values[step + 1]
                delta = rewards[step] + gamma * following_value * going_on - values[step]
                trace = delta + gamma * gae_lambda * going_on * trace
                advantages[step] = trace
            returns = advantages + values

        b_observations = observations.flatten(0, 1)
        b_actions = actions.flatten(0, 1)
        b_log_probs, b_advantages, b_returns = log_probs.flatten(), advantages.flatten(), returns.flatten()
        indices = np.arange(batch_size)
        for _ in range(epochs):
            np.random.shuffle(indices)  # noqa: NPY002
            for start in range(0, batch_size, minibatch_size):
                chosen = indices[start : start + minibatch_size]
                _, log_prob, entropy, value = agent.act(b_observations[chosen], b_actions[chosen])
                ratio = (log_prob - b_log_probs[chosen]).exp()
                advantage = b_advantages[chosen]
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range)
                policy_loss = -torch.min(ratio * advantage, clipped * advantage).mean()
                value_loss = ((value - b_returns[chosen]) ** 2).mean()
                loss = policy_loss - entropy_coef * entropy.mean() + value_coef * value_loss
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), max_grad_norm)
                optimizer.step()
        on_iteration(iteration * batch_size, lambda: agent.greedy)
    envs.close()
