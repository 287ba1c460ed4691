# %% [markdown]
# # 06 · PPO
#
# **Driving question.** Two thousand steps on the set are a minute and a half of film. REINFORCE and Actor-Critic look
# at them once, take one step, and throw them away. How often may we learn from the same footage before it leads us
# astray?
#
# **You will**
# - weigh old footage by the *ratio* of new to old probability, and see where that stops being trustworthy;
# - clip the ratio, and say of any sample whether it still pushes or is silent;
# - watch one real update from the inside, epoch by epoch;
# - estimate how far a policy has moved, with a number that is never negative;
# - train PPO with your hand on the pause button, take its parts away one by one, and compare all three algorithms;
# - see the very step at which PyTorch and TensorFlow run part, and why.
#
# **Before you start.** Lessons 04 and 05: policy gradient, advantage. Nothing of film.
#
# **Time.** 85 minutes to read and do, 30 seconds to run.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.rl import reference
from rlfilm_lib.rl.batch import generalized, standardize
from rlfilm_lib.rl.config import PPOConfig, to_json
from rlfilm_lib.rl.rollout import Collector
from rlfilm_lib.rl.statistics import bootstrap_interval, interquartile_mean
from rlfilm_lib.widgets import clip_explorer, learning_curves
from rlfilm_lib.widgets.checks import ppo as check
from rlfilm_lib.widgets.monitor import Monitor
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, VERMILION, figure
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/MovieScene-v0"
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"
ablations, algorithms, frameworks = (
    json.loads((MEDIA / f"{name}.json").read_text("utf-8"))
    for name in ("ppo_ablations", "three_algorithms", "ppo_frameworks")
)

# %% [markdown]
# ## 1. Old footage
#
# Back to the dimmer of lesson 04: one action $a$, the reward $r(a) = e^{-(a-2)^2/2}$, and a policy
# $a \sim \mathcal N(\mu, 1)$ that starts at $\mu_\text{old} = 0$. We have 64 tries of it, with their rewards. We take
# one step, say to $\mu = 0.3$. Now the tries are *old*: another policy made them. Are they worthless?
#
# No. They can be weighed. An action that the new policy would take twice as often counts twice. The weight is the
# **ratio** of the probabilities:
#
# $$ \rho(a) = \frac{\pi_\text{new}(a)}{\pi_\text{old}(a)} = e^{\log \pi_\text{new}(a) - \log \pi_\text{old}(a)}, \qquad
#    J(\mu) = \mathbb E_{a \sim \text{new}}[r(a)] = \mathbb E_{a \sim \text{old}}\big[\rho(a)\, r(a)\big] $$
#
# The right-hand side needs no new footage at all: it is called the **surrogate**. With both means it can be worked out
# for *every* $\mu$ from the same 64 tries. It looks too good to be true.
#
# **Predict.** Three people draw 64 tries each from the policy at 0 and draw the surrogate as a curve over $\mu$. The
# true $J(\mu)$ is known, with its top at 2. Up to which $\mu$ will the three curves follow it?

# %%
means = np.linspace(-1, 4, 101)
J = np.exp(-((means - 2) ** 2) / 4) / np.sqrt(2)


def log_ratio(action, mean):
    """log π(action) under N(mean, 1), less that under N(0, 1)."""
    return mean * action - mean**2 / 2


fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 2.5), layout="constrained")
left.plot(means, J, color=BLACK, lw=2, label="true J(μ)")
for seed, colour in enumerate((BLUE, ORANGE, GREEN)):
    tries = np.random.default_rng(seed).standard_normal((64, 1))
    rewards = np.exp(-((tries - 2) ** 2) / 2)
    left.plot(means, np.mean(np.exp(log_ratio(tries, means)) * rewards, axis=0), color=colour, lw=1.5)
left.plot([], [], color=BLUE, lw=1.5, label="surrogate from 64 old tries, three times")
left.axvline(0, color=BLACK, lw=1, ls=":")
left.set(xlabel="mean of the new policy μ (clicks)", ylabel="mean reward", ylim=(0, 1.05))
left.legend(frameon=False, fontsize=9, loc="upper left")
right.plot(means, 64 * np.exp(-(means**2)), color=VERMILION, lw=2)
right.set(xlabel="mean of the new policy μ (clicks)", ylabel="worth of 64 old tries", ylim=(0, 68))
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: the true mean reward is a bell with its top at μ = 2. Three surrogates from 64 tries at μ = 0 follow it to "
    "about μ = 1 and then go three ways. Right: what 64 old tries are worth falls from 64 at μ = 0 to 24 at 1 and to 1 "
    "at 2.",
)

