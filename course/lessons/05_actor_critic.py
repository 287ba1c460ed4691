# %% [markdown]
# # 05 · Actor-Critic
#
# **Driving question.** The camera moves in the second frame. How long must we watch before we know whether the move was
# good? To the end of the take, through forty-six more moves? Or may we ask somebody after one frame who has only a
# guess?
#
# **You will**
# - measure a critic's surprise, the TD error, and find the advantage of an action in it;
# - trade bias for variance: one step, n steps, all steps, and GAE's λ between them, against a truth that is computed;
# - write GAE, with the one thing that programs get wrong: where a take ends, and where it is only cut;
# - train Actor-Critic beside REINFORCE, and watch λ matter;
# - see why a policy without dice needs a critic of state *and* action, Q(s, a), and what half of each gives.
#
# **Before you start.** Lessons 03 and 04: the policy gradient, reward-to-go, baselines. Nothing of film.
#
# **Time.** 85 minutes to read and do, 60 seconds to run.

# %%
import dataclasses
import itertools

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.rl import returns
from rlfilm_lib.rl.config import Config, configure
from rlfilm_lib.rl.rollout import Collector
from rlfilm_lib.widgets import gae_explorer, learning_curves
from rlfilm_lib.widgets.checks import actor_critic as check
from rlfilm_lib.widgets.gae_explorer import ERRORS, LAMBDAS, TURNS
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, figure
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/MovieScene-v0"

# %% [markdown]
# ## A case that can be settled
#
# On a film set one person does nothing but turn the ring that focuses the lens: the **focus puller**. The actor drifts
# back and forth; the ring has to follow. We count how far the focus is off in *marks*; one mark off and the picture is
# soft, more than five and the take is spoiled.
#
# - **State**: the focus error, −5 to 5 marks. **Action**: turn the ring by −1, 0 or +1 mark.
# - The actor then drifts by −1, 0 or +1 mark, with probability ¼, ½, ¼.
# - **Reward**: the sharpness $e^{-x^2/2}$ of the picture, $x$ marks off.
# - A take begins 3 marks off. After 24 frames, one second, the clock cuts it.
#
# Eleven states, three actions. Small enough that nothing has to be guessed: the value of every state under a policy is
# the solution of eleven linear equations. That is why we begin here. The policy is a half-trained focus puller, who
# turns against the error more often than not. With a discount of γ = 0.95:

# %%
focus = gae_explorer.focus_pull()
GAMMA = gae_explorer.DISCOUNT
values, advantages = focus.values(GAMMA), focus.advantages(GAMMA)

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(8.5, 2.2), layout="constrained")
left.bar(ERRORS, np.exp(-(ERRORS**2) / 2), color="#8c8c8c")
left.set(ylabel="sharpness (the reward)")
for turn, colour, style in zip(range(3), (BLUE, BLACK, ORANGE), ("o-", "s--", "^:"), strict=True):
    name = f"turn by {TURNS[turn]:+d}"
    middle.plot(ERRORS, focus.policy[:, turn], style, color=colour, ms=4, label=name)
    right.plot(ERRORS, advantages[:, turn], style, color=colour, ms=4, label=name)
middle.set(ylabel="probability under the policy", ylim=(0, 1))
middle.legend(frameon=False, fontsize=8, loc="upper center")
right.axhline(0, color=BLACK, lw=0.8)
right.set(ylabel="true advantage")
for axes in (left, middle, right):
    axes.set_xlabel("focus error (marks)")
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Against the focus error: the sharpness, a narrow bell around 0; the policy, which turns back more often the "
    "larger the error; and the true advantage of each turn, positive for turning back, negative for turning on.",
)

# %% [markdown]
# Now a take begins 3 marks off, and the focus puller turns. The right way, −1, or the wrong way, +1? The truth is on
# the right above: between the two lie 2.03 units of reward. Three judges look at many takes:
#
# - The first **waits for the end** and adds up all rewards, as REINFORCE does.
# - The second looks at **one frame**, and then asks a critic what the rest will be worth. His critic is half right: its
#   values lie halfway between the truth and the same number everywhere.
# - The third does something in between.
#
# **Predict.** Whose verdicts scatter most? Whose are wrong on average?

# %%
THREE_OFF = int(np.flatnonzero(ERRORS == 3)[0])
BACK, ON = 0, 2
half_right = gae_explorer.critic(focus, GAMMA, quality=0.5)
gap = advantages[THREE_OFF, BACK] - advantages[THREE_OFF, ON]
fig, panels = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
for panel, name, trust in zip(panels, ("waits for the end", "one frame", "in between"), (1.0, 0.0, 0.75), strict=True):
    means = []
    for turn, colour, label in ((BACK, BLUE, "turned back"), (ON, ORANGE, "turned on")):
        takes = gae_explorer.play(focus, 4000, seed=turn, frames=120, first=(THREE_OFF, turn))
        verdicts = gae_explorer.credit(takes, half_right, GAMMA, trust)[0]
        share = np.full(len(verdicts), 100 / len(verdicts))
        panel.hist(verdicts, bins=np.linspace(-8, 8, 49), weights=share, color=colour, alpha=0.6, label=label)
        panel.axvline(verdicts.mean(), color=colour, lw=2)
        means.append(verdicts.mean())
    panel.set_title(f"{name}\ngap {means[0] - means[1]:.2f}, true gap {gap:.2f}", fontsize=10)
    panel.set(xlabel="verdict (advantage)")
    panel.spines[["top", "right"]].set_visible(False)
