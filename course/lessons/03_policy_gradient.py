# %% [markdown]
# # 03 · The policy gradient
#
# **Driving question.** A critic looks at a picture and says “yes” or “no”. Nobody can differentiate a critic, nor a
# camera, nor a film set. How can a policy still know which way is up?
#
# **You will**
# - see what a policy gradient climbs: not the reward, but the reward as the policy sees it;
# - derive the theorem in four steps, first for three choices, then for numbers, then for whole films;
# - check each step against finite differences, and estimates against an exact sum over every possible film;
# - find the factor that nearly every program leaves out;
# - take real steps on the film set, with the gradient of PyTorch or TensorFlow.
#
# **Before you start.** Lesson 01. Derivatives, mean and variance, the normal distribution. Nothing of film.
#
# **Time.** 85 minutes to read and do, 20 seconds to run.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import movie_scene
from rlfilm_lib.film import framing
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.rl.rollout import collect_episodes
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import learning_curves, score_function, viewfinder
from rlfilm_lib.widgets.checks import policy_gradient as check
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, VERMILION, figure
from rlfilm_lib.widgets.score_function import CRITICS, Setting, exact_gradient, mean_rewards
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/MovieScene-v0"

# %% [markdown]
# Here is the critic at work. The camera moves a little between the pictures. “Yes” means: the eyes are on the upper
# left third, give or take an eighth of the picture. A cross marks the eyes.

# %% tags=["hide-input"]
env = rlfilm.make_vec(SCENE, num_envs=1, controls=1, brief="medium")
well_lit, _ = list(viewfinder.takeover(env, viewfinder.opening(env, seed=1), env.expert_policy()))[-1]


def framed(u, v):
    """The medium shot with the camera moved so that the eyes come to (u, v)."""
    state = {name: array.copy() for name, array in well_lit.items()}
    eyes = state["character"][0] - [0, movie_scene.EYES_FORWARD, framing.EYES_BELOW_TOP]
    height = framing.visible_height(eyes[1] - state["camera"][0, 1], 50.0)
    state["camera"][0, ::2] = eyes[::2] - (np.array([u, v]) - 0.5) * height * [16 / 9, 1]
    return preview.render(env.take([state])[:1], 240, 135)[0]


fig, panels = plt.subplots(1, 4, figsize=(8, 1.5), layout="constrained")
for panel, (u, v) in zip(panels, ((0.34, 0.66), (0.5, 0.5), (0.26, 0.74), (0.6, 0.7)), strict=True):
    verdict = "yes" if CRITICS["yes or no"](u, v) else "no"
    panel.imshow(framed(u, v), extent=(0, 16, 0, 9))
    panel.plot(16 * u, 9 * v, "x", color="white", ms=8, mew=2)
    panel.vlines([16 / 3, 32 / 3], 0, 9, color="white", lw=0.6, alpha=0.6)
    panel.hlines([3, 6], 0, 16, color="white", lw=0.6, alpha=0.6)
    panel.set_title(f"({u}, {v}): {verdict}", fontsize=10)
    panel.axis("off")
figure(
    fig,
    "Four pictures of the same actor. Eyes near the crossing of the upper and the left third get a yes; eyes in the "
    "middle or on the right get a no.",
)

# %% [markdown]
# ## 1. What is there to climb?
#
# The **action** is where the eyes go in the picture, $a = (u, v)$. The **reward** is 1 for yes and 0 for no. As a
# landscape that is a table mountain: flat, a cliff, flat. At $(0.5, 0.5)$ we stand on the plain, and a small step
# changes nothing. The derivative of the reward is 0. On top of the mountain it is 0 as well. At the cliff there is
# none.
#
# The picture does not help either. It consists of whole numbers. Slide the camera, and watch one pixel:

# %% tags=["hide-input"]
slides, values = np.arange(0, 2, 0.01), []  # mm
for slide in slides:
    state = {name: array.copy() for name, array in well_lit.items()}
    state["camera"][0, 0] += slide / 1000
    values.append(preview.render(env.take([state])[:1], 96, 54)[0, 21, 30, 0])
fig, axes = plt.subplots(figsize=(6.5, 1.9), layout="constrained")
axes.plot(slides, values, ".", color=BLUE, ms=2.5)
axes.set(xlabel="camera slid to the right (mm)", ylabel="red (0 to 255)")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig, "The red value of one pixel against the position of the camera: a staircase of level steps, each one lower."
)

# %% [markdown]
# A staircase. Where it is level the derivative is 0, and where it jumps there is none. A real camera comes without a
# formula as well.
#
# Now the other half. A **policy** does not choose one place. The operator's hand is not steady: $a \sim \mathcal N(\mu,
# \sigma^2 I)$. It aims at $\mu$ and misses by about $\sigma$. What a policy can expect is the *mean* reward
#
# $$ J(\mu) = \mathbb E_{a \sim \pi}[r(a)] = \int \pi(a)\, r(a)\, da . $$
#
# **Predict.** Left the critic's map $r$, then the mean reward $J$ for three hands, each in its own shades: the darkest
# is the highest. Which has a slope at the dot: the steady hand, the middling, the trembling one?

# %%
places_u, places_v = np.linspace(0, 1, 240), np.linspace(0, 1, 135)
maps = {"r: yes or no": CRITICS["yes or no"](places_u[None], places_v[:, None])}
for std in (0.03, 0.15, 0.35):
    slope = np.linalg.norm(exact_gradient("yes or no", (0.5, 0.5), std))
    maps[f"J, σ = {std}: slope {slope:.2f}"] = mean_rewards("yes or no", places_u, places_v, std)
fig, panels = plt.subplots(1, 4, figsize=(8, 1.6), layout="constrained")
for panel, (title, heights) in zip(panels, maps.items(), strict=True):
    panel.contourf(places_u, places_v, heights, 8, cmap="Blues")
    panel.plot(0.5, 0.5, "o", color=ORANGE, mec=BLACK)
    panel.set_title(title, fontsize=10)
    panel.set(aspect=9 / 16, xticks=(), yticks=())