# %% [markdown]
# Near the old policy all three follow the truth, up to the usual noise. Beyond $\mu = 1$ each follows its own few
# tries: nobody has seen what happens out there, and a handful of samples with huge ratios speak for all. The variance
# of the ratio is $e^{\mu^2} - 1$; that makes 64 old tries worth $64\, e^{-\mu^2}$ fresh ones.
#
# This is one number per action. On the film set an action is nine numbers, their ratios *multiply*, and the step is
# taken in thousands of weights. So the rule of the lesson: **climb the surrogate, but stay where it can be trusted.**
#
# ## 2. The clip
#
# From now on each sample has an advantage $A$ in place of a reward, positive if the action was better than expected.
# PPO (Schulman et al., 2017) stays near by a trick of one line. It climbs
#
# $$ L = \mathbb E\Big[\min\big(\rho A,\;\; \text{clip}(\rho,\, 1-\varepsilon,\, 1+\varepsilon)\, A\big)\Big],
#    \qquad \varepsilon = 0.2 $$
#
# Inside the band from $1-\varepsilon$ to $1+\varepsilon$ both terms are the same. Outside, the second is a constant,
# and its gradient is 0. The minimum decides which of the two counts.
#
# ### Exercise 1
# Predict, before you see a picture. Four samples, $\varepsilon = 0.2$. Work out both terms, take the smaller one, and
# ask whether it still depends on $\rho$. Does the sample push its ratio "up", "down", or is it "silent"?
#
# | | advantage $A$ | ratio $\rho$ | in words |
# |---|---|---|---|
# | 1 | +2 | 1.5 | a good action that has become more likely |
# | 2 | +2 | 0.5 | a good action that has become less likely |
# | 3 | −2 | 1.5 | a bad action that has become more likely |
# | 4 | −2 | 0.5 | a bad action that has become less likely |

# %% tags=["exercise"]
pushes = {1: None, 2: None, 3: None, 4: None}  # "up", "down" or "silent"

# %% tags=["solution"]
pushes = {1: "silent", 2: "up", 3: "down", 4: "silent"}

# %% tags=["check", "nbval-check-output"]
check.pushes(pushes)

# %% [markdown]
# Check it by differences: nudge the ratio up and down and see what the objective does.

# %% tags=["nbval-check-output"]
h = 1e-4
for advantage in (2.0, -2.0):
    for ratio in (1.5, 0.5):
        up, down = (clip_explorer.surrogate(np.array(ratio + nudge), advantage, 0.2) for nudge in (h, -h))
        print(f"A = {advantage:+.0f}, ρ = {ratio}: slope {(up - down) / (2 * h):+.0f}")

# %% [markdown]
# A sample falls silent when it has already gone, by more than $\varepsilon$, *the way it was pushed*. It has had its
# say from this footage. A sample that was carried the wrong way, by what the others did to the shared weights, still
# pushes back. That is what the minimum is for.
#
# ### Exercise 2
# Write the loss: minus the objective, averaged over the batch. In comes what a learner has: log-probabilities.


# %% tags=["exercise"]
def clipped_surrogate(log_prob, old_log_prob, advantage, clip_range):
    """PPO's loss: log_prob, old_log_prob, advantage (B,); returns one number, to go down."""
    return None  # your lines here


# %% tags=["solution"]
def clipped_surrogate(log_prob, old_log_prob, advantage, clip_range):
    """PPO's loss: log_prob, old_log_prob, advantage (B,); returns one number, to go down."""
    ratio = np.exp(log_prob - old_log_prob)
    clipped = np.clip(ratio, 1 - clip_range, 1 + clip_range)
    return -np.mean(np.minimum(ratio * advantage, clipped * advantage))


# %% tags=["check", "nbval-check-output"]
check.clipped_surrogate(clipped_surrogate)

# %% [markdown]
# ## 3. One update from the inside
#
# Now with real footage: the movie scene, all nine controls, 16 sets side by side. A policy has trained for five
# iterations, 10,240 steps. It films a sixth rollout, 2,048 steps. From those, PPO learns in **epochs**: it shuffles
# them, deals them into 32 minibatches of 64, takes a step for each, and begins again, ten times. That makes 320 steps
# where Actor-Critic would have taken one.
#
# After each epoch we stop the film and look up, for all 2,048 samples, how likely their actions are by now.

