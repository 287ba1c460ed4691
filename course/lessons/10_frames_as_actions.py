# %% [markdown]
# # 10 · Frames as actions
#
# **Driving question.** A model that has learned to continue real clips makes decent ones. What can a reward teach it
# that no example could, and what does the reward spoil?
#
# **You will**
# - see a clip as an episode: the video so far is the state, the next frame is the action;
# - choose the most likely next frame, and see why it is not the best one;
# - know the best one exactly, in a world of two numbers, and watch three algorithms find it;
# - give the reward a leash, and see the price of every length of it;
# - look at errors that add up, frame by frame, in pictures;
# - read a table of rewards as a film critic reads a press kit.
#
# **Before you start.** Lessons 04 to 06. Nothing of film.
#
# **Time.** 75 minutes to read and do, 25 seconds to run. From section 5 on it needs `pip install "rlfilm[video]"`.

# %%
import json
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.frame_gen import DEVIATION, MATRIX, FrameGen, optimal_gains
from rlfilm_lib.rl import supervised
from rlfilm_lib.rl.preference import start_from
from rlfilm_lib.video import data
from rlfilm_lib.widgets import frame_by_frame
from rlfilm_lib.widgets.checks import frames_as_actions as check
from rlfilm_lib.widgets.frame_by_frame import FrameByFrame
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILION, figure

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/FrameGen-v0"
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"

# %% [markdown]
# ## 1. A clip is an episode
#
# You have a camera, a subject and a request: *a red disc bounces slowly to the left*. You shoot a frame. Then, knowing
# what you have shot, the next. And the next.
#
# | in this course   | here                                                                              |
# |------------------|-----------------------------------------------------------------------------------|
# | state            | the last frames, and what is asked for: words, a picture of the subject, the beat |
# | action           | **the next frame**                                                                |
# | reward           | does it look real, does it go on smoothly, does it show what was asked for        |
# | episode          | the clip                                                                          |
#
# Models of language do just this with words: the text so far is the state, the next word is the action. And like them,
# we shall train in two stages. First *imitate*: choose what a real clip would most likely show next. Then *reward*.
#
# Why a second stage, if the first one works? To see that without any fog we need a film world in which the best frame
# is known exactly.
#
# ## 2. A film in two numbers
#
# In this world a frame is two numbers, a place $z$ in the plane. A real clip winds around a place $c$, which the
# condition tells: each frame is the last one, turned about $c$ by half a radian, a little nearer to it, plus a bit of
# chance:
#
# $$ z' = m + q\,\varepsilon, \qquad m = c + A\,(z - c), \qquad \varepsilon \sim \mathcal N(0, 1) $$
#
# Here are four real clips of 16 frames.

# %%
rng = np.random.default_rng(3)


def real_step(z, c):
    """The next frame of real clips: z, c (N, 2)."""
    return c + (z - c) @ MATRIX.T + DEVIATION["realism"] * rng.standard_normal(z.shape)


# %% tags=["hide-input"]
fig, grid = plt.subplots(1, 4, figsize=(9.6, 2.5), sharex=True, sharey=True, layout="constrained")
for axes in grid:
    c = rng.uniform(-1.7, 1.7, (1, 2))
    z = [c + rng.uniform(-1.7, 1.7, (1, 2))]
    for _ in range(16):
        z.append(real_step(z[-1], c))
    z = np.concatenate(z)
    axes.plot(*z.T, color=SKY, lw=1)
    axes.scatter(*z.T, c=np.arange(17), cmap="Blues", vmin=-8, s=16, zorder=2)
    axes.plot(*z[0], "o", mfc="none", mec=BLACK, ms=9)
    axes.plot(*c[0], "x", color=VERMILION, ms=9, mew=2)
    axes.set(xlim=(-3.6, 3.6), ylim=(-3.6, 3.6), aspect="equal", xlabel="first number")
    axes.spines[["top", "right"]].set_visible(False)
grid[0].set_ylabel("second number")
figure(
    fig,
    "Four paths of sixteen steps in the plane. Each begins at a ring and winds, jittering, around a red cross, the "
    "place that the condition tells.",
)