panels[0].legend(frameon=False, fontsize=8, loc="upper right")
panels[0].set_ylabel("% of the takes")
figure(
    fig,
    "Histograms of three judges' verdicts on turning back and turning on, with their means. Waiting for the end: both "
    "wide, one over the other, the means apart by the true gap. One frame: narrow and apart, but the gap is too small. "
    "In between: in between in both.",
)

# %% [markdown]
# The first judge is right on average, and useless in a single case: both turns look alike. The second tells them apart
# at once, and finds the difference too small, because his critic is prejudiced. The third is the subject of this
# lesson.
#
# ## 1. A critic's surprise
#
# Take the critic who knows the truth, and watch one take through his eyes. Before each frame he says what the rest will
# be worth, $V(s_t)$. Then the frame brings a reward $r_t$ and a new state. If nothing surprised him, the two would
# balance: $V(s_t) = r_t + \gamma V(s_{t+1})$. What is left over is his surprise, the **TD error** (temporal
# difference):
#
# $$ \delta_t = r_t + \gamma V(s_{t+1}) - V(s_t) $$

# %%
take = gae_explorer.play(focus, 1, seed=0)
surprise = gae_explorer.credit(take, values, GAMMA, 0.0)[:, 0]
fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 3), layout="constrained")
top.plot(values[take.states[:, 0]], "o-", color=GREEN, ms=4)
top.set_xticks(np.arange(24), [f"{ERRORS[state]:+d}" for state in take.states[:, 0]], fontsize=9)
top.set(ylabel="V(s), the critic's value", xlabel="focus error (marks)", ylim=(5.5, 9.5))
bottom.bar(np.arange(len(surprise)), surprise, color=np.where(surprise > 0, BLUE, ORANGE))
bottom.axhline(0, color=BLACK, lw=0.8)
bottom.set(ylabel="TD error δ", xlabel="frame")
for axes in (top, bottom):
    axes.set_xlim(-0.7, 23.7)
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "One take of 24 frames. Above, the critic's value, high when the error is near 0. Below, the TD error of each "
    "frame: positive where the focus came closer than expected, negative where it slipped.",
)

# %% [markdown]
# A good turn and good luck both give a positive surprise. But luck averages out. On average over what the actor does,
# the surprise after action $a$ in state $s$ is
#
# $$ \mathbb E[\delta_t \mid s, a] = \underbrace{\mathbb E[r + \gamma V(s') \mid s, a]}_{Q(s,a)} - V(s) = A(s, a) $$
#
# This is exactly the advantage. **Predict.** Three marks off, at +3: put the three turns in the order of their mean
# surprise. Which of them are below 0?

# %% tags=["nbval-check-output"]
for turn in range(3):
    takes = gae_explorer.play(focus, 20_000, seed=turn, frames=2, first=(THREE_OFF, turn))
    sampled = gae_explorer.credit(takes, values, GAMMA, 0.0)[0]
    agrees = abs(sampled.mean() - advantages[THREE_OFF, turn]) < 3 * sampled.std() / len(sampled) ** 0.5
    print(
        f"turn by {TURNS[turn]:+d}: true advantage {advantages[THREE_OFF, turn]:+.2f}; 20,000 surprises agree: {agrees}"
    )

# %% [markdown]
# So a critic can judge an action after *one* step. That is the idea of the method: the **actor** is the policy, the
# **critic** its judge; the loss is REINFORCE's, with δ where the return was.
#
# Nobody hands us the true critic. It is learned, too, and from the same δ: what came, $r_t + \gamma V(s_{t+1})$, is
# held fixed as a **target**, and $V(s_t)$ is moved towards it. A guess learns from a later guess. That is called
# **bootstrapping**.
#
# ### A bug with no message
#
# A critic is a network with one output. For a batch of $B$ states it returns a *column*, shape $(B, 1)$. Rewards are a
# *row*, $(B,)$. Here is the TD error as many write it first:


# %%
def naive_td_errors(rewards, values, following, gamma):
    """rewards (B,); values and following (B, 1): the critic's outputs now and one step later."""
    return rewards + gamma * following - values


# %% [markdown]
# **Predict.** With $B = 11$: which shape does it return?

# %% tags=["nbval-check-output"]
rewards, now, later = np.zeros(11), np.zeros((11, 1)), np.zeros((11, 1))
print("shape:", naive_td_errors(rewards, now, later, GAMMA).shape)

# %% [markdown]
# No error, no warning. A row and a column are spread to a table: every reward meets every value. The loss is the mean
# square of the table, and its gradient pulls *each* state towards *all* targets. What does such a critic learn? Eleven
# states, one target each (their true values), gradient descent from 0:

# %%
learned = {}
for name, shape in (("(B,) − (B,)", (11,)), ("(B,) − (B, 1)", (11, 1))):
    critic = np.zeros(shape)
    for _ in range(2000):
        error = values - critic  # with a column: (11, 11)
        critic += 0.1 * (error if error.ndim == 1 else error.mean(axis=1, keepdims=True))
    learned[name] = critic.ravel()
