"""A conditional GAN over clips, and its generator as a policy (Miyato & Koyama 2018; Mescheder et al. 2018)."""

import math

import tensorflow as tf

from rlfilm_lib.tf.flow import linear, log_prob, silu
from rlfilm_lib.tf.generator import Generator
from rlfilm_lib.tf.parameters import Params
from rlfilm_lib.video import gan
from rlfilm_lib.video.gan import LAYERS, PARTS, GANConfig


def beside(params: Params, name: str, x: tf.Tensor, mixed: bool) -> tf.Tensor:
    """x (…, W) and what two dense layers make of it, added."""
    return x + linear(params, f"{name}/back", silu(linear(params, f"{name}/dense", x, mixed)), mixed)


def clips(params: Params, config: GANConfig, conditions: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """The generator's G(z, c), (B, T, Z), for conditions (B, C) and z (B, N); `video.gan.initialize` has its layers."""
    mixed = config.mixed_precision
    h = silu(linear(params, "told", tf.concat([z, conditions], axis=1), mixed))
    for layer in range(LAYERS):
        h = beside(params, f"clip/{layer}", h, mixed)
    h = linear(params, "frames", h, mixed)
    x = tf.reshape(h, (-1, h.shape[1] // config.frame_width, config.frame_width))
    return linear(params, "latent", silu(beside(params, "frame", x, mixed)), mixed)


def nearest(params: Params, config: GANConfig, real: tf.Tensor, conditions: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """Of candidates z (M, B, N) those whose clips are nearest to the real ones (B, T, Z) of the conditions (B, C)."""
    if z.shape[0] == 1:
        return z[0]
    made = clips(params, config, tf.tile(conditions, (z.shape[0], 1)), tf.reshape(z, (-1, z.shape[2])))
    errors = tf.reduce_mean((tf.reshape(made, (z.shape[0], *real.shape)) - real) ** 2, axis=(2, 3))
    return tf.gather(tf.transpose(z, (1, 0, 2)), tf.argmin(errors, axis=0), batch_dims=1)


def parts(
    params: Params, config: GANConfig, x: tf.Tensor, conditions: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """What the discriminator's two parts make of clips x (B, T, Z) and conditions (B, C).

    Scores of the clips alone (2, B), the clips' features φ (2, B, D), and the conditions' (2, B, D): D(x, c) is the
    score and the product of the two features.
    """
    mixed = config.mixed_precision
    e = silu(linear(params, "told/1", silu(linear(params, "told/0", conditions, mixed)), mixed))
    frames = silu(linear(params, "spatial/1", silu(linear(params, "spatial/0", x, mixed)), mixed))
    differences = tf.concat([tf.zeros_like(x[:, :1]), x[:, 1:] - x[:, :-1]], axis=1)
    steps = silu(linear(params, "temporal/0", tf.concat([x, differences], axis=2), mixed))
    whole = silu(linear(params, "temporal/1", tf.reshape(steps, (-1, steps.shape[1] * steps.shape[2])), mixed))
    seen = [tf.reduce_mean(frames, axis=1), silu(linear(params, "temporal/2", whole, mixed))]
    alone = [linear(params, f"{part}/score", phi, mixed)[:, 0] for part, phi in zip(PARTS, seen, strict=True)]
    asked = [linear(params, f"{part}/told", e, mixed) for part in PARTS]
    return tf.stack(alone), tf.stack(seen), tf.stack(asked) / math.sqrt(config.discriminator_width)


def scores(params: Params, config: GANConfig, x: tf.Tensor, conditions: tf.Tensor) -> tf.Tensor:
    """D(x, c) of both parts, (2, B), for clips x (B, T, Z) and conditions (B, C)."""
    alone, seen, asked = parts(params, config, x, conditions)
    return alone + tf.reduce_sum(seen * asked, axis=2)


def climb(
    generator: Params,
    discriminator: Params,
    config: GANConfig,
    conditions: tf.Tensor,
    z: tf.Tensor,
    noise: tf.Tensor,
    gradient: str,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A loss whose slope is the estimate of -∇J, the scores J (K, B), and G(z, c) (B, T, Z).

    conditions: (B, C); z: (B, N); noise: ε (K, B, T, Z); gradient: pathwise or score-function.
    """
    count, mean = noise.shape[0], clips(generator, config, conditions, z)
    around, told = mean + config.policy_std * noise, tf.tile(conditions, (count, 1))
    actions = tf.reshape(around, (-1, *around.shape[2:]))
    if gradient == "pathwise":
        rewards = tf.reduce_mean(scores(discriminator, config, actions, told), axis=0)
        return -tf.reduce_mean(rewards), tf.reshape(rewards, noise.shape[:2]), mean
    actions = tf.stop_gradient(actions)
    rewards = tf.reshape(tf.reduce_mean(scores(discriminator, config, actions, told), axis=0), noise.shape[:2])
    advantages = (rewards - tf.reduce_mean(rewards, axis=0)) * (count / (count - 1))
    std = tf.fill(actions.shape[:1], tf.constant(config.policy_std, mean.dtype))
    log_probs = log_prob(actions, tf.tile(mean, (count, 1, 1)), std)
    return -tf.reduce_mean(log_probs * tf.reshape(advantages, (-1,))), rewards, mean


class GAN(gan.GAN, Generator):
    """The GAN with TensorFlow networks."""

    @tf.function(autograph=False)
    def imitate(self, real: tf.Tensor, conditions: tf.Tensor, z: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """One step of the generator down the squared error of its best: real (B, T, Z), conditions (B, C), z (M, B, N).

        Returns metrics, and the best clips G(z, c) (B, T, Z).
        """
        parameters, config = self.networks["generator"], self.config
        with tf.GradientTape() as tape:
            params = parameters.params()
            made = clips(params, config, conditions, nearest(params, config, real, conditions, z))
            error = tf.reduce_mean((made - real) ** 2)
        norm = parameters.descend(tape, error, config.supervised_learning_rate, config.max_grad_norm)
        return {"error": error, "gradient_norm": norm}, made

    @tf.function(autograph=False)
    def discriminate(
        self, real: tf.Tensor, conditions: tf.Tensor, z: tf.Tensor, noise: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """One step down the hinge loss and its penalty: real (B, T, Z), conditions (B, C), z (B, N), ε (B, T, Z).

        Returns metrics, and the clips G(z, c) (B, T, Z) around which the fakes lie.
        """
        parameters, config = self.networks["discriminator"], self.config
        made = clips(self.networks["generator"].params(), config, conditions, z)
        with tf.GradientTape() as tape:
            params = parameters.params()
            fake = scores(params, config, made + config.policy_std * noise, conditions)
            with tf.GradientTape() as inner:
                inner.watch(real)
                alone, seen, asked = parts(params, config, real, conditions)
                matched = alone + tf.reduce_sum(seen * asked, axis=2)
                total = tf.reduce_sum(tf.reduce_mean(matched, axis=0))
            called_fake = tf.reduce_mean(tf.nn.relu(1 + fake))
            if self.size.condition:
                pairs = tf.nn.relu(1 + alone[:, :, None] + tf.matmul(seen, asked, transpose_b=True))
                others = 1 - tf.eye(real.shape[0], dtype=real.dtype)
                called_fake = 0.5 * (
                    called_fake + tf.reduce_mean(tf.reduce_sum(pairs * others, axis=2)) / (real.shape[0] - 1)
                )
            loss = tf.reduce_mean(tf.nn.relu(1 - matched)) + called_fake
            slopes = inner.gradient(total, real)
            penalty = config.r1 / 2 * tf.reduce_mean(tf.reduce_sum(slopes * slopes, axis=(1, 2)))
            objective = loss + penalty
        parameters.descend(tape, objective, config.discriminator_learning_rate, config.max_grad_norm)
        metrics = {
            "discriminator_loss": loss,
            "slope_penalty": penalty,
            "real_score": tf.reduce_mean(matched),
            "fake_score": tf.reduce_mean(fake),
        }
        return metrics, made

    @tf.function(autograph=False)
    def generate(
        self, real: tf.Tensor, conditions: tf.Tensor, z: tf.Tensor, noise: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """One step of the generator up J: real (B, T, Z), conditions (B, C), z (M, B, N), ε (K, B, T, Z).

        Returns metrics, and the clips G(z, c) (B, T, Z) of the first z.
        """
        parameters, config = self.networks["generator"], self.config
        judge = self.networks["discriminator"].params()
        with tf.GradientTape() as tape:
            params = parameters.params()
            loss, rewards, made = climb(params, judge, config, conditions, z[0], noise, config.gradient)
            near = nearest(params, config, real, conditions, z)
            best = made if z.shape[0] == 1 else clips(params, config, conditions, near)
            error = tf.reduce_mean((best - real) ** 2)
            loss = loss + config.pull * error
        norm = parameters.descend(tape, loss, config.learning_rate, config.max_grad_norm)
        return {"reward": tf.reduce_mean(rewards), "error": error, "gradient_norm": norm}, made

    @tf.function(autograph=False)
    def slope(self, conditions: tf.Tensor, z: tf.Tensor, noise: tf.Tensor, gradient: str) -> tf.Tensor:
        """An estimate of ∇J (P,), without a step: conditions (B, C), z (B, N), ε (K, B, T, Z)."""
        parameters = self.networks["generator"]
        judge = self.networks["discriminator"].params()
        with tf.GradientTape() as tape:
            loss, _, _ = climb(parameters.params(), judge, self.config, conditions, z, noise, gradient)
        return -tape.gradient(loss, parameters.theta)

    @tf.function(autograph=False, reduce_retracing=True)  # clips come in ever other numbers
    def evaluate(self, conditions: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """G(z, c) (N, T, Z) by the averaged weights, for conditions (N, C) and z (N, noise)."""
        return clips(self.networks["generator"].averaged(), self.config, conditions, z)
