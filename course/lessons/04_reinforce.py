# %% [markdown]
# # 04 · REINFORCE
#
# **Driving question.** Ten people start the same training program with the same settings. Each gets another curve, and
# another agent. Why do two identical runs disagree? And what can we do about it?
#
# **You will**
# - work out the gradient of one action by hand, with numbers, and check it by finite differences;
# - turn it into REINFORCE for whole episodes: reward-to-go, discount, baseline;
# - measure what each of the three does to the noise of the gradient, and which one has a price;
# - read the same loss in PyTorch and in TensorFlow, and check it against a third, hand-written gradient;
# - train five seeds and report them with an interval.
#
# **Before you start.** Lesson 01. Derivatives, the normal distribution, what a neural network is. Nothing of film.
#
# **Time.** 90 minutes to read and do, 60 seconds to run.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import movie_scene
from rlfilm_lib.rl import reference
from rlfilm_lib.rl.batch import monte_carlo, standardize
from rlfilm_lib.rl.config import configure
from rlfilm_lib.rl.rollout import collect_episodes
from rlfilm_lib.widgets import learning_curves, returns_explorer, viewfinder
from rlfilm_lib.widgets.checks import reinforce as check
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, figure
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/MovieScene-v0"
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"
stored = json.loads((MEDIA / "reinforce_seeds.json").read_text("utf-8"))

# %% [markdown]
# Here is the riddle. Five runs of one program that learns all nine controls of the movie scene: the first quarter of
# each. Same code, same settings. One number differs: the **seed** of the random numbers.

# %%
pytorch_runs = [run for run in stored["runs"] if run["backend"] == "pytorch"]
fig, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
for run, colour in zip(pytorch_runs, (BLUE, ORANGE, GREEN, VERMILION, PURPLE), strict=True):
    steps, curve = learning_curves.smooth(np.array([run["steps"], run["return_mean"]]), 3)
    axes.plot(steps / 1000, curve, color=colour, lw=1.4, label=f"seed {run['seed']}")
axes.set(xlabel="environment steps (thousands)", ylabel="return of an episode", xlim=(0, 100))
axes.legend(frameon=False, fontsize=9, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig, "Five learning curves of the same program with five seeds: all rise, and they cross one another all the way."
)

# %% [markdown]
# Had these been five settings with one run each, we would have crowned a winner. There is none. The curves differ, and
# nothing was changed.
# ## 1. One action, exposure
#
# Begin as small as possible: one scene, one action, one reward. The framing of this medium shot is right, but the
# lights are too low, by two clicks of the one knob there is: a dimmer for all lights. The **action** $a$ is how far it
# is turned up. One click is ¾ of a stop, the error that the exposure term tolerates.

# %%
env = rlfilm.make_vec(SCENE, num_envs=1, controls=1, brief="medium")
right_light, _ = list(viewfinder.takeover(env, viewfinder.opening(env, seed=1), env.expert_policy()))[-1]


def view(clicks):
    """The picture and its reward terms with the dimmer so many clicks above where it belongs."""
    stops = np.float32(clicks * movie_scene.EXPOSURE_TOLERANCE)
    return viewfinder.look(env, right_light | {"lights": right_light["lights"] + stops})


fig, panels = plt.subplots(1, 4, figsize=(10, 1.9), layout="constrained")
for panel, action in zip(panels, (0, 1, 2, 4), strict=True):
    seen = view(action - 2)
    panel.imshow(seen.frame)
    panel.set_title(f"a = {action}: exposure term {seen.terms['exposure']:.2f}", fontsize=10)
    panel.axis("off")
figure(
    fig,
    "The same medium shot at four settings of the dimmer: dark at 0 clicks, dim at 1, right at 2, too bright at 4. The "
    "exposure term is highest at 2.",
)

# %% [markdown]
# The **reward** here is the exposure term alone. With the meter $x$ clicks off it is $e^{-x^2/2}$. (The set's little
# ambient light makes the term a hair larger in the dark.) We start at $x = -2$, so
#
# $$ r(a) = e^{-(a-2)^2/2} $$
#
# The **policy** is a normal distribution, $a \sim \mathcal N(\mu, \sigma^2)$. It has one parameter that learns, the
# mean $\mu$. At first it knows nothing: $\mu = 0$, $\sigma = 1$. We want the mean that earns most on average:
#
# $$ J(\mu) = \mathbb E_{a \sim \pi}[r(a)] = \int \pi(a)\, r(a)\, da $$

# %%
a = np.linspace(-4, 6, 401)
density = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)
reward = np.exp(-((a - 2) ** 2) / 2)
means = np.linspace(-3, 7, 201)
J = np.exp(-((means - 2) ** 2) / 4) / np.sqrt(2)
J_0 = np.exp(-1) / np.sqrt(2)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
left.plot(a, density, color=BLUE, lw=2, label="policy π(a), μ = 0")
left.plot(a, reward, color=ORANGE, lw=2, ls="--", label="reward r(a)")
left.fill_between(a, density * reward, color=GREEN, alpha=0.4, label="π(a) · r(a); its area is J")
left.set(xlabel="action a (clicks)", ylabel="density, reward", ylim=(0, 1.25))
left.legend(frameon=False, fontsize=9, loc="upper left", ncols=2)
right.plot(means, J, color=GREEN, lw=2)
right.plot([-1, 1], [J_0 - J_0, J_0 + J_0], color=BLACK, lw=1.2)
right.plot(0, J_0, "o", color=BLACK)
right.annotate("we are here;\nwhich way is up?", (0, J_0), (1.5, 0.12), fontsize=10, arrowprops={"arrowstyle": "-"})
right.set(xlabel="mean of the policy μ (clicks)", ylabel="mean reward J(μ)", ylim=(0, 0.8))
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: the policy is a bell around 0, the reward a bell around 2; the area under their product is the mean "
    "reward J. Right: J against the mean of the policy rises to a peak at 2; at 0 its tangent points up.",
)