fig, axes = plt.subplots(figsize=(5.5, 2.7), layout="constrained")
axes.plot(ERRORS, values, "o", color=BLACK, label="the targets")
axes.plot(ERRORS, learned["(B,) − (B,)"], color=BLUE, lw=2, label="(B,) − (B,)")
axes.plot(ERRORS, learned["(B,) − (B, 1)"], color=VERMILION, lw=2, ls="--", label="(B,) − (B, 1)")
axes.set(xlabel="focus error (marks)", ylabel="value learned", ylim=(0, 9.5))
axes.legend(frameon=False, fontsize=9, loc="lower center")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "The critic with matching shapes learns all eleven targets. The one with the column learns the same number, their "
    "mean, for every state.",
)

# %% [markdown]
# The broadcast critic says the *mean* everywhere. The loss falls at first, the program runs, the agent even learns a
# little: a constant is a baseline, after all. This bug can live for years. Our losses refuse it: the first line of
# `policy_gradient_loss` and `value_loss` is an `assert` on shapes.
#
# ### Exercise 1
# Mend the function.


# %% tags=["exercise"]
def td_errors(rewards, values, following, gamma):
    """rewards (B,); values and following (B, 1), the critic's outputs. Returns the TD errors (B,)."""
    return None  # your line here


# %% tags=["solution"]
def td_errors(rewards, values, following, gamma):
    """rewards (B,); values and following (B, 1), the critic's outputs. Returns the TD errors (B,)."""
    return rewards + gamma * following[:, 0] - values[:, 0]


# %% tags=["check", "nbval-check-output"]
check.td_errors(td_errors)

# %% [markdown]
# ## 2. How many steps?
#
# One step and then the critic; or two, or ten. The **n-step advantage** takes $n$ rewards and then asks:
#
# $$ A_t^{(n)} = r_t + \gamma r_{t+1} + \dots + \gamma^{n-1} r_{t+n-1} + \gamma^n V(s_{t+n}) - V(s_t)
#    = \sum_{l=0}^{n-1} \gamma^l \delta_{t+l} $$
#
# The second form is the first with every $V$ in between added once and subtracted once. Try it for $n = 2$. So all
# these judges do the same: they *add up surprises*, with different weights.
#
# How wrong is each? In two ways. Its **bias** is how far its mean lies from the true advantage. (Only the differences
# between the actions of one state count. What is added to all of them alike is a baseline, and free.) Its **noise** is
# how much it scatters around its mean. Averaging over many samples helps against noise, not against bias. Here both are
# computed exactly, by the same kind of equations as the values, for the mean of 64 samples.
#
# **Predict.** The half-right critic. Draw, before you look, bias and noise against $n$. Where do they cross?

# %%
steps = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96])
bias, noise = gae_explorer.errors(focus, half_right, GAMMA, gae_explorer.n_step_weights(GAMMA, steps))
noise = noise / np.sqrt(64)
print(f"least error at n = {steps[np.hypot(bias, noise).argmin()]}")
fig, axes = plt.subplots(figsize=(5.5, 2.6), layout="constrained")
axes.plot(steps, bias, "o--", color=ORANGE, label="bias")
axes.plot(steps, noise, "s:", color=BLUE, label="noise of a mean of 64")
axes.plot(steps, np.hypot(bias, noise), color=BLACK, lw=2, label="together, √(bias² + noise²)")
axes.set(xscale="log", xticks=[1, 2, 4, 8, 16, 32, 64], xlabel="steps n before the critic is asked", ylim=(0, None))
axes.set(xticklabels=[1, 2, 4, 8, 16, 32, 64], ylabel="error of the advantage")
axes.minorticks_off()
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Against the number of steps before the critic is asked: the bias falls towards 0, the noise grows, and their sum "
    "is least at a few steps.",
)

# %% [markdown]
# ## 3. All of them at once: λ
#
# Why choose one $n$? Average all of them, with weights that fade by a factor λ from each to the next:
#
# $$ A_t^{\lambda} = (1 - \lambda)\left(A_t^{(1)} + \lambda A_t^{(2)} + \lambda^2 A_t^{(3)} + \dots\right) $$
#
# $\delta_t$ is in all of them, $\gamma\delta_{t+1}$ in all but the first, and so on. Collect what each surprise gets,
# and the sum becomes as simple as it can be:
#
# $$ \boxed{A_t^{\lambda} = \sum_{l \ge 0} (\gamma\lambda)^l\, \delta_{t+l}} \qquad\text{or backwards:}\qquad
#    A_t = \delta_t + \gamma\lambda\, A_{t+1} $$
#
# This is **generalized advantage estimation**, GAE (Schulman et al., 2016). With λ = 0 it is the one-frame judge, with
# λ = 1 the one who waits for the end. The picture shows the weights of the surprises; for the last time, all judges
# side by side:

# %%
fig, axes = plt.subplots(figsize=(6, 2.3), layout="constrained")
lags = np.arange(24)
for name, weights, colour, style in (
    ("n = 4", gae_explorer.n_step_weights(GAMMA, 4), ORANGE, "s:"),
    ("λ = 0", gae_explorer.lambda_weights(GAMMA, 0.0), VERMILION, "^:"),
    ("λ = 0.75", gae_explorer.lambda_weights(GAMMA, 0.75), BLUE, "o-"),
    ("λ = 0.95", gae_explorer.lambda_weights(GAMMA, 0.95), GREEN, "v-"),
    ("λ = 1", gae_explorer.lambda_weights(GAMMA, 1.0), BLACK, "--"),
):
    axes.plot(lags, weights[:24], style, color=colour, ms=4, label=name)