figure(
    fig,
    "The critic's map is a dark disc with a sharp edge. Seen through policies of growing width it is blurred into a "
    "hill. At the point in the middle of the picture the narrow policy's hill has next to no slope, the middle one's a "
    "clear slope, the widest a faint one.",
)

# %% [markdown]
# The policy blurs the cliff into a hill, and a hill has a slope everywhere. *That* is what we climb. The width decides
# how far one can see: a steady hand never meets a “yes” from here; a trembling one meets it, but hardly cares where it
# aims.
#
# So $\nabla J$ exists though $\nabla r$ does not. But to draw the pictures we needed the whole map. The agent has a few
# tries and their rewards. The rest of the lesson is about getting $\nabla J$ from those.
#
# ## 2. Three choices
#
# An integral is a long sum. Begin with a short one. Three set-ups of the camera, wide, medium and close. The policy
# picks one; the critic has marks for each. The policy's parameters are three **logits** $\theta$, made into
# probabilities by the **softmax**:
#
# $$ p(a) = \frac{e^{\theta_a}}{\sum_k e^{\theta_k}} $$

# %% tags=["nbval-check-output"]
SET_UPS = ("wide", "medium", "close")
marks = np.array([1.0, 2.0, 4.0])
theta = np.log([0.6, 0.3, 0.1])


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


p = softmax(theta)
print("p =", p.round(2), "  J = Σ p(a) r(a) =", (p @ marks).round(2))

# %% [markdown]
# The close set-up has the best mark and the smallest probability. We ask for one number: how does $J$ change with the
# logit of *close*, $\partial J / \partial \theta_3$?
#
# **Step 1.** The marks do not depend on $\theta$. So the derivative passes them by:
#
# $$ \nabla J = \nabla \sum_a p(a)\, r(a) = \sum_a \nabla p(a)\; r(a) $$
#
# This is the whole secret about the reward: it is multiplied, and never differentiated.
#
# **Step 2.** The sum runs over *all* set-ups. The agent sees only those that it tries, and it tries $a$ with
# probability $p(a)$. So write the sum as a mean over tries. Multiply by $p(a)$ and divide by it again:
#
# $$ \nabla J = \sum_a p(a)\, \frac{\nabla p(a)}{p(a)}\, r(a)
#             = \mathbb E_{a \sim p}\Big[\frac{\nabla p(a)}{p(a)}\, r(a)\Big] $$
#
# **Predict.** What should one try of *close* say, compared with one try of *wide*: about the same, or much more?

# %%
towards_close = p * (np.eye(3)[2] - p[2])  # ∂p(a) / ∂θ_close, one for each set-up
COLOURS = (BLUE, GREEN, ORANGE)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 2.6), layout="constrained")
left.bar(SET_UPS, towards_close * marks, color=COLOURS)
for place, value in enumerate(towards_close * marks):
    left.text(place, max(value, 0) + 0.01, f"{value:+.2f}", ha="center")
left.set(ylabel="∇p(a) · r(a)", ylim=(-0.1, 0.45), title="what has to be added up: 0.24")
starts = np.append(0, p.cumsum()[:-1])
right.bar(starts, towards_close * marks / p, width=p, align="edge", color=COLOURS)
for start, width, height, name in zip(starts, p, towards_close * marks / p, SET_UPS, strict=True):
    right.text(start + width / 2, max(height, 0) + 0.08, f"{name}\n{height:+.1f}", ha="center", fontsize=9)
