"""The float64 oracle: every loss and its gradient by hand, in NumPy. Both frameworks are tested against it."""

from collections.abc import Callable

import numpy as np

from rlfilm_lib.rl.policy import (
    HERMITE_NODES,
    HERMITE_WEIGHTS,
    Weights,
    gaussian_log_prob,
    log_softmax,
    log_tanh_slope,
)

Part = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""From log-probabilities or values (B,) to a loss and its derivative by each of them (B,)."""


def reinforce(
    weights: Weights,
    inputs: np.ndarray,
    actions: np.ndarray,
    advantages: np.ndarray,
    returns: np.ndarray,
    value_coef: float,
    entropy_coef: float,
    squash: bool = False,
) -> tuple[float, Weights]:
    """REINFORCE's and Actor-Critic's loss and its gradient with respect to every weight.

    `L = -mean(log π(a|s) · A) + c_v · mean((V(s) - R)²) - c_e · mean(H)`

    inputs: (B, D); actions: (B, A) float or (B,) int; advantages, returns: (B,). Everything is computed in float64.
    Returns the loss and a dict of gradients under the weights' own keys.
    """
    advantages = np.asarray(advantages, np.float64)

    def policy_loss(log_prob: np.ndarray) -> tuple[float, np.ndarray]:
        return -(log_prob * advantages).mean(), -advantages / len(advantages)

    return _loss(weights, inputs, actions, policy_loss, _squared_error(returns), value_coef, entropy_coef, squash)


def ppo(
    weights: Weights,
    inputs: np.ndarray,
    actions: np.ndarray,
    old_log_probs: np.ndarray,
    advantages: np.ndarray,
    returns: np.ndarray,
    old_values: np.ndarray,
    clip_range: float,
    clip_value: float | None,
    value_coef: float,
    entropy_coef: float,
    squash: bool = False,
) -> tuple[float, Weights]:
    """PPO's loss of one minibatch and its gradient with respect to every weight, see `reinforce`.

    `L = -mean(min(r · A, clip(r, 1 - ε, 1 + ε) · A)) + …`, r = π/π_old: where the clipped term is the smaller one, no
    gradient; elsewhere `-r · A / B`, since ∂r/∂log π = r.
    """
    advantages, old_values = np.asarray(advantages, np.float64), np.asarray(old_values, np.float64)

    def policy_loss(log_prob: np.ndarray) -> tuple[float, np.ndarray]:
        ratio = np.exp(log_prob - old_log_probs)
        free, held = ratio * advantages, np.clip(ratio, 1 - clip_range, 1 + clip_range) * advantages
        return -np.minimum(free, held).mean(), np.where(free <= held, -free, 0) / len(advantages)

    def critic_loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        free, derivative = _squared_error(returns)(values)
        if clip_value is None:
            return free, derivative
        moved = old_values + np.clip(values - old_values, -clip_value, clip_value)
        free, held = (values - returns) ** 2, (moved - returns) ** 2
        return np.maximum(free, held).mean(), np.where(free >= held, derivative, 0)

    return _loss(weights, inputs, actions, policy_loss, critic_loss, value_coef, entropy_coef, squash)


def _squared_error(returns: np.ndarray) -> Part:
    returns = np.asarray(returns, np.float64)
    return lambda values: (((values - returns) ** 2).mean(), 2 * (values - returns) / len(returns))


def _loss(
    weights: Weights,
    inputs: np.ndarray,
    actions: np.ndarray,
    policy_loss: Part,
    critic_loss: Part,
    value_coef: float,
    entropy_coef: float,
    squash: bool,
) -> tuple[float, Weights]:
    """Both parts, the entropy bonus, and how their derivatives reach the weights.

    With d = ∂L/∂log π the gradient reaches the Gaussian's mean as `d · z/σ` and its log σ as `d · (z² - 1)`, with
    z = (a - μ)/σ; it reaches the logits as `d · (onehot(a) - p)`. The entropy of a squashed Gaussian changes with
    u = μ + σξ by -2 tanh(u), averaged over ξ.
    """
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    inputs, size = np.asarray(inputs, np.float64), len(inputs)
    head, actor_layers = _forward(weights, "actor", inputs)
    gradient: Weights = {}
    if "log_std" in weights:
        log_std, std = weights["log_std"], np.exp(weights["log_std"])
        z = (actions - head) / std
        log_prob = gaussian_log_prob(np.asarray(actions, np.float64), head, log_std)
        entropy = np.full(size, (log_std + 0.5 * np.log(2 * np.pi * np.e)).sum())
        entropy_by_mean, entropy_by_log_std = np.zeros_like(head), np.ones_like(head)
        if squash:
            log_prob = log_prob - log_tanh_slope(np.asarray(actions, np.float64)).sum(axis=1)
            for node, weight in zip(HERMITE_NODES, HERMITE_WEIGHTS, strict=True):
                u = head + std * node
                entropy = entropy + weight * log_tanh_slope(u).sum(axis=1)
                entropy_by_mean += weight * -2 * np.tanh(u)
                entropy_by_log_std += weight * -2 * np.tanh(u) * std * node
        actor_loss, by_log_prob = policy_loss(log_prob)
        head_gradient = by_log_prob[:, None] * z / std - entropy_coef * entropy_by_mean / size
        log_std_gradient = by_log_prob[:, None] * (z**2 - 1) - entropy_coef * entropy_by_log_std / size
        gradient["log_std"] = log_std_gradient.sum(axis=0)
    else:
        log_probs = log_softmax(head)
        probs, chosen = np.exp(log_probs), np.eye(head.shape[1])[actions]
        entropy = -(probs * log_probs).sum(axis=1)
        entropy_gradient = -probs * (log_probs + entropy[:, None])
        actor_loss, by_log_prob = policy_loss((chosen * log_probs).sum(axis=1))
        head_gradient = by_log_prob[:, None] * (chosen - probs) - entropy_coef * entropy_gradient / size
    values, critic_layers = _forward(weights, "critic", inputs)
    value_loss, by_value = critic_loss(values[:, 0])
    gradient |= _backward(weights, "actor", actor_layers, head_gradient)
    gradient |= _backward(weights, "critic", critic_layers, value_coef * by_value[:, None])
    return float(actor_loss + value_coef * value_loss - entropy_coef * entropy.mean()), gradient


def _forward(weights: Weights, name: str, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The network's output and the input of each of its layers."""
    layers = [x]
    while f"{name}/{len(layers)}/kernel" in weights:
        layer = len(layers) - 1
        layers.append(np.tanh(layers[-1] @ weights[f"{name}/{layer}/kernel"] + weights[f"{name}/{layer}/bias"]))
    last = len(layers) - 1
    return layers[-1] @ weights[f"{name}/{last}/kernel"] + weights[f"{name}/{last}/bias"], layers


def _backward(weights: Weights, name: str, layers: list[np.ndarray], output_gradient: np.ndarray) -> Weights:
    """Gradients of the network's kernels and biases, given that of its output: the chain rule, last layer first."""
    gradient: Weights = {}
    for layer in reversed(range(len(layers))):
        gradient[f"{name}/{layer}/kernel"] = layers[layer].T @ output_gradient
        gradient[f"{name}/{layer}/bias"] = output_gradient.sum(axis=0)
        output_gradient = (output_gradient @ weights[f"{name}/{layer}/kernel"].T) * (1 - layers[layer] ** 2)
    return gradient
