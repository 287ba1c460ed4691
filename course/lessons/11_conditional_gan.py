# %% [markdown]
# # 11 · A conditional GAN
#
# **Driving question.** Nobody can write down what makes a clip look real. Can a generator learn from a judge that is
# still learning itself? And what is such a judge: a loss, or a reward?
#
# **You will**
# - train a judge on two piles, real and made, and a generator that climbs its scores;
# - see why the two may run in circles for ever, and what calms them;
# - stop the judge in the middle, and watch every film become the same film;
# - give the judge a condition, so that it asks not only “is it real?” but “is it what was ordered?”;
# - look over a judge's shoulder while it learns, frame by frame;
# - measure collapse and freezing, and find where the noise went;
# - train one generator by two gradients, through the judge and by asking it: a GAN, and reinforcement learning.
#
# **Before you start.** Lessons 00 and 03. Derivatives, the bell curve. Nothing of film.
#
# **Time.** 85 minutes to read and do, 60 seconds to run. From section 5 on it needs `pip install "rlfilm[video]"`.

# %%
import importlib
import json
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.video import data, gan
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.conditions import Encoder
from rlfilm_lib.video.gan import GANConfig
from rlfilm_lib.video.generator import Size, train
from rlfilm_lib.widgets import clip_scrubber
from rlfilm_lib.widgets.checks import conditional_gan as check
from rlfilm_lib.widgets.discriminator_view import DiscriminatorView, Views
from rlfilm_lib.widgets.picture import BLACK, BLUE, ORANGE, SKY, VERMILION, figure, image_tag, png
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
twin = importlib.import_module(f"{rlfilm.BACKENDS[BACKEND][1]}.gan")
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"

# %% [markdown]
# ## 1. A judge instead of a loss
#
# Begin with clips of **one number**. In this world there are two kinds of film: around −1.5 and around +1.5.
#
# A generator takes noise $z$ and makes a film $G(z)$. How shall it learn? By least squares, pull each made film towards
# a real one? Which real one? Half of the time it is pulled up, half of the time down, and it settles at 0, in the
# middle. There is no film at 0. For video that is the fog between all clips that might have been meant.
#
# Least squares asks “how far from *that* film?”. The right question is “is it *a* film?”. Nobody has a formula for it.
# But one can learn to tell two piles apart: here the real films, there the made ones. A **discriminator** $D(x)$ is a
# judge who gives high scores to the one pile and low scores to the other.
#
# How high, how low? Real films shall score above +1, made ones below −1. Beyond that, nothing is gained. So a film
# costs the judge
#
# $$ \max(0,\, 1 - D(x)) \;\text{ if it is real}, \qquad \max(0,\, 1 + D(x)) \;\text{ if it is made}. $$
#
# This is the **hinge loss**.

# %% tags=["hide-input"]
score = np.linspace(-3, 3, 121)
fig, axes = plt.subplots(figsize=(5.2, 2.2), layout="constrained")
axes.plot(score, np.maximum(0, 1 - score), color=BLUE, lw=2, label="a real film")
axes.plot(score, np.maximum(0, 1 + score), "--", color=VERMILION, lw=2, label="a made film")
axes.set(xlabel="score D(x)", ylabel="what it costs the judge", ylim=(-0.15, 4))
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "The hinge loss over the score. A real film costs nothing from a score of 1 upwards and more and more below it; a "
    "made film costs nothing up to a score of -1 and more and more above it.",
)

# %% [markdown]
# ### Exercise 1
# The judge's loss: the mean over the real films plus the mean over the made ones.


# %% tags=["exercise"]
def hinge(real, made):
    """real (N,), made (M,): scores. Returns one number."""
    return None  # your line here


# %% tags=["solution"]
def hinge(real, made):
    """real (N,), made (M,): scores. Returns one number."""
    return np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + made).mean()


# %% tags=["check", "nbval-check-output"]
check.hinge(hinge)

# %% [markdown]
# And the generator? It wants high scores. It climbs $\mathbb E\, D(G(z))$. That is all: no film is ever shown to it. It
# knows real films by hearsay, from the judge.
#
# You have met such a thing. A number that says how good an outcome is, to be climbed in expectation: in lessons 03 to
# 06 that was a **reward**. This one is special in two ways. Nobody wrote it down. And it changes while you climb it,
# since the judge goes on learning from what you make. This pair is a *generative adversarial network*, a **GAN**
# (Goodfellow et al., 2014).
#
# ## 2. Round and round
#
# Two players, each moving the ground under the other. Does that end anywhere? Make it as small as can be (Mescheder et
# al., 2018):
#
# - there is one real film, at 0;
# - the generator makes one film, $\theta$;
# - the judge is a straight line, $D(x) = \psi x$. It can only say “the further to the right the better”, or the
#   opposite.
#
# The judge wants its score of the real film above that of the made one: it climbs $D(0) - D(\theta) = -\psi\theta$. The
# generator climbs $D(\theta) = \psi\theta$. The slopes, $-\theta$ for the judge's $\psi$ and $\psi$ for the generator's
# $\theta$, are followed by both at once. All is well at $\theta = 0$ and $\psi = 0$: the film is right, and the judge
# has no opinion.
#
# **Predict.** They begin at $\theta = 1$, $\psi = 0$. Where do they go? Into the middle, away from it, or around it?
#
# Now calm the judge. Charge it for having strong opinions *where real films are*: $\frac{\gamma}{2} (dD/dx)^2$ at the
# real film. That is **R1**, the penalty on the slope. Our line has the slope $\psi$ everywhere, so the judge climbs
# $-\psi\theta - \frac{\gamma}{2}\psi^2$.
#
# ### Exercise 2
# One step of both, at once: each looks at the other as it was *before* the step.