# %%
env = rlfilm.make_vec(SCENE, num_envs=16)
defaults = to_json(PPOConfig())  # the algorithm's own; the library's for this scene, its preset, come in section 7
learner = rlfilm.learner("ppo", env, backend=BACKEND, seed=0, **defaults)
rlfilm.train(learner, env, steps=5 * 2048, progress=False)
collector = Collector(env, learner.seed, learner.config.num_steps, learner.collector_state)
rollout = collector.collect(learner.policy(), learner.iteration)

no_clip = defaults | {"clip_range": 1e6}  # which no ratio reaches
unclipped = rlfilm.learner("ppo", env, backend=BACKEND, seed=0, **no_clip)
unclipped.set_tensors(learner.tensors())
unclipped.iteration = learner.iteration  # deals the same minibatches
with_clip, without = clip_explorer.record(learner, rollout), clip_explorer.record(unclipped, rollout)

# %% [markdown]
# Left, the surrogate of a good and of a bad action: grey is where it is flat. Right, the 2,048 samples, the good
# actions above, the bad ones below. Move the epoch from 0 to 10 and watch them spread. Then move $\varepsilon$: same
# samples, other boundaries.
#
# **Predict**, before you move the epoch: at epoch 0, where do all the dots lie? Will any leave the band at all, when
# the clip is there to prevent it?

# %%
clip_explorer.ClipExplorer(with_clip)

# %% [markdown]
# At first every ratio is exactly 1: the policy that learns *is* the policy that acted. Then they spread. And they do
# leave the band, more with every epoch.
#
# So the clip is not a wall. It silences a sample; it does not hold it. All samples share one network, and what pushes
# the others moves the silent ones along. What is gone is the *motive*: nobody gains anything by going further.
#
# What that is worth shows when it is taken away. The same weights, the same rollout, the same minibatches, with the
# clip on and off:

# %%
EDGES = np.linspace(0, 3, 61)
fig, grid = plt.subplots(2, 5, figsize=(9, 3.2), sharex=True, sharey="col", layout="constrained")
for row, (name, update, colour) in enumerate((("clip on", with_clip, BLUE), ("clip off", without, VERMILION))):
    for axes, epoch in zip(grid[row], (1, 2, 3, 5, 10), strict=True):
        axes.axvspan(0.8, 1.2, color="#e4e4e4", lw=0)
        axes.hist(np.minimum(update.ratios[epoch], 2.99), bins=EDGES, color=colour)
        axes.set_title(f"epoch {epoch}: KL {update.kl[epoch]:.3f}", fontsize=9)
        axes.set(xlim=(0, 3), yticks=())
        axes.spines[["top", "right", "left"]].set_visible(False)
    grid[row, 0].set_ylabel(name)
for axes in grid[1]:
    axes.set_xlabel("ratio ρ (last bar: more)", fontsize=9)
figure(
    fig,
    "Histograms of 2,048 ratios after epochs 1, 2, 3, 5 and 10, the band from 0.8 to 1.2 shaded. With the clip they "
    "widen slowly and stop, most of them within the band. Without it they run apart until most lie close to 0 or "
    "beyond 3.",
)

# %%
for name, update in (("clip on", with_clip), ("clip off", without)):
    ratio = update.ratios[-1]
    print(
        f"{name:8s} after ten epochs: {np.mean(np.abs(ratio - 1) > 0.2):4.0%} outside the band, largest ratio "
        f"{ratio.max():7.1f}, {1 / np.mean((ratio / ratio.mean()) ** 2):4.0%} of the samples' worth left"
    )

# %% tags=["nbval-check-output"]
print("before the first epoch every ratio is 1:", np.allclose(with_clip.ratios[0], 1, atol=1e-4))
print("the clip leaves samples outside the band:", bool((np.abs(with_clip.ratios[-1] - 1) > 0.2).any()))
print("without it the policy goes at least five times as far:", bool(without.kl[-1] > 5 * with_clip.kl[-1]))

