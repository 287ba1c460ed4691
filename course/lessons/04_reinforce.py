# %% [markdown]
# # 04 · REINFORCE
#
# **Driving question.** Ten people start the same training program with the same settings. Each gets another curve, and
# another agent. Why do two identical runs disagree? And what can we do about it?
#
# **You will**
# - turn the policy gradient of lesson 03 into REINFORCE: reward-to-go, discount, baseline;
# - measure what each of the three does to the noise of the gradient, and which one has a price;
# - read the same loss in PyTorch and in TensorFlow, and check it against a third, hand-written gradient;
# - find and mend four bugs that articles copy from one another, none of which gives an error message;
# - train five seeds and report them with an interval.
#
# **Before you start.** Lessons 01 and 03: return, reward, the score ∇ log π. What a neural network is. Nothing of film.
#
# **Time.** 90 minutes to read and do, 60 seconds to run.

# %%
import itertools
import json
from pathlib import Path

import gymnasium as gym
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
# The **reward** here is the exposure term alone. With the meter $x$ clicks off it is $e^{-x^2/2}$. We start at
# $x = -2$, so $r(a) = e^{-(a-2)^2/2}$. (The set's little ambient light makes the term a hair larger in the dark.) The
# **policy** is $a \sim \mathcal N(\mu, 1)$ with $\mu = 0$ at first. The score of an action is then $a - \mu$, and
# lesson 03 has the rest:
#
# $$ \nabla J = \mathbb E[\underbrace{(a - \mu)}_{\text{score}} \cdot r(a)], \qquad
#    \text{at } \mu = 0 \text{ two bells convolve to a bell: } \nabla J = \frac{e^{-1}}{\sqrt 2} = 0.260 $$
#
# The gradient says: turn it up. Score times reward says so *on average*. But nobody takes a million tries per step.
#
# **Predict.** You average $n$ tries and step in the direction of the estimate. How often does it point *down*, the
# wrong way, with $n = 1$? With $n = 16$?

# %% tags=["nbval-check-output"]
J_0 = np.exp(-1) / np.sqrt(2)
tries = np.random.default_rng(0).normal(size=1_000_000)
estimates = tries * np.exp(-((tries - 2) ** 2) / 2)
error = estimates.std() / 1000
print(f"gradient {J_0:.3f}; a million tries agree: {abs(estimates.mean() - J_0) < 3 * error}")

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
# of all tries say “down”. They are not mistaken. They turned the light down, they were still paid a little, so they ask
# for more of the same. *All rewards positive* is where a baseline will help.
#
# ## 2. Many actions
#
# A shot is 48 actions long. The policy now looks at the observation $s_t$ before each action $a_t$. The boxed formula
# of lesson 03 is REINFORCE in its plainest form (Williams, 1992): play, add up the scores, multiply by the return,
# average, step.
#
# $$ \nabla J = \mathbb E\Big[\sum_t \nabla \log \pi(a_t \mid s_t)\; R(\tau)\Big], \quad R(\tau) = \sum_t r_t $$
#
# ### Who deserves the credit?
#
# In that formula every action is credited with the *whole* return, even with rewards that came before it. On paper
# those contribute nothing. And on the set? We take 8,192 episodes with the dimmer (`controls=1`) by a policy that knows
# nothing, $a \sim \mathcal N(0, 1)$, and 8,192 by one that has half learned: it reads the light meter and turns the
# dimmer against the error. For each pair of an action $t$ and a reward $k$ we average score$_t$ · reward$_k$.
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
# ### Exercise 1
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
# So subtract what is there anyway, a **baseline** $b$. It costs nothing on average, because the mean of a score is zero
# (lesson 03), whatever $b$ is, as long as it *does not know the action*. It may depend on the state. The noise is least
# with a baseline near the mean return.
#
# ### The mistake that everyone makes once
#
# Where does the mean come from? From the same batch, of course. But then the baseline *knows the action*: each
# episode's own return is in it. Leave it out: for episode $i$ take the mean return of all the *others*.
#
# ### Exercise 2
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
# $A_i$ is data: no gradient flows into it. The critic's squared error is added, and that is all of REINFORCE. Here it
# is, twice. Tinted lines differ.

# %%
twins("reinforce", ("def actor_critic_loss", "return metrics"))

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
loss, by_hand = reference.reinforce(
    policy.weights,
    batch.inputs,
    batch.actions,
    standardize(batch.advantages),
    batch.returns,
    settings.value_coef,
    settings.entropy_coef,
)
norm = np.sqrt(sum((part**2).sum() for part in by_hand.values()))
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
# ## 6. Find the bugs
#
# Articles about reinforcement learning copy their code from one another, and some bugs with it. Here is a small
# program, written for this lesson, with four of the kind. It means to learn by REINFORCE, with a critic of its own. It
# runs in either framework: `xp` has the functions of an array (`tanh`, `log`, `mean`), `detach` cuts a number off from
# the gradient, and `gradient` differentiates a loss. (`env.step` gives the next observation, the reward, `terminated`,
# `truncated` and further information.)