# %% [markdown]
# ### The trick
#
# We need the slope $\nabla J(\mu)$. But the agent cannot draw the orange curve. It can only try an action and see one
# reward. So we want the slope as an *average over tried actions*. One identity does it:
# $\nabla \pi = \pi \cdot \nabla \log \pi$.
#
# $$ \nabla J = \int \nabla \pi(a)\, r(a)\, da = \int \pi(a)\, \nabla \log \pi(a)\; r(a)\, da
#    = \mathbb E\big[\underbrace{\nabla \log \pi(a)}_{\text{score}} \cdot r(a)\big] $$
#
# Nothing in it differentiates the reward. The reward may be a picture, a film critic, a black box. The **score** says
# which way to move $\mu$ to make the action more likely; the reward says how much that is worth.
#
# ### Exercise 1
# For a normal distribution
#
# $$ \log \pi(a) = -\frac{(a-\mu)^2}{2\sigma^2} - \log \sigma - \tfrac12 \log 2\pi $$
#
# Differentiate with respect to $\mu$ and write the score as a function.


# %% tags=["exercise"]
def gaussian_score(action, mean, std):
    """Derivative of log π(action) with respect to the mean of a normal distribution."""
    return None  # your line here


# %% tags=["solution"]
def gaussian_score(action, mean, std):
    """Derivative of log π(action) with respect to the mean of a normal distribution."""
    return (action - mean) / std**2


# %% tags=["check", "nbval-check-output"]
check.gaussian_score(gaussian_score)

# %% [markdown]
# ### By hand
#
# With $\mu = 0$ and $\sigma = 1$ the score of an action is the action itself. Three tries:
#
# | try | action $a$ | score | reward $e^{-(a-2)^2/2}$ | estimate: score · reward |
# |---|---|---|---|---|
# | 1 | 1.0 | 1.0 | $e^{-0.5} = 0.607$ | +0.607 |
# | 2 | −0.5 | −0.5 | $e^{-3.125} = 0.044$ | −0.022 |
# | 3 | 0.3 | 0.3 | $e^{-1.445} = 0.236$ | +0.071 |
#
# Their mean is $0.656 / 3 = 0.219$: turn the dimmer up. The second try says “down”, though up is right. It turned the
# light down, it was still paid a little, so it asks for more of the same. It is not mistaken. It is a *sample*, and it
# is small.
#
# This once we can do the integral as well. Two bells convolve to a bell:
#
# $$ J(\mu) = \frac{1}{\sqrt{1+\sigma^2}}\, e^{-\frac{(\mu-2)^2}{2(1+\sigma^2)}}, \qquad
#    \nabla J(0) = \frac{2}{1+\sigma^2}\, J(0) = J(0) = \frac{e^{-1}}{\sqrt 2} = 0.260 $$
#
# **Predict.** The code below takes the slope three ways: the formula; finite differences of an integral done
# numerically; and the mean of score · reward over a million tries. In how many decimals will they agree?


# %% tags=["nbval-check-output"]
def log_density(action, mean):
    return -((action - mean) ** 2) / 2 - np.log(2 * np.pi) / 2


def mean_reward(mean):
    """J(μ), the integral as a sum of thin slices; σ = 1."""
    return np.sum(np.exp(log_density(a, mean)) * reward) * (a[1] - a[0])


h = 1e-4
by_differences = (log_density(1.0, h) - log_density(1.0, -h)) / (2 * h)
print(f"score of a = 1.0       by hand 1.000   finite differences {by_differences:.3f}")

slope = (mean_reward(h) - mean_reward(-h)) / (2 * h)
tries = np.random.default_rng(0).normal(size=1_000_000)
estimates = tries * np.exp(-((tries - 2) ** 2) / 2)
error = estimates.std() / 1000
print(
    f"gradient of J at 0     formula {J_0:.3f}   finite differences {slope:.3f}   a million tries "
    f"{estimates.mean():.3f}"
)
print(
    f"standard error of the million tries: {error:.4f}; within three of it: {abs(estimates.mean() - J_0) < 3 * error}"
)

# %% [markdown]
# All three agree. The estimator is **unbiased**: its mean is the gradient, exactly. But nobody takes a million tries
# per step.
#
# **Predict.** You average $n$ tries and step in the direction of the estimate. How often does it point *down*, the
# wrong way, with $n = 1$? With $n = 16$?

