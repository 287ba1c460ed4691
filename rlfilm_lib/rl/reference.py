"""The float64 oracle: every loss and its gradient by hand, in NumPy. Both frameworks are tested against it."""

import numpy as np

from rlfilm_lib.rl.policy import Weights, gaussian_log_prob, log_softmax


def reinforce(
    weights: Weights,
    inputs: np.ndarray,
    actions: np.ndarray,
    advantages: np.ndarray,
    returns: np.ndarray,
    value_coef: float,
    entropy_coef: float,
) -> tuple[float, Weights]:
    """REINFORCE's loss and its gradient with respect to every weight.

    `L = -mean(log π(a|s) · A) + c_v · mean((V(s) - R)²) - c_e · mean(H)`

    inputs: (B, D); actions: (B, A) float or (B,) int; advantages, returns: (B,). Everything is computed in float64.
    Returns the loss and a dict of gradients under the weights' own keys.

    With d = ∂L/∂log π = -A/B, the gradient reaches the Gaussian's mean as `d · z/σ` and its log σ as `d · (z² - 1)`,
    with z = (a - μ)/σ; it reaches the logits as `d · (onehot(a) - p)`.
    """
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    inputs, advantages, returns = (np.asarray(array, np.float64) for array in (inputs, advantages, returns))
    size = len(inputs)
    head, actor_layers = _forward(weights, "actor", inputs)
    gradient: Weights = {}
    per_log_prob = -advantages[:, None] / size
    if "log_std" in weights:
        log_std = weights["log_std"]
        z = (actions - head) / np.exp(log_std)
        log_prob = gaussian_log_prob(np.asarray(actions, np.float64), head, log_std)
        entropy = np.full(size, (log_std + 0.5 * np.log(2 * np.pi * np.e)).sum())
        head_gradient = per_log_prob * z / np.exp(log_std)
        gradient["log_std"] = (per_log_prob * (z**2 - 1)).sum(axis=0) - entropy_coef
    else:
        log_probs = log_softmax(head)
        probs, chosen = np.exp(log_probs), np.eye(head.shape[1])[actions]
        log_prob = (chosen * log_probs).sum(axis=1)
        entropy = -(probs * log_probs).sum(axis=1)
        entropy_gradient = -probs * (log_probs + entropy[:, None])
        head_gradient = per_log_prob * (chosen - probs) - entropy_coef * entropy_gradient / size
    value, critic_layers = _forward(weights, "critic", inputs)
    error = value[:, 0] - returns
    gradient |= _backward(weights, "actor", actor_layers, head_gradient)
    gradient |= _backward(weights, "critic", critic_layers, value_coef * 2 * error[:, None] / size)
    loss = -(log_prob * advantages).mean() + value_coef * (error**2).mean() - entropy_coef * entropy.mean()
    return float(loss), gradient


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
