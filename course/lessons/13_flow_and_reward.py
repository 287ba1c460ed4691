# %% [markdown]
# # 13 · Flow and reward
#
# **Driving question.** A flow has seen many films and makes more like them. How do you get the ones you *like*, and
# what do you pay for them?
#
# **You will**
# - read the walk from noise to a clip as an episode, whose log-probabilities are exact;
# - compare clips with others of the same caption, instead of with a critic;
# - train a flow on a reward in two dimensions, and watch it leave the world;
# - hold it with a pull, and see what the best possible bargain would be;
# - get as much without any training, by throwing clips away;
# - walk along the frontier of the course's own flow: reward, distance, and the clips themselves;
# - fool a reward on purpose, and mend it.
#
# **Before you start.** Lessons 06 (ratio and clip) and 12 (flow matching). The bell curve.
#
# **Time.** 75 minutes to read and do, 60 seconds to run. Section 6 needs `pip install "rlfilm[video]"`.

# %%
import importlib
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.checkpoint import read_tensors
from rlfilm_lib.video import fine_tune
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.fine_tune import FineTuneConfig
from rlfilm_lib.video.flow import FlowConfig
from rlfilm_lib.video.generator import Size, minibatches, train
from rlfilm_lib.widgets import clip_scrubber, reward_frontier
from rlfilm_lib.widgets.checks import flow_and_reward as check
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, VERMILION, figure
from rlfilm_lib.widgets.reward_frontier import RewardFrontier
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
twin = importlib.import_module(f"{rlfilm.BACKENDS[BACKEND][1]}.flow")
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"

# %% [markdown]
# ## 1. A walk is an episode
#
# The crescents of lesson 12 are back: films of two numbers, on one of two bows. A flow learns them, told which bow.


# %%
def crescents(n, rng):
    """n points (n, 1, 2) of about unit variance on two crescents, and which of them as one-hot rows (n, 2)."""
    label, angle = np.arange(n) % 2, np.pi * rng.random(n)
    sign = 1 - 2 * label
    x, y = sign * (np.cos(angle) - 0.5) / 0.87, sign * (np.sin(angle) - 0.25) / 0.5
    return (np.stack([x, y], axis=1) + 0.08 * rng.standard_normal((n, 2)))[:, None], np.eye(2)[label]


films, labels = crescents(400, np.random.default_rng(0))
config = FlowConfig(width=32, layers=1, minibatch_size=256, learning_rate=3e-3, anneal_steps=600, guidance=1.0)
flow = twin.Flow(config, Size(frames=1, latent=2, condition=2))
train(flow, minibatches(films.astype(np.float32), labels.astype(np.float32)), 600, progress=False)
both = np.eye(2, dtype=np.float32)[np.arange(600) % 2]  # what to ask for: half of each crescent

# %% [markdown]
# Lesson 12 shook the particles on their way: kicks, and a drift that makes up for them. Look at one such walk with the
# eyes of this course.
#
# | on a film set | on the way from noise to a clip |
# |---|---|
# | state | where the clip stands, $x_t$, the time $t$, and the caption |
# | action | the next $x$ |
# | policy | the bell from which it is drawn: mean $\mu_\theta(x_t, t)$, width $\sigma_t\sqrt h$ |
# | reward | nothing on the way; at the end, whatever you think of the clip |
#
# An episode of ten steps, and every action is drawn from a bell whose mean the network makes. So its log-probability is
# no estimate. It is a line of algebra. (*Without* kicks there would be none: a step that is certain cannot be made more
# likely.)

# %%
TUNING = FineTuneConfig(learning_rate=1e-3, groups=16, group_size=8, denoising_steps=10, minibatch_size=320)
walk = fine_tune.wander(flow, both, TUNING, flow.noise(600, np.random.default_rng(1)), np.random.default_rng(2))
print("places", walk.x.shape, " log-probabilities", walk.log_probs.shape, "  (steps, walks, …)")