axes.set(xlabel="frames l after the action", ylabel="weight of the TD error")
axes.legend(frameon=False, fontsize=9, ncols=2)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "The weight of each TD error in an action's credit: with n = 4 the first four only; with λ = 0 the first alone; "
    "with λ = 0.75 gone after ten frames, with λ = 0.95 after some thirty, with λ = 1 fading by γ alone.",
)

# %% [markdown]
# Two numbers fade in $(\gamma\lambda)^l$, and they are not the same thing. **γ belongs to the question**: it says which
# rewards count. **λ belongs to the answer**: it says how far to trust the critic. A smaller λ is wrong only as far as
# the critic is wrong. A smaller γ asks for something else, and even a perfect critic answers that other question.
#
# ### The λ explorer
#
# Left: one take. Bars are the credit that each turn gets, black lines the truth. Right: bias, noise and both together
# for every λ. Nothing is sampled there; move a slider and the equations are solved anew.
#
# **Predict**, and write it down:
# 1. A better critic: does the best λ move left or right?
# 2. More samples per mean: left or right?
# 3. A perfect critic (quality 1): what is left of the bias? And then with γ = 0.8?
# 4. A critic that says the same everywhere (quality 0) and λ = 0: which of the bars on the left are wrong in sign?

# %%
gae_explorer.LambdaExplorer()

# %% tags=["nbval-check-output"]
for samples in (1, 64, 256):
    best = [gae_explorer.trade(focus, GAMMA, quality, samples).best for quality in (0.0, 0.5, 0.9)]
    print(f"means of {samples:3d}: best λ for critics of quality 0, 0.5, 0.9:", *(f"{one:.2f}" for one in best))
perfect, _ = gae_explorer.errors(focus, values, GAMMA, gae_explorer.lambda_weights(GAMMA, LAMBDAS))
shorter, _ = gae_explorer.errors(focus, focus.values(0.8), 0.8, gae_explorer.lambda_weights(0.8, LAMBDAS))
print(
    "a perfect critic has a bias:", bool((perfect > 0.01).any()), "· asked with γ = 0.8:", bool((shorter > 0.1).all())
)

# %% [markdown]
# The better the critic, the less one has to wait. The more samples, the more one can afford to. There is no best λ; 0.9
# to 0.97 is where most programs start, because critics are poor for most of a training run and batches are large.
#
# ## 4. Where a take ends, and where it is only cut
#
# Every TD error looks one step ahead: $r_t + \gamma V(s_{t+1})$. What if there is no step ahead? There are three ways
# to come to an end:
#
# - The take **terminates**: the focus is lost, the camera hits the actor. Nothing more can be earned. The future is
#   worth **0**.
# - The take is **truncated**: the clock cuts it. The scene would have gone on, only nobody watches. The future is worth
#   what the critic says of the **last picture**.
# - The **rollout** ends, in the middle of a take: the program stops collecting and learns. The future is worth what the
#   critic says of the next picture.
#
# And the trap: a batch of environments starts the next take at once. The next *row* of the rollout is then the first
# picture of another take. It has nothing to do with this one.
#
# ### Exercise 2
# One environment, four steps of a rollout. The critic's values are given. For each row: which value does its TD error
# look ahead to?
#
# | row | what happened | value of the picture the step led to | value of the first picture of a new take |
# |---|---|---|---|
# | 0 | the take goes on | 6 | – |
# | 1 | the camera touched the actor: terminated | 5 | 2 |
# | 2 | the clock cut the take: truncated | 7 | 2 |
# | 3 | the take goes on; the rollout ends | 4 | – |

# %% tags=["exercise"]
looked_ahead = [None, None, None, None]

# %% tags=["solution"]
looked_ahead = [6, 0, 7, 4]

# %% tags=["check", "nbval-check-output"]
check.looked_ahead(looked_ahead)

# %% [markdown]
# Does it matter? Take the simplest film there is: an endless loop, reward 1 per frame. Its value is
# $1 + \gamma + \gamma^2 + \dots = 1/(1-\gamma) = 20$. Now a clock cuts every 24 frames. A critic learns by moving to
# $V + A^\lambda$, until nothing moves any more.
#
# **Predict.** What does it learn if the cut is taken for an end? More than 10, or less?


# %% tags=["nbval-check-output"]
def learned_value(cut_is_an_end, gae_lambda, frames=240):
    """What a critic of one state learns of a reward of 1 per frame, under a clock that cuts every 24 frames."""
    cut = (np.arange(1, frames + 1) % 24 == 0)[:, None]
    value = 0.0
    for _ in range(1000):
        bootstrap = 0.0 if cut_is_an_end else value
        advantage = returns.gae(np.ones((frames, 1)), np.full((frames, 1), value), cut, GAMMA, gae_lambda, bootstrap)
        value += advantage.mean()
    return value


for trust in (0.0, 0.95, 1.0):
    as_cut, as_end = learned_value(False, trust), learned_value(True, trust)
    print(f"λ = {trust:.2f}: cut as a cut {as_cut:5.2f}   cut as an end {as_end:5.2f}")

# %% [markdown]
# About half of the value is gone. Worse: where takes are cut, the last frames now look bad, whatever is in them. An
# agent that believes so will hurry, or give up. Time limits are everywhere in film: every shot is cut. Merging the
# two ends is one of the most common mistakes there is (Pardo et al., 2018), and it is invited by programs that call
# both `done`.
#
# ### Exercise 3
# Write GAE for one environment. `ended` is true where a take ended, either way. `bootstrap` holds what you found in
# Exercise 2 for those rows, and for the last row; elsewhere it means nothing. One pass from the back:
# $A_t = \delta_t + \gamma\lambda A_{t+1}$, and nothing passes back across an end.