# %% [markdown]
# ### Exercise 1
# What would a real clip *most likely* show next? The middle of the bell. Write it for $N$ clips at once.


# %% tags=["exercise"]
def likeliest(z, c, A):
    """z, c (N, 2): the last frame and the place it winds about; A (2, 2). Returns the likeliest next frame (N, 2)."""
    return None  # your line here


# %% tags=["solution"]
def likeliest(z, c, A):
    """z, c (N, 2): the last frame and the place it winds about; A (2, 2). Returns the likeliest next frame (N, 2)."""
    return c + (z - c) @ A.T


# %% tags=["check", "nbval-check-output"]
check.likeliest(likeliest)

# %% [markdown]
# Nobody tells the agent $A$. It gets examples: 16,384 frames of real clips, each with what came before. **Maximum
# likelihood** makes the shown frames as probable as can be,
#
# $$ \max_\theta \; \mathbb E_{\text{real clips}}\big[\log \pi_\theta(\text{next frame} \mid \text{video so far})\big],
# $$
#
# which is the loss of REINFORCE with every advantage set to 1: *do more of what was shown*.

# %%
env = FrameGen(1024, controls=2)
observations, _ = env.reset(seed=0)
seen, shown = [], []
for _ in range(env.frames):
    seen.append(observations)
    shown.append(real_step(observations[:, :2], observations[:, 2:4]).astype(np.float32))
    observations, *_ = env.advance(shown[-1])
seen, shown = np.concatenate(seen), np.concatenate(shown)
spaces = env.single_observation_space, env.single_action_space
start = supervised.fit(seen, shown, *spaces, hidden_sizes=(32, 32), steps=1500, learning_rate=3e-3)
middle = seen[:, 2:4] + (seen[:, :2] - seen[:, 2:4]) @ MATRIX.T

# %% tags=["nbval-check-output"]
print("its frame lies less than 0.05 from the likeliest, on average:", bool(np.abs(start(seen) - middle).mean() < 0.05))
print("it has learned how much is chance:", np.exp(start.weights["log_std"]).round(1))

# %% [markdown]
# It has found the middle of the bell, and even its width, 0.3. As an imitator it is as good as can be.
#
# ## 3. The likeliest is not the best
#
# Now the reward. Three terms, each 1 at best:
#
# $$ \text{realism} = 1 - \frac{|z' - m|^2}{2 q^2}, \qquad \text{coherence} = 1 - \frac{|z' - z|^2}{2 s^2}, \qquad
#    \text{caption} = 1 - \frac{|z' - c|^2}{2 r^2} $$
#
# Be like a real clip; move little from one frame to the next; be near what was asked for. They are added with weights
# 0.3, 0.1 and 0.3. Think of three springs on the next frame: one to $m$, one to $z$, one to $c$.
#
# **Predict.** The imitator has realism 1, nothing better exists. Is it the best agent?
#
# Take $c$ as the origin, $e = z - c$. With $\alpha, \beta, \gamma$ the stiffness of the three springs (weight over
# squared deviation), the reward of a step is $-\tfrac12\big(\alpha|u - Ae|^2 + \beta|u - e|^2 + \gamma|u|^2\big)$ and a
# constant, $u = z' - c$.
#
# ### Exercise 2
# Which $u$ earns most in this one step? Set the derivative to 0.


# %% tags=["exercise"]
def best_step(e, A, alpha, beta, gamma):
    """e (N, 2): where the last frame is, seen from c. Returns the u (N, 2) that earns most in one step."""
    return None  # your line here


# %% tags=["solution"]
def best_step(e, A, alpha, beta, gamma):
    """e (N, 2): where the last frame is, seen from c. Returns the u (N, 2) that earns most in one step."""
    return (alpha * e @ A.T + beta * e) / (alpha + beta + gamma)


# %% tags=["check", "nbval-check-output"]
check.best_step(best_step)

# %% [markdown]
# That is the greedy frame. But a frame is also the *beginning of the rest*: whatever is far from $c$ now will cost in
# the next step, and the next. So the last frame may be greedy, and every earlier one leans in further. Bellman's
# equation, solved from the last frame back, gives the exact best gains (`optimal_gains`: a Riccati recursion):