# %% tags=["hide-input"]
fig, grid = plt.subplots(1, 4, figsize=(9.4, 2.5), layout="constrained")
LIMITS = {"xlim": (-3, 3), "ylim": (-2.6, 2.6), "xticks": (), "yticks": (), "aspect": "equal"}
MOON = np.array([BLUE, VERMILION])
for axes, step in zip(grid, (0, 4, 8, 10), strict=True):
    axes.plot(*films[:, 0].T, ".", color="#cccccc", ms=4, zorder=0)
    axes.scatter(*walk.x[step, :250, 0].T, s=3, c=MOON[both[:250].argmax(axis=1)])
    for number, colour in ((0, GREEN), (3, ORANGE)):
        axes.plot(*walk.x[: step + 1, number, 0].T, "o-", color=colour, lw=1.2, ms=3)
    axes.set(**LIMITS)
    axes.set_title(f"t = {step / 10:g}", fontsize=10)
figure(
    fig,
    "A cloud of particles at t = 0, 0.4, 0.8 and 1, each in the colour of the crescent that it was told: round noise, "
    "then two clouds, then two crescents. Two of the ways are drawn as jagged lines of ten steps.",
)

# %% [markdown]
# A policy gradient asks one thing of a step that was taken: how much more likely is it *now* than when we took it? With
# $a$ the place where it led,
#
# $$ \log r = \log \mathcal N(a;\, \mu_{\text{new}}, \sigma^2 I) - \log \mathcal N(a;\, \mu_{\text{old}}, \sigma^2 I),
#    \qquad \log \mathcal N(a;\, \mu, \sigma^2 I) = -\frac{\lVert a - \mu\rVert^2}{2\sigma^2} + \text{const}(\sigma). $$
#
# ### Exercise 1
# Write it for $N$ steps at once. What happens to the constant?


# %% tags=["exercise"]
def log_ratio(after, new_mean, old_mean, std):
    """after, new_mean, old_mean (N, 2); std (N,). Returns the logarithm of new over old density (N,)."""
    return None  # your lines here


# %% tags=["solution"]
def log_ratio(after, new_mean, old_mean, std):
    """after, new_mean, old_mean (N, 2); std (N,). Returns the logarithm of new over old density (N,)."""
    from_old = ((after - old_mean) ** 2).sum(axis=-1)
    from_new = ((after - new_mean) ** 2).sum(axis=-1)
    return (from_old - from_new) / (2 * std**2)


# %% tags=["check", "nbval-check-output"]
check.log_ratio(log_ratio)

# %% [markdown]
# ## 2. Better than whom?
#
# Lessons 04 and 05 taught that a reward alone says little. *Better than expected* is what counts; and what to expect
# was learned by a critic. For clips there is a cheaper way. Make several clips of the **same caption** and compare them
# with each other (Shao et al., 2024):
#
# $$ A_i = \frac{r_i - \text{mean of the group}}{\text{standard deviation of the group}} $$
#
# Every step of a walk gets the advantage of its end. No critic, nothing to learn, and no bias. The price: eight clips
# where one would do.
#
# ### Exercise 2
# Rewards come as a table, a row for each caption.


# %% tags=["exercise"]
def group_advantages(rewards):
    """rewards (K, G): G clips for each of K captions. Returns the advantages (K, G)."""
    return None  # your lines here


# %% tags=["solution"]
def group_advantages(rewards):
    """rewards (K, G): G clips for each of K captions. Returns the advantages (K, G)."""
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    return centred / (rewards.std(axis=1, keepdims=True) + 1e-8)


# %% tags=["check", "nbval-check-output"]
check.group_advantages(group_advantages)

# %% [markdown]
# Why not compare with *all* clips? We shall reward films that lie far to the **right**. One crescent lies further to
# the right than the other, as it was told to.
#
# **Predict.** Standardise the rewards of all walks together. What does the average walk to the left crescent learn
# about the way it went?


# %%
def to_the_right(clips, told):
    """The first of a film's two numbers: clips (N, 1, 2) → (N,)."""
    return clips[:, 0, 0]


rewards = to_the_right(walk.x[-1], both)
together = (rewards - rewards.mean()) / rewards.std()
for label, name in enumerate(("left", "right")):
    mine = both[:, label] == 1
    apart = (rewards[mine] - rewards[mine].mean()) / rewards[mine].std()
    print(
        f"told the {name:5s} crescent: mean advantage {together[mine].mean():+.2f} together, {apart.mean():+.2f} apart"
    )