# %% tags=["exercise"]
def gae(rewards, values, ended, bootstrap, gamma, gae_lambda):
    """Advantages (T,). rewards, values, bootstrap: (T,); ended: (T,) bool; values[t]: V before step t."""
    return None  # your lines here


# %% tags=["solution"]
def gae(rewards, values, ended, bootstrap, gamma, gae_lambda):
    """Advantages (T,). rewards, values, bootstrap: (T,); ended: (T,) bool; values[t]: V before step t."""
    advantages, advantage = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        last = ended[t] or t == len(rewards) - 1
        following = bootstrap[t] if last else values[t + 1]
        error = rewards[t] + gamma * following - values[t]
        advantage = error if last else error + gamma * gae_lambda * advantage
        advantages[t] = advantage
    return advantages


# %% tags=["check", "nbval-check-output"]
check.gae(gae)

# %% [markdown]
# ## 5. The algorithm
#
# Now all parts are there. Again and again:
#
# 1. Play a few steps, 16, in each of 16 environments, *going on where the last rollout stopped*.
# 2. Ask the critic for $V$ of every picture, and of those that followed a cut.
# 3. $A^\lambda$ by GAE; targets for the critic: $A^\lambda + V$.
# 4. One step down REINFORCE's loss with $A^\lambda$ for the advantage, plus the critic's squared error.
#
# Steps 1 to 3 are NumPy and shared. Step 4 is lesson 04's, to the letter: the same loss, the same step down. So the
# whole algorithm is REINFORCE with another batch to learn from. Tinted lines differ.

# %%
twins("actor_critic", ("class ActorCritic", "return generalized"))

# %% [markdown]
# Two things are easy to miss. The advantage and the target are computed in NumPy, *outside* the framework: no gradient
# can leak into them (lesson 04, find the bugs). And the log-probability is that of the action that was *drawn*.
#
# What has changed since REINFORCE, then? Only *when* it learns: after 16 steps instead of a whole take. Three updates
# where REINFORCE has one, from the same pictures.
#
# Does our own GAE agree with the library's? A rollout from the set, a fresh learner, its untrained critic:

# %% tags=["nbval-check-output"]
env = rlfilm.make_vec(SCENE, num_envs=16, controls=3)
learner = rlfilm.learner("actor-critic", env, backend=BACKEND, seed=0, log_std_init=0.0)
policy = learner.policy()
rollout = Collector(env, seed=0, num_steps=64).collect(policy, iteration=0)
said, bootstrap = rollout.values(policy), rollout.bootstrap(policy)
library = returns.gae(rollout.rewards, said, rollout.ended, 0.9, 0.95, bootstrap)
print("steps, environments:", rollout.rewards.shape)
print("takes terminated:", bool(rollout.terminated.any()), "· truncated:", bool(rollout.truncated.any()))
own = [
    gae(*columns, 0.9, 0.95) for columns in zip(rollout.rewards.T, said.T, rollout.ended.T, bootstrap.T, strict=True)
]
print("own GAE agrees, once it is written:", own[0] is None or np.allclose(np.transpose(own), library, atol=1e-4))

# %% [markdown]
# ## 6. On the set
#
# The camera again: `controls=3`, takes of 48 steps. REINFORCE and Actor-Critic with the same network, learning rate,
# discount and so on (those measured for REINFORCE), over the same number of steps, five seeds each. Beside them the
# yardsticks, and the untrained policy.
#
# **Predict.** Actor-Critic makes three times as many updates from the same steps, each from a third of the data. Does
# it come out ahead?

# %%
SEEDS, STEPS = range(5), 60_000
preset = configure("reinforce", SCENE)
SAME = {field.name: getattr(preset, field.name) for field in dataclasses.fields(Config)}  # what both have
scale = env.metadata["yardsticks"][3]
edges = np.linspace(0, STEPS, 21)


def normalised(earned):
    """0 for the random policy, 1 for the expert."""
    return (earned - scale["random"]) / (scale["expert"] - scale["random"])


def judged(policy):
    """Normalised score of the policy without dice, over 64 new takes."""
    return rlfilm.evaluate(policy, SCENE, episodes=64, seed=1000, controls=3).normalised_score


def run(algorithm, seed, **settings):
    """One run: mean normalised return in each twentieth of it, score of the final policy, and its history."""
    env = rlfilm.make_vec(SCENE, num_envs=16, controls=3)
    learner = rlfilm.learner(algorithm, env, backend=BACKEND, seed=seed, **SAME | settings)
    history = rlfilm.train(learner, env, steps=STEPS, progress=False)
    at, earned = history.column("steps"), normalised(history.column("return_mean"))
    curve = [np.nanmean(earned[(low < at) & (at <= high)]) for low, high in itertools.pairwise(edges)]
    return np.array(curve), judged(learner.policy()), history