# %% [markdown]
# “Worth left” is the right-hand curve of section 1, measured: how many fresh samples the weighted ones stand for. With
# the clip, ten epochs leave most of it. Without, a few samples with huge ratios speak for two thousand.
#
# ## 4. How far have we gone?
#
# The titles above carry a number, the **KL divergence** from the old policy to the new one:
#
# $$ \text{KL}(\text{old} \,\|\, \text{new})
#    = \mathbb E_{a \sim \text{old}}\Big[\log \frac{\pi_\text{old}(a)}{\pi_\text{new}(a)}\Big]
#    = \mathbb E_{a \sim \text{old}}[-\log \rho(a)] $$
#
# It is 0 for equal policies and grows with the distance; for two normal distributions of the same width, $\delta$
# standard deviations apart, it is $\delta^2 / 2$. The plain estimate, called $k_1$, is the mean of $-\log \rho$ over a
# batch. It is right on average. But one sample of $-\log\rho$ is positive or negative almost at random, and the thing
# we look for is small.
#
# Add something whose mean is zero, and the noise can go (lesson 04 called that a baseline). The mean of $\rho - 1$
# under the old policy is $\int \pi_\text{old}\, (\pi_\text{new}/\pi_\text{old} - 1) = 1 - 1 = 0$. So
#
# $$ k_3 = \text{mean of } \; (\rho - 1) - \log \rho $$
#
# has the same mean as $k_1$ (Schulman, 2020). Look at it as a curve: $\log\rho$ lies *below* its tangent $\rho - 1$
# everywhere. So not one sample can be negative.

# %%
ratio = np.linspace(0.3, 2, 100)
fig, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
axes.plot(ratio, -np.log(ratio), color=ORANGE, lw=2, ls="--", label="k1: −log ρ")
axes.plot(ratio, np.log(ratio) ** 2 / 2, color=GREEN, lw=2, ls="-.", label="k2: (log ρ)² / 2")
axes.plot(ratio, ratio - 1 - np.log(ratio), color=BLUE, lw=2, label="k3: ρ − 1 − log ρ")
axes.axhline(0, color=BLACK, lw=1)
axes.set(xlabel="ratio ρ of a sample", ylabel="what it says of the KL", ylim=(-0.8, 1.3))
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "What a sample contributes to three estimates of the KL, against its ratio. k1 falls through 0 at ratio 1 and is "
    "negative beyond; k2 and k3 are valleys that touch 0 at ratio 1.",
)

# %% [markdown]
# ### Exercise 3
# Write $k_3$ for a batch. Given are the log-ratios, new less old.


# %% tags=["exercise"]
def k3(log_ratio):
    """KL(old ‖ new) from log-ratios (B,) of samples of the old policy: one number."""
    return None  # your line here


# %% tags=["solution"]
def k3(log_ratio):
    """KL(old ‖ new) from log-ratios (B,) of samples of the old policy: one number."""
    return np.mean(np.exp(log_ratio) - 1 - log_ratio)


# %% tags=["check", "nbval-check-output"]
check.k3(k3)

# %% [markdown]
# **Predict.** Two policies, 0.2 standard deviations apart: the KL is 0.02. Ten thousand minibatches of 64 each give an
# estimate. How many of those by $k_1$ are negative? By what factor does $k_3$ scatter less?

# %% tags=["nbval-check-output"]
samples = log_ratio(np.random.default_rng(0).standard_normal((10_000, 64)), 0.2)
for name, each in (("k1", -samples), ("k2", samples**2 / 2), ("k3", np.exp(samples) - 1 - samples)):
    estimates = each.mean(axis=1)
    print(
        f"{name}: mean {estimates.mean():.4f}   standard deviation {estimates.std():.4f}   negative "
        f"{np.mean(estimates < 0):.0%}"
    )

# %% [markdown]
# A fifth of the $k_1$ estimates are negative, though no distance is. A rule such as “stop above 0.02” would be a
# lottery with it. ($k_2$ is as calm, but it is biased; here the bias is small because the step is.)
#
# That rule exists: `target_kl`. Before each step the minibatch's $k_3$ is taken; if it is above the target, the update
# ends *without* that step. It is a second rope beside the clip. Ours is off by default.
#
# ## 5. The first minibatch
#
# Before the first step every ratio is 1. That is the best test there is of a PPO program: whatever is wrong with
# observations, log-probabilities or the order of samples shows here. Let us break something. The film set takes
# actions from −1 to 1; the policy's bell knows no bounds, so an action is clipped before it is sent. This actor is
# almost right:


# %%
def act_almost_right(policy, x, rng):
    """For inputs x (N, D): actions to store, their log-probs, and actions for the film set."""
    action = policy.sample(x, rng)
    clipped = np.clip(action, -1, 1)
    return action, policy.log_prob(x, clipped), clipped