# %% [markdown]
# Compared with all, most of those that were told the left one are "bad", whatever they do: the caption was hard, and
# the walk gets the blame. In the group only what the walk itself did is left.
#
# ## 3. The step of the weights
#
# The rest you know from lesson 06. A step's ratio $r$ may move by $\varepsilon$, no further; and one more term ties the
# flow to the one it began as, the **reference**:
#
# $$ \text{loss} = -\,\mathbb E \min\big(r A,\; \text{clip}(r, 1-\varepsilon, 1+\varepsilon)\, A\big)
#    \;+\; \beta\; \mathbb E\, \text{KL}\big(\pi_\theta \,\Vert\, \pi_{\text{reference}}\big) $$
#
# Two bells of one width are as far apart as their means, $\lVert \mu - \mu_{\text{ref}}\rVert^2 / 2\sigma^2$: exact
# again. Summed over the steps it is the KL between whole walks.
#
# ### Exercise 3
# Write the loss.


# %% tags=["exercise"]
def loss(log_ratios, advantages, kls, clip_range, kl_coef):
    """log_ratios, advantages, kls (N,): of N steps; clip_range ε; kl_coef β. Returns one number, to be made small."""
    return None  # your lines here


# %% tags=["solution"]
def loss(log_ratios, advantages, kls, clip_range, kl_coef):
    """log_ratios, advantages, kls (N,): of N steps; clip_range ε; kl_coef β. Returns one number, to be made small."""
    ratios = np.exp(log_ratios)
    clipped = np.clip(ratios, 1 - clip_range, 1 + clip_range)
    return -np.minimum(ratios * advantages, clipped * advantages).mean() + kl_coef * kls.mean()


# %% tags=["check", "nbval-check-output"]
check.loss(loss)

# %% [markdown]
# In the library the two frameworks share all but this step. It is the same loss; `guided` is the velocity of lesson 12,
# and `sde_mean` makes a step's mean from it.

# %%
twins("flow", ("def ascend", '"gradient_norm": norm,'))

# %% [markdown]
# ## 4. To the right
#
# Now train, live: 25 iterations of 128 walks each, three times from the same flow. The pull $\beta$ is 0, 0.2 and 1.
#
# **Predict.** Draw three small pictures: where is the cloud after each? With $\beta = 0$ nothing holds it. Does it
# crowd at the right tips of the crescents, as the furthest films there are, or ...?

# %%
ITERATIONS = 25


def some_captions(rng, count):
    return np.eye(2, dtype=np.float32)[np.arange(count) % 2]  # half of each crescent


def tune(pull):
    """A copy of the flow, tuned, and the rows of its training."""
    tuned = twin.Flow(config, flow.size)
    tuned.set_weights(flow.weights())
    settings = FineTuneConfig(**{**vars(TUNING), "kl_coef": pull})
    return tuned, fine_tune.fine_tune(tuned, flow, to_the_right, some_captions, settings, ITERATIONS, progress=False)


PULLS = (0.0, 0.2, 1.0)
tuned = {pull: tune(pull) for pull in PULLS}


# %%
def nearest(some, others):
    """(N,) distance of each of some (N, 1, 2) to the nearest of the others (M, 1, 2)."""
    return np.sqrt(((some - others[:, 0]) ** 2).sum(axis=-1)).min(axis=1)


clouds = {"before": flow.sample(both, np.random.default_rng(1))}
clouds |= {f"β = {pull:g}": model.sample(both, np.random.default_rng(1)) for pull, (model, _) in tuned.items()}
for name, made in clouds.items():
    print(
        f"{name:8s} reward {made[:, 0, 0].mean():+.2f}   distance to the nearest film {nearest(made, films).mean():.2f}"
    )

# %% tags=["hide-input"]
fig, grid = plt.subplots(1, 4, figsize=(10.4, 2.4), layout="constrained")
for axes, (name, made) in zip(grid, clouds.items(), strict=True):
    axes.plot(*films[:, 0].T, ".", color="#cccccc", ms=4, zorder=0)
    axes.scatter(*made[:300, 0].T, s=3, c=MOON[both[:300].argmax(axis=1)])
    axes.set(**LIMITS | {"xlim": (-2.6, 6.2), "ylim": (-4, 4)})
    axes.set_title(name, fontsize=10)
figure(
    fig,
    "Clouds before tuning and after it with a pull of 0, 0.2 and 1, over the films in grey. Without a pull both "
    "colours have left the crescents and stand far out on the right, where there are no films. With 0.2 they crowd at "
    "the right parts of both crescents and a little beyond. With 1 they lie on them, more of them to the right.",
)