right.set(
    xlabel="probability (width: how often it is tried)",
    ylabel="∇p(a) · r(a) / p(a)",
    ylim=(-1, 4.5),
    title="what each try has to say; the areas are those on the left",
)
for axes in (left, right):
    axes.axhline(0, color=BLACK, lw=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.title.set_size(10)
figure(
    fig,
    "Left: three bars of equal width, -0.06 for wide, -0.06 for medium, +0.36 for close; they add up to 0.24. Right: "
    "the same areas on bases as wide as the probabilities 0.6, 0.3 and 0.1. The bar of close is narrow and therefore "
    "high: 3.6; those of wide and medium are low, -0.1 and -0.2.",
)

# %% [markdown]
# Both pictures hold the same three areas. But on the right the base is the probability. *Close* is tried once in ten
# times. To be heard at its full weight, each try has to speak ten times as loudly. That is what dividing by $p(a)$
# does. Without it, frequent choices would be counted twice: once because they are frequent, once more because
# $\nabla p$ is large where $p$ is.
#
# **Step 3.** The quotient has a shorter name. By the chain rule $\nabla \log p = \nabla p / p$. This is why there is a
# logarithm: it does the dividing.
#
# $$ \nabla J = \mathbb E_{a \sim p}\big[\underbrace{\nabla \log p(a)}_{\text{score}} \; r(a)\big] $$
#
# ### Exercise 1
# For the softmax $\log p(a) = \theta_a - \log \sum_k e^{\theta_k}$. Differentiate with respect to all three logits and
# write the score as a function of the action's number and the probabilities.


# %% tags=["exercise"]
def softmax_score(action, probabilities):
    """Gradient of log p(action) with respect to the K logits: an array (K,)."""
    return None  # your line here


# %% tags=["solution"]
def softmax_score(action, probabilities):
    """Gradient of log p(action) with respect to the K logits: an array (K,)."""
    return np.eye(len(probabilities))[action] - probabilities


# %% tags=["check", "nbval-check-output"]
check.softmax_score(softmax_score)

# %% [markdown]
# Choosing an action raises its own logit, by more the more surprising it was, and lowers the others. By hand, for the
# logit of *close*: $0.6 \cdot (-0.1) \cdot 1 + 0.3 \cdot (-0.1) \cdot 2 + 0.1 \cdot 0.9 \cdot 4 = 0.24$.
#
# Now three ways: the exact sum; finite differences of $J$, which know nothing of scores; and the mean over tries.

# %% tags=["nbval-check-output"]
scores = np.eye(3) - p  # row a: the score of set-up a


def central_differences(f, x, h=1e-5):
    """The gradient of f at the array x, of x's shape."""
    nudges = h * np.eye(x.size).reshape(-1, *x.shape)
    return np.array([(f(x + nudge) - f(x - nudge)) / (2 * h) for nudge in nudges]).reshape(x.shape)


exact = p @ (scores * marks[:, None])
print("exact sum          ", exact.round(4) + 0.0)
print("finite differences ", central_differences(lambda logits: softmax(logits) @ marks, theta).round(4) + 0.0)

tries = np.random.default_rng(0).choice(3, size=100_000, p=p)
said = scores[tries] * marks[tries][:, None]
error = said.std(axis=0) / np.sqrt(len(tries))
print("100,000 tries       within three standard errors of the sum:", np.abs(said.mean(axis=0) - exact) < 3 * error)

forgotten = (p[tries] * said.T).mean(axis=1)  # ∇p instead of ∇p / p
print("without dividing by p, the logit of close gets", forgotten[2].round(2), "instead of", exact[2].round(2))

# %% [markdown]
# ## 3. A number as an action
#
# Nothing changes for an action $a$ that is a number. The sum becomes an integral, $p$ a density $\pi$:
#
# $$ \nabla J = \int \nabla \pi(a)\, r(a)\, da = \int \pi(a)\, \nabla \log \pi(a)\; r(a)\, da
#             = \mathbb E_{a \sim \pi}[\nabla \log \pi(a)\; r(a)] $$
#
# For the normal distribution
#
# $$ \log \pi(a) = -\frac{(a - \mu)^2}{2 \sigma^2} - \log \sigma - \tfrac12 \log 2\pi . $$
#
# It has two parameters that can learn, the mean $\mu$ and the width. For the width one takes $\log \sigma$, so that
# $\sigma$ stays positive.
#
# **Predict.** A try far from the mean gets a high reward. What should happen to $\mu$, and what to $\sigma$? And after
# a well-paid try right at the mean?
#
# ### Exercise 2
# Differentiate $\log \pi(a)$ with respect to $\mu$ and with respect to $\log \sigma$. (With $s = \log \sigma$ you have
# $1/\sigma^2 = e^{-2s}$.)


# %% tags=["exercise"]
def gaussian_score(action, mean, std):
    """The derivatives of log π(action) by the mean and by log σ: an array (2,)."""
    return None  # your lines here


# %% tags=["solution"]
def gaussian_score(action, mean, std):
    """The derivatives of log π(action) by the mean and by log σ: an array (2,)."""
    z = (action - mean) / std
    return np.array([z / std, z**2 - 1])


# %% tags=["check", "nbval-check-output"]
check.gaussian_score(gaussian_score)

# %% tags=["hide-input"]
a = np.linspace(-3, 3, 241)
fig, panels = plt.subplots(1, 3, figsize=(8.5, 2), sharex=True, layout="constrained")
for panel, curve, name in zip(
    panels, (np.exp(-(a**2) / 2), a, a**2 - 1), ("the policy π", "score of μ", "score of log σ"), strict=True
):
    panel.plot(a, curve, color=BLUE, lw=2)
    panel.fill_between(a, curve, 0, where=curve > 0, color=BLUE, alpha=0.2)
    panel.fill_between(a, curve, 0, where=curve < 0, color=VERMILION, alpha=0.25)
    panel.axhline(0, color=BLACK, lw=0.8)
    panel.set_title(name, fontsize=10)
    panel.set_xlabel("action (σ from the mean)")
    panel.spines[["top", "right"]].set_visible(False)
panels[0].set_yticks(())
figure(
    fig,
    "Three curves over the action: the bell of the policy; the score of the mean, a straight line through 0; the score "
    "of log sigma, a parabola that is negative within one sigma of the mean and positive beyond.",
)

# %% [markdown]
# A rewarded action pulls the mean towards itself. Beyond one $\sigma$ it also widens the policy; nearer it narrows it.
#
# ### Exercise 3
# Back to the picture: actions are pairs $(u, v)$, each part with the same $\sigma$. Write the estimate of the gradient
# with respect to the mean $\mu = (\mu_u, \mu_v)$ from $n$ tries.


# %% tags=["exercise"]
def estimate(actions, rewards, mean, std):
    """The estimated gradient (2,) from actions (n, 2) with rewards (n,); mean (2,), std one number."""
    return None  # your lines here


# %% tags=["solution"]
def estimate(actions, rewards, mean, std):
    """The estimated gradient (2,) from actions (n, 2) with rewards (n,); mean (2,), std one number."""
    scores = (actions - mean) / std**2
    return np.mean(scores * rewards[:, None], axis=0)


# %% tags=["check", "nbval-check-output"]
check.estimate(estimate)

# %% [markdown]
# ### Beside the exact one, and beside the other way
#
# There is another way to a gradient. Write $a = \mu + \sigma \varepsilon$ and differentiate *through* the reward:
# $\nabla J = \mathbb E[\nabla r(\mu + \sigma \varepsilon)]$. It needs a reward with a derivative, all the way through
# critic, camera and set. (Differentiable renderers exist for that purpose. Ours is NumPy: no framework sees inside.)
#
# Four critics: a smooth one; one with two peaks; one who gives zero to five stars; and yes or no. For each the exact
# gradient along $u$, from the whole map, and both estimates from 200,000 tries.
#
# **Predict.** For which critics will the way through the reward be right? Where it is right, which estimate is noisier?


# %%
def through_the_reward(critic, actions, h=1e-10):
    """The derivative of the critic along u at each of the actions (n, 2)."""
    u, v = actions.T
    return (CRITICS[critic](u + h, v) - CRITICS[critic](u - h, v)) / (2 * h)


print("critic        exact    by scores ± standard error    through the reward ± standard error")
agreement = {}
for critic in CRITICS:
    setting = Setting(critic, mean=(0.42, 0.6), seed=0)
    actions, rewards = score_function.tries(setting, 200_000)
    by_scores = score_function.contributions(actions, rewards, setting.mean, setting.std)[:, 0]
    through = through_the_reward(critic, actions)
    true = exact_gradient(critic, setting.mean, setting.std)[0]
    errors = [said.std() / np.sqrt(len(said)) for said in (by_scores, through)]
    agreement[critic] = [
        bool(abs(said.mean() - true) < 3 * one) for said, one in zip((by_scores, through), errors, strict=True)
    ]
    print(
        f"{critic:12s} {true:6.3f}      {by_scores.mean():6.3f} ± {errors[0]:.3f}              "
        f"{through.mean():6.3f} ± {errors[1]:.3f}"
    )

# %% tags=["nbval-check-output"]
print("within three standard errors of the exact gradient (by scores, through the reward):")
for critic, agrees in agreement.items():
    print(f"  {critic:12s}", *agrees)

# %% [markdown]
# By scores, all four are right. Through the reward, stars and yes-or-no give *exactly zero*, with great confidence.
# Where the reward is smooth, both are right and the way through the reward is less noisy: it is told the slope, while
# the score has to find it from values. So: differentiate through what you can differentiate, and use scores where you
# cannot. On a film set, with an audience, you cannot.
#
# ### The explorer
#
# Each thin line is what one try says: score · reward, from the mean of the policy. Their mean is the orange arrow. The
# black arrow is exact. Beside them: the estimates of many such batches, and their noise for every baseline. (The
# baseline is a number subtracted from every reward; leave it at 0 for now.)
#
# 1. “yes or no”, 16 tries. Press *new tries* a few times. Which tries draw a line at all?
# 2. Now 1 try, then 64. What happens to the width of the histogram, what to its mean?
# 3. Make σ small, until no try meets a reward. Which way is up now?
# 4. Press *one step uphill* again and again with 1 try, and with 64. “two peaks”: start at u = 0.3 and at u = 0.5. Do
#    you end on the higher one? And with a wider policy?

# %%
score_function.ScoreFunction()

# %% [markdown]
# ## 4. The mean of a score is zero
#
# What if the critic is in a good mood and adds 10 to every mark? No action gains on another, so the gradient must not
# change. In the formula:
#
# $$ \mathbb E[\nabla \log \pi(a)\; b] = b \int \pi(a)\, \frac{\nabla \pi(a)}{\pi(a)}\, da = b\, \nabla \int \pi(a)\, da
#    = b\, \nabla 1 = 0 $$
#
# **The score has mean zero.** Anything that does not depend on the action may be added to the reward, or taken away. It
# changes every single estimate and not their mean.
#
# **Predict.** In the explorer: “smooth”, 16 tries, and move the baseline from −0.5 to 1. What happens to the histogram,
# to the thin lines, to the black arrow? Where is the noise least?

# %% tags=["nbval-check-output"]
print("mean score of the three set-ups:", (p @ scores).round(12) + 0.0)
for good_mood in (0, 10):
    said = scores[:, 2] * (marks + good_mood)
    mean = p @ said
    deviation = np.sqrt(p @ said**2 - mean**2)
    print(f"marks + {good_mood:2d}: gradient for close {mean:.2f}, standard deviation of one try {deviation:.2f}")

# %% tags=["nbval-check-output"]
setting = Setting("smooth", samples=16)
for baseline in (-0.5, 0.0, 0.25, 1.0):
    measured = score_function.measure(replace(setting, baseline=baseline)).spread
    fits = abs(measured.mean - measured.true) < 3 * measured.standard_error
    print(
        f"baseline {baseline:5.2f}: mean fits the exact gradient: {fits}   standard deviation {measured.deviation:.1f}"
    )

# %% [markdown]
# The mean stays, the noise has a valley. Its floor lies near the mean reward: then good tries pull, bad tries push.
# With a baseline of 0 all rewards are positive, so *every* try pulls, and only the differences help. How much that
# matters with whole episodes, and how to get a good baseline, is lesson 04.
#
# ## 5. A whole film
#
# One action is not a film. Here is a small one, small enough to know everything about it. A crew shoots at most three
# shots before sunset. The **state** is what was shot last: nothing, a wide shot or a close-up. The **action** is the
# next shot, wide or close. An editor gives marks for what goes well together. And the light may fail: a wide shot takes
# long to set up, and after it the light holds with probability 0.7; after a close-up with 0.9.
#
# | shot last | marks for a wide shot | marks for a close-up |
# |---|---|---|
# | nothing | 1 | 0.5 |
# | wide | 0 (a jump cut) | 4 (a cut in) |
# | close | 1 | 0 (a jump cut) |
#
# The policy is a softmax per state, so $\theta$ is a table of 3 × 2 logits. At first it tosses coins. And since there
# are only 14 different films, we can list them all:

# %%
WIDE, CLOSE = 0, 1
MARKS = np.array([[1.0, 0.5], [0.0, 4.0], [1.0, 0.0]])  # [shot last: nothing, wide, close] [next shot: wide, close]
HOLDS = np.array([0.7, 0.9])  # probability that the light holds after a wide shot, after a close-up
SHOTS = 3


def films(policy, holds=HOLDS, states=(0,), actions=(), rewards=(), probability=1.0):
    """Every film as (states, actions, rewards, probability); policy (3, 2): probabilities of the next shot."""
    for action in (WIDE, CLOSE):
        film = states, (*actions, action), (*rewards, MARKS[states[-1], action])
        reached = probability * policy[states[-1], action]
        goes_on = holds[action] if len(film[1]) < SHOTS else 0.0
        yield *film, reached * (1 - goes_on)
        if goes_on:
            yield from films(policy, holds, (*states, action + 1), *film[1:], reached * goes_on)


def mean_return(logits, gamma=1.0, holds=HOLDS):
    """J: the mean discounted return over all films."""
    return sum(
        probability * sum(gamma**t * reward for t, reward in enumerate(rewards))
        for _, _, rewards, probability in films(softmax(logits), holds)
    )


coins = np.zeros((3, 2))
every = list(films(softmax(coins)))
print(f"{len(every)} films, probabilities adding up to {sum(film[-1] for film in every):.3f}, J = {mean_return(coins)}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
top, drawn = 1.0, {}
for _, actions, rewards, probability in sorted(every, key=lambda film: film[1]):
    for t in range(len(actions)):
        start, height = drawn.get(actions[: t + 1], (top, 0))
        drawn[actions[: t + 1]] = start, height + probability
    place = (len(actions) + 0.03, top - probability / 2)
    axes.text(*place, f"{sum(rewards):g}", va="center", fontsize=7, bbox={"fc": "white", "ec": "none", "pad": 0.4})
    top -= probability
for shots, (start, height) in drawn.items():
    colour, hatch = ((BLUE, ""), (ORANGE, "//"))[shots[-1]]
    axes.add_patch(
        plt.Rectangle((len(shots) - 1, start - height), 0.99, height, fc=colour, ec="white", hatch=hatch, alpha=0.75)
    )
axes.set(xlim=(0, 3.4), ylim=(0, 1), xticks=(0.5, 1.5, 2.5), xticklabels=("shot 1", "shot 2", "shot 3"))
axes.set_ylabel("probability")
axes.legend(
    [plt.Rectangle((0, 0), 1, 1, fc=BLUE, alpha=0.75), plt.Rectangle((0, 0), 1, 1, fc=ORANGE, hatch="//", alpha=0.75)],
    ["wide", "close"],
    frameon=False,
    loc="lower center",
    bbox_to_anchor=(0.5, 1),
    ncols=2,
)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "All fourteen films as a tree that grows to the right. Each block is a shot, as high as its probability; after "
    "some the light fails and the branch ends. Behind each film stands its return, from 0.5 to 6.",
)

# %% [markdown]
# A film $\tau$ is a path through the picture, from left to right. Its probability is a product, and its return a sum:
#
# $$ p(\tau) = \prod_t \underbrace{\pi(a_t \mid s_t)}_{\text{ours}}\; \underbrace{p(s_{t+1} \mid s_t, a_t)}_{\text{the
#    light}}, \qquad R(\tau) = \sum_t r_t, \qquad J = \sum_\tau p(\tau)\, R(\tau) $$
#
# But $\tau$ is only one very long action, so steps 1 to 3 hold as they are:
# $\nabla J = \mathbb E_\tau[\nabla \log p(\tau)\; R(\tau)]$.
#
# **Step 4.** Here the logarithm pays a second time. It turns the product into a sum, and the light does not contain
# $\theta$, so its derivative is 0:
#
# $$ \log p(\tau) = \sum_t \log \pi(a_t \mid s_t) + \sum_t \log p(s_{t+1} \mid s_t, a_t)
#    \quad\Longrightarrow\quad \nabla \log p(\tau) = \sum_t \nabla \log \pi(a_t \mid s_t) $$
#
# $$ \boxed{\;\nabla J = \mathbb E_\tau\Big[\sum_t \nabla \log \pi(a_t \mid s_t)\; R(\tau)\Big]\;} $$
#
# We need to know nothing about the set. Not when the light fails, not what the editor likes. Playing is enough.


# %%
def sum_over_films(logits):
    """∇J (3, 2) by the formula in the box, every film with its probability."""
    policy, gradient = softmax(logits), np.zeros((3, 2))
    for states, actions, rewards, probability in films(policy):
        for state, action in zip(states, actions, strict=True):
            gradient[state] += probability * sum(rewards) * (np.eye(2)[action] - policy[state])
    return gradient


def shoot(logits, count, rng):
    """What each of `count` sampled films says: sum of scores · return, (count, 3, 2)."""
    policy = softmax(logits)
    state, going = np.zeros(count, int), np.ones(count, bool)
    score, total = np.zeros((count, 3, 2)), np.zeros(count)
    for _ in range(SHOTS):
        action = (rng.random(count) < policy[state, CLOSE]).astype(int)
        total += going * MARKS[state, action]
        score[np.arange(count), state] += going[:, None] * (np.eye(2)[action] - policy[state])
        going &= rng.random(count) < HOLDS[action]
        state = action + 1
    return score * total[:, None, None]


# %% [markdown]
# **Predict**, from the table of marks: after which of the three states should *close* become more likely, after which
# less?

# %% tags=["nbval-check-output"]
gradient = sum_over_films(coins)
print("∂J/∂θ for “close” after nothing, wide, close")
print("  sum over all films  ", gradient[:, CLOSE].round(3))
print("  finite differences  ", central_differences(mean_return, coins)[:, CLOSE].round(3))
sampled = shoot(coins, 100_000, np.random.default_rng(0))[:, :, CLOSE]
error = sampled.std(axis=0) / np.sqrt(len(sampled))
within = np.abs(sampled.mean(axis=0) - gradient[:, CLOSE]) < 3 * error
print("  100,000 films sampled, within three standard errors:", within)

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(7.5, 2.9), layout="constrained")
axes.bar(np.arange(3), gradient[:, CLOSE], width=0.7, color=BLUE, alpha=0.35, label="exact: sum over all films")
for shift, count, colour, marker in ((-0.15, 100, VERMILION, "s"), (0.15, 10_000, BLACK, "o")):
    said = shoot(coins, count, np.random.default_rng(1))[:, :, CLOSE]
    axes.errorbar(
        np.arange(3) + shift,
        said.mean(axis=0),
        3 * said.std(axis=0) / np.sqrt(count),
        fmt=marker,
        color=colour,
        capsize=4,
        label=f"{count:,} films, ± 3 standard errors",
    )