# %% tags=["nbval-check-output"]
gains, _ = optimal_gains(16)
print("how long is the way from c after one step, if it was 1 before?")
print(f"  likeliest         {np.linalg.norm(MATRIX, 2):.3f}")
print(f"  best, last frame  {np.linalg.norm(gains[-1], 2):.3f}")
print(f"  best, first frame {np.linalg.norm(gains[0], 2):.3f}")


# %%
def mean_return(policy, episodes=512, **settings):
    """Of most likely actions, over clips that no agent was trained on."""
    return rlfilm.evaluate(policy, SCENE, episodes=episodes, seed=1, controls=2, **settings).return_mean


best = env.expert_policy()
earned = {"supervised": mean_return(start), "best": mean_return(best)}
for name, value in earned.items():
    print(f"{name:12s} {value:6.2f}")

# %% [markdown]
# The imitator is *perfect* at what it was asked, and two points and a half below the best. No further example would
# change that. The examples never said what is *wanted*.
#
# ## 4. Three algorithms, unchanged
#
# So: go on from the supervised start, by reward. The learners are those of lessons 04, 05 and 06, to the letter. All
# that is new is where they begin: with the start's weights, and a deviation small enough not to forget them.
#
# **Predict.** Which of the three comes nearest to the best, in 40,000 frames? Which of them gets by with the fewest
# steps of the optimiser?

# %%
COMMON = {"hidden_sizes": [32, 32], "normalize_observations": False, "anneal": True, "max_grad_norm": 2.0}
SETTINGS = {
    "reinforce": {},
    "actor-critic": {"num_steps": 16},
    "ppo": {"num_steps": 16, "minibatch_size": 256, "epochs": 5},
}
timid = replace(start, weights=start.weights | {"log_std": np.full(2, -1.5, np.float32)})


def tune(algorithm, pull=0.0, steps=40_000):
    """The learner of the course, from the supervised start: its policy, and its history."""
    venv = supervised.Pulled(rlfilm.make_vec(SCENE, num_envs=64, controls=2), start, pull, DEVIATION["realism"])
    settings = COMMON | SETTINGS[algorithm] | {"learning_rate": 1e-3, "num_envs": 64}
    learner = rlfilm.learner(algorithm, venv, backend=BACKEND, seed=0, **settings)
    start_from(learner, timid)
    history = rlfilm.train(learner, venv, steps=steps, progress=False)
    return learner.policy(), history


tuned = {algorithm: tune(algorithm) for algorithm in SETTINGS}
for algorithm, (policy, _) in tuned.items():
    earned[algorithm] = mean_return(policy)
for name, value in earned.items():
    share = (value - earned["supervised"]) / (earned["best"] - earned["supervised"])
    print(f"{name:14s} {value:6.2f}   {share:5.0%} of the way from the start to the best")

# %% tags=["nbval-check-output"]
print("all three end within 0.4 of the best:", all(earned["best"] - earned[name] < 0.4 for name in SETTINGS))

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 2.9), width_ratios=(1.4, 1), layout="constrained")
for (name, (_, history)), colour, style in zip(tuned.items(), (ORANGE, GREEN, BLUE), ("-", "--", "-."), strict=True):
    left.plot(history.column("steps"), history.column("return_mean"), style, color=colour, lw=1.8, label=name)
left.axhline(earned["best"], color=BLACK, lw=1, ls=":")
left.text(40_000, earned["best"] + 0.1, "best, without exploration", ha="right", va="bottom", fontsize=9)
left.set(xlabel="frames made", ylabel="return, exploring", ylim=(3, 11.6), xlim=(0, 40_000))
left.legend(frameon=False, fontsize=9, loc="lower right")
lengths = {
    "likeliest": (np.full(16, np.linalg.norm(MATRIX, 2)), ":", VERMILION),
    "best": (np.linalg.norm(gains, 2, axis=(1, 2)), "-", BLACK),
}
probe = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)])
frame = np.repeat(np.arange(16) / 16, 16)
inputs = np.column_stack([np.tile(probe, (16, 1)), np.zeros((256, 2)), frame]).astype(np.float32)
lengths["ppo"] = (np.linalg.norm(tuned["ppo"][0](inputs).reshape(16, 16, 2), axis=2).mean(axis=1), "-.", BLUE)
for name, (length, style, colour) in lengths.items():
    right.plot(np.arange(1, 17), length, style, color=colour, lw=1.8, label=name)