# %%
fig, panels = plt.subplots(1, 3, figsize=(10, 2.6), sharex=True, layout="constrained")
for panel, n in zip(panels, (1, 4, 16), strict=True):
    averaged = estimates[: 1_000_000 // n * n].reshape(-1, n).mean(axis=1)
    panel.axvspan(-0.6, 0, color=returns_explorer.WRONG_WAY, lw=0)
    panel.hist(
        averaged, bins=np.linspace(-0.6, 1.6, 56), weights=np.full(len(averaged), 100 / len(averaged)), color=BLUE
    )
    panel.axvline(J_0, color=BLACK, lw=1.2)
    panel.set_title(f"n = {n}: {100 * (averaged < 0).mean():.0f} % point the wrong way", fontsize=10)
    panel.set(xlabel="gradient estimate (reward per click)", xlim=(-0.6, 1.6))
    panel.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("% of the estimates")
figure(
    fig,
    "Histograms of the gradient estimate from 1, 4 and 16 tries. All have the same mean, 0.26, marked by a line. A "
    "single try points the wrong way half the time; 16 tries rarely do.",
)

# %% [markdown]
# A single try is little better than a coin. Half of all actions lie below $\mu$, and every reward is positive: so half
# of all tries say “down”. Keep this in mind. *All rewards positive* is where a baseline will help.
#
# ## 2. Many actions
#
# A shot is 48 actions long. The policy now looks at the observation $s_t$ before each action $a_t$. The probability of
# a whole episode $\tau$ is a product:
#
# $$ p(\tau) = p(s_0) \prod_{t=0}^{T-1} \pi(a_t \mid s_t)\; p(s_{t+1} \mid s_t, a_t) $$
#
# Take the logarithm and differentiate by the policy's parameters $\theta$. The film set, $p$, does not contain $\theta$
# and drops out. We need not know how it works:
#
# $$ \nabla \log p(\tau) = \sum_t \nabla \log \pi(a_t \mid s_t) \qquad\Longrightarrow\qquad
#    \nabla J = \mathbb E\Big[\sum_t \nabla \log \pi(a_t \mid s_t)\; R(\tau)\Big], \quad R(\tau) = \sum_t r_t $$
#
# This is REINFORCE in its plainest form (Williams, 1992). Play, add up the scores, multiply by the return, average,
# step.
#
# ### Who deserves the credit?
#
# In that formula every action is credited with the *whole* return, even with rewards that came before it. But the tenth
# action cannot change the first reward. Let us look. We take 8,192 episodes with the dimmer (`controls=1`) by a policy
# that knows nothing, $a \sim \mathcal N(0, 1)$, and 8,192 by one that has half learned: it reads the light meter and
# turns the dimmer against the error. For each pair of an action $t$ and a reward $k$ we average score$_t$ · reward$_k$.
#
# **Predict.** Each picture will have 48 × 48 squares, action down, reward across. Where is it coloured, where is it
# blank? For which of the two policies does the colour fade to the right, as time passes after the action?

# %%
data = returns_explorer.study(seed=0)
half_trained = returns_explorer.study(returns_explorer.HALF_TRAINED, seed=0)
direction = data.gradient / np.linalg.norm(data.gradient)

fig, panels = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True, layout="constrained")
for panel, name, one in zip(panels, ("untrained", "half trained"), (data, half_trained), strict=True):
    image = panel.imshow(1000 * returns_explorer.credit_map(one), cmap="PuOr", vmin=-8, vmax=8)
    panel.set_title(name, fontsize=10)
    panel.set_xlabel("reward of step k")
panels[0].set_ylabel("action of step t")
fig.colorbar(image, label="mean of score · reward (thousandths)")
figure(
    fig,
    "Two squares of 48 by 48 cells. Below the diagonal, where the reward came before the action, both are blank but "
    "for noise. Above it the untrained policy's square is evenly coloured; the half-trained policy's colour fades "
    "within some twenty steps of the diagonal.",
)

# %% [markdown]
# Below the diagonal the mean is zero: what is left there is sampling noise, and more episodes would wash it out. So
# drop it. Each action gets only the **reward-to-go**:
#
# $$ \nabla J = \mathbb E\Big[\sum_t \nabla \log \pi(a_t \mid s_t)\; G_t\Big], \qquad G_t = \sum_{k \ge t} r_k $$
#
# Nothing is lost on average, and a good part of the noise is gone. A **discount** $\gamma < 1$ goes further and fades
# out the rewards far to the right: $G_t = \sum_{k \ge t} \gamma^{k-t}\, r_k$. That is a wager: far rewards have little
# to do with this action. On the left the wager is wrong: light once turned up stays up. On the right it is right: the
# policy itself corrects what it did, and after about two seconds the action is forgotten. You will see below what the
# wager wins and what it costs.
#
# ### Exercise 2
# Write the discounted reward-to-go of every step of one episode. One pass from the back is enough:
# $G_t = r_t + \gamma\, G_{t+1}$.


# %% tags=["exercise"]
def reward_to_go(rewards, gamma):
    """For each step the discounted sum of its reward and all that follow: an array as long as `rewards`."""
    return None  # your lines here


# %% tags=["solution"]
def reward_to_go(rewards, gamma):
    """For each step the discounted sum of its reward and all that follow: an array as long as `rewards`."""
    to_go, following = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * following
        to_go[t] = following
    return to_go


# %% tags=["check", "nbval-check-output"]
check.reward_to_go(reward_to_go)

# %% [markdown]
# One episode, and what each of its actions is credited with:

# %%
episode = data.episodes.rewards[:, :1]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
left.bar(np.arange(48), episode[:, 0], color="#8c8c8c")
left.set(xlabel="step", ylabel="reward", ylim=(0, 1))
for credit_, gamma, colour, style in (
    ("whole return", 1.0, ORANGE, "--"), ("reward-to-go", 1.0, BLUE, "-"), ("reward-to-go", 0.9, GREEN, "-."),
):  # fmt: skip
    right.plot(
        returns_explorer.returns(episode, credit_, gamma)[:, 0],
        color=colour,
        ls=style,
        lw=2,
        label=f"{credit_}, γ = {gamma}",
    )
right.set(xlabel="step of the action", ylabel="credit (sum of rewards)", ylim=(0, None))
right.legend(frameon=False, fontsize=9)
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: the 48 rewards of one episode, all close to 1. Right: the credit of each action. The whole return is the "
    "same for all; the reward-to-go falls in a line to the last reward; with γ = 0.9 it stays near 9 and falls at "
    "the end.",
)

# %% [markdown]
# ## 3. Baselines
#
# Look at the rewards on the left once more. Every one is close to 1: thirds, headroom, the shot size are right whatever
# the dimmer does. The return is above 40, and what the dimmer changes in it is a few points. REINFORCE multiplies each
# score by 40 and trusts the average to find the difference. That is weighing the captain by weighing the ship with and
# without him.
#
# So subtract what is there anyway, a **baseline** $b$. It costs nothing on average, because the mean of a score is
# zero:
#
# $$ \mathbb E[\nabla \log \pi(a)\; b] = b \int \pi \, \frac{\nabla \pi}{\pi}\, da
#    = b\, \nabla\!\! \int \pi\, da = b\, \nabla 1 = 0 $$
#
# This holds for any $b$ that *does not know the action*. It may depend on the state. Back to one action and the dimmer:
# mean and spread of the estimate (r − b) · score, for many baselines b.

# %%
baselines = np.linspace(-1, 1.5, 51)
sample, sample_reward = tries[:100_000], np.exp(-((tries[:100_000] - 2) ** 2) / 2)
shifted = [sample * (sample_reward - b) for b in baselines]
best = np.mean(sample**2 * sample_reward) / np.mean(sample**2)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained")
left.plot(baselines, [one.mean() for one in shifted], color=BLUE, lw=2)
left.axhline(J_0, color=BLACK, lw=1, ls=":")
left.set(xlabel="baseline b", ylabel="mean of the estimate", ylim=(0, 0.5))
right.plot(baselines, [one.std() for one in shifted], color=VERMILION, lw=2)
right.axvline(0, color=BLACK, lw=1.2, ls=":", label="no baseline")
right.axvline(J_0, color=BLACK, lw=1.2, ls="--", label="mean reward")
right.axvline(best, color=GREEN, lw=1.5, label="best")
right.set(xlabel="baseline b", ylabel="standard deviation", ylim=(0, None))
right.legend(frameon=False, fontsize=9, loc="upper right")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: the mean of the estimate stays at 0.26 for every baseline. Right: its standard deviation is a valley "
    "with its lowest point at 0.39; the mean reward, 0.26, lies close to it, no baseline further up, a baseline of "
    "-1 far above.",
)

# %% [markdown]
# The mean does not move. The spread has a valley. Its floor lies at
# $b^* = \mathbb E[\text{score}^2\, r] / \mathbb E[\text{score}^2]$, and the plain mean reward is close enough that
# nearly everyone uses that. A bad baseline, at −1, is worse than none.
#
# ### The mistake that everyone makes once
#
# Where does the mean come from? From the same batch, of course. But then the baseline *knows the action*: each
# episode's own return is in it. Leave it out: for episode $i$ take the mean return of all the *others*.
#
# ### Exercise 3
# Write this leave-one-out baseline.


# %% tags=["exercise"]
def leave_one_out(returns):
    """For each of n returns (n,) the mean of the n - 1 others: an array (n,)."""
    return None  # your line here


# %% tags=["solution"]
def leave_one_out(returns):
    """For each of n returns (n,) the mean of the n - 1 others: an array (n,)."""
    return (returns.sum() - returns) / (len(returns) - 1)


# %% tags=["check", "nbval-check-output"]
check.leave_one_out(leave_one_out)

# %% [markdown]
# What the slip costs, with batches of four tries of the dimmer. A little algebra says: subtracting the mean *with*
# one's own return gives exactly $(n-1)/n$ of the leave-one-out estimate.
#
# **Predict.** The true gradient is 0.260. What does the slip give with $n = 4$?

# %% tags=["nbval-check-output"]
fours, four_rewards = tries.reshape(-1, 4), np.exp(-((tries.reshape(-1, 4) - 2) ** 2) / 2)
total = four_rewards.sum(axis=1, keepdims=True)
for name, b in {
    "no baseline": 0.0, "mean of all four": total / 4, "mean of the other three": (total - four_rewards) / 3,
}.items():  # fmt: skip
    batches = (fours * (four_rewards - b)).mean(axis=1)
    print(f"{name:24s} mean {batches.mean():.3f}   standard deviation {batches.std():.2f}")