axes.axhline(0, color=BLACK, lw=0.8)
axes.set(xticks=range(3), xticklabels=("after nothing", "after wide", "after close"), ylabel="∂J / ∂θ of “close”")
axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Three bars, the exact gradient for close: negative after nothing, positive after a wide shot, negative after a "
    "close-up. Estimates from 100 films lie around them with long error bars, from 10,000 on them with short ones.",
)

# %% [markdown]
# After a wide shot the close-up is the cut in: more of it. After a close-up and at the beginning it is less good: a
# film that begins wide gets to the cut in sooner.
#
# ### Step by step: the theorem
#
# In the box each score is multiplied by the whole return, even by marks that came *before* the action. But given the
# past, the score of the next action has mean zero, as in section 4. So for $k < t$ the product score$_t$ · reward$_k$
# has mean zero, and may go. We can see that exactly, since we have all films:

# %% tags=["nbval-check-output"]
before, after = np.zeros((3, 2)), np.zeros((3, 2))
policy = softmax(coins)
for states, actions, rewards, probability in every:
    for t, (state, action) in enumerate(zip(states, actions, strict=True)):
        score = np.eye(2)[action] - policy[state]
        before[state] += probability * score * sum(rewards[:t])
        after[state] += probability * score * sum(rewards[t:])