right.set(xlabel="frame", ylabel="way from c, after / before", ylim=(0.6, 1), xlim=(1, 16), xticks=(1, 4, 8, 12, 16))
right.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, 0.84))
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: the returns of REINFORCE, Actor-Critic and PPO rise while they explore, over 40,000 frames; without the "
    "exploration they end near the dotted line of the best. Right: how much of the way from c is left after a frame: "
    f"the likeliest frame keeps {lengths['likeliest'][0][0]:.2f}, the best one {lengths['best'][0][0]:.2f} and more at "
    "the very end, and what PPO learned lies near the best.",
)

# %% [markdown]
# All three find it. (While they learn they explore, so their curves lie below what they earn without.) They agree
# because the problem is kind: from a good start, with a smooth reward, every estimate of the gradient points uphill.
# They were told neither $A$ nor the springs. The reward was enough.
#
# ## 5. What it costs, and a leash
#
# Look at the three terms by themselves.

# %%


def mean_terms(policy, frames=16):
    """Mean of realism, coherence and caption per frame, over 512 clips."""
    env = FrameGen(512, controls=2, frames=frames)
    observations, _ = env.reset(seed=1)
    found = []
    for _ in range(frames):
        observations, _, _, _, terms = env.advance(policy(observations))
        found.append(terms[:3].mean(axis=1))
    return np.mean(found, axis=0)


for name, policy in {"supervised": start, "best": best, "ppo": tuned["ppo"][0]}.items():
    print(f"{name:12s}" + "   ".join(f"{t} {v:5.2f}" for t, v in zip(DEVIATION, mean_terms(policy), strict=True)))

# %% [markdown]
# The tuned agent shows what was asked for, and moves calmly. It pays in **realism**: no real clip creeps in on $c$ that
# fast. Here that is right, the sum is what we wanted. But suppose the term called realism were a *network's opinion*,
# good near real clips and unreliable elsewhere. Then we would not want to go far, whatever the reward says.
#
# The usual remedy is a **leash**: pay for every step away from the start,
#
# $$ \text{reward} \;-\; \text{pull} \cdot \frac{|a - \mu_0(s)|^2}{2\,A\,\sigma^2}, $$
#
# with $\mu_0(s)$ what the start would have done, $A$ the number of dimensions of an action and $\sigma$ the deviation
# of
# its noise. For two bells of the same width that is their Kullback–Leibler divergence, per dimension. The models of
# language that you talk to were tuned on such a leash.
#
# ### Exercise 3
# Write it.


# %% tags=["exercise"]
def pulled(reward, action, likeliest, pull, sigma):
    """reward (N,); action, likeliest (N, A): what was done, what the start would have done. Returns rewards (N,)."""
    return None  # your line here


# %% tags=["solution"]
def pulled(reward, action, likeliest, pull, sigma):
    """reward (N,); action, likeliest (N, A): what was done, what the start would have done. Returns rewards (N,)."""
    return reward - pull * ((action - likeliest) ** 2).mean(axis=1) / (2 * sigma**2)


# %% tags=["check", "nbval-check-output"]
check.pulled(pulled)

# %% [markdown]
# In our little world the leash is nothing new. The start's frame is $m$, and its deviation $q$: so the pull is the same
# square as *realism*, which just gets more weight, $0.3 + \tfrac12$ pull. Hence the best agent on **every** leash is
# known exactly: solve Bellman's equation with that weight.
#
# **Predict.** Plot what is gained in caption and coherence against what is lost in realism, one point per length of the
# leash. Is it a straight line, or bent? Which way?


# %%
def on_a_leash(pull):
    """The exact best agent on a leash to the likeliest."""
    gains, _ = optimal_gains(16, FrameGen.weights | {"realism": FrameGen.weights["realism"] + pull / 2})

    def policy(observations):
        step = np.rint(observations[:, 4] * 16).astype(int)
        e = observations[:, :2] - observations[:, 2:4]
        return (observations[:, 2:4] + np.einsum("nij,nj->ni", gains[step], e)).astype(np.float32)

    return policy