# %% [markdown]
# Three quarters of 0.260 is 0.195. In a batch of 16 episodes the slip shortens the step by a sixteenth and does not
# turn it; most programs, ours among them, live with that. In groups of four, as when language or video models are
# tuned, it matters.
#
# ### A baseline that looks at the state
#
# A scene that starts almost right earns more than one that starts three stops off, whatever the policy does. The best
# guess of what is to come from a state is its **value** $V(s)$. What an action adds to that is its **advantage**,
# $A_t = G_t - V(s_t)$. REINFORCE learns $V$ on the side, by least squares; this helper network is called the
# **critic**.
#
# ## 4. The returns explorer
#
# Now all three together, on the 8,192 episodes from above. The policy has three parameters: an offset, a gain on the
# meter's reading, and $\log \sigma$. The true gradient comes from somewhere else entirely: the same scenes with the
# same noise, replayed with each parameter nudged up and down. The histograms show estimates along its direction.
#
# **Predict**, and write it down before you click:
# 1. Reward-to-go instead of the whole return: how many times less variance?
# 2. Then the mean return as a baseline: how many times less again?
# 3. Then γ from 1 to 0.9: does the triangle stay on the line?
# 4. What else takes four times the episodes to achieve?

# %%
returns_explorer.ReturnsExplorer(data)

# %% [markdown]
# The same as a table, γ = 1, 16 episodes per estimate:

# %%
measured = returns_explorer.spreads(data, gamma=1.0, size=16)
plainest = measured["whole return", "none"]
for name, one in measured.items():
    print(
        f"{returns_explorer.label(*name):30s} mean {one.mean:5.2f} ± {one.standard_error:4.2f}   sd "
        f"{one.deviation:5.2f}   variance ÷ {(plainest.deviation / one.deviation) ** 2:5.1f}   wrong way "
        f"{100 * one.wrong_way:4.1f} %"
    )

# %% tags=["nbval-check-output"]
within = [abs(one.mean - one.true) < 3 * one.standard_error + 0.05 * one.true for one in measured.values()]
print("the six means agree with the replayed gradient:", all(within))
sd = {name: one.deviation for name, one in measured.items()}
print(
    "reward-to-go at least halves the variance:", sd["reward-to-go", "none"] ** 2 < sd["whole return", "none"] ** 2 / 2
)
print("the mean return saves more than that:", sd["whole return", "mean return"] < sd["reward-to-go", "none"])
print(
    "the state's value saves still more:", sd["reward-to-go", "state value"] < 0.7 * sd["reward-to-go", "mean return"]
)

# %% [markdown]
# All six are right on average, and they differ in noise by a factor of hundreds in variance. A variance 100 times
# smaller is worth 100 times as many episodes. Without a baseline a step from 16 episodes is nearly a coin toss.
#
# Now the wager on the discount, for both policies, with the mean return as a baseline. Noise falls with γ, but so does
# the mean; what counts is noise ÷ mean. And does the mean still point the right way?

# %%
for name, one in (("untrained", data), ("half trained", half_trained)):
    print(f"{name:14s} γ     mean   noise   noise ÷ mean   turned by")
    for gamma in (1.0, 0.99, 0.95, 0.9):
        estimate = returns_explorer.gradients(one, "reward-to-go", "mean return", gamma)
        spread = returns_explorer.spread(estimate, one.gradient, 16)
        cosine = estimate.mean(axis=0) @ one.gradient / np.linalg.norm(estimate.mean(axis=0)) / spread.true
        print(
            f"{gamma:19.2f} {spread.mean:6.2f} {spread.deviation:7.2f} {spread.deviation / spread.mean:14.2f} "
            f"{np.degrees(np.arccos(cosine)):10.0f}°"
        )

# %% [markdown]
# With γ < 1 the estimator is **biased**: it climbs another hill than the one we are judged on, the plain sum of
# rewards. (Strictly, what everybody computes with $\gamma^{k-t}$ is the gradient of no objective at all; Nota & Thomas,
# 2020.) Here the other hill slopes the same way, only less. For the untrained policy the wager wins almost nothing. For
# the half-trained one it takes away a good part of the noise. Where rewards come late it can turn the gradient and
# teach the wrong thing.
#
# So a baseline is free, and a discount has a price that must be measured. For the movie scene somebody did, and the
# library's preset is the γ that came out:

# %%
print("γ of REINFORCE on", SCENE, "=", configure("reinforce", SCENE).gamma)

# %% [markdown]
# ## 5. The loss in code
#
# A framework differentiates a loss by itself. So we need a scalar whose gradient is minus our estimate:
#
# $$ L(\theta) = -\frac1B \sum_i \log \pi_\theta(a_i \mid s_i)\, A_i $$
#
# $A_i$ is data: no gradient flows into it. The minus is there because optimisers go down. Here it is, twice. Tinted
# lines differ.

# %%
twins("reinforce", ("def policy_gradient_loss", "return -"))

# %%
twins("reinforce", ("class Reinforce", '"gradient_norm": norm'))

# %% [markdown]
# Around the estimator stand five habits of practice. The batch's advantages are brought to mean 0 and standard
# deviation 1 (`standardize`; the mean is the baseline with the small slip from above). A shot that is only cut off by
# the clock adds the critic's value of what would have followed. Observations are scaled. Long gradients are cut to
# length ½. Adam sets the step size per weight.
#
# Is the framework's gradient right? `rl/reference.py` holds the same loss with its derivative worked out by hand, in
# NumPy. One batch: loss and gradient by hand and by framework must agree, whichever `BACKEND` you chose.