print("scores with what came before:", before[:, CLOSE].round(12) + 0.0)
print("scores with what came after: ", after[:, CLOSE].round(3))

# %% [markdown]
# What is left is the mean of what follows an action $a$ in state $s$ at step $t$. It has a name, the **action value**
# $Q_t(s, a)$. Sort the sum by states instead of films, and you have the **policy gradient theorem** (Sutton et al.,
# 2000):
#
# $$ \nabla J = \sum_t \sum_s P(s_t = s) \sum_a \nabla \pi(a \mid s)\; Q_t(s, a) $$
#
# Look at what is *not* differentiated. A change of $\theta$ also changes which states we get to, $P(s_t = s)$, and what
# follows, $Q_t$. Neither $\nabla P$ nor $\nabla Q$ appears. (They are all accounted for: by the actions at the other
# steps.) Here it is, with no film listed and none sampled: forwards for the states, backwards for the values.


# %%
def theorem(logits, gamma=1.0, weight=lambda t: 1.0):
    """Σ_t weight(t) Σ_s P(s_t = s) Σ_a ∇π(a|s) Q_t(s, a), (3, 2); Q counts rewards k steps later γᵏ."""
    policy, gradient = softmax(logits), np.zeros((3, 2))
    Q = np.zeros((SHOTS + 1, 3, 2))
    for t in reversed(range(SHOTS)):
        V = (policy * Q[t + 1]).sum(axis=1)  # of each state at step t + 1
        Q[t] = MARKS + gamma * HOLDS * V[[1, 2]]  # a wide shot leads to state 1, a close-up to state 2
    P = np.array([1.0, 0.0, 0.0])
    for t in range(SHOTS):
        gradient += weight(t) * P[:, None] * policy * (Q[t] - (policy * Q[t]).sum(axis=1, keepdims=True))
        P = np.append(0, (P[:, None] * policy * HOLDS).sum(axis=0))
    return gradient