# %% tags=["nbval-check-output"]
off = {name: nearest(made, films).mean() for name, made in clouds.items()}
print("without a pull it left the films behind:", bool(off["β = 0"] > 10 * off["before"]))
print("with β = 1 it stayed among them:", bool(off["β = 1"] < 3 * off["before"]))

# %% [markdown]
# There is always something further to the right. The reward never said "film"; only the data had. Nobody holds what has
# once learned to gain by leaving.
#
# ### The best bargain
#
# So there are two columns: reward, and distance from the reference in nats. Is there a best way to trade them? Yes, and
# in closed form. Among all clouds $q$, the one with the most $\mathbb E_q[r] - \beta\,\text{KL}(q \Vert p)$ is the
# reference, reweighted:
#
# $$ q(x) \;\propto\; p(x)\, e^{\,r(x)/\beta} $$
#
# Here we can work it out, by weighing the 400 films. (No weight can make a film that is not there: the bargain never
# leaves the world.) Below, every iteration of the three runs is a dot, and the line is the best bargain at each price.

# %%
prices = np.geomspace(0.03, 30, 60)
bargain = np.zeros((len(prices), 2))  # KL, reward
for label in (0, 1):
    mine = to_the_right(films[labels[:, label] == 1], None)
    for row, price in zip(bargain, prices, strict=True):
        weights = np.exp((mine - mine.max()) / price)
        weights = weights / weights.sum()
        row += [0.5 * (weights * np.log(weights * len(mine) + 1e-300)).sum(), 0.5 * (weights * mine).sum()]

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.8, 3.3), layout="constrained")
axes.plot(*bargain.T, color=BLACK, lw=2, label="best bargain", zorder=0)
for (pull, (_, rows)), colour, mark in zip(tuned.items(), (VERMILION, ORANGE, BLUE), "^os", strict=True):
    axes.plot(
        rows.column("kl"), rows.column("reward"), mark, color=colour, ms=4.5, label=f"β = {pull:g}, 25 iterations"
    )
axes.set(xlabel="KL to the reference, nats", ylabel="reward", ylim=(-0.5, 5))
axes.set_xscale("symlog", linthresh=1)
axes.set_xlim(-0.05, 200)
axes.set_xticks([0, 0.5, 1, 2, 5, 10, 20, 50, 100], ["0", "0.5", "1", "2", "5", "10", "20", "50", "100"])
axes.legend(frameon=False, fontsize=9, loc="upper left")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Reward over KL, which is on a logarithmic scale from 1 on. The line of the best bargain rises steeply from 0 and "
    "is flat from two nats on. The runs with a pull of 1 and 0.2 stay near it or below it. The run without a pull goes "
    "on upwards to the right, far above every film's reward.",
)

# %% [markdown]
# Three things to see. The first nat buys most; then the line bends, as the films run out. The tuned flows lie *below*
# the line where they stay among films: their KL is that of whole walks, and a walk can differ in more ways than its
# end. And the run without a pull climbs *above* the line's end. That is not a better bargain. It is the sign that it
# has left: its reward is higher than that of any film.
#
# ## 5. Without any training
#
# Make $N$ clips, keep the best, throw the others away. **Best of N** needs no gradient, no clip, no $\beta$. How far
# does it go from the reference?
#
# Give each clip its *rank* $u$ among all clips, from 0 (worst) to 1. Drawn once, $u$ is even. The best of $N$ has the
# density $N u^{N-1}$. So its KL, if no two rewards are equal, is the mean of $\log\big(N u^{N-1}\big)$ under that
# density. One integral is left: $\mathbb E[\log u] = -1/N$.
#
# ### Exercise 4
# Put it together.


# %% tags=["exercise"]
def best_of_kl(n):
    """The KL of the best of n clips to a single one, in nats."""
    return None  # your line here


# %% tags=["solution"]
def best_of_kl(n):
    """The KL of the best of n clips to a single one, in nats."""
    return np.log(n) - (n - 1) / n


# %% tags=["check", "nbval-check-output"]
check.best_of_kl(best_of_kl)

# %% [markdown]
# **Predict.** Where in the picture above will the best of 2, 4, 8 and 16 stand: below the line, on it, above it?