PULLS = (0, 0.3, 1, 3, 10, 100)
exact = np.array([mean_terms(on_a_leash(pull)) for pull in PULLS])
learned = np.array([mean_terms(tune("actor-critic", pull)[0]) for pull in (0, 1, 10)])

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.6, 3.1), layout="constrained")


def wanted(terms):
    """Coherence and caption, as they are weighed."""
    return terms[:, 1] * FrameGen.weights["coherence"] + terms[:, 2] * FrameGen.weights["caption"]


axes.plot(exact[:, 0], wanted(exact), "o-", color=BLACK, ms=5, label="best, exactly")
axes.plot(learned[:, 0], wanted(learned), "D", color=BLUE, ms=7, mfc="none", label="Actor-Critic: pull 0, 1, 10")
supervised_terms = mean_terms(start)[None]
axes.plot(supervised_terms[:, 0], wanted(supervised_terms), "s", color=VERMILION, ms=8, label="supervised")
for pull, x, y in zip(PULLS[:-1], exact[:, 0], wanted(exact), strict=False):
    axes.annotate(f"pull {pull:g}", (x, y), xytext=(5, 4), textcoords="offset points", fontsize=9)
axes.set(xlabel="realism", ylabel="0.1 coherence + 0.3 caption")
axes.margins(x=0.2, y=0.12)
axes.legend(frameon=False, fontsize=9, loc="lower left")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "A bent curve: from the supervised start at realism 1 it goes steeply up at first, at little loss of realism, and "
    "flattens towards the best agent without a leash. What Actor-Critic learned lies on or near it.",
)

# %% [markdown]
# Bent, and the way we like it: the **first** steps away from the start buy much for almost nothing. (At the start
# realism has its top, and a top is flat.) The last ones buy little and cost a lot. So a moderate leash gets most of the
# reward for a small part of the price. Keep that picture; with real pictures nobody can draw it for us, and we shall
# find its shape by experiment.
#
# ## 6. Pictures: errors add up
#
# Now frames. A clip of 16 × 16 pixels, a subject that moves over a dark ground in time with a sound. The codec writes a
# picture as 32 numbers, and those are the action. The state: the last three frames, the caption, a reference picture,
# the beat to come. The terms of the reward:
#
# | term      | weight | judged by a small network that sees the new frame and the three before |
# |-----------|--------|-------------------------------------------------------------------------|
# | realism   | 0.3    | are these frames of a real clip, or noisy, blurred, frozen, out of order, of a machine? |
# | coherence | 0.1    | is the step as large as real steps are?                                 |
# | caption   | 0.3    | do they show the five words?                                            |
# | look      | 0.15   | has the subject the shade of the reference, has the ground?             |
# | beat      | 0.15   | does the subject swell with the beat?                                   |
#
# The supervised start learned from thousands of clips by maximum likelihood; training takes minutes, so it is stored.

# %%
stored = json.loads((MEDIA / "frame_gen.json").read_text("utf-8"))
imitator = rlfilm.load(MEDIA / "frame_gen" / "start.safetensors")
asked = data.make(48, seed=10)  # none that any agent or critic was trained on
print(stored["command"])
print(f"{stored['start']['settings']['clips']:,} clips, {stored['start']['settings']['steps']:,} minibatches")

# %% [markdown]
# Two ways to test it. Give it the **real** video so far and let it add one frame: that is what it was trained for. Or
# let it go on from **its own** frames, as a generator must.
#
# **Predict.** Its error on the first frame is the same both ways. And on the sixteenth?

# %%
env = FrameGen(48, clips=asked)
real = np.moveaxis(env.source.latents, 1, 0)  # (T, N, Z): the real clips, as latents
errors = {}
for name in ("real frames before", "its own frames before"):
    observations = env.begin_with_all()
    errors[name] = []
    for t in range(env.frames):
        made = imitator(observations)
        errors[name].append(np.sqrt(((made - real[t]) ** 2).mean()))
        observations, *_ = env.advance(real[t] if name.startswith("real") else made)

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.4, 2.7), layout="constrained")
for (name, course), colour, style in zip(errors.items(), (BLUE, VERMILION), ("--", "-"), strict=True):
    axes.plot(np.arange(1, 17), course, style, color=colour, lw=2, label=name)