# %% tags=["nbval-check-output"]
print("theorem, by states ", theorem(coins)[:, CLOSE].round(3))
print("sum over all films ", sum_over_films(coins)[:, CLOSE].round(3))

# %% [markdown]
# (In the code $\sum_a \nabla \pi(a)\, Q(a)$ became $\pi(a)\,(Q(a) - \sum_b \pi(b)\, Q(b))$: that is the softmax again,
# as in section 2. An action is pushed up if it is better than the state's average.)
#
# ### A discount, and the factor that gets lost
#
# With a discount one climbs $J_\gamma = \mathbb E[\sum_t \gamma^t r_t]$. Another way to read it: *after every shot the
# day ends with probability $1 - \gamma$*, whatever we shot. A mark at step $t$ then counts only if the light has held
# $t$ times, and the chance of that is $\gamma^t$. Discounting and sunsets are the same thing:

# %% tags=["nbval-check-output"]
no_sunset = np.array([1.0, 1.0])
print("light that always holds, discount 0.8:   J =", round(mean_return(coins, 0.8, no_sunset), 4))
print("light that holds with 0.8, no discount:  J =", round(mean_return(coins, 1.0, 0.8 * no_sunset), 4))

# %% [markdown]
# Now put $\gamma = 0.8$ into the theorem. $Q$ gets its discount inside. Compare with finite differences of $J_\gamma$:

# %% tags=["nbval-check-output"]
gamma = 0.8
true = central_differences(lambda logits: mean_return(logits, gamma), coins)
print("finite differences       ", true[:, CLOSE].round(3))
print("theorem, discounted Q    ", theorem(coins, gamma)[:, CLOSE].round(3))

# %% [markdown]
# They disagree, in every number but the first. Something is missing.
#
# ### Exercise 4
# Each step $t$ of the sum needs a weight. Which? (Think of the sunset: how likely is it that step $t$ is reached at
# all?)


# %% tags=["exercise"]
def step_weight(t, gamma):
    """What step t = 0, 1, 2 … counts in the gradient of the discounted return."""
    return None  # your line here


# %% tags=["solution"]
def step_weight(t, gamma):
    """What step t = 0, 1, 2 … counts in the gradient of the discounted return."""
    return gamma**t


# %% tags=["check", "nbval-check-output"]
check.step_weight(step_weight)

# %% tags=["nbval-check-output"]
for gamma in (1.0, 0.9, 0.5):
    true = central_differences(lambda logits, gamma=gamma: mean_return(logits, gamma), coins)
    weighted, plain = theorem(coins, gamma, lambda t, gamma=gamma: gamma**t), theorem(coins, gamma)
    cosine = (plain * true).sum() / np.linalg.norm(plain) / np.linalg.norm(true)
    print(
        f"γ = {gamma}: with the weight it agrees: {np.allclose(weighted, true, atol=1e-8)}; without, it is turned by "
        f"{np.degrees(np.arccos(min(cosine, 1))):.0f}°"
    )

# %% [markdown]
# Nearly all programs, ours among them, leave the weight out. With it, the end of an episode would hardly be learned: at
# $\gamma = 0.9$ the last of 48 actions would count for 0.7 %. Without it, all steps count alike, and what is followed
# is no longer the gradient of $J_\gamma$. It is a working compromise; lesson 04 measures what it does.
#
# ### Exact and sampled ascent
#
# Now climb: $\theta \leftarrow \theta + 0.5\, \nabla J$, sixty times. Once with the exact gradient, and five times
# with estimates from 16 films each.
#
# **Predict.** Will the sampled climbs lie below the exact one, around it, or above?

# %%
STEPS, STEP = 60, 0.5


def climb(gradient_at):
    """J before each of 60 steps, and after the last."""
    logits, heights = np.zeros((3, 2)), []
    for _ in range(STEPS):
        heights.append(mean_return(logits))
        logits = logits + STEP * gradient_at(logits)
    return np.append(heights, mean_return(logits))