# %% tags=["nbval-check-output"]
env = rlfilm.make_vec(SCENE, num_envs=16, controls=1)
learner = rlfilm.learner("reinforce", env, backend=BACKEND, seed=0)
policy, settings = learner.policy(), learner.config
rollout = collect_episodes(env, policy, seed=0, iteration=0)
batch = monte_carlo(rollout, policy, settings.gamma, settings.baseline)
loss, gradient = reference.reinforce(
    policy.weights,
    batch.inputs,
    batch.actions,
    standardize(batch.advantages),
    batch.returns,
    settings.value_coef,
    settings.entropy_coef,
)
norm = np.sqrt(sum((part**2).sum() for part in gradient.values()))
metrics = learner.update(rollout)
framework_loss = metrics["policy_loss"] + settings.value_coef * metrics["value_loss"]
framework_loss -= settings.entropy_coef * metrics["entropy"]
print("log-probabilities of", rollout.log_probs.size, "actions")
print("loss agrees:", np.isclose(framework_loss, loss, rtol=1e-4))
print("length of the gradient agrees:", np.isclose(metrics["gradient_norm"], norm, rtol=1e-3))

# %% [markdown]
# One warning. The *value* of this loss means nothing. It is about zero at every step, because the advantages have mean
# zero, and it does not fall as the agent learns. Only its gradient is of use. Watch the return instead.
#
# ## 6. Training, five times
#
# First the dimmer. One iteration is 16 episodes and one step. Five seeds, about 80 iterations each. We report three
# things: each run (thin), their mean (thick), and a **bootstrap interval** of the mean (shaded): draw five runs out of
# the five, with repetition, take their mean, repeat 2,000 times, keep the middle 95 %. All returns are put on the scale
# of lesson 01, random = 0, expert = 1.
#
# While it trains, the policy rolls dice at every step. To be judged it plays its best guess, without dice. The diamonds
# at the right are the five final policies, judged so on 64 new episodes.
#
# **Predict.** Will the five curves lie closer together at the start, in the middle or at the end?

# %%
SEEDS = range(5)


def normalised(returns, controls):
    """0 for the random policy, 1 for the expert."""
    scale = env.metadata["yardsticks"][controls]
    return (np.asarray(returns) - scale["random"]) / (scale["expert"] - scale["random"])


def judged(policy, controls):
    """Normalised score of the policy without dice, over 64 new episodes."""
    return rlfilm.evaluate(policy, SCENE, episodes=64, seed=1000, controls=controls).normalised_score


def train_seeds(controls, steps):
    """Five runs: steps (K,), curves (5, K), scores (5,) of the final policies, score of an untrained one."""
    env = rlfilm.make_vec(SCENE, num_envs=16, controls=controls)
    curves, scores = [], []
    for seed in SEEDS:
        learner = rlfilm.learner("reinforce", env, backend=BACKEND, seed=seed)
        untrained = judged(learner.policy(), controls)
        history = rlfilm.train(learner, env, steps=steps, progress=False)
        curves.append(normalised(history.column("return_mean"), controls))
        scores.append(judged(learner.policy(), controls))
    return history.column("steps"), np.array(curves), np.array(scores), untrained


def show(steps, curves, scores, untrained, width, title):
    fig, axes = plt.subplots(figsize=(7.5, 3.3), layout="constrained")
    thousands = learning_curves.smooth(steps[None], width)[0] / 1000
    learning_curves.plot(axes, thousands, learning_curves.smooth(curves, width), BLUE, "while training (with dice)")
    axes.plot(
        np.full(len(scores), 1.03 * steps[-1] / 1000), scores, "D", color=ORANGE, ms=5, label="judged (without dice)"
    )
    learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
    axes.set(xlabel="environment steps (thousands)", ylabel="normalised score", xlim=(0, 1.06 * steps[-1] / 1000))
    axes.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=10)
    mean, low, high = learning_curves.interval(scores[:, None])
    result = (
        f"judged: mean of 5 seeds {mean[0]:.2f}, 95 % interval {low[0]:.2f} to {high[0]:.2f}, untrained {untrained:.2f}"
    )
    print(result)
    return figure(fig, f"Learning curves of five seeds with their mean and interval, {title}; {result}.")


dimmer = train_seeds(controls=1, steps=60_000)
show(*dimmer, width=4, title="the dimmer")

# %% [markdown]
# How much would one run have told us? Halfway through, the best and the worst of the five:

# %%
halfway = dimmer[1][:, dimmer[1].shape[1] // 2 - 5 : dimmer[1].shape[1] // 2 + 5].mean(axis=1)
print(f"normalised score halfway: best run {halfway.max():.2f}, worst run {halfway.min():.2f}")

# %% tags=["nbval-check-output"]
_, curves, scores, untrained = dimmer
print("every one of the five seeds ends above the untrained policy:", bool((scores > untrained + 0.2).all()))
print("five different curves from five seeds:", len({tuple(curve) for curve in curves}) == 5)

# %% [markdown]
# Now three controls: the camera moves, left and right, back and forth, up and down. Each action is three numbers; their
# log-probabilities are *added*. The camera can hit the actor or leave the stage, which ends the shot with a penalty.
#
# **Predict.** The policy rolls dice with the camera. Will the curve reach the diamonds this time?

# %%
camera = train_seeds(controls=3, steps=100_000)
show(*camera, width=4, title="the camera")

# %% [markdown]
# The diamonds lie above the curve's end. A camera that shakes with every roll of the dice loses smoothness; the judged
# policies do not roll. Report which of the two you mean.
#
# The untrained line is worth a look, too. Doing almost nothing is already far better than random, because random
# cameras run into things. A paper that compares only with “random” would call that learning.
#
# ### All nine controls
#
# This takes longer, so it comes from a stored run: 400,000 steps, five seeds in each framework. The command that made
# it stands in the file, and you can run it again.

# %%
print(stored["command"])
scale = stored["yardsticks"]
fig, axes = plt.subplots(figsize=(7.5, 3.5), layout="constrained")
for backend, name, colour, style in (("pytorch", "PyTorch", BLUE, "-"), ("tensorflow", "TensorFlow", ORANGE, "--")):
    runs = [run for run in stored["runs"] if run["backend"] == backend]
    returns = np.array([run["return_mean"] for run in runs])
    curves = learning_curves.smooth((returns - scale["random"]) / (scale["expert"] - scale["random"]), 10)
    steps = learning_curves.smooth(np.array([runs[0]["steps"]]), 10)[0] / 1000
    learning_curves.plot(axes, steps, curves, colour, name, style)
    mean, low, high = learning_curves.interval(np.array([[run["trained_score"]] for run in runs]))
    print(f"{name:10s} judged: mean of 5 seeds {mean[0]:.3f}, 95 % interval {low[0]:.3f} to {high[0]:.3f}")
untrained = np.mean([run["untrained_score"] for run in stored["runs"]])
learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
axes.set(xlabel="environment steps (thousands)", ylabel="normalised score", xlim=(0, 400), ylim=(-0.1, 1.1))
axes.legend(frameon=False, fontsize=9, loc="center right", bbox_to_anchor=(1, 0.6))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Learning curves of all nine controls, five seeds in PyTorch and five in TensorFlow, with intervals. The two bands "
    "lie on one another and rise from random towards the expert.",
)

# %% [markdown]
# ### Exercise 4
# Here are the judged scores of the five PyTorch runs. Write the **standard error** of their mean, $s/\sqrt n$, with $s$
# the standard deviation that divides by $n - 1$. Twice the standard error to each side is a quick interval.

# %%
print([run["trained_score"] for run in pytorch_runs])


# %% tags=["exercise"]
def standard_error(scores):
    """Standard error of the mean of n scores (n,)."""
    return None  # your line here


# %% tags=["solution"]
def standard_error(scores):
    """Standard error of the mean of n scores (n,)."""
    return np.std(scores, ddof=1) / np.sqrt(len(scores))


# %% tags=["check", "nbval-check-output"]
check.standard_error(standard_error)

# %% [markdown]
# How far can an interval from five seeds be trusted? Test it where the truth is known: a thousand experiments of five
# draws each from a normal distribution of mean 0. How many of their “95 %” bootstrap intervals hold the 0?

# %% tags=["nbval-check-output"]
_, low, high = learning_curves.interval(np.random.default_rng(0).standard_normal((5, 1000)))
print(f"the interval holds the true mean in {np.mean((low < 0) & (high > 0)):.2f} of the experiments")

# %% [markdown]
# Fewer than it promises: five draws do not show the tails. Read such an interval as a little too short.
#
# ## 7. Two identical runs
#
# First: *truly* identical ones. Same seed, twice; then another seed.
#
# **Predict.** Ten iterations each, and some thousands of weights. In how many of them do the two runs of seed 0 differ?


# %% tags=["nbval-check-output"]
def trained_weights(seed):
    env = rlfilm.make_vec(SCENE, num_envs=16)
    learner = rlfilm.learner("reinforce", env, backend=BACKEND, seed=seed)
    rlfilm.train(learner, env, steps=10 * 16 * 48, progress=False)
    return np.concatenate([weight.ravel() for weight in learner.weights().values()])


once, again, other = trained_weights(0), trained_weights(0), trained_weights(1)
print(f"seed 0 twice: {np.count_nonzero(once != again)} of {len(once):,} weights differ")
print("seed 0 and seed 1: share of weights that differ:", np.mean(once != other).round(2))

# %% [markdown]
# One seed twice is identical to the last bit. Every random number of a run comes from
# `default_rng([seed, iteration, purpose])`. So the runs in the first picture did not differ by magic, and not in the
# code. They differ in their *data*.
#
# How much does that do? Take one untrained policy, nine controls. Let six seeds each collect a batch and compute their
# first step. Two steps that agree enclose an angle of 0°. Two that have nothing to do with each other enclose 90°.
#
# **Predict.** The angle between two seeds' first steps, with the 16 episodes per batch that we have used all along?


# %%
def first_step(policy, episodes, seed, mean_removed):
    """Direction of the first gradient step from one batch: a unit vector over the actor's weights."""
    env = rlfilm.make_vec(SCENE, num_envs=episodes)
    rollout = collect_episodes(env, policy, seed, iteration=0)
    batch = monte_carlo(rollout, policy, configure("reinforce", SCENE).gamma, baseline=False)
    advantages = standardize(batch.returns) if mean_removed else batch.returns
    _, gradient = reference.reinforce(policy.weights, batch.inputs, batch.actions, advantages, batch.returns, 0.0, 0.0)
    step = np.concatenate([part.ravel() for name, part in gradient.items() if not name.startswith("critic")])
    return step / np.linalg.norm(step)