untrained = judged(learner.policy())
runs = {
    "reinforce": [run("reinforce", seed) for seed in SEEDS],
    "actor-critic": [run("actor-critic", seed, num_steps=16, gae_lambda=0.95) for seed in SEEDS],
}
fig, axes = plt.subplots(figsize=(6.5, 2.9), layout="constrained")
for algorithm, colour, marker in (("reinforce", ORANGE, "s"), ("actor-critic", BLUE, "D")):
    curves, scores, histories = zip(*runs[algorithm], strict=True)
    learning_curves.plot(axes, edges[1:] / 1000, np.array(curves), colour, f"{algorithm}, while training")
    axes.plot(np.full(len(scores), 1.03 * STEPS / 1000), scores, marker, color=colour, ms=5)
    mean, low, high = learning_curves.interval(np.array(scores)[:, None])
    print(
        f"{algorithm:12s} {len(histories[0]):3d} updates   judged: mean of 5 seeds {mean[0]:.2f}, 95 % interval "
        f"{low[0]:.2f} to {high[0]:.2f}"
    )
print(f"untrained {untrained:.2f}")
learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
axes.set(
    xlabel="environment steps (thousands)", ylabel="normalised score", xlim=(0, 1.06 * STEPS / 1000), ylim=(-0.2, 1.1)
)
axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.17))  # clear of "random"
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Learning curves of REINFORCE and Actor-Critic, five seeds each, over the same steps, with lines for random, "
    "untrained and expert; markers at the right are the final policies without dice. After a common start Actor-Critic "
    "rises well above REINFORCE.",
)

# %% tags=["nbval-check-output"]
worst = min(score for _, score, _ in runs["actor-critic"])
print("every Actor-Critic seed ends well above the untrained policy:", bool(worst > untrained + 0.2))

# %% [markdown]
# It does. Three small steps, each from new pictures of the newest policy, get further than one surer step at the end
# of the takes: over many steps the noise cancels anyway. And the advantage with λ = 0.95 carries less noise than the
# rewards of a whole take. (The first third is a draw. The critic is new, too.)
#
# And λ? The same program with five values of it, three seeds each. On the right the figure that a careful person looks
# at to see whether the critic is any good: its **explained variance**, 1 if its values match their targets, 0 if they
# are no better than a constant.
#
# **Predict.** Which λ has the best critic by that figure? Is it the one with the best agent?

# %%
by_trust = {
    trust: [run("actor-critic", seed, num_steps=16, gae_lambda=trust) for seed in range(3)]
    for trust in (0.0, 0.5, 0.9, 1.0)
}
by_trust = dict(sorted((by_trust | {0.95: runs["actor-critic"][:3]}).items()))
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained")
for place, three in enumerate(by_trust.values()):
    scores = [score for _, score, _ in three]
    explained = [history.column("explained_variance")[-50:].mean() for *_, history in three]
    left.plot(np.full(3, place), scores, "o", color=BLUE, alpha=0.6)
    left.plot(place, np.mean(scores), "_", color=BLUE, ms=24, mew=2.5)
    right.plot(np.full(3, place), explained, "o", color=PURPLE, alpha=0.6)
    right.plot(place, np.mean(explained), "_", color=PURPLE, ms=24, mew=2.5)
learning_curves.plot_lines(left, {"random": 0.0, "expert": 1.0, "untrained": untrained})
left.set(ylabel="normalised score, judged", ylim=(-0.2, 1.15))
right.set(ylabel="explained variance, last 50 updates")
for axes in (left, right):
    axes.set(xticks=range(len(by_trust)), xticklabels=by_trust, xlabel="λ")
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: final score against λ, three seeds each: with λ = 0 below the untrained policy, with 0.9 and 0.95 near "
    "the expert, with 1 a little lower. Right: the critic's explained variance, highest with λ = 0.",
)

# %% [markdown]
# With λ = 0 the agent got *worse than it was untrained*, and its critic shines. Why? The target is
# $r + \gamma V(s')$: nine tenths of it are the critic's own words. It agrees with itself. A network that starts from
# nothing, trusted after one frame, is the prejudiced judge of the first picture, and the actor does what he says.
# **Explained variance is measured against the targets, and with a small λ the targets are made by the critic.** Watch
# the return.
#
# With λ = 1 the critic's word counts only where a rollout is cut. That is safe, and a little noisier. In between lies
# the middle that Section 3 promised.
#
# ## 7. With dice or without: V(s), Q(s, a), and half of each
#
# All our policies roll dice. Many programs do not: the network's output *is* the action, $a = \mu_\theta(s)$. Both can
# be trained by an actor and a critic. But each needs its own kind of critic, and articles mix them up. One more case
# that can be settled: a single action. A scene is $s$ stops too dark. One click of the dimmer is half a stop, so the
# right action is $a = 2s$, and the reward, which the agent sees only as a number, is
#
# $$ r(s, a) = 1 - (a - 2s)^2, \qquad \text{policy: } \mu_\theta(s) = \theta s, \quad \text{the best: } \theta = 2 $$
#
# Let $s$ be uniform from ½ to 1½; then $\overline{s^2} = \tfrac{13}{12}$ and the true gradient is
# $\nabla J = -2\,\overline{s^2}\,(\theta - 2)$, at $\theta = \tfrac12$ it is $3.25$.
#
# **With dice.** $a = \theta s + \sigma\varepsilon$. Different actions are tried in the same kind of scene, and the
# score tells which way each lay. A critic of the *state*, $V(s)$, is all that is needed: a baseline.
#
# $$ \nabla J = \mathbb E\big[\nabla_\theta \log \pi_\theta(a \mid s)\,(r - V(s))\big] $$
#
# **Without dice.** There is no probability, so no score. The gradient has to come *through the action*: how does the
# return change with $a$, and $a$ with θ? The reward is a black box. So a critic of state *and* action, $Q(s, a)$, is
# fitted to what was tried, and its slope stands in (Silver et al., 2014):
#
# $$ \nabla J = \mathbb E\big[\nabla_a Q(s, a)\big|_{a = \mu_\theta(s)}\; \nabla_\theta \mu_\theta(s)\big] $$
#
# In a framework that is one line, and the chain rule does the rest: `-mean(Q(s, mu(s)))`, with the weights of $Q$ held
# fixed. (The tries that $Q$ is fitted to do need some noise, or it never sees another action.)
#
# ### Exercise 4
# The critic is $Q(s, a) = c_0 + c_1 a + c_2\, s a + c_3\, a^2 + c_4 s + c_5 s^2$. Write this gradient for
# $\mu_\theta(s) = \theta s$.


