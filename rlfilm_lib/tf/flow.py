"""A flow over clips: a transformer that learns a velocity (Lipman et al. 2023; Peebles & Xie 2023)."""

import tensorflow as tf

from rlfilm_lib.rl.policy import HALF_LOG_2PI
from rlfilm_lib.tf.generator import Generator
from rlfilm_lib.tf.parameters import Params
from rlfilm_lib.tf.ppo import approx_kl, clip_fraction, clipped_surrogate
from rlfilm_lib.video import flow
from rlfilm_lib.video.fine_tune import FineTuneConfig
from rlfilm_lib.video.flow import FREQUENCIES, FlowConfig, sde_mean

silu = tf.nn.silu


def linear(params: Params, name: str, x: tf.Tensor, mixed: bool) -> tf.Tensor:
    """x (…, in) → (…, out); `mixed`: multiplied in bfloat16."""
    kernel, bias = params[f"{name}/kernel"], params[f"{name}/bias"]
    if mixed:
        return tf.cast(tf.cast(x, tf.bfloat16) @ tf.cast(kernel, tf.bfloat16), x.dtype) + bias
    return x @ kernel + bias


def modulated(x: tf.Tensor, shift: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Layer norm whose gain and shift depend on the clip: x (B, T, W); shift, scale (B, W)."""
    mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
    x = (x - mean) * tf.math.rsqrt(variance + 1e-6)
    return x * (1 + scale[:, None]) + shift[:, None]


def attention(queries_keys_values: tf.Tensor, heads: int) -> tf.Tensor:
    """Every frame looks at every frame (Vaswani et al. 2017): (B, T, 3 W) → (B, T, W)."""
    _, frames, width = queries_keys_values.shape
    parts = tf.reshape(queries_keys_values, (-1, frames, 3, heads, width // (3 * heads)))
    queries, keys, values = tf.unstack(tf.transpose(parts, (2, 0, 3, 1, 4)))  # each (B, heads, T, W / heads)
    alike = tf.matmul(queries, keys, transpose_b=True) / tf.sqrt(tf.cast(queries.shape[-1], queries.dtype))
    seen = tf.matmul(tf.nn.softmax(alike), values)
    return tf.reshape(tf.transpose(seen, (0, 2, 1, 3)), (-1, frames, width // 3))


def velocity(
    params: Params, config: FlowConfig, x: tf.Tensor, t: tf.Tensor, conditions: tf.Tensor, known: tf.Tensor
) -> tf.Tensor:
    """The network's v (B, T, Z) at x (B, T, Z) and times t (B,), for conditions (B, C); known (B,): 0 drops them.

    `rlfilm_lib.video.flow.initialize` lists the layers.
    """
    mixed = config.mixed_precision
    told = tf.concat([conditions, tf.ones_like(known)[:, None]], axis=1) * known[:, None]
    radians = t[:, None] * tf.constant(FREQUENCIES, t.dtype)
    waves = tf.concat([tf.sin(radians), tf.cos(radians)], axis=1)
    meant = silu(linear(params, "meant", silu(linear(params, "told", told, mixed)), mixed))
    e = silu(linear(params, "mixed", meant, mixed) + linear(params, "time", waves, mixed))
    places = tf.reshape(linear(params, "frame", meant, mixed), (-1, x.shape[1], config.width))
    h = linear(params, "latent", x, mixed) + places
    for block in range(config.layers):
        parts = tf.split(linear(params, f"block/{block}/modulation", e, mixed), 6, axis=1)
        seen = linear(params, f"block/{block}/queries", modulated(h, parts[0], parts[1]), mixed)
        seen = linear(params, f"block/{block}/output", attention(seen, config.heads), mixed)
        h = h + parts[2][:, None] * seen
        made = linear(params, f"block/{block}/dense", modulated(h, parts[3], parts[4]), mixed)
        gate, made = tf.split(made, 2, axis=2)
        h = h + parts[5][:, None] * linear(params, f"block/{block}/back", silu(gate) * made, mixed)
    shift, scale = tf.split(linear(params, "modulation", e, mixed), 2, axis=1)
    return linear(params, "velocity", modulated(h, shift, scale), mixed)


def guided(
    params: Params, config: FlowConfig, x: tf.Tensor, t: tf.Tensor, conditions: tf.Tensor, guidance: float
) -> tf.Tensor:
    """v without the condition, and `guidance` times the way from there to v with it: (B, T, Z)."""
    with_condition = velocity(params, config, x, t, conditions, tf.ones_like(t))
    if guidance == 1:
        return with_condition
    without = velocity(params, config, x, t, conditions, tf.zeros_like(t))
    return without + guidance * (with_condition - without)


def log_prob(x: tf.Tensor, mean: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """Log-density of x (M, T, Z) under independent Gaussians: mean (M, T, Z), std (M,) → (M,).

    >>> round(float(log_prob(tf.zeros((1, 1, 2)), tf.ones((1, 1, 2)), tf.ones(1))[0]), 4)
    -2.8379
    """
    assert x.shape == mean.shape and std.shape == x.shape[:1]
    z = (x - mean) / std[:, None, None]
    return -0.5 * tf.reduce_sum(z * z, axis=(1, 2)) - x.shape[1] * x.shape[2] * (tf.math.log(std) + HALF_LOG_2PI)


def kl(mean: tf.Tensor, other: tf.Tensor, std: tf.Tensor) -> tf.Tensor:
    """KL between Gaussians of one standard deviation, ‖μ - μ'‖² / 2 std²: means (M, T, Z), std (M,) → (M,).

    >>> float(kl(tf.zeros((1, 1, 2)), tf.ones((1, 1, 2)), tf.constant([2.0]))[0])
    0.25
    """
    assert mean.shape == other.shape and std.shape == mean.shape[:1]
    return tf.reduce_sum((mean - other) ** 2, axis=(1, 2)) / (2 * std * std)


class Flow(flow.Flow, Generator):
    """The flow with a TensorFlow network."""

    @tf.function(autograph=False)
    def descend(
        self,
        x: tf.Tensor,
        times: tf.Tensor,
        known: tf.Tensor,
        target: tf.Tensor,
        conditions: tf.Tensor,
        learning_rate: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One step down the mean squared error of the velocity, see `rlfilm_lib.video.flow.Points`."""
        parameters, config = self.networks["flow"], self.config
        with tf.GradientTape() as tape:
            error = velocity(parameters.params(), config, x, times, conditions, known) - target
            loss = tf.reduce_mean(error * error)
        return loss, parameters.descend(tape, loss, learning_rate, config.max_grad_norm)

    @tf.function(autograph=False, reduce_retracing=True)  # clips come in ever other numbers
    def evaluate(
        self, x: tf.Tensor, times: tf.Tensor, conditions: tf.Tensor, guidance: float, averaged: bool
    ) -> tf.Tensor:
        """The velocity (N, T, Z) by the averaged weights or by the latest."""
        parameters = self.networks["flow"]
        params = parameters.averaged() if averaged else parameters.params()
        return guided(params, self.config, x, times, conditions, guidance)

    @tf.function(autograph=False)
    def ascend(
        self,
        x: tf.Tensor,
        times: tf.Tensor,
        conditions: tf.Tensor,
        after: tf.Tensor,
        references: tf.Tensor,
        stds: tf.Tensor,
        log_probs: tf.Tensor,
        advantages: tf.Tensor,
        config: FineTuneConfig,
    ) -> dict[str, tf.Tensor]:
        """One step up the clipped objective on steps of the denoising process, see `Transitions`."""
        parameters = self.networks["flow"]
        with tf.GradientTape() as tape:
            v = guided(parameters.params(), self.config, x, times, conditions, config.guidance)
            mean = sde_mean(x, v, times[:, None, None], 1 / config.denoising_steps, config.noise_level)
            new_log_probs = log_prob(after, mean, stds)
            policy_loss = clipped_surrogate(new_log_probs, log_probs, advantages, config.clip_range)
            mean_kl = tf.reduce_mean(kl(mean, references, stds))
            loss = policy_loss + config.kl_coef * mean_kl
        norm = parameters.descend(tape, loss, config.learning_rate, config.max_grad_norm)
        return {
            "policy_loss": policy_loss,
            "approx_kl": approx_kl(new_log_probs, log_probs),
            "clip_fraction": clip_fraction(new_log_probs, log_probs, config.clip_range),
            "gradient_norm": norm,
        }