policy = learner.policy()
inputs = rollout.inputs[:32].reshape(-1, rollout.inputs.shape[-1])
actions, log_probs, _ = act_almost_right(policy, inputs, np.random.default_rng(0))
first_ratio = np.exp(policy.log_prob(inputs, actions) - log_probs)
print(f"ratio in the first minibatch: mean {first_ratio.mean():.2f}, smallest {first_ratio.min():.4f}")

# %% [markdown]
# **Predict.** The mean ratio is far below 1, before anything was learned. What will the clip do with a good action
# whose ratio is 0.4? With a bad one?
#
# Almost every bad action is silent from the start; the good ones all push. The program learns, badly, and no error is
# ever raised.
#
# ### Exercise 4
# Mend the actor. Which action is stored, whose log-prob is it, and what does the film set get?


# %% tags=["exercise"]
def act(policy, x, rng):
    """For inputs x (N, D): actions to store (N, A), their log-probs (N,), actions for the film set (N, A)."""
    return None  # your lines here


# %% tags=["solution"]
def act(policy, x, rng):
    """For inputs x (N, D): actions to store (N, A), their log-probs (N,), actions for the film set (N, A)."""
    action = policy.sample(x, rng)
    return action, policy.log_prob(x, action), np.clip(action, -1, 1)


# %% tags=["check", "nbval-check-output"]
check.act(act)

# %% [markdown]
# There is a second wrong cure: to store the *clipped* action with its own log-prob. Every ratio is 1 then, the test is
# silent, and the gradient is still wrong: the bell's density at the bound is not the probability of landing on it.
# Clipping belongs to the film set. The policy never hears of it.
#
# ## 6. The code
#
# The loss, twice. Tinted lines differ.

# %%
twins("ppo", ("def clipped_surrogate", "return -"))

# %%
twins("ppo", ("def approx_kl", "return "))

# %%
twins("ppo", ("class PPO", "return dict"))

# %% [markdown]
# Everything that is not framework stands once, in NumPy: the rollout, the advantages (GAE, lesson 05), their
# standardisation per minibatch, the order of the minibatches. So with one seed both frameworks get the same data in the
# same order. Keep that in mind for section 9.
#
# Is the gradient right? Take the policy of section 3 after its ten epochs, so that many samples lie out of the band,
# and the whole rollout as one minibatch. Loss and length of the gradient by hand (`rl/reference.py`, in NumPy) and by
# the framework, whichever `BACKEND` you chose:

# %% tags=["nbval-check-output"]
one_step = defaults | {"minibatch_size": 2048, "epochs": 1}
whole = rlfilm.learner("ppo", env, backend=BACKEND, seed=0, **one_step)
whole.set_tensors(learner.tensors())
policy, settings = whole.policy(), whole.config
batch = generalized(rollout, policy, settings.gamma, settings.gae_lambda)
loss, gradient = reference.ppo(
    policy.weights,
    batch.inputs,
    batch.actions,
    batch.log_probs,
    standardize(batch.advantages),
    batch.returns,
    batch.values,
    settings.clip_range,
    settings.clip_value,
    settings.value_coef,
    settings.entropy_coef,
)
norm = np.sqrt(sum((part**2).sum() for part in gradient.values()))
metrics = whole.learn(rollout, settings.learning_rate)
framework_loss = metrics["policy_loss"] + settings.value_coef * metrics["value_loss"]
framework_loss -= settings.entropy_coef * metrics["entropy"]
print("samples:", len(batch.values))
print("loss agrees:", np.isclose(framework_loss, loss, rtol=1e-4))
print("length of the gradient agrees:", np.isclose(metrics["gradient_norm"], norm, rtol=1e-3))

# %% [markdown]
# ## 7. Watch it train
#
# Three controls, the camera alone. Press **Start**, and **Pause** when something puzzles you. While it is held you can
# run other cells: look at `monitor.learner`, film a take with it, change nothing or everything, then go on. **Stop**
# ends it and keeps what was learned.
#
# **Predict.** The curve is what the agent earns while it rolls dice; the line marked *untrained* is judged without
# dice. Where does the curve begin?

# %%
camera = rlfilm.make_vec(SCENE, num_envs=16, controls=3)
monitor = Monitor(rlfilm.learner("ppo", camera, backend=BACKEND, seed=0), camera, steps=60_000)
monitor

# %% [markdown]
# The next cell waits for the end and leaves the curve in the notebook. If you have not pressed Start, it does that for
# you. (The square button of the notebook, *interrupt*, is a Stop as well.)