# %% tags=["exercise"]
def deterministic_gradient(states, theta, c):
    """Mean over the states (B,) of ∂Q/∂a at a = θ s, times ∂(θ s)/∂θ; c: the six coefficients."""
    return None  # your line here


# %% tags=["solution"]
def deterministic_gradient(states, theta, c):
    """Mean over the states (B,) of ∂Q/∂a at a = θ s, times ∂(θ s)/∂θ; c: the six coefficients."""
    slope = c[1] + c[2] * states + 2 * c[3] * theta * states
    return np.mean(slope * states)


# %% tags=["check", "nbval-check-output"]
check.deterministic_gradient(deterministic_gradient)

# %% [markdown]
# **Half of each.** Now the mixture: no dice, and a critic $V(s)$. Two ways to write it down are seen again and again.
#
# - *The logarithm of the output.* $-\log \mu_\theta(s) \cdot \delta$ with $\delta = r - V(s)$, because that is what the
#   formula with dice looks like. But $\mu_\theta(s)$ is not a probability. The loss raises the output after a good
#   surprise and lowers it after a bad one, whatever the output was. And soon there are no surprises: without dice the
#   same scene always brings the same reward, the critic learns it, and δ goes to 0.
# - *The critic's value as the loss.* $-V(s)$. But $V$ does not take the action. Its slope towards it is 0.
#
# **Predict.** All begin at $\theta = 0.5$. Two of the five lines go to 2. Where do the others go? One half-and-half
# critic begins as a pessimist, at $V = -3$; the other at $V = 0$, as most do.

# %%
BEST, SIGMA, BATCH, RATE = 2.0, 0.5, 64, 0.02


def features(s, a):
    """What Q(s, a) is linear in, (B, 6)."""
    return np.stack([np.ones_like(s), a, s * a, a**2, s, s**2], axis=1)


def least_squares(inputs, targets):
    return np.linalg.lstsq(inputs, targets, rcond=None)[0]


def by_dice_and_v(s, noise, theta, memory):
    """Score · (r - V(s)); V was fitted to the batch before, so that it does not know these actions."""
    action = theta * s + SIGMA * noise
    reward = 1 - (action - BEST * s) ** 2
    inputs = np.stack([np.ones_like(s), s, s**2], axis=1)
    baseline = inputs @ memory if memory is not None else reward.mean()
    score = (action - theta * s) / SIGMA**2 * s
    return np.mean(score * (reward - baseline)), least_squares(inputs, reward)


def by_q(s, noise, theta, memory):
    """∂Q/∂a at the policy's own action · s; Q is fitted to noisy tries."""
    action = theta * s + SIGMA * noise
    c = least_squares(features(s, action), 1 - (action - BEST * s) ** 2)
    return np.mean((c[1] + c[2] * s + 2 * c[3] * theta * s) * s), c


def by_half_of_each(first_value):
    """∂ log(θ s)/∂θ · (r - V), V a number that follows the rewards: no dice, no action in the critic."""

    def step(s, noise, theta, memory):
        value = first_value if memory is None else memory
        surprise = 1 - (theta * s - BEST * s) ** 2 - value
        slope = 1 / theta if theta > 0 else np.nan  # of log(θ s): below 0 there is no logarithm
        return np.mean(surprise * slope), value + 0.1 * surprise.mean()

    return step


def by_v_as_a_loss(s, noise, theta, memory):
    """∂V(s)/∂θ: V is a function of the state, and the state does not depend on θ."""
    return 0.0, None


fig, axes = plt.subplots(figsize=(7, 3), layout="constrained")
ended_at = {}
for name, gradient, colour, style, width in (
    ("dice and V(s)", by_dice_and_v, ORANGE, "-", 4),
    ("no dice and Q(s, a)", by_q, BLUE, "--", 2),
    ("half of each, V = −3 at first", by_half_of_each(-3.0), VERMILION, "-.", 2),
    ("half of each, V = 0 at first", by_half_of_each(0.0), PURPLE, ":", 2),
    ("−V(s) as a loss", by_v_as_a_loss, BLACK, "-", 1),
):
    rng, theta, memory, path = np.random.default_rng(0), 0.5, None, []
    for _ in range(200):
        path.append(theta)
        step, memory = gradient(rng.uniform(0.5, 1.5, BATCH), rng.standard_normal(BATCH), theta, memory)
        theta += RATE * step
    axes.plot(path, color=colour, ls=style, lw=width, label=name)
    ended_at[name] = theta
    if np.isnan(theta):
        last = np.flatnonzero(np.isfinite(path))[-1]
        axes.plot(last, path[last], "X", color=colour, ms=9)
        axes.annotate("NaN", (last, path[last]), (8, -3), textcoords="offset points", fontsize=9)