# %%
best = {}
for number in (1, 2, 4, 8, 16):
    _, earned = fine_tune.best_of(flow, both[:200], to_the_right, number, np.random.default_rng(5))
    best[number] = (np.log(number) - (number - 1) / number, earned.mean())
    reachable = np.interp(best[number][0], *bargain[::-1].T)
    nats, reward = best[number]
    print(f"best of {number:2d}: KL {nats:.2f}, reward {reward:+.2f}; the best bargain {reachable:+.2f}")

# %% [markdown]
# Nearly on the line: hardly anything beats it, nat for nat. Every clip of it is a clip of the flow, so it cannot leave
# the world. What it costs is *samples*, for every clip again; and a nat more takes almost three times as many.
#
# ## 6. Frames
#
# Now the flow of lesson 12, sixteen frames of 16 × 16 pixels. Nothing in the loss changes but the shape. The reward is
# the sum of two named terms, each in [0, 1]:
#
# - **match**: does a network read the five words of the caption in the clip? (The mean of the probabilities it gives.)
# - **realism**: does the clip lie where real ones lie, for the features of that network?
#
# It was tuned in three seeds at one pull, and in one seed at others; the command stands below. Everything is judged on
# 256 captions that no training saw, and the words are read by *another* network, which never was a reward.

# %%
stored = json.loads((MEDIA / "flow.json").read_text("utf-8"))["shipped"]
tuning = stored["tune"]
rows = tuning["held out"]
print(tuning["command"])
print(f"{tuning['iterations']} iterations, {tuning['clips_made']:,} clips\n")
print(f"{'':32s}" + "".join(f"{name:>10s}" for name in ("reward", "match", "realism", "KL", "Fréchet", "text")))
for name, row in rows.items():
    shown = (row["reward"], row["match"], row["realism"], row.get("kl", np.nan), row["frechet"], row["text"])
    print(f"{name:32s}" + "".join(f"{number:10.2f}" for number in shown))

# %% tags=["nbval-check-output"]
for name, row in rows.items():
    if name.startswith(f"tuned, kl_coef {tuning['config']['kl_coef']:g},"):
        low, high = row["gain_ci95"]
        print(f"{name}: reward {row['gain']:+.3f} over the flow, 95 % interval {low:+.3f} to {high:+.3f}")

# %% [markdown]
# In all three seeds the reward is higher, far outside the interval. Now read the table across. Guidance, the knob of
# lesson 12, needs no reward and no training: it lies nearer to real clips than any tuned flow, and more of its words
# are read. Only in what the tuned ones were paid for do they lead, and there the best of 8 is ahead of them. An honest
# table has such rows.
#
# **Predict**, before you move the slider: it goes along all of them, from the flow itself outwards. Which clips will
# you find better? Will the far ones still move?

# %%
clips, described = read_tensors(MEDIA / "flow" / "shipped-frontier.safetensors", "clips")
codec = PCA.load(MEDIA / "flow" / "codec.safetensors")
points = reward_frontier.points_of(rows, {name: codec.decode(latents) for name, latents in clips.items()})
RewardFrontier(points, described["captions"])

# %% [markdown]
# ### At equal samples
#
# Best of 16 and a tuned flow: whose clips are cheaper? The tuning made all its clips at once, and then makes one clip
# for each one you want. Best of $N$ makes $N$ for each, for ever.
#
# ### Exercise 5
# From how many wanted clips on has best of 16 made more clips than tuning and using the tuned flow?

# %% tags=["exercise"]
wanted = None  # in terms of tuning["clips_made"] and 16

# %% tags=["solution"]
wanted = tuning["clips_made"] / (16 - 1)

# %% tags=["check", "nbval-check-output"]
check.break_even(wanted, tuning["clips_made"], 16)

# %%
N = np.array([row["clips_per_caption"] for row in rows.values() if "clips_per_caption" in row])
earned = np.array([row["reward"] for row in rows.values() if "clips_per_caption" in row])
seeds = [row for row in rows.values() if row.get("kl_coef") == tuning["config"]["kl_coef"]]
mean = np.mean([row["reward"] for row in seeds])
for number, reward in zip(N, earned, strict=True):
    even = tuning["clips_made"] / (number - 1)
    print(f"best of {number:2d} earns {reward:.2f}, the tuned flows {mean:.2f}; even after {even:,.0f} wanted clips")