# %% tags=["exercise"]
def both_step(theta, psi, r1, step):
    """theta, psi: the made film, the judge's slope; r1: γ; step: its length h. Returns the new theta and psi."""
    return None  # your lines here


# %% tags=["solution"]
def both_step(theta, psi, r1, step):
    """theta, psi: the made film, the judge's slope; r1: γ; step: its length h. Returns the new theta and psi."""
    return theta + step * psi, psi + step * (-theta - r1 * psi)


# %% tags=["check", "nbval-check-output"]
check.both_step(both_step)

# %% tags=["hide-input"]
fig, panels = plt.subplots(1, 3, figsize=(8.4, 2.7), sharey=True, layout="constrained")
for axes, r1 in zip(panels, (0.0, 0.5, 2.0), strict=True):
    way = [np.array([1.0, 0.0])]
    for _ in range(200):
        theta, psi = way[-1]
        way.append(np.array([theta + 0.1 * psi, psi + 0.1 * (-theta - r1 * psi)]))
    axes.plot(*np.transpose(way), color=BLUE, lw=1.2)
    axes.plot(*way[0], "o", color=BLACK, ms=5)
    axes.plot(0, 0, "+", color=VERMILION, ms=12, mew=2)
    axes.set(xlabel="made film θ", title=f"γ = {r1:g}", xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
panels[0].set_ylabel("judge's slope ψ")
figure(
    fig,
    "Ways of the two players from the black dot at θ = 1, ψ = 0. Without the penalty they circle the middle and slowly "
    "get further away from it. With γ = 0.5 they spiral into it, with γ = 2 they go there almost straight.",
)

# %% [markdown]
# Without the penalty they run around the middle, and each turn is a little wider. Neither is wrong: the film moves to
# where the judge likes it, the judge turns against it, the film turns back. With R1 they come to rest. Remember it when
# the curves of a GAN go up and down for ever: *the loss of a game is not a height to come down from*.
#
# ## 3. Live: two kinds of film
#
# Now the library's own GAN: two networks, on our world of two kinds.


# %%
def two_kinds(rng, count):
    """Clips (B, 1, 1) around -1.5 or +1.5, and conditions (B, 0): there is nothing to tell."""
    films = rng.choice([-1.5, 1.5], size=(count, 1, 1)) + 0.2 * rng.standard_normal((count, 1, 1))
    return films.astype(np.float32), np.zeros((count, 0), np.float32)


PLAIN = GANConfig(
    learning_rate=1e-3, discriminator_learning_rate=2e-3, r1=0.1, minibatch_size=96, ema_decay=0.9, noise=2, width=32,
    frame_width=16, discriminator_width=32, supervised_learning_rate=1e-2,
)  # fmt: skip
GRID, NOTHING = np.linspace(-3, 3, 91), np.zeros((800, 0))


def made_by(model):
    """800 made films (800,)."""
    return model.sample(NOTHING, np.random.default_rng(0))[:, 0, 0]


def verdict(model, x=GRID):
    """The judge's score of films x (N,), the mean of its two parts."""
    judge = model.networks["discriminator"].params()
    clips = model.tensor(x.reshape(-1, 1, 1))
    return model.array(twin.scores(judge, model.config, clips, model.tensor(NOTHING[: len(x)]))).mean(axis=0)


def watch(config, steps=300, every=15):
    """Train a GAN; made films, verdicts, and its state every so many steps."""
    model, films, verdicts, states = twin.GAN(config, Size(frames=1, latent=1, condition=0)), [], [], {}
    for until in range(0, steps + 1, every):
        train(model, two_kinds, until, progress=False)
        films.append(made_by(model))
        verdicts.append(verdict(model))
        states[until] = model.tensors()
    return model, np.array(films), np.array(verdicts), states


def shares(films):
    """Of films (N,): the share near -1.5, near +1.5, and elsewhere."""
    near = [float(np.mean(np.abs(films - at) < 0.6)) for at in (-1.5, 1.5)]
    return f"{near[0]:4.0%} near −1.5, {near[1]:4.0%} near +1.5, {1 - sum(near):4.0%} elsewhere"


plain, plain_films, plain_verdicts, plain_states = watch(PLAIN)
print("after 300 steps:", shares(plain_films[-1]))

# %% tags=["hide-input"]


def history(films, verdicts, every, alt):
    """What was made, and what the judge said, from left to right over the steps."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 2.5), sharey=True, layout="constrained")
    counts = np.stack([np.histogram(each, 60, (-3, 3))[0] for each in films], axis=1)
    extent = (-every / 2, every * (len(films) - 0.5), -3, 3)
    left.imshow(np.sqrt(counts), origin="lower", aspect="auto", extent=extent, cmap="Blues")
    shown = right.imshow(
        verdicts.T, origin="lower", aspect="auto", extent=extent, cmap="RdBu", vmin=-2, vmax=2, interpolation="bilinear"
    )
    for axes, title in ((left, "made films"), (right, "the judge's score, by place")):
        for film in (-1.5, 1.5):
            axes.axhline(film, color=ORANGE, lw=1, ls=":")
        axes.set(xlabel="steps", title=title)
    left.set_ylabel("the clip, one number x")
    fig.colorbar(shown, ax=right, label="score", ticks=(-2, -1, 0, 1, 2))
    return figure(fig, alt)


history(
    plain_films,
    plain_verdicts,
    15,
    "Left: where made films lie, over 300 steps: first all near 0, then everywhere, then in two bands around -1.5 and "
    "+1.5, dotted. Right: the judge's score by place, over the same steps: a red belt of low scores stays around 0; "
    "around the two kinds of film it turns from blue to pale and back.",
)

# %% [markdown]
# From left to right, the training; dotted, where the real films are. On the right you can watch the judge work: red
# where it dislikes films, blue where it likes them. First it learns that 0 is no film. Then, wherever the made films
# crowd, the score sinks: too many of that kind from a maker of fakes. Where they are missing it rises. So it drives the
# generator to *both* kinds, without ever saying “there are two”.
#
# ### What if the judge stops learning?
#
# Let us **freeze** the judge: from now on its scores are a fixed reward, as in any other lesson. The generator climbs
# on alone. We do it twice. Once with a judge who has seen 15 steps, once with the one above, who has seen 300.
#
# **Predict.** The later judge approves of both kinds, and rightly. What will 200 more steps of the generator alone do
# to its crowd? And to that of the early one?


# %%
def climb_alone(model, steps=200):
    """The generator goes on against the judge as it stands."""
    rng, count = np.random.default_rng(9), model.config.minibatch_size
    for _ in range(steps):
        films, nothing = two_kinds(rng, count)
        model.generate(model.tensor(films), model.tensor(nothing), *model.draw(count, rng))


def width(films):
    """The typical deviation of films from the middle of their kind."""
    sides = [side - np.median(side) for side in (films[films < 0], films[films >= 0]) if len(side)]
    return float(np.median(np.abs(np.concatenate(sides))))


crowds, scored = {}, {}
print(f"real films{'':43s} width {width(two_kinds(np.random.default_rng(0), 800)[0].ravel()):8.2g}")
for frozen_at in (15, 300):
    plain.set_tensors(plain_states[frozen_at])
    scored[frozen_at] = verdict(plain, places := np.linspace(-5, 5, 161))
    for when in ("before", "after"):
        crowd = crowds[frozen_at, when] = made_by(plain)
        print(
            f"frozen after {frozen_at:3d} steps, {when:6s}: mean score {verdict(plain, crowd).mean():+10.3g}   "
            f"width {width(crowd):8.2g}   {shares(crowd)}"
        )
        if when == "before":
            climb_alone(plain)

# %% tags=["hide-input"]
fig, grid = plt.subplots(1, 4, figsize=(10.4, 2.5), sharey=True, layout="constrained")
for axes, ((frozen_at, when), crowd) in zip(grid, crowds.items(), strict=True):
    share = np.full(len(crowd), 1 / len(crowd))
    axes.hist(np.clip(crowd, -4.99, 4.99), np.linspace(-5, 5, 81), color=SKY, weights=share)
    title = f"frozen after {frozen_at} steps" if when == "before" else "200 steps later"
    axes.set(xlabel="the clip x", title=title, ylim=(0, 0.5))
    score = axes.twinx()
    score.plot(places, scored[frozen_at], color=VERMILION, lw=1.5)
    score.set(yticks=(), ylim=(-3, 3))
    for film in (-1.5, 1.5):
        axes.axvline(film, color=ORANGE, lw=1, ls=":")
grid[0].set_ylabel("share of made films")
score.set(yticks=(-2, 0, 2))
score.set_ylabel("frozen judge's score", color=VERMILION)
figure(
    fig,
    "Made films, blue, and the score of a frozen judge, red, before and after 200 steps of the generator alone; "
    "dotted, the two kinds of real film. The score of the early judge rises to the right for ever, and the whole crowd "
    "runs off the edge, into the last bar. Against the later one each heap shrinks to a spike on its hill.",
)

# %% [markdown]
# The scores rise, and the films get worse. The early judge had only found out on which side films were missing. As a
# fixed reward it sends everybody over there, and on and on. Read its mean score: it is delighted. No film has ever been
# out there, so it never had to form an opinion. The later judge is nearly right, and even so each heap shrinks to a
# spike: one film of a kind, the one that scores best.
#
# (Narrower than the real ones the heaps were before: that, too, is a weakness of GANs.)
#
# That is no accident. A *fixed* reward is highest at some best film, and whoever maximises its mean makes nothing but
# that film. Variety is worth nothing to it. So the variety in the crowd did not come from the scores. It came from a
# judge who *moves*, and takes the joy out of whatever is made too often. A reward that is learned once and trusted for
# ever will be outwitted; lesson 13 calls it reward hacking, and has another remedy.
#
# ## 4. Collapse
#
# One more thing can go wrong, and it is the one to know GANs for: **mode collapse**. The generator makes few kinds of
# film, or one, whatever the noise.
#
# A common way into it looks like good sense. A GAN is slow to begin with, so give it a start: first a hundred steps of
# least squares, then the judge.
#
# **Predict.** After least squares all films are at 0. Then the judge comes and chases them off. Where to? To one kind
# or both?

# %%
START = replace(PLAIN, supervised_steps=100)
_, mean_films, mean_verdicts, _ = watch(START)
print("least squares, then 200 steps with the judge:", shares(mean_films[-1]))

# %% tags=["hide-input"]
history(
    mean_films,
    mean_verdicts,
    15,
    "Left: for 100 steps all made films lie in a thin line at 0; then the whole line moves to one of the two kinds and "
    "stays a thin line. Right: the judge's score is high at the other kind, where nothing is made, to the end.",
)

# %% [markdown]
# To one, all together. Least squares has taught the generator to **ignore its noise**: every $z$ makes the same film.
# When the judge comes, all films feel the same slope and move as one. The other kind is right there, deep blue, the
# highest scores far and wide. But between lies the red belt, and a slope only knows its own neighbourhood. No single
# film can cross.
#
# So mend the start. Each time, draw not one noise but $M = 8$, make all eight films, and pull only **the nearest** to
# the real one:
#
# $$ \mathbb E\, \min_m \lVert G(z_m) - x \rVert^2 $$
#
# A film near +1.5 pulls those noises that are up there already, and leaves the others to the films near −1.5. So the
# noises share out the world among themselves (Li & Malik, 2018). With $M = 1$ it is least squares again.

# %%
_, best_films, best_verdicts, _ = watch(replace(START, candidates=8))
print("nearest of 8, then 200 steps with the judge:", shares(best_films[-1]))

# %% tags=["hide-input"]
history(
    best_films,
    best_verdicts,
    15,
    "Left: already in the first 100 steps made films part into two bands around the two kinds, and with the judge the "
    "ground between them empties. Right: the judge keeps a red belt around 0.",
)

# %% tags=["nbval-check-output"]
for name, films in (("least squares", mean_films[-1]), ("nearest of 8", best_films[-1])):
    kinds = sum(np.mean(np.abs(films - at) < 0.6) > 0.2 for at in (-1.5, 1.5))
    print(f"{name}: kinds of film with a fair share: {kinds}")

# %% [markdown]
# ## 5. What was ordered
#
# So far the judge asks “is it real?”. On a set somebody has *ordered* something: “a red disc bounces slowly to the
# left”. A clip may be flawless and still be the wrong clip. So judge and generator are told a **condition** $c$, a
# row of numbers that says what was ordered.
#
# How does a judge compare a clip with an order? It makes features $\varphi(x)$ of the clip, and features $e(c)$ of the
# order, as many, and multiplies:
#
# $$ D(x, c) \;=\; \underbrace{w\cdot\varphi(x)}_{\text{is it real?}} \;+\;
#    \underbrace{\varphi(x)\cdot e(c)}_{\text{is it what was ordered?}} $$
#
# That is the **projection** discriminator (Miyato & Koyama, 2018). It has a pretty side effect. In a minibatch of $B$
# clips with their orders, all $B^2$ pairs can be scored at once, by one product of matrices. On the diagonal stand
# clips with their own orders; everything else is a mismatch, and to be called fake: real clips, wrong order.
#
# ### Exercise 3
# Score all pairs.


# %% tags=["exercise"]
def all_pairs(alone, seen, asked):
    """alone (B,): w·φ of each clip; seen (B, D): φ(x); asked (B, D): e(c). Returns D (B, B), [clip, order]."""
    return None  # your line here


# %% tags=["solution"]
def all_pairs(alone, seen, asked):
    """alone (B,): w·φ of each clip; seen (B, D): φ(x); asked (B, D): e(c). Returns D (B, B), [clip, order]."""
    return alone[:, None] + seen @ asked.T


# %% tags=["check", "nbval-check-output"]
check.all_pairs(all_pairs)

# %% [markdown]
# For clips of sixteen frames there are two judges in one. A **spatial** part looks at single frames, and takes the
# mean: are these good pictures? A **temporal** part looks at all frames in order and at what changes from each to the
# next: is this a good movement? Here are both, side by side in the two frameworks. Tinted lines differ.

# %%
twins("gan", ("def parts", "math.sqrt(config.discriminator_width)"))

# %% [markdown]
# ## 6. Over the judge's shoulder
#
# Now film: sixteen frames of 16 × 16 pixels, each written by a codec as 48 numbers, coarse ones first (`video/data.py`
# makes the clips, lesson 12 has more on the codec). A clip is ordered by a caption, a reference picture, and the beats
# of a sound, or by some of the three. The training takes some minutes on one core, so it is stored; the command stands
# beside it. It begins with 2,000 steps of nearest-of-eight; then comes the judge.

# %%
encoder = Encoder(PCA.load(MEDIA / "gan" / "codec.safetensors"))
codec = encoder.codec
film_gan = twin.GAN.load(MEDIA / "gan")
stored = json.loads((MEDIA / "gan.json").read_text("utf-8"))
trained = stored["train"]
print(trained["command"])
print(f"{film_gan.size}, {trained['weights']:,} weights in the generator, {film_gan.steps:,} minibatches")

# %% [markdown]
# Every clip below was made from the same noise and the same words, at some moments of the training.

# %% tags=["hide-input"]
with np.load(MEDIA / "gan" / "clips.npz") as file:
    on_the_way, moments = file["latents"].astype(np.float32), file["steps"].tolist()
wanted = [0, 500, 2000, 2200, moments[-1]]
rows = [codec.decode(on_the_way[moments.index(step), 0]) for step in wanted]
sheet = clip_scrubber.strip(rows)
image_tag(
    png(sheet),
    f"Five strips of sixteen frames of “{trained['prompts'][0]}”, from top to bottom after "
    f"{', '.join(map(str, wanted))} steps: noise; a soft spot that moves; a clearer one; with the judge, sharper.",
    sheet.shape[1],
)

# %% [markdown]
# And this is what the judge saw. Choose a clip, and move through the training. The rows: the **real** clip; the one the
# generator **made** for the same order; the real one with **another's order**; the real one **held** on its first
# frame; its frames **shuffled**. Below each frame, a blue bar: what the spatial part thinks of this frame. And an
# orange bar: how much the temporal part would miss it, if the frame before stood in for it.
#
# **Predict.** Which of the five does the judge tell from the real clip first? Which last? And which of its two parts
# notices the shuffled frames?

# %%
views = Views.load(MEDIA / "gan" / "views.npz")
DiscriminatorView(views, codec)

# %% [markdown]
# All held-out clips together, the mean score of the spatial and of the temporal part:

# %%
KINDS = list(trained["looks"][0]["scores"])
print(f"{'':28s}" + "".join(f"{kind:>16s}" for kind in KINDS))
for look in trained["looks"]:
    if look["steps"] >= 2000:
        cells = "".join(f"{spatial:+8.2f} {temporal:+6.2f} " for spatial, temporal in look["scores"].values())
        print(f"after {look['steps']:,} steps: spatial, temporal{cells}")

# %% [markdown]
# *Others' orders* the judge finds first and punishes hardest: a wrong colour, say, is cheap to see, and in each
# minibatch there are many wrong orders for one made clip.
#
# *Made* clips it finds by their movement. Right after the start its temporal score for them is far below that for real
# ones; then the generator catches up, and the gap closes.
#
# And the *shuffled* frames? Hardly a difference, to the end. A clip *held* on one frame loses some of its temporal
# score, and is still liked as well as a made one. Nobody has ever paid the judge for those! Its piles were real,
# made, and others' orders, and no generator shuffles its frames. **A learned judge knows the differences that it was
# trained on, and no others.** Whoever takes it for a general sense of film, and rewards something else with it, will
# be surprised.
#
# ### Order, noise, and what is left open
#
# A caption leaves much open: where the subject sets off, how large it is, when the beats fall. Here is one prompt with
# six noises. In the upper row, the GAN that began with the nearest of eight. In the lower row the same training with
# plain least squares (stored; `gan.py mean`).

# %%
NUMBER, NOISES = 3, 6
prompt = trained["prompts"][NUMBER]
varied = film_gan.sample(np.repeat(encoder(captions=[prompt]), NOISES, axis=0), np.random.default_rng(3))
with np.load(MEDIA / "gan" / "mean.npz") as file:
    alike = file["latents"][NUMBER].astype(np.float32)
clip_scrubber.players(
    [*codec.decode(varied), *codec.decode(alike)],
    [f"{name}, noise {number}" for name in ("nearest of 8", "least squares") for number in range(1, NOISES + 1)],
    f"Twelve clips of “{prompt}”: six that differ in place and beat, and six that are the same.",
    88,
)

# %% [markdown]
# How do you *measure* that? Make two clips for each order, with different noises. What differs within a pair, the noise
# has made. Half of the mean squared difference of two independent draws is their variance. Set it against the variance
# of all made clips, and you have the **spread**: 0, the noise is ignored; 1, the order is.
#
# ### Exercise 4
# Write it. (The variance of all: over both sets together, number by number, then the mean.)


# %% tags=["exercise"]
def spread(made, again):
    """made, again (N, T, Z): clips of the same N orders, with other noises. Returns one number."""
    return None  # your lines here


# %% tags=["solution"]
def spread(made, again):
    """made, again (N, T, Z): clips of the same N orders, with other noises. Returns one number."""
    within = ((made - again) ** 2).mean() / 2
    return within / np.concatenate([made, again]).var(axis=0).mean()


# %% tags=["check", "nbval-check-output"]
check.spread(spread)

# %% [markdown]
# How large *should* it be? As large as with real clips. Film 256 captions twice, each time with another place, size,
# shade and rhythm, and compare:

# %%
asked = data.make(256, seed=11).captions
told = encoder(captions=asked)


def take(seed):
    """Real clips of the captions, as the codec writes them (256, 16, 48)."""
    rng = np.random.default_rng(seed)
    return codec.encode(data.film(asked, data.stage(rng, asked), data.rhythm(rng, len(asked), 16)).frames)


print(f"real clips of one caption: spread {gan.spread(take(1), take(2)):.3f}")
pair = [film_gan.sample(told, np.random.default_rng(seed)) for seed in (1, 2)]
print(f"made, nearest of 8:        spread {gan.spread(*pair):.3f}, still frames {gan.frozen(pair[0], take(1)):.3f}")

# %% [markdown]
# (*Still* is the other thing to watch: the share of frames that hardly differ from the one before. A generator that has
# found one good picture may hold it for sixteen frames.)
#
# And on 256 other clips, told the caption alone or everything (stored). *Match* is the share of words that a network
# reads rightly; *Fréchet distance*, how far made and real clips are apart as two clouds of features (0 is best);
# *recall*, the share of real clips that lie among the made.

# %%
for given in ("text", "text + image + sound"):
    print(f"told {given}:")
    for name, part in (("least squares", "mean"), ("nearest of 8", "train")):
        row = stored[part]["held out"][given]
        print(
            f"  {name:14s} spread {row['spread']:.3f}   recall {row['recall']:.2f}   Fréchet distance "
            f"{row['frechet']:5.1f}   match {row['text']:.2f}   still {row['freeze_rate']:.2f}"
        )

# %% [markdown]
# Told the caption alone, the generator that learned by least squares makes *one* clip of each caption, and recall shows
# what that leaves out: nearly everything. The judge could sharpen that clip; it could not make two of it, as in section
# 4. With the nearest of eight the noise makes most of what real clips leave open, though not all; recall is several
# times as high, and the Fréchet distance little more than half. Told everything, there is little left for the noise to
# decide, and the two are closer. Neither freezes. The match gains little: a digit of a few pixels is fine detail, and
# neither start nor judge has learned to care for it.
#
# ## 7. Through the judge, or by asking it
#
# Back to the driving question: is the judge a loss or a reward?
#
# As a **loss**: $D$ is a network, so ask it not only “how good?” but “which way is better?”. The slope
# $\partial D/\partial x$ says, for each number of each frame, whether more of it would please. It is passed back
# through $x = G(z, c)$ into the weights. This is the **pathwise** gradient, and it is what makes a GAN a GAN.
#
# As a **reward**: pretend that $D$ is a critic with a score card. Make the generator a *policy*, a bell of deviation
# $\sigma$ around $G(z, c)$: the whole clip is one action. Try $K$ clips around it, see which score better than their
# fellows, and move towards those. This is REINFORCE, lesson 04, the **score-function** gradient:
#
# $$ \frac1K\sum_k \big(D_k - b_k\big)\, \nabla \log \mathcal N(x_k;\, \mu, \sigma^2),
#    \qquad x_k = \mu + \sigma\varepsilon_k, \qquad \nabla_\mu \log \mathcal N = \frac{\varepsilon_k}{\sigma} $$
#
# with the baseline $b_k$, the mean score of the *other* $K - 1$.
#
# Both are estimates of the same slope, that of $\mathbb E\, D(G(z, c) + \sigma\varepsilon)$, and both are right on
# average. What differs is how they get there.
#
# ### Exercise 5
# The score-function estimate for a clip of one number.


# %% tags=["exercise"]
def by_asking(scores, noise, std):
    """scores (K,) of the clips μ + std · noise; noise (K,). Returns the estimate of the slope in μ, one number."""
    return None  # your lines here


# %% tags=["solution"]
def by_asking(scores, noise, std):
    """scores (K,) of the clips μ + std · noise; noise (K,). Returns the estimate of the slope in μ, one number."""
    others = (scores.sum() - scores) / (len(scores) - 1)
    return ((scores - others) * noise / std).mean()


# %% tags=["check", "nbval-check-output"]
check.by_asking(by_asking)

# %% [markdown]
# In the library the two stand in one function. Only the middle differs: the one keeps the slope through the scores, the
# other cuts it off and weighs log-probabilities.

# %%
twins("gan", ("def climb", ", rewards, mean"))

# %% [markdown]
# ### Same slope, other scatter
#
# Take the GAN of section 3 and blur its policy a little. At one moment, estimate the slope of the generator's weights
# two hundred times by either way, each time with $K = 8$ tries per film. To draw a slope of many weights on one axis,
# take the part of each estimate that goes along the mean of all the pathwise ones.

# %%
blurred = twin.GAN(replace(PLAIN, policy_std=0.1), plain.size)
blurred.set_tensors(plain_states[300])
rng, count = np.random.default_rng(4), 32
nothing, z = blurred.tensor(NOTHING[:count]), blurred.tensor(rng.standard_normal((count, PLAIN.noise)))
estimates = {}
for way in gan.GRADIENTS:
    noises = (blurred.tensor(rng.standard_normal((8, count, 1, 1))) for _ in range(200))
    estimates[way] = np.array([blurred.array(blurred.slope(nothing, z, noise, way)) for noise in noises])
axis = estimates["pathwise"].mean(axis=0)
axis /= np.linalg.norm(axis)
along = {way: each @ axis for way, each in estimates.items()}
for way, values in along.items():
    print(f"{way:15s} mean {values.mean():.4f} ± {values.std() / 200**0.5:.4f}, single estimates ± {values.std():.4f}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.6, 2.4), layout="constrained")
bins = np.linspace(*np.quantile(along["score-function"], (0, 1)), 50)
for (way, values), colour in zip(along.items(), (BLUE, VERMILION), strict=True):
    axes.hist(values, bins, color=colour, alpha=0.6, label=way)
    axes.axvline(values.mean(), color=colour, lw=2, ls="--")
axes.set(xlabel="estimated slope, along the mean of the pathwise ones", ylabel="estimates of 200")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Two histograms of 200 estimates of one slope: the pathwise ones in a narrow pile, those of the score function in "
    "a wide one around the same mean; dashed lines mark both means.",
)

# %% [markdown]
# Same mean; another width. And that was a clip of *one* number. A clip of film has 768, and all of them are tried at
# once. If the score got better, which of the 768 was it?
#
# **Predict.** Take a judge that is a straight slope of length 1, in a space of $n$ numbers, and estimate that slope
# from $K = 16$ tries. How does the error grow with $n$? Pathwise, it is 0.

# %% tags=["nbval-check-output"]
for n in (1, 16, 256, 768):
    rng, slope = np.random.default_rng(0), np.full(n, n**-0.5)
    noise = rng.standard_normal((400, 16, 1, 1, n))  # 400 estimates from 16 tries
    found = np.stack([gan.policy_gradient(0.3 * tries[..., 0, :] @ slope, tries, 0.3)[0, 0] for tries in noise])
    error = np.sqrt(((found - slope) ** 2).sum(axis=1).mean())
    print(f"{n:4d} numbers: error {error:4.1f} times the slope itself")

# %% [markdown]
# With the square root of $n$. At 768 numbers a single estimate is mostly noise. What helps is to average: over the $K$
# tries, over the 64 clips of a minibatch, over the steps, as Adam does. That is why it can work at all.
#
# ### On film
#
# The same generator from the same supervised start, the same judge from scratch, the same minibatches. Once pathwise,
# once by the score function with 16 tries for each clip. Three seeds each (stored; `gan.py compare`).

# %%
compared = stored["compare"]
for way, rows in compared["held out"].items():
    ends = [run["looks"][-1]["frechet"] for run in rows["runs"]]
    seconds = np.mean([run["cpu_s"] for run in rows["runs"]])
    print(f"{way:15s} Fréchet distance at the end {', '.join(f'{end:.1f}' for end in ends)}; {seconds:.0f} s of a core")
ratio = [
    {way: each[way]["deviation"] / each[way]["length_of_mean"] for way in gan.GRADIENTS}
    for each in compared["gradients"]
]
for way in gan.GRADIENTS:
    print(f"{way:15s} single estimates scatter by {np.mean([each[way] for each in ratio]):.2f} of the slope's length")

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 2.7), sharey=True, layout="constrained")
for (way, rows), colour, style in zip(compared["held out"].items(), (BLUE, VERMILION), ("-", "--"), strict=True):
    for number, run in enumerate(rows["runs"]):
        steps = np.array([look["steps"] - compared["from_step"] for look in run["looks"]])
        frechet = [look["frechet"] for look in run["looks"]]
        left.plot(steps, frechet, style, color=colour, lw=1.6, label=None if number else way)
        right.plot(steps / steps[-1] * run["cpu_s"], frechet, style, color=colour, lw=1.6)
left.set(xlabel="steps after the start", ylabel="Fréchet distance (0 is best)")
right.set(xlabel="seconds of a core")
left.legend(frameon=False)
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Fréchet distance of held-out clips over the steps, left, and over seconds of a core, right, three seeds of either "
    "gradient: over the steps the curves lie close together, the pathwise ones a little lower at the end; over seconds "
    "the pathwise ones are twice as fast.",
)

# %% [markdown]
# Here a single estimate of the score function scatters by about twice the length of the slope that it is to find; a
# pathwise one, of as many tries, by a few hundredths. And yet, step for step, the two come down nearly together! Adam
# averages over many steps, and averages of right estimates are right. The score function ends a little behind in every
# seed, and it pays: sixteen tries for each clip cost it twice the time.
#
# ### What only asking can do
#
# So is the pathwise gradient simply better? Where it exists. Put a real critic at the end, who says “yes” within 0.5
# of the film at +1.5, and “no” elsewhere. One generator without noise, $\mu$, starts at 0.6.
#
# **Predict.** What is the slope of “yes or no”, almost everywhere? Who gets to the film?

# %% tags=["nbval-check-output"]


def critic(x):
    """Yes (1) or no (0)."""
    return (np.abs(x - 1.5) < 0.5).astype(float)


mu = {"pathwise": 0.6, "score-function": 0.6}
rng = np.random.default_rng(0)
for _ in range(200):
    tries = rng.standard_normal((16, 1, 1, 1))
    rise = (critic(mu["pathwise"] + 1e-4) - critic(mu["pathwise"] - 1e-4)) / 2e-4  # the slope of the critic itself
    mu["pathwise"] += 0.05 * rise
    scored = critic(mu["score-function"] + 0.3 * tries)[:, :, 0, 0]
    mu["score-function"] += 0.05 * float(gan.policy_gradient(scored, tries, 0.3)[0, 0, 0])
for way, place in mu.items():
    print(f"{way:15s} ends at {place:.1f}, where the critic says {'yes' if critic(place) else 'no'}")

# %% [markdown]
# A step has no slope, and whoever lives by slopes stands still. A policy tries, now and then steps over the edge, and
# learns. Viewers who click, a physics engine, a renderer, a rule of the guild, a count of words read rightly: none of
# them can be differentiated, and all of them can be asked.
#
# | | GAN, pathwise | policy gradient |
# |---|---|---|
# | of the judge it needs | its slope | its scores |
# | works with viewers, rules, simulators | no | yes |
# | the generator must | be differentiable | be a policy, and try ($\sigma > 0$) |
# | scatter of one estimate | low | grows with the numbers of an action |
# | calls of the judge per clip | 1 | $K$ |
# | wants variety for itself | no: a judge that moves sees to it | no: an entropy or a KL term sees to it |
#
# ## The answer
#
# Can a generator learn from a judge that is still learning? Yes, and better than from one that has stopped. Judge and
# generator are two players, and may circle for ever; a penalty on the judge's slope at real films calms them. The judge
# learns what no one can write down, and what was ordered, from nothing but two piles. Stop it, and it becomes a fixed
# reward, to be outwitted: all films become one. Whether the noise is used is decided early: least squares teaches to
# ignore it, the nearest of several to share out the world.
#
# And is the judge a loss or a reward? It is one function, and there are two ways to climb it. Whoever may look inside
# follows its slope, and that is a GAN. Whoever may only ask follows its scores, and that is reinforcement learning:
# more asking, more scatter, and no condition on the judge.
#
# ## Quiz
#
# 1. The generator's loss has not fallen for a thousand steps. What follows?
#    (a) it has stopped learning (b) the learning rate is too high (c) nothing: its judge has been learning, too
# 2. What does R1 charge the judge for?
#    (a) its slope at real clips (b) wrong answers (c) large weights
# 3. A good judge is frozen, and the generator climbs on. What happens?
#    (a) it slowly gets perfect (b) its clips become alike, and leave the real ones (c) nothing
# 4. The spread of a generator, told the caption alone, is 0.003. What has gone wrong?
#    (a) it ignores its noise (b) it ignores the caption (c) its clips stand still
# 5. The reward is the number of viewers who press “like”. Which gradient can you use?
#    (a) pathwise (b) score-function (c) either

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "c", 2: "a", 3: "b", 4: "a", 5: "b"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - I. Goodfellow et al., “Generative adversarial nets”, NeurIPS 2014.
# - L. Mescheder, A. Geiger, S. Nowozin, “Which training methods for GANs do actually converge?”, ICML 2018: the game of
#   section 2, and R1.
# - J. H. Lim, J. C. Ye, “Geometric GAN”, 2017, arXiv:1705.02894: the hinge loss.
# - T. Miyato, M. Koyama, “cGANs with projection discriminator”, ICLR 2018.
# - K. Li, J. Malik, “Implicit maximum likelihood estimation”, 2018, arXiv:1809.09087: the nearest of several.
# - W. Kool, H. van Hoof, M. Welling, “Buy 4 REINFORCE samples, get a baseline for free!”, 2019.
# - S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, “Monte Carlo gradient estimation in machine learning”, JMLR 2020: both
#   gradients, and more.