streams = [np.random.default_rng([3, seed]) for seed in range(5)]
sampled_climbs = [climb(lambda logits, rng=rng: shoot(logits, 16, rng).mean(axis=0)) for rng in streams]
exact_climb = climb(theorem)
best = max(mean_return(30 * np.eye(2)[list(choice)]) for choice in np.ndindex(2, 2, 2))
fig, axes = plt.subplots(figsize=(6.5, 2.5), layout="constrained")
for number, heights in enumerate(sampled_climbs):
    axes.plot(heights, color=VERMILION, lw=0.9, label="" if number else "16 films per step")
axes.plot(exact_climb, color=BLUE, lw=2.5, label="exact gradient")
axes.axhline(best, color=BLACK, lw=1, ls=":", label="best of all eight fixed plans")
axes.set(xlabel="step", ylabel="mean return J", xlim=(0, STEPS), ylim=(2, 5))
axes.legend(frameon=False, fontsize=9, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Mean return against steps. The exact gradient climbs in a smooth curve from 2.4 to just below the best plan's "
    "4.43. The five sampled climbs wander around it, most of them below.",
)

# %% [markdown]
# Around it at first, below it later. The estimates are right on average and wrong one by one, and near the top a wrong
# step can only lead down. How to make them less wrong, with the same number of films, is the whole of lesson 04.
#
# ## 6. On the set
#
# The same formula on `MovieScene-v0` with the dimmer (`controls=1`), 48 actions to an episode. The policy is the
# smallest that can do it: its mean is linear in the 30 observations. That makes 32 parameters: 30 weights, an offset,
# and $\log \sigma$. All start at 0.
#
# A framework differentiates for us, if we hand it a number whose gradient is the one we want. Here it is, twice. The
# minus is there because optimisers go down.

# %%
twins("reinforce", ("def policy_gradient_loss", "return -"))

# %%
if BACKEND == "pytorch":
    import torch

    from rlfilm_lib.pytorch.learner import log_prob_and_entropy
    from rlfilm_lib.pytorch.reinforce import policy_gradient_loss

    def ascent_direction(weights, inputs, actions, credit):
        """Gradient of mean(log π(a|s) · credit) with respect to the weights, by automatic differentiation."""
        params = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
        log_prob, _ = log_prob_and_entropy(params, torch.as_tensor(inputs), torch.as_tensor(actions))
        loss = policy_gradient_loss(log_prob, torch.as_tensor(credit))
        gradients = torch.autograd.grad(loss, list(params.values()))
        return {name: -gradient.numpy() for name, gradient in zip(params, gradients, strict=True)}

else:
    from rlfilm_lib.tf.learner import log_prob_and_entropy
    from rlfilm_lib.tf.reinforce import policy_gradient_loss

    # isort: split
    import tensorflow as tf  # after our own, which keep it quiet

    def ascent_direction(weights, inputs, actions, credit):
        """Gradient of mean(log π(a|s) · credit) with respect to the weights, by automatic differentiation."""
        params = {name: tf.Variable(array) for name, array in weights.items()}
        with tf.GradientTape() as tape:
            log_prob, _ = log_prob_and_entropy(params, tf.constant(inputs), tf.constant(actions))
            loss = policy_gradient_loss(log_prob, tf.constant(credit))
        gradients = tape.gradient(loss, list(params.values()))
        return {name: -gradient.numpy() for name, gradient in zip(params, gradients, strict=True)}


# %% [markdown]
# The credit of every action is the whole return of its episode, less the mean return of all (section 4). The loss takes
# the mean over all actions, our formula the sum over an episode's 48: so multiply by 48.

# %%
EPISODES, LENGTH = 512, 48
env = rlfilm.make_vec(SCENE, num_envs=EPISODES, controls=1)


def played(weights, iteration):
    """512 episodes: inputs (B, 30), actions (B, 1), credit (B,), and the returns (512,)."""
    policy = Policy(weights, env.single_observation_space, env.single_action_space)
    rollout = collect_episodes(env, policy, seed=0, iteration=iteration)
    returns = rollout.episode_returns
    credit = np.broadcast_to(returns - returns.mean(), rollout.rewards.shape).astype(np.float32)
    return rollout.inputs.reshape(-1, 30), rollout.actions.reshape(-1, 1), credit.ravel(), returns


def policy_gradient(weights, iteration):
    """The estimate of ∇J from 512 episodes, and their mean return."""
    *batch, returns = played(weights, iteration)
    return {name: LENGTH * part for name, part in ascent_direction(weights, *batch).items()}, returns.mean()


zeros = {
    "actor/0/kernel": np.zeros((30, 1), np.float32),
    "actor/0/bias": np.zeros(1, np.float32),
    "log_std": np.zeros(1, np.float32),
}

# %% [markdown]
# **Does the framework do what we derived?** The Gaussian's scores by hand (exercise 2, and the chain rule through the
# linear mean) against automatic differentiation, on one batch:

# %% tags=["nbval-check-output"]
inputs, actions, credit, _ = played(zeros, iteration=0)
by_framework = ascent_direction(zeros, inputs, actions, credit)
z = actions  # (a - μ) / σ, with μ = 0 and σ = 1
by_hand = {
    "actor/0/kernel": np.mean(inputs * z * credit[:, None], axis=0)[:, None],
    "actor/0/bias": np.mean(z * credit[:, None], axis=0),
    "log_std": np.mean((z**2 - 1) * credit[:, None], axis=0),
}
for name, part in by_hand.items():
    print(f"{name:15s} {part.size:2d} numbers agree: {np.allclose(by_framework[name], part, rtol=1e-3, atol=1e-4)}")

# %% [markdown]
# **Does it point uphill?** A gradient promises something: a small step $\alpha$ in a direction $d$ changes $J$ by
# $\alpha\, \nabla J \cdot d$. Take $d$ from one lot of 8,192 episodes and $\nabla J$ from another. (From the same lot
# the noise would be multiplied by itself and promise too much.) Then take the steps and play. This is finite
# differences once more, along one direction. Along all 32 it would take 64 such experiments, along the 6,000 of a small
# network 12,000. The score gives all of them from one lot of episodes.
#
# **Predict.** For how long will the returns follow the straight line?

# %%
LOTS = 16