# %%
if BACKEND == "pytorch":
    import torch as xp
    from torch import detach

    def gradient(loss, params, *data):
        """The gradient of loss(params, *data) by each of the params; arrays in, arrays out."""
        params = {name: xp.tensor(array, dtype=xp.float64, requires_grad=True) for name, array in params.items()}
        scalar = loss(params, *(xp.tensor(array, dtype=xp.float64) for array in data))
        parts = xp.autograd.grad(scalar, list(params.values()), materialize_grads=True)
        return {name: part.numpy() for name, part in zip(params, parts, strict=True)}

else:
    import tensorflow as tf
    from tensorflow import stop_gradient as detach
    from tensorflow.experimental import numpy as xp

    def gradient(loss, params, *data):
        """The gradient of loss(params, *data) by each of the params; arrays in, arrays out."""
        params = {name: tf.Variable(array, dtype=tf.float64) for name, array in params.items()}
        with tf.GradientTape() as tape:
            scalar = loss(params, *(tf.constant(array, tf.float64) for array in data))
        parts = tape.gradient(scalar, list(params.values()), unconnected_gradients="zero")
        return {name: part.numpy() for name, part in zip(params, parts, strict=True)}


# %%
GAMMA = 0.99


def mean_action(params, x):
    return xp.tanh(xp.matmul(x, params["actor"]))  # 1


def play(env, policy):
    observation, _ = env.reset(seed=0)  # 2
    steps, over = [], False
    while not over:  # 3
        action = policy(observation)
        following, reward, *ends, _ = env.step(action)  # 4
        steps.append((observation, action, reward))  # 5
        observation, over = following, ends[0]  # 6
    return steps


def log_prob(params, x, actions):
    return xp.log(mean_action(params, x))  # 7


def actor_loss(params, x, actions, returns):
    advantage = returns - xp.mean(returns)  # 8
    return -xp.mean(mean_action(params, x) * advantage)  # 9


def critic_loss(params, x, rewards, following):
    value = xp.matmul(x, params["critic"])  # 10
    target = rewards + GAMMA * xp.matmul(following, params["critic"])  # 11
    return xp.mean((target - value) ** 2)  # 12


# %% [markdown]
# ### Exercise 3
# Each of the four functions below line 1 has one line that is wrong. Read them, then put in the numbers.

# %% tags=["exercise"]
bugs = {"never ends": None, "log of an output": None, "no log-probability": None, "moving target": None}

# %% tags=["solution"]
bugs = {"never ends": 6, "log of an output": 7, "no log-probability": 9, "moving target": 11}

# %% tags=["check", "nbval-check-output"]
check.bugs(bugs)

# %% [markdown]
# Now one by one: what does it do, and how is it mended? The functions you write take the place of those above.
#
# ### The episode that never ends
#
# `play` on our own film set, whose shots are cut after 48 steps. The policy below does nothing, and loses its patience
# after 1,000.

# %% tags=["nbval-check-output"]
calls = itertools.count()


def patient(observation):
    if next(calls) == 1000:
        raise TimeoutError("1,000 steps, and the episode is not over")
    return np.zeros(1, np.float32)


film_set = gym.make(SCENE, controls=1)
try:
    print(len(play(film_set, patient)), "steps")
except TimeoutError as complaint:
    print(complaint)

# %% [markdown]
# Nothing terminates here; the clock *truncates*. `ends[0]` is deaf to the clock. Where the camera can hit the actor the
# loop does return, sometimes, and the bug looks like “slow training”.
#
# **Exercise 4.** Mend `play`.


# %% tags=["exercise"]
def play(env, policy):
    """One episode: a list of (observation, action, reward)."""
    return None  # your lines here


# %% tags=["solution"]
def play(env, policy):
    """One episode: a list of (observation, action, reward)."""
    observation, _ = env.reset(seed=0)
    steps, over = [], False
    while not over:
        action = policy(observation)
        following, reward, *ends, _ = env.step(action)
        steps.append((observation, action, reward))
        observation, over = following, any(ends)
    return steps


# %% tags=["check", "nbval-check-output"]
check.play(play)

# %% [markdown]
# ### The logarithm of an output
#
# The network's output *is* the action here. It is no probability, so its logarithm is no log-probability. It does not
# even contain the action that was taken. **Predict.** A fresh network's outputs lie around 0. For how many of 1,000 of
# them is the “log-probability” a number?