axes.axhline(np.sqrt(2), color=BLACK, lw=1, ls=":")
axes.text(16, np.sqrt(2) - 0.03, "two real frames, drawn by chance", ha="right", va="top", fontsize=9)
axes.set(xlabel="frame", ylabel="error, deviations of a latent", ylim=(0, 1.5), xlim=(1, 16), xticks=(1, 4, 8, 12, 16))
axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, 0.88))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "The error of the supervised agent by frame. With real frames before it stays about "
    f"{np.mean(errors['real frames before'][2:]):.1f}; with its own frames before it rises to "
    f"{errors['its own frames before'][-1]:.1f} at the sixteenth. The dotted line at 1.4: two frames drawn by chance.",
)

# %% [markdown]
# From the second frame on the two part. The agent sees frames that it made itself, a bit too soft, a bit off the way,
# and it was shown none like these. Its next frame is worse for it, and the one after that starts from there.
# Behavioural cloning
# has this flaw everywhere, in driving as in film; its name is *exposure bias*, or covariate shift.
#
# (Part of the red curve is no error: where a subject bounces first, to the left or to the right, nobody has told. A
# clip that goes the other way is as good as the real one. Maximum likelihood has no such calm. It hedges, and its first
# frames show a pale ghost on both sides.)
#
# The start is hardened already: it was trained with noise on the frames that it sees, and clean frames as the answer,
# so that it learns to mend. Still: no example in the world shows what to do after *its own* mistakes. A reward does.
# It is earned on its own frames.
#
# ## 7. By reward
#
# From here all is as in the little world. PPO from the supervised start, on the five terms, with a leash. Then
# everything is judged on conditions that were held out, by judges that no agent was rewarded by: the **Fréchet
# distance** to real clips (lower is better), and a held-out reader of captions.

# %%
rows = stored["judged"]["16"]
tuned_rows = [rows[f"ppo-{seed}"] for seed in range(3)]
print(f"{'':14s}{'reward per frame':>22s}{'Fréchet distance':>18s}{'words read':>12s}")
for name, row in {"real clips": rows["real"], "supervised": rows["supervised"]}.items():
    interval = f"{row['return_per_frame']:.3f} ± {row['return_per_frame_ci95']:.3f}"
    print(f"{name:14s}{interval:>22s}{row['frechet']:18.1f}{row['match_text']:12.0%}")
for name in ("ppo-0", "ppo-1", "ppo-2", "actor-critic-0", "reinforce-0"):
    row = rows[name]
    interval = f"{row['return_per_frame']:.3f} ± {row['return_per_frame_ci95']:.3f}"
    print(f"{name:14s}{interval:>22s}{row['frechet']:18.1f}{row['match_text']:12.0%}")

# %% [markdown]
# The interval of a single row is that of its mean over 512 clips. All agents got the *same* requests, so we may look at
# the difference clip by clip, which is far sharper:

# %%
for frames in ("16", "32"):
    print(f"clips of {frames} frames, gain over the supervised start per frame:")
    for name in ("ppo-0", "ppo-1", "ppo-2", "actor-critic-0", "reinforce-0"):
        row = stored["judged"][frames][name]
        print(f"  {name:15s} {row['gain_per_frame']:+.3f} ± {row['gain_per_frame_ci95']:.3f}")

# %% [markdown]
# The agents were trained on clips of 16 frames. At 32 they go on where they have never been, and where errors have
# twice the time to add up.
#
# ### Side by side
#
# Here the same request goes to the imitator and to the tuned agent, seed 0. On top the real clip, as the codec shows
# it. Move through the frames. The curves are the five terms of the reward, frame by frame.
#
# **Look for** the frame at which the imitator begins to go soft. Which term notices first?

# %%
agents = {"real": None, "supervised": imitator, "tuned": rlfilm.load(MEDIA / "frame_gen" / "tuned.safetensors")}
rollouts = frame_by_frame.record(agents, asked.take(slice(0, 8)))
FrameByFrame(rollouts)

