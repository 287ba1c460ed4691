"""What an action is worth, from the rewards that followed it."""

import numpy as np


def reward_to_go(
    rewards: np.ndarray, ended: np.ndarray, gamma: float, bootstrap: np.ndarray | float = 0.0
) -> np.ndarray:
    """Discounted sum of the rewards from each step to the end of its episode.

    `R_t = r_t + γ R_{t+1}`, cut where an episode ended; there `R_{t+1}` is `bootstrap_t`: 0 where it terminated, the
    critic's value of the final observation where it was only truncated, since that episode would have gone on.

    rewards: (T, N); ended: (T, N) bool; bootstrap: (T, N), read only where `ended`. Returns (T, N).
    The last row must have ended, or its future counts as 0.

    Source: Sutton & Barto 2018, eq. 3.9; the bootstrap: Pardo et al. 2018, "Time limits in reinforcement learning".

    >>> reward_to_go(np.array([[1.0], [1.0], [1.0]]), np.array([[False], [True], [True]]), 0.5).ravel()
    array([1.5, 1. , 1. ])
    """
    rewards, ended = np.asarray(rewards), np.asarray(ended)
    if rewards.ndim != 2 or rewards.shape != ended.shape:
        raise ValueError(f"rewards {rewards.shape} and ended {ended.shape} must both be (T, N)")
    bootstrap = np.broadcast_to(np.asarray(bootstrap, rewards.dtype), rewards.shape)
    returns = np.empty_like(rewards)
    following = np.zeros_like(rewards[0])
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * np.where(ended[t], bootstrap[t], following)
        returns[t] = following
    return returns


def gae(
    rewards: np.ndarray,
    values: np.ndarray,
    ended: np.ndarray,
    gamma: float,
    gae_lambda: float,
    bootstrap: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Generalized advantage estimation: the TD errors from each step on, discounted by γλ.

    `δ_t = r_t + γ V(s_{t+1}) - V(s_t)` and `A_t = δ_t + γλ A_{t+1}`. Where an episode ended, and after the last row,
    `A_{t+1}` is 0 and `V(s_{t+1})` is `bootstrap_t`: 0 where it terminated, else the critic's value of what followed.
    λ = 0 trusts the critic after one step (little variance, its bias); λ = 1 trusts the rewards only.

    rewards, values: (T, N); ended: (T, N) bool; bootstrap: (T, N), read where `ended` and in the last row.
    Returns the advantages (T, N); plus the values they are the λ-returns.

    Source: Schulman et al. 2016, "High-dimensional continuous control using generalized advantage estimation", eq. 16;
    the bootstrap of what was only truncated: Pardo et al. 2018, "Time limits in reinforcement learning".

    >>> gae(np.ones((3, 1)), np.zeros((3, 1)), np.array([[False], [True], [True]]), 0.5, 0.5).ravel()
    array([1.25, 1.  , 1.  ])
    """
    rewards, ended = np.asarray(rewards), np.asarray(ended)
    if rewards.ndim != 2 or not rewards.shape == values.shape == ended.shape:
        raise ValueError(f"rewards {rewards.shape}, values {values.shape} and ended {ended.shape} must all be (T, N)")
    cut = ended.copy()
    cut[-1] = True
    following = np.append(values[1:], values[:1], axis=0)  # the last row is always cut
    errors = rewards + gamma * np.where(cut, bootstrap, following) - values
    decay = gamma * gae_lambda * ~cut
    advantages = np.empty_like(values)
    advantage = np.zeros_like(values[0])
    for t in reversed(range(len(rewards))):
        advantages[t] = advantage = errors[t] + decay[t] * advantage
    return advantages


def running_return(rewards: np.ndarray, ended: np.ndarray, gamma: float, past: np.ndarray | float = 0.0) -> np.ndarray:
    """Discounted sum of the rewards so far, `G_t = r_t + γ G_{t-1}`, begun anew after each end of an episode.

    rewards: (T, N); ended: (T, N) bool; past: (N,) the sum before the first row. Returns (T, N). Its variance is the
    scale by which rewards are normalised (Engstrom et al. 2020, "Implementation matters in deep policy gradients",
    section 2).

    >>> running_return(np.array([[1.0], [1.0], [1.0]]), np.array([[False], [True], [True]]), 0.5).ravel()
    array([1. , 1.5, 1. ])
    """
    returns = np.empty_like(rewards)
    for t in range(len(rewards)):
        returns[t] = rewards[t] + gamma * past
        past = np.where(ended[t], 0, returns[t])
    return returns


def explained_variance(values: np.ndarray, returns: np.ndarray) -> float:
    """Share of the returns' variance that the critic's values explain: 1 perfect, 0 no better than their mean.

    values, returns: (B,). NaN where the returns do not vary.

    >>> explained_variance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    variance = np.var(returns)
    return float(1 - np.var(returns - values) / variance) if variance > 0 else float("nan")