# %%
outputs = np.tanh(np.random.default_rng(0).normal(0, 0.5, 1000))
with np.errstate(invalid="ignore"):
    logs = np.log(outputs)
print(f"{np.isnan(logs).sum()} of 1,000 are not a number")
curve = np.linspace(0.004, 0.999, 400)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained")
left.axvspan(-1, 0, color=returns_explorer.WRONG_WAY, lw=0)
left.plot(curve, np.log(curve), color=VERMILION, lw=2)
left.text(-0.5, -2.5, "NaN", ha="center", fontsize=12)
left.set(xlabel="output of the network", ylabel="“log-probability”", xlim=(-1, 1), xticks=(-1, 0, 1))
taken = np.linspace(-3, 3, 200)
right.axhline(1 / 0.3, color=VERMILION, lw=2, label="of log(output)")
right.plot(taken, taken - 0.3, color=BLUE, lw=2, ls="--", label="of log π, σ = 1")
right.set(xlabel="action taken, the output being 0.3", ylabel="slope by the output", ylim=(-4, 4.5))
right.legend(frameon=False, fontsize=9, loc="lower right")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: the logarithm of the output, which is not a number for negative outputs. Right: its slope is the same "
    "whatever action was taken; the score of a real log-probability points towards the action taken.",
)

# %% [markdown]
# Where it is a number, its slope pushes the output *up*, the same for every action. Nothing tells a good action from a
# bad one. A policy needs dice, and the log-probability is that of what the dice showed. (A policy without dice needs
# another method altogether: lesson 05.)
#
# **Exercise 5.** Make it the log-probability of `actions` under a normal distribution around `mean_action`, with
# $\sigma = 1$. Constants may be left out.


# %% tags=["exercise"]
def log_prob(params, x, actions):
    """log π(a|s) for x (B, D) and actions (B,): (B,)."""
    return None  # your line here


# %% tags=["solution"]
def log_prob(params, x, actions):
    """log π(a|s) for x (B, D) and actions (B,): (B,)."""
    return -0.5 * (actions - mean_action(params, x)) ** 2


# %% tags=["check", "nbval-check-output"]
check.log_prob(log_prob, gradient)

# %% [markdown]
# ### The loss without a log-probability
#
# Action times advantage: it looks like “more of what paid”. But `mean_action` is what the network *would* do, not what
# was done. Let us ask the naive loss. One scene, policy N(0, 1), 10,000 tries. In the first world the reward is highest
# at +0.6, in the second at −0.6, in the third the rewards are shuffled.
#
# **Predict.** Three gradients from the naive loss, three from the right one. Which are 0?

# %% tags=["nbval-check-output"]
dice = np.random.default_rng(0)
actions, scene = dice.standard_normal(10_000), np.ones((10_000, 1))


def naive_loss(params, x, actions, returns):
    return -xp.mean(xp.tanh(xp.matmul(x, params["actor"])) * (returns - xp.mean(returns)))


def right_loss(params, x, actions, returns):
    log_probs = -0.5 * (actions - xp.tanh(xp.matmul(x, params["actor"]))) ** 2
    return -xp.mean(log_probs * (returns - xp.mean(returns)))


for world, peak in (("highest at +0.6", 0.6), ("highest at -0.6", -0.6), ("shuffled", 0.6)):
    rewards = np.exp(-((actions - peak) ** 2) / 2)
    rewards = dice.permutation(rewards) if world == "shuffled" else rewards
    naive, right = (
        -gradient(loss, {"actor": np.zeros(1)}, scene, actions, rewards)["actor"][0]
        for loss in (naive_loss, right_loss)
    )
    print(f"{world:16s} naive uphill {naive.round(2) + 0.0:+.2f}   right uphill {right:+.2f}")

# %% [markdown]
# The naive gradient is 0, whatever the rewards are. The action taken does not appear in it, so it cannot matter which
# action was paid. (Without line 8 it is the mean reward: upwards for ever, in all three worlds.)
#
# **Exercise 6.** Mend `actor_loss`, with your `log_prob`.


# %% tags=["exercise"]
def actor_loss(params, x, actions, returns):
    """A scalar whose gradient is minus the policy gradient's estimate; the mean return is the baseline."""
    return None  # your lines here


# %% tags=["solution"]
def actor_loss(params, x, actions, returns):
    """A scalar whose gradient is minus the policy gradient's estimate; the mean return is the baseline."""
    advantage = returns - xp.mean(returns)
    return -xp.mean(log_prob(params, x, actions) * advantage)


# %% tags=["check", "nbval-check-output"]
check.actor_loss(actor_loss, gradient)