# %%
history = await monitor.finish()
monitor.still()

# %%
kl, outside = history.column("approx_kl"), history.column("clip_fraction")
print(f"KL per update: median {np.median(kl):.3f}, largest {kl.max():.3f}")
print(f"samples outside the band, mean over all steps of an update: median {np.median(outside):.0%}")

# %% [markdown]
# Three gauges to watch while PPO trains. **KL** per update: a few hundredths are healthy; tenths mean that the learning
# rate or the number of epochs is too high. **Samples outside the band**: ten to thirty per cent. None at all means that
# the steps are timid; more than half, that most of your footage has nothing left to say. **Entropy**: it should sink
# slowly, as the dice get smaller. The value of the loss, as ever, says nothing.
#
# ## 8. Take it apart
#
# Now the driving question, as an experiment: 1, 3, 10 and 30 epochs per rollout, with the clip on and off, 100,000
# steps of the whole scene, five seeds each. That takes some minutes, so it is a stored run; the command stands in the
# file.
#
# **Predict** two curves over the number of epochs: which score does it reach with the clip, which without?

# %%
print(ablations["command"])
untrained = float(np.mean(ablations["untrained_score"]))


def scores(stored, name):
    """(S,) normalised scores of the final policies of one name, judged without dice."""
    return np.array([run["score"] for run in stored["runs"] if run["name"] == name])


EPOCHS = (1, 3, 10, 30)
fig, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
for clip, colour, marker in (("on", BLUE, "o"), ("off", VERMILION, "s")):
    reached = [scores(ablations, f"{epochs} epochs, clip {clip}") for epochs in EPOCHS]
    middle = [interquartile_mean(one) for one in reached]
    low, high = np.transpose([bootstrap_interval(one, interquartile_mean) for one in reached])
    axes.fill_between(EPOCHS, low, high, color=colour, alpha=0.2, lw=0)
    axes.plot(EPOCHS, middle, marker + "-", color=colour, lw=2, label=f"clip {clip}")
    for epochs, one in zip(EPOCHS, reached, strict=True):
        axes.plot(np.full(len(one), epochs), one, marker, color=colour, ms=3, alpha=0.6)
    print(f"clip {clip:3s}", "   ".join(f"{e} epochs {m:.2f}" for e, m in zip(EPOCHS, middle, strict=True)))
learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
axes.set(
    xscale="log",
    xticks=EPOCHS,
    xticklabels=EPOCHS,
    ylim=(-0.1, 1.1),
    xlabel="epochs per rollout",
    ylabel="normalised score",
)
axes.minorticks_off()
axes.legend(frameon=False, fontsize=9, loc="lower left")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Normalised score after 100,000 steps against the epochs per rollout, five seeds each with interquartile mean and "
    "interval. With the clip it rises to ten epochs and falls a little at thirty; without, it falls from three on and "
    "ends, at thirty, where the untrained policy is.",
)

# %% [markdown]
# The mean here is the **interquartile mean**: the worst and the best quarter of the runs are left out, so one lucky run
# cannot carry it; the band is its bootstrap interval (Agarwal et al., 2021; lesson 15).
#
# One epoch is slow, with or without a clip: at one epoch the clip has almost nothing to do. With three and ten, the
# same footage teaches much more. Then the two part. Without the clip, ten epochs are worse than three, and thirty end
# about where they began. With it, thirty cost a little score and much time. So the clip does not only make ten epochs
# possible. It makes *too many* nearly harmless, and nobody has to know the right number.
#
# The other parts, one taken away at a time, ten epochs:

# %%
PARTS = {
    "PPO as it is": "10 epochs, clip on",
    "clip off, KL stop at 0.02 instead": "clip off, KL stop at 0.02",
    "advantages not standardised": "advantages not standardised",
    "λ = 1, rewards only": "λ = 1",
    "one minibatch: 10 steps, not 320": "one minibatch of 2048",
    "observations not normalised": "observations not normalised",
}
parts = {words: scores(ablations, name) for words, name in PARTS.items()}
fig, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
learning_curves.plot_scores(axes, parts)
for words, one in parts.items():
    low, high = bootstrap_interval(one, interquartile_mean)
    print(f"{words:35s} {interquartile_mean(one):.2f}, interval {low:.2f} to {high:.2f}")