untrained_policy = rlfilm.learner("reinforce", rlfilm.make_vec(SCENE), backend=BACKEND, seed=0).policy()
SIZES = (16, 128, 1024)
fig, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for mean_removed, name, colour, marker in ((False, "no baseline", ORANGE, "s"), (True, "mean removed", BLUE, "o")):
    angles = []
    for episodes in SIZES:
        steps = np.array([first_step(untrained_policy, episodes, seed, mean_removed) for seed in range(6)])
        angles.append(np.degrees(np.arccos((steps @ steps.T)[np.triu_indices(6, 1)])))
    axes.plot(SIZES, [pair.mean() for pair in angles], marker + "-", color=colour, label=name)
    print(f"{name:13s}", "   ".join(f"{n} episodes {pair.mean():.0f}°" for n, pair in zip(SIZES, angles, strict=True)))
axes.axhline(90, color=BLACK, lw=1, ls=":")
axes.annotate("nothing in common", (1024, 90), xytext=(0, 3), textcoords="offset points", fontsize=9, ha="right")
axes.set(
    xscale="log",
    xticks=SIZES,
    xticklabels=SIZES,
    ylim=(0, 105),
    xlabel="episodes per batch",
    ylabel="angle between two seeds' first steps (°)",
)
axes.minorticks_off()
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Mean angle between the first steps of two seeds, against the episodes per batch: close to 90 degrees at 16 "
    "episodes, smaller for larger batches, and smaller with the mean removed than without.",
)

# %% [markdown]
# With 16 episodes two first steps are almost at right angles. They have next to nothing in common. Each is nearly all
# noise, with a little gradient inside. Over hundreds of steps the noise cancels and the gradient adds up: that is why
# all runs learn. But each has wandered somewhere else on the way: that is why no two agree.
#
# **And across frameworks?** One seed in PyTorch and in TensorFlow starts with the same weights and the same dice. Only
# rounding differs, in the seventh digit. When do the two runs part?

# %%
pairs = [[run for run in stored["runs"] if run["seed"] == seed] for seed in SEEDS]
for one, two in pairs:
    apart = np.append(np.abs(np.subtract(one["return_mean"], two["return_mean"])) > 0.05, True)
    print(
        f"seed {one['seed']}: returns alike for {apart.argmax()} iterations; judged {one['trained_score']:.3f} and "
        f"{two['trained_score']:.3f}"
    )

# %% [markdown]
# Rounding grows from step to step like any small difference in a chaotic system. So even a *fixed* seed is only
# reproducible on the same software and hardware. A seed makes a run repeatable; it does not make it *representative*.
# That takes several.
#
# ## The answer
#
# Two identical runs disagree because the policy gradient is not computed, it is *estimated*, from a handful of
# episodes. Each seed brings other episodes, another estimate, another step, and from there on other episodes still.
# With the same seed, code and machine they agree bit for bit.
#
# What helps against the noise: credit actions only with what came *after* them (free); subtract a baseline that does
# not know the action (free); take more episodes (four times for half the noise); discount (not free: it changes the
# goal; measure it). What helps against being fooled: several seeds, an interval, and the lines for random, untrained
# and expert beside every curve.
#
# An interval from five seeds is a start, no more; lesson 15 comes back to it. And the critic can do more than stand by:
# lesson 05 lets it cut the return short.
#
# ## Quiz
#
# 1. You add 1,000 to every reward of an episode of fixed length. What happens to the gradient estimate without a
#    baseline?
#    (a) its mean grows (b) its mean stays, its variance explodes (c) nothing
# 2. Why may rewards before an action be left out of its credit?
#    (a) they are small (b) they are discounted (c) on average they contribute zero, since the action cannot change them
# 3. You want half the standard deviation of the gradient estimate. How many times the episodes do you need?
#    (a) four (b) two (c) the square root of two
# 4. The policy loss went from −0.01 to +0.01 during training. What does that tell you?
#    (a) the agent gets worse (b) nothing; look at the return (c) the learning rate is too high
# 5. Your method beats the old one, one run each, by 0.03. What do you report?
#    (a) the gain (b) the better of several tries (c) nothing yet: run several seeds of both first

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - R. Williams, “Simple statistical gradient-following algorithms for connectionist reinforcement learning”, *Machine
#   Learning* 8, 1992: REINFORCE, and that a baseline does not bias it.
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, 2018, chapter 13.
# - E. Greensmith, P. Bartlett, J. Baxter, “Variance reduction techniques for gradient estimates in reinforcement
#   learning”, *JMLR* 5, 2004: the best baseline.
# - C. Nota, P. Thomas, “Is the policy gradient a gradient?”, AAMAS 2020: what the discount does.
# - P. Henderson et al., “Deep reinforcement learning that matters”, AAAI 2018: two halves of ten seeds that look like
#   two methods.
# - R. Agarwal et al., “Deep reinforcement learning at the edge of the statistical precipice”, NeurIPS 2021: intervals
#   with few runs.