# %% [markdown]
# A tuned flow is worth it for whoever wants many clips; best of $N$ for whoever wants a few, or does not know yet what
# to want. And they add up: nothing forbids the best of four *tuned* clips.
#
# ## 7. A reward that lies
#
# A producer says: "I like red." So here is the reward: red, minus the mean of green and blue, averaged over all pixels.
# Captions go on asking for all six colours. The flow is tuned twice, once *free* ($\beta = 0$) and once *held*.
#
# **Predict.** What does a film look like that earns as much redness as can be? Is there still a subject in it? Does it
# move?

# %%
hack = stored["hack"]
print(hack["command"])
for name, row in hack["held out"].items():
    print(
        f"{name:9s} redness {row['redness']:+.3f}   KL {row['kl']:7.1f}   words read rightly {row['text']:.0%}   "
        f"colour {row['colour']:.0%}   Fréchet distance {row['frechet']:.0f}"
    )

# %%
clips, described = read_tensors(MEDIA / "flow" / "shipped-hack.safetensors", "clips")
asked = described["captions"]
for name, latents in clips.items():
    display(clip_scrubber.players(list(codec.decode(latents)), asked, f"{name}: clips of {'; '.join(asked)}.", 110))

# %% [markdown]
# That is **reward hacking**. Nothing broke: the flow did what it was paid for. The reward named *one* thing that a good
# film may have, and everything it left out was for sale. It is the run without a pull in section 4 again, in 12,288
# dimensions.
#
# The remedies, and you have met them all:
#
# - **a pull** towards what is known to be film: $\beta > 0$. It does not mend the reward; it limits the damage;
# - **more terms**: section 6 paid for match *and* realism, and what both networks agree on is hard to fake;
# - **another judge**, who is never paid: the words above are read by a network that no training saw;
# - **stopping early**: look at the clips on the way. A curve that climbs faster than ever is no reason to be glad.
#
# ## The answer
#
# How do you get the films you like out of a flow that only knows films? Shake its walk: then every step is a draw with
# a known probability, the walk is an episode, and the policy gradient of this course applies, unchanged. Compare clips
# of one caption with each other, and make the steps of the better ones more likely, a little at a time. What you pay is
# distance from the films it has seen. There is a best bargain between the two, and best of $N$ comes close to it
# without any training, at $N$ clips for one. Whoever pays for one thing gets it, at the expense of everything not
# mentioned: so hold on to the reference, and let somebody judge who is not paid.
#
# ## Quiz
#
# 1. Why does the walk need kicks before it can be trained by a policy gradient?
#    (a) to explore colours (b) to be faster (c) a certain step has no log-probability that could be raised
# 2. Why are clips compared with those of the same caption?
#    (a) it saves memory (b) hard captions would punish every walk (c) rewards must be below 1
# 3. You double $\beta$. What happens at the end of training?
#    (a) less KL, less reward (b) more KL, more reward (c) only the speed changes
# 4. Best of 8 is taken from a flow. How far is it from that flow?
#    (a) that depends on the reward's scale (b) at most $\log 8 - 7/8$ nats (c) 8 nats
# 5. The clips of a tuned flow have turned into red planes. What was wrong?
#    (a) the clip range (b) too few groups (c) what the reward asked for

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "c", 2: "b", 3: "a", 4: "b", 5: "c"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - J. Liu et al., “Flow-GRPO: training flow matching models via online RL”, 2025, arXiv:2505.05470.
# - K. Black, M. Janner, Y. Du, I. Kostrikov, S. Levine, “Training diffusion models with reinforcement learning”, ICLR
#   2024.
# - Z. Shao et al., “DeepSeekMath: pushing the limits of mathematical reasoning in open language models”, 2024,
#   arXiv:2402.03300: advantages relative to a group.
# - J. Schulman et al., “Proximal policy optimization algorithms”, 2017, arXiv:1707.06347.
# - A. Beirami et al., “Theoretical guarantees on the best-of-n alignment policy”, 2024, arXiv:2401.01879.
# - L. Gao, J. Schulman, J. Hilton, “Scaling laws for reward model overoptimization”, ICML 2023: the true
#   reward, as the KL grows.
# - C. Domingo-Enrich, M. Drozdzal, B. Karrer, R. T. Q. Chen, “Adjoint matching”, ICLR 2025: when a tuned walk ends in
#   exactly the best bargain.