for name, height in {"untrained": untrained, "expert": 1.0}.items():
    axes.axvline(height, color="#555555", lw=1.2, ls="--")
    axes.annotate(
        name, (height, 1), (3, -9), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=9
    )
axes.set(xlabel="normalised score after 100,000 steps", xlim=(None, 1.15))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Score after 100,000 steps of PPO as it is and with one part taken away or exchanged at a time: five seeds, their "
    "interquartile mean and its interval.",
)

# %% [markdown]
# Three things to take from it. A KL stop does most of what the clip does: both say “no further”. The one big minibatch
# loses most, though it sees the same footage as often: it takes 10 steps where the others take 320. And one part does
# harm: these observations are about unit size already, and a scale that shifts while the policy learns is one thing
# more to learn. (The rest hardly shows here. GAE and standardised advantages earn their place elsewhere.)
#
# So read such a picture with care. It holds for one environment, one length of training, one set of the other settings.
#
# ### Three algorithms
#
# Each with the library's settings for this scene, 300,000 steps, five seeds.

# %%
print(algorithms["command"])
scale, untrained = algorithms["yardsticks"], float(np.mean(algorithms["untrained_score"]))
fig, axes = plt.subplots(figsize=(6.8, 3.1), layout="constrained")
names = {
    "reinforce": ("REINFORCE", ORANGE, ":"),
    "actor-critic": ("Actor-Critic", GREEN, "--"),
    "ppo": ("PPO", BLUE, "-"),
}
for name, (words, colour, style) in names.items():
    runs = [run for run in algorithms["runs"] if run["name"] == name]
    returns = np.array([run["return_mean"] for run in runs])
    curves = (returns - scale["random"]) / (scale["expert"] - scale["random"])
    learning_curves.plot(axes, np.array(runs[0]["steps"]) / 1000, curves, colour, words, style)
    one = scores(algorithms, name)
    low, high = bootstrap_interval(one, interquartile_mean)
    passed = runs[0]["steps"][int(np.argmax(curves.mean(axis=0) > 0.8))]
    print(
        f"{words:13s} judged without dice: {interquartile_mean(one):.2f}, interval {low:.2f} to {high:.2f}; the curve "
        f"passes 0.8 after {passed:,.0f} steps"
    )
learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
axes.set(xlabel="environment steps (thousands)", ylabel="normalised score", xlim=(0, 300), ylim=(-0.1, 1.1))
axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.1))  # clear of "random"
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Learning curves of REINFORCE, Actor-Critic and PPO on all nine controls, five seeds each with mean and interval, "
    "beside the lines for random, untrained and expert.",
)

# %% [markdown]
# The axis is *footage*, and PPO makes the most of it: each of its rollouts is worth ten passes. By the end all three
# know the scene when they are judged without dice; the curves, with dice, show who still needs them. On a real set, or
# in any slow simulator, footage is what costs. In a fast simulator count seconds as well, before you choose.
#
# ## 9. Where two frameworks run part
#
# One seed in PyTorch and in TensorFlow: the same first weights, the same dice, the same minibatches, the same formulas.
# Only the order in which numbers are added differs, and with it the seventh digit. After each gradient step of both we
# compare all weights: the length of the difference over the length of the weights.
#
# **Predict.** After twenty iterations, 6,400 steps: how far apart are they? And will the distance grow steadily, or
# jump?

# %%
runs = frameworks["runs"]
SHOWN = (
    (runs[0], BLUE, "-", "float32"),
    (runs[3], GREEN, "-.", "float64"),
    (runs[4], ORANGE, "--", "float32, clip off"),
)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.1), width_ratios=(1.5, 1), layout="constrained")
for run, colour, style, words in SHOWN:
    left.plot(
        np.array(run["step"]) / run["steps_per_iteration"], run["distance"], style, color=colour, lw=1.8, label=words
    )
first = runs[0]["first_leap"]
right.plot(np.array(runs[0]["near_step"]) - first, runs[0]["near_distance"], color=BLUE, lw=1.8)
left.axvline(first / runs[0]["steps_per_iteration"], color=VERMILION, lw=1.2)
right.axvline(0, color=VERMILION, lw=1.2)
right.text(4, 5e-6, "a sample is clipped in\none framework only", fontsize=9, color=VERMILION)
left.set(yscale="log", xlabel="iteration (320 gradient steps each)", ylabel="relative distance of the weights")
right.set(yscale="log", xlabel="gradient steps from there")
left.legend(frameon=False, fontsize=9, loc="center right")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Relative distance of the weights of the two frameworks on a logarithmic axis. In float32 it creeps from 1e-8 to "
    "1e-6 over nine iterations, jumps ninefold within one gradient step, where for the first time a sample is clipped "
    "in one framework and not in the other, and a thousandfold within eighty. In float64 it stays below 1e-14. "
    "Without a clip float32 runs part as well, without a jump.",
)