# %% [markdown]
# ## 8. The price of a reward
#
# Read the first table once more, as a film critic would. The reward goes up in every row; the Fréchet distance goes
# down in none. With PPO it rises a little at most; with Actor-Critic and REINFORCE, which had the same leash and went
# further, it nearly doubles. And the words? A network of the *reward* reads them better and better; the reader that no
# agent was paid by hardly notices.
#
# **Predict.** Take the leash off, and train on. What does the Fréchet distance do: fall and stay, fall and rise, or
# rise from the beginning?

# %% tags=["hide-input"]
courses = {run["pull"]: run["curve"] for run in [*stored["pull"], stored["ppo"]["seeds"][0]]}
fig, axes = plt.subplots(figsize=(6.4, 3.1), layout="constrained")
styles = zip((VERMILION, ORANGE, BLUE), ("-", "--", ":"), strict=True)
for (pull, course), (colour, style) in zip(sorted(courses.items()), styles, strict=True):
    label = f"pull {pull:g}" if pull else "no leash"
    gains = [look["return_per_frame"] for look in course]
    axes.plot(gains, [look["frechet"] for look in course], style, color=colour, lw=2, marker="o", ms=4, label=label)
axes.set(xlabel="reward per frame", ylabel="Fréchet distance to real clips")
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Reward and Fréchet distance over three trainings by PPO from one start, seed 0. All first fall a little; then "
    "the one without a leash rises far beyond the start, the one with a weak leash less far; with a pull of 0.1 it "
    "stays below the start, at nearly the same reward.",
)

# %% [markdown]
# First both get better: the agent mends what its own mistakes did, which no example had shown it. Then, without a
# leash, the reward goes on rising and the clips drift away from real ones. The judges of the reward are small networks
# too. Where the agent's frames are unlike all that they were trained on, they guess; and an optimiser finds the places
# where they guess too well of it. (One of them was trained on the frames of such an agent, on purpose. It helps, until
# the next agent finds the next hole.) A weak leash only slows the drift. A stronger one keeps the agent where its
# judges know what they are talking about, and costs it little reward.
# Lesson 13 has the same question for another generator, and looks it in the eye.
#
# ## The answer
#
# A model that continues real clips has seen what follows a *real* frame. A reward tells it what follows its *own*: it
# is earned on the frames that the agent made, mistakes and all, so it teaches to recover, which no example could. It
# also weighs what examples leave open, such as how much an asked word counts against smoothness. What it spoils is all
# that it does not see. In the process of two numbers that had an exact price, and the first steps were nearly free.
# With pictures nobody can draw that curve, so keep three things: a start that is good without any reward, a leash back
# to it, and a judge that no agent was paid by.
#
# ## Quiz
#
# 1. The imitator's error is small with real frames before it and grows with its own. Why?
#    (a) it was trained too briefly (b) it sees frames that it made itself, and was shown none like them (c) clips get
#    harder towards their end
# 2. A subject may bounce to the left or to the right. What does maximum likelihood with a Gaussian draw?
#    (a) the likelier of the two (b) one of them by chance (c) a ghost between both
# 3. The reward rises and the held-out reader of words does not. What has been learned?
#    (a) to please the networks that pay (b) to draw the words more clearly (c) nothing, the policy is the same
# 4. In the process of two numbers, the same agent could be had without a leash. How?
#    (a) with a smaller learning rate (b) with more weight on realism (c) with a larger γ

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a", 4: "b"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - S. Ross, G. Gordon, D. Bagnell, “A reduction of imitation learning and structured prediction to no-regret online
#   learning”, AISTATS 2011: errors that add up, and why.
# - M. Ranzato, S. Chopra, M. Auli, W. Zaremba, “Sequence level training with recurrent neural networks”, ICLR 2016:
#   imitate first, then reward, and the name exposure bias.
# - D. Ziegler et al., “Fine-tuning language models from human preferences”, 2019, arXiv:1909.08593: the leash.
# - L. Gao, J. Schulman, J. Hilton, “Scaling laws for reward model overoptimization”, ICML 2023.
# - M. Heusel et al., “GANs trained by a two time-scale update rule converge to a local Nash equilibrium”, NeurIPS 2017:
#   the Fréchet distance.