# %% [markdown]
# ### The moving target
#
# This critic does not wait for the return. Its target is the reward and its own value of what follows (lesson 05 lives
# on that). It should move the value towards the target. But the target has parameters in it as well, and the gradient
# moves *both*. Where does that end? An editor opens with a shot A. Half of the time B follows, and pays 1; otherwise C,
# and pays 0 (after Sutton & Barto, 2018, example 11.2; γ = 1). The values are ½, 1 and 0.
#
# **Predict.** What does the naive critic think of B?

# %%
A, B, C, END = np.vstack([np.eye(3), np.zeros(3)])
before, after = np.stack([A, A, B, C]), np.stack([B, C, END, END])
paid, odds = np.array([0.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.5, 0.5])


def learn(hold):
    """The critic's values of A, B, C after 500 steps down the squared error; hold: what is done to the target."""

    def loss(params, x, rewards, following, weights):
        target = rewards + xp.matmul(following, params["critic"])
        return xp.mean(weights * (hold(target) - xp.matmul(x, params["critic"])) ** 2)

    critic = np.zeros(3)
    for _ in range(500):
        critic = critic - 0.5 * gradient(loss, {"critic": critic}, before, paid, after, odds)["critic"]
    return critic


held, moving = learn(detach), learn(lambda target: target)
fig, axes = plt.subplots(figsize=(5, 2.4), layout="constrained")
axes.bar(np.arange(3) - 0.2, held, 0.38, color=BLUE, label="target held fixed")
axes.bar(np.arange(3) + 0.2, moving, 0.38, color=VERMILION, hatch="//", label="target moves, too")
axes.set(xticks=range(3), xticklabels=["A (½)", "B (1)", "C (0)"], xlabel="shot, and its true value", ylabel="learned")
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Values learned for A, B and C. With the target held fixed one half, one and zero, the truth; with a moving target "
    "one half, three quarters and one quarter.",
)

# %% tags=["nbval-check-output"]
print("target held fixed:", held.round(2) + 0.0, "· target moves, too:", moving.round(2))

# %% [markdown]
# It is not only slower. It is *wrong*: B pays 1, always, and the critic says ¾. It bends the future to make it less
# surprising.
#
# **Exercise 7.** Mend `critic_loss`.


# %% tags=["exercise"]
def critic_loss(params, x, rewards, following):
    """Mean squared error of the values of x (B, D) against rewards (B,) and the values of following (B, D)."""
    return None  # your lines here


# %% tags=["solution"]
def critic_loss(params, x, rewards, following):
    """Mean squared error of the values of x (B, D) against rewards (B,) and the values of following (B, D)."""
    value = xp.matmul(x, params["critic"])
    target = detach(rewards + GAMMA * xp.matmul(following, params["critic"]))
    return xp.mean((target - value) ** 2)


# %% tags=["check", "nbval-check-output"]
check.critic_loss(critic_loss, gradient)

# %% [markdown]
# Not one of the four stopped with an error. Each would have drawn a curve. What finds them is a known answer: a case so
# small that the right number is known, and a test that compares. The library's tests are made of those.
#
# ## 7. Training, five times
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
# ### All nine controls
#
# Camera, lights and character together: nine numbers per action, whose log-probabilities are *added*. The camera can
# hit the actor or leave the stage, which ends the shot with a penalty. This takes longer, so it comes from a stored
# run: 400,000 steps, five seeds in each framework. The command that made it stands in the file.
#
# **Predict.** The policy rolls dice with the camera while it learns. Will the curve reach the judged scores?

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
    scores = np.array([[run["trained_score"]] for run in runs])
    axes.plot(np.full(len(scores), 408), scores, "D", color=colour, ms=4)
    mean, low, high = learning_curves.interval(scores)
    print(f"{name:10s} judged: mean of 5 seeds {mean[0]:.3f}, 95 % interval {low[0]:.3f} to {high[0]:.3f}")
untrained = np.mean([run["untrained_score"] for run in stored["runs"]])
learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
axes.set(xlabel="environment steps (thousands)", ylabel="normalised score", xlim=(0, 415), ylim=(-0.1, 1.1))
axes.legend(frameon=False, fontsize=9, loc="center right", bbox_to_anchor=(1, 0.6))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Learning curves of all nine controls, five seeds in PyTorch and five in TensorFlow, with intervals. The two bands "
    "lie on one another and rise from random towards the expert; diamonds, the judged policies, lie above their end.",
)

# %% [markdown]
# The judged scores lie above the curve's end. A camera that shakes with every roll of the dice loses smoothness; the
# judged policies do not roll. Report which of the two you mean. The untrained line is worth a look, too: doing almost
# nothing is already far better than random, because random cameras run into things. A paper that compares only with
# “random” would call that learning.
#
# ### Exercise 8
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
# ## 8. Two identical runs
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