# %%
for run in runs[:3]:
    at = run["near_step"].index(run["first_leap"])
    before_it, there = run["near_distance"][at - 1], run["near_distance"][at]
    print(
        f"seed {run['seed']}: a leap at step {run['first_leap']:,}, where a ratio lies {run['margin']:.0e} from the "
        f"boundary; distance {before_it:.0e} before it, {there:.0e} after it, {run['distance'][-1]:.0e} at the end"
    )
print(f"float64: none in {len(runs[3]['step']) * 16:,} steps; distance at the end {runs[3]['distance'][-1]:.0e}")

# %% [markdown]
# Here is what happens. One sample's ratio lies within a few millionths of 1.2: just above it in one framework, just
# below it in the other. In the first the sample is silent. In the second it pushes. Rounding has decided whether a
# whole sample counts. From that step on the two take different steps, the next ratios differ by more, more samples
# land on two sides, and within eighty steps the distance has grown a thousandfold. How soon it happens is luck: with
# seed 1 a ratio comes that close in the second iteration.
#
# In float64 the differences begin nine digits further down, and no sample meets the boundary so closely. And with the
# clip off? There is no boundary, and no jump. But the runs part all the same, over some four iterations instead of
# eighty steps: a policy that runs wild magnifies any difference. A boundary makes it sudden; it is not the only road.
#
# Neither run is the wrong one. Both are PPO with this seed. That is why our tests ask for equality where it can hold:
# one update in float32, five iterations in float64. And why you report several seeds.
#
# ## The answer
#
# How often may we learn from the same footage? As long as the new policy still resembles the one that acted. Each
# sample is weighed by the ratio of new to old probability, and while all ratios are near 1 the weighted footage is
# almost as good as fresh. PPO takes away each sample's motive to go further than $\varepsilon$ in the way it is pushed.
# That turns “how often?” from a dangerous number into a harmless one: ten epochs are good, thirty are a waste of time,
# and without the clip they are ruin. The KL divergence tells how far you have gone, by $k_3$, which is never negative.
#
# With this algorithm the course goes on set. Lesson 07 gives it the camera.
#
# ## Quiz
#
# 1. In the first minibatch of an update, what is the ratio of every sample?
#    (a) close to 0 (b) 1, up to rounding (c) it depends on the advantage
# 2. A bad action ($A < 0$) has ratio 1.5, $\varepsilon = 0.2$. What does its sample do?
#    (a) it is silent (b) it pushes its ratio up (c) it pushes its ratio down, as it would without a clip
# 3. After ten epochs a quarter of all ratios lie outside the band. Is that a bug?
#    (a) no, the clip takes the motive away but holds nothing (b) yes, clipped ratios cannot exceed 1.2 (c) yes,
#    $\varepsilon$ is too large
# 4. Why is the KL estimated by $k_3$ and not by $k_1$?
#    (a) it is cheaper (b) $k_1$ is biased (c) the same mean with less noise, and never negative
# 5. One seed, two frameworks, float32: the runs agree for nine iterations and then part within a few steps. Why?
#    (a) the dice differ (b) rounding has put a sample on the other side of the clip (c) one of the two is broken

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a", 4: "c", 5: "b"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov, “Proximal policy optimization algorithms”, 2017,
#   arXiv:1707.06347.
# - J. Schulman, S. Levine, P. Moritz, M. Jordan, P. Abbeel, “Trust region policy optimization”, ICML 2015: the
#   surrogate and how far it can be trusted.
# - J. Schulman, “Approximating KL divergence”, 2020, joschu.net/blog/kl-approx.html: k1, k2 and k3.
# - L. Engstrom et al., “Implementation matters in deep policy gradients”, ICLR 2020: what the habits around the clip
#   are worth.
# - M. Andrychowicz et al., “What matters in on-policy reinforcement learning?”, ICLR 2021.
# - S. Huang et al., “The 37 implementation details of proximal policy optimization”, ICLR blog track, 2022.
# - R. Agarwal et al., “Deep reinforcement learning at the edge of the statistical precipice”, NeurIPS 2021: the
#   interquartile mean.