axes.set(xlabel="update", ylabel="θ (clicks per stop)", xlim=(-2, 200))
axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "The parameter against updates. Dice with V(s), and no dice with Q(s, a), both climb to 2. Half of each: with a "
    "pessimist for a critic it rises and stops at 1.3; with a critic that begins at 0 it falls below 0, where the "
    "logarithm is not a number. V(s) as a loss stays at 0.5.",
)

# %% tags=["nbval-check-output"]
print({name: bool(abs(theta - BEST) < 0.1) for name, theta in ended_at.items()})
rng = np.random.default_rng(1)
s, noise = rng.uniform(0.5, 1.5, 1_000_000), rng.standard_normal(1_000_000)
_, memory = by_dice_and_v(s[:1000], noise[:1000], 0.5, None)
print(f"true gradient {-2 * 13 / 12 * (0.5 - BEST):.2f}")
print(f"dice and V(s), a million tries {by_dice_and_v(s, noise, 0.5, memory)[0]:.1f}")
print(f"Q(s, a) {by_q(s, noise, 0.5, None)[0]:.1f}")
settled = np.mean(1 - ((0.5 - BEST) * s) ** 2)
print(f"half of each, V settled {abs(by_half_of_each(settled)(s, noise, 0.5, None)[0]):.1f}")
batches = list(zip(s.reshape(-1, BATCH)[:1000], noise.reshape(-1, BATCH)[:1000], strict=True))
for name, gradient in (("dice and V(s)", by_dice_and_v), ("Q(s, a)", by_q)):
    spread = np.std([gradient(*batch, 0.5, memory)[0] for batch in batches])
    print(f"noise of a batch of {BATCH}, {name}: {spread:.1f}")

# %% [markdown]
# The two whole methods find the gradient and the goal. Half of each goes where its critic's first prejudice sends it,
# up for a pessimist, down for an optimist, and stops there, or dies where the output turns negative. In a program with
# a deep network the same happens under so much else that it looks like “unstable training”.
#
# | | critic V(s) | critic Q(s, a) |
# |---|---|---|
# | **with dice** | score · (r + γV(s′) − V(s)): this lesson, PPO | score · (Q(s, a) − V(s)); works, more to learn |
# | **without dice** | nothing to learn from | ∇ₐQ · ∇μ: deterministic policy gradient, DDPG, TD3 |
#
# Which whole is better? $Q$'s slope has far less noise, and old tries by other policies may be used again. But it is a
# slope the critic *imagines*: where no action was tried it is a guess, and the actor climbs the guess. $V(s)$ asks the
# critic for less. For the film set this course stays with dice.
#
# ## The answer
#
# How long must we watch? As long as we distrust the critic. A surprise of one step, δ, has the advantage in it
# already, if the critic is right. λ spreads the waiting: $(\gamma\lambda)^l$ of the surprise $l$ steps later. Short
# traces have little noise and all of the critic's prejudice, long ones the reverse. Where a take ends, the future is
# worth 0; where it is only cut, it is worth what the critic says. And a critic of the state can judge an actor with
# dice; an actor without dice needs one that knows the action.
#
# One habit of the method is left: each rollout is used for one step and thrown away. Lesson 06 uses it ten times, and
# has to take care.
#
# ## Quiz
#
# 1. λ = 0, and an untrained critic that says 0 everywhere. An action's credit is
#    (a) the reward of its own step (b) the whole return (c) 0
# 2. The explained variance is 0.95, the return falls, λ is small. How can that be?
#    (a) it cannot (b) the targets are made of the critic's own values (c) the learning rate is too low
# 3. The clock cuts a take at frame 48. The last TD error looks ahead to
#    (a) 0 (b) the value of the last picture (c) the value of the next take's first picture
# 4. `rewards` is (64,), the critic's output is (64, 1). Their difference
#    (a) stops with an error (b) is 64 numbers (c) is 64 × 64 numbers, and the critic learns a mean
# 5. The network's output is the action, the critic is V(s). The actor's gradient comes from
#    (a) the log of the output (b) the slope of V (c) nowhere: it takes dice and a score, or Q(s, a)

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "a", 2: "b", 3: "b", 4: "c", 5: "c"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - R. Sutton, “Learning to predict by the methods of temporal differences”, *Machine Learning* 3, 1988: the TD error
#   and λ.
# - V. Konda, J. Tsitsiklis, “Actor-critic algorithms”, NeurIPS 1999: actor and critic, and a critic that does no harm.
# - J. Schulman et al., “High-dimensional continuous control using generalized advantage estimation”, ICLR 2016: GAE.
# - V. Mnih et al., “Asynchronous methods for deep reinforcement learning”, ICML 2016: advantage actor-critic with many
#   environments.
# - F. Pardo et al., “Time limits in reinforcement learning”, ICML 2018: terminated is not truncated.
# - D. Silver et al., “Deterministic policy gradient algorithms”, ICML 2014: ∇ₐQ · ∇μ. T. Lillicrap et al., “Continuous
#   control with deep reinforcement learning”, ICLR 2016: the same with deep networks.
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, 2018, chapters 6, 7, 12 and 13.