def mean_gradient(first):
    lots = [policy_gradient(zeros, first + lot)[0] for lot in range(LOTS)]
    return {name: np.mean([lot[name] for lot in lots], axis=0) for name in zeros}


def stepped(weights, direction, size):
    return {name: weights[name] + np.float32(size) * direction[name] for name in weights}


def returns_after(size):
    """Mean return after a step of this size, the same scenes and the same dice for each."""
    weights = stepped(zeros, direction, size)
    return np.mean([played(weights, 200 + lot)[-1].mean() for lot in range(LOTS)])


direction, other = mean_gradient(100), mean_gradient(300)
promised = sum(np.sum(direction[name] * other[name]) for name in zeros)
sizes = np.array([-0.03, -0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12])
reached = np.array([returns_after(size) for size in sizes])
middle = list(sizes).index(0.0)
fig, axes = plt.subplots(figsize=(7, 2.9), layout="constrained")
axes.plot(sizes, reached[middle] + promised * sizes, color=BLUE, lw=1.5, label="promised by the gradient")
axes.plot(sizes, reached, "o", color=ORANGE, mec=BLACK, label="played")
axes.set(xlabel="size of the step α", ylabel="mean return", ylim=(reached.min() - 0.5, reached.max() + 0.7))
axes.legend(frameon=False, fontsize=9, loc="upper left")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Mean return against the size of the step. Near 0 the played returns lie on the straight line that the gradient "
    "promises; for larger steps they bend away below it.",
)

# %% tags=["nbval-check-output"]
slope = (reached[middle + 1] - reached[middle - 1]) / (sizes[middle + 1] - sizes[middle - 1])
print("slope played and slope promised differ by less than a fifth:", bool(abs(slope / promised - 1) < 0.2))

# %% [markdown]
# **And now climb.** Forty steps of plain ascent, 512 new episodes each. No optimiser, no tricks.

# %%
scale = env.metadata["yardsticks"][1]
weights, curve = zeros, []
for iteration in range(40):
    gradient, earned = policy_gradient(weights, iteration)
    weights = stepped(weights, gradient, 0.02)
    curve.append((earned - scale["random"]) / (scale["expert"] - scale["random"]))


def judged(weights):
    """Normalised score without dice, over 64 new episodes."""
    policy = Policy(weights, env.single_observation_space, env.single_action_space)
    return rlfilm.evaluate(policy, SCENE, episodes=64, seed=1000, controls=1).normalised_score


untrained, trained = judged(zeros), judged(weights)
fig, axes = plt.subplots(figsize=(7, 2.7), layout="constrained")
axes.plot(curve, color=BLUE, lw=2, label="while learning (with dice)")
axes.plot(40, trained, "D", color=ORANGE, mec=BLACK, label="judged (without dice)")
learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
axes.set(xlabel="step", ylabel="normalised score", xlim=(0, 41), ylim=(-0.15, 1.1))
axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.15))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    f"Normalised score against steps: from 0 to about 0.9 while learning; judged without dice {trained:.2f}, near the "
    f"expert; untrained {untrained:.2f}.",
)

# %% tags=["nbval-check-output"]
kernel = weights["actor/0/kernel"][:, 0]
print("judged better than untrained:", trained > untrained + 0.2)
print("the observation with the largest weight:", movie_scene.OBSERVATION[np.abs(kernel).argmax()])
print("its sign:", "dim when too bright" if kernel[np.abs(kernel).argmax()] < 0 else "brighten when too bright")

# %% [markdown]
# Among thirty observations it found the light meter, and which way to turn the dimmer. In lesson 01 you wrote that
# policy by hand. Nobody told it what the dimmer does, and nowhere was the film set differentiated.
#
# ## The answer
#
# A policy does not need the slope of the reward. It tries, with some chance in every action, and what it climbs is its
# *mean* reward: a cliff seen through a trembling hand is a hill. The slope of that hill is a mean over tries,
#
# $$ \nabla J = \mathbb E\Big[\sum_t \nabla \log \pi(a_t \mid s_t)\; R\Big], $$
#
# and each factor has its reason. The *gradient* is of the policy alone, since reward and set do not contain $\theta$.
# The *logarithm* divides by the probability, so that rare tries are heard, and splits a film into its actions. The
# *reward* only multiplies. A constant may be taken from it, because the mean of a score is zero.
#
# The estimate is right on average and noisy one by one. That is where lesson 04 begins.
#
# ## Quiz
#
# 1. Why need the reward have no derivative?
#    - (a) because it is smooth anyway
#    - (b) because the framework differentiates it
#    - (c) because it does not depend on θ: it multiplies the score and is not differentiated
# 2. Why log π and not π?
#    - (a) probabilities are small, and logarithms are better numbers
#    - (b) choices come up as often as they are probable; dividing by π makes up for that
#    - (c) the reward may be negative
# 3. “Yes or no”, μ far from the disc, σ small. What does the estimate say?
#    - (a) nearly always exactly 0: no try meets a reward
#    - (b) it points at the disc, with much noise
#    - (c) it points away from the disc
# 4. The critic adds 10 to all marks. The policy gradient …
#    - (a) grows elevenfold
#    - (b) turns
#    - (c) stays; its estimates become noisier
# 5. Why does the film set's own chance, the failing light, not appear in the formula?
#    - (a) it is too small
#    - (b) its probabilities do not contain θ, and the log of a product is a sum
#    - (c) it is the same in every film

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "c", 2: "b", 3: "a", 4: "c", 5: "b"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - R. Williams, “Simple statistical gradient-following algorithms for connectionist reinforcement learning”, *Machine
#   Learning* 8, 1992: the estimator.
# - R. Sutton, D. McAllester, S. Singh, Y. Mansour, “Policy gradient methods for reinforcement learning with function
#   approximation”, NeurIPS 1999 (2000): the theorem.
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, 2018, section 13.2.
# - S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, “Monte Carlo gradient estimation in machine learning”, *JMLR* 21, 2020:
#   scores against differentiating through the reward.
# - P. Thomas, “Bias in natural actor-critic algorithms”, ICML 2014, and C. Nota, P. Thomas, “Is the policy gradient a
#   gradient?”, AAMAS 2020: the weight that gets lost.
