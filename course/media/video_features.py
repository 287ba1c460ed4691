"""Train the networks that read clips, and the encoder of captions; all are shipped with the library.

    python course/media/video_features.py              # about seven minutes on a core of its own
    python course/media/video_features.py held_out     # a part of it: features, held_out, text or codec

Writes rlfilm_lib/video/features.safetensors and held_out.safetensors (see `video.features`), text.safetensors (see
`video.conditions`), and beside itself video_features.json: how long each took, and how often it reads the right word in
clips that it was not trained on, as they were made and as the codec shows them.
"""

import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional

import rlfilm_lib
from rlfilm_lib.run import versions
from rlfilm_lib.video import captions as grammar
from rlfilm_lib.video import conditions, data, features, metrics
from rlfilm_lib.video.captions import VOCABULARY
from rlfilm_lib.video.codec import PCA

LIBRARY = Path(rlfilm_lib.__file__).parent / "video"
TARGET = Path(__file__).resolve().with_suffix(".json")
SIZES = {
    "features": {"seed": 100, "channels": (24, 48), "kernels": (3, 3), "frame": 96, "time": 3, "hidden": 64},
    "held_out": {"seed": 200, "channels": (20, 40), "kernels": (5, 3), "frame": 80, "time": 4, "hidden": 48},
}
STEPS, BATCH, LEARNING_RATE = 800, 48, 8e-3
LENGTHS = (8, 12, 16)
DAMAGED = 20
"""Clips of a minibatch that are damaged, of the first network's."""
COMPONENTS = (48, 64, 96)
"""Of the codecs through which half of the clips are seen."""
JUDGED = 2000
AUTOENCODER = {"wide": 512, "steps": 1500, "batch": 128, "learning_rate": 1e-3}
TEXT = {"seed": 300, "clips": 8192, "steps": 1500, "batch": 256, "learning_rate": 3e-3, "words": 32}


class Reader(nn.Module):
    """`features.activations` in PyTorch, and a head for each slot of the caption. While it is trained every layer's
    output is normalised over the minibatch (Ioffe & Szegedy 2015); what is shipped has that folded into its weights."""

    def __init__(self, channels, kernels, frame, time, hidden):
        super().__init__()
        self.layers, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for i, (width, kernel) in enumerate(zip(channels, kernels, strict=True)):
            before = channels[i - 1] if i else 3
            pad = {"stride": 2, "padding": kernel // 2, "padding_mode": "circular"}
            self.layers[f"space/{i}"], self.norms[f"space/{i}"] = (
                nn.Conv2d(before, width, kernel, **pad),
                nn.BatchNorm2d(width),
            )
        self.layers["frame"], self.norms["frame"] = nn.Linear(16 * channels[-1], frame), nn.BatchNorm1d(frame)
        for i in range(2):
            self.layers[f"time/{i}"], self.norms[f"time/{i}"] = (
                nn.Conv1d(frame + 2 * (i == 0), frame, time),
                nn.BatchNorm1d(frame),
            )
        self.layers["features"], self.norms["features"] = nn.Linear(2 * frame, hidden), nn.BatchNorm1d(hidden)
        self.heads = nn.ModuleDict({slot: nn.Linear(hidden, len(words)) for slot, words in VOCABULARY.items()})
        self.damage = nn.Linear(hidden, 3)

    def forward(self, pictures, went):
        """Pictures (N, T, 16, 16, 3) and steps (N, T, 2) of `features.gaze` → logits by slot."""

        def layer(name, x):
            return torch.relu(self.norms[name](self.layers[name](x)))

        length = pictures.shape[1]
        x = layer("space/1", layer("space/0", pictures.flatten(0, 1).permute(0, 3, 1, 2)))
        x = layer("frame", x.permute(0, 2, 3, 1).flatten(1))
        x = torch.cat([x.unflatten(0, (-1, length)), went], dim=2).transpose(1, 2)
        x = layer("time/1", layer("time/0", x))
        x = layer("features", torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1))
        return {slot: head(x) for slot, head in self.heads.items()} | {"damage": self.damage(x)}

    def arrays(self):
        """The weights as `features.activations` takes them."""
        arrays = {}
        for name, layer in {**self.layers, **self.heads}.items():
            kernel, bias = layer.weight.detach(), layer.bias.detach()
            if name in self.norms:
                norm = self.norms[name]
                scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
                kernel = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
                bias = (bias - norm.running_mean) * scale + norm.bias.detach()
            # (out, in, …) → (…, in, out)
            kernel = kernel.permute(*range(2, kernel.ndim), 1, 0)
            arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = kernel, bias
        return {name: np.ascontiguousarray(array.numpy()) for name, array in arrays.items()}


def damage(rng, frames, codec):
    """Clips (N, T, 16, 16, 3), each damaged in one way, and how much in each of three (N, 3): noise of the pixels,
    noise of the latents, the ghost of another frame. It must show in the features by which realism is judged."""
    n = len(frames)
    strength = np.eye(3, dtype=np.float32)[rng.integers(3, size=n)] * rng.uniform(0, 1, (n, 1)).astype(np.float32)
    pixels, latents, ghost = strength.T[..., None, None, None, None]
    z = codec.encode(frames)
    noisy = codec.decode(z + latents[..., 0, 0] * rng.standard_normal(z.shape))
    other = np.stack([clip[rng.permutation(len(clip))] for clip in frames])
    damaged = np.where(latents > 0, noisy, frames) * (1 - ghost / 2) + other * (ghost / 2)
    damaged = damaged + 60 * pixels * rng.standard_normal(frames.shape)
    return np.clip(damaged, 0, 255).astype(np.uint8), strength


def read(name):
    """Train one of the two readers, and judge it as it is shipped: in NumPy."""
    sizes = dict(SIZES[name])
    seed = sizes.pop("seed")
    torch.manual_seed(seed)
    rng, began = np.random.default_rng(seed), time.perf_counter()
    codecs = [PCA.fit(data.make(512, seed).frames, components) for components in COMPONENTS]
    model = Reader(**sizes)
    streams = {length: data.stream(seed + length, BATCH, frames=length) for length in LENGTHS}
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, STEPS, pct_start=0.1)
    for step in range(STEPS):
        length = int(rng.choice(LENGTHS))
        clips = next(streams[length])
        codec = codecs[rng.integers(len(codecs))]
        frames = clips.frames.copy()
        frames[::2] = codec.decode(codec.encode(frames[::2]))
        strength = np.zeros((BATCH, 3), np.float32)
        if name == "features":
            frames[:DAMAGED], strength[:DAMAGED] = damage(rng, frames[:DAMAGED], codec)
        words = torch.from_numpy(grammar.encode(clips.captions))
        logits = model(*map(torch.from_numpy, features.gaze(frames)))
        losses = [functional.cross_entropy(logits[slot], word) for slot, word in zip(VOCABULARY, words.T, strict=True)]
        loss = torch.stack(losses).sum() + 10 * functional.mse_loss(logits["damage"], torch.from_numpy(strength))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            each = {slot: round(part.item(), 2) for slot, part in zip(VOCABULARY, losses, strict=True)}
            print(name, step, each, f"{time.perf_counter() - began:.0f} s", flush=True)
    took = time.perf_counter() - began
    model.eval()
    save_file(model.arrays(), LIBRARY / f"{name}.safetensors")
    features._load.cache_clear()
    held = data.make(JUDGED, seed=0)
    shown = codecs[1].decode(codecs[1].encode(held.frames))
    return {
        "settings": SIZES[name] | {"steps": STEPS, "batch": BATCH, "learning_rate": LEARNING_RATE},
        "wall_s": round(took),
        "accuracy": rounded(features.accuracy(held.frames, held.captions, name)),
        f"accuracy_{COMPONENTS[1]}_components": rounded(features.accuracy(shown, held.captions, name)),
    }


def text():
    """Train the captions' encoder: captions and clips that belong together find each other (Radford et al. 2021)."""
    torch.manual_seed(TEXT["seed"])
    rng, began = np.random.default_rng(TEXT["seed"]), time.perf_counter()
    clips = data.make(TEXT["clips"], TEXT["seed"])
    seen = torch.from_numpy(features.features(clips.frames))
    codes = grammar.encode(clips.captions)
    tokens = torch.from_numpy(codes + conditions.FIRST)
    embedding = nn.Parameter(0.5 * torch.randn(conditions.WORDS, TEXT["words"]))
    bias = nn.Parameter(torch.zeros(TEXT["words"]))
    kernel = nn.Parameter(torch.randn(TEXT["words"], conditions.TEXT) / TEXT["words"] ** 0.5)
    image = nn.Sequential(nn.BatchNorm1d(seen.shape[1]), nn.Linear(seen.shape[1], conditions.TEXT))
    scale = nn.Parameter(torch.tensor(2.0))
    optimizer = torch.optim.Adam([embedding, bias, kernel, scale, *image.parameters()], TEXT["learning_rate"])
    for step in range(TEXT["steps"]):
        rows = torch.from_numpy(rng.choice(len(codes), TEXT["batch"], replace=False))
        words = torch.tanh(embedding[tokens[rows]].sum(dim=1) + bias) @ kernel
        cosine = functional.normalize(words) @ functional.normalize(image(seen[rows])).T * torch.exp(scale)
        same = (tokens[rows][:, None] == tokens[rows]).all(dim=2).float()
        target = same / same.sum(dim=1, keepdim=True)
        loss = functional.cross_entropy(cosine, target) + functional.cross_entropy(cosine.T, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 300 == 0:
            print("text", step, round(loss.item(), 3), flush=True)
    arrays = {
        name: array.detach().numpy() for name, array in (("embedding", embedding), ("bias", bias), ("kernel", kernel))
    }
    every = np.stack(np.meshgrid(*(np.arange(len(words)) for words in VOCABULARY.values()), indexing="ij"), axis=-1)
    hidden = np.tanh(
        arrays["embedding"][every.reshape(-1, len(VOCABULARY)) + conditions.FIRST].sum(axis=1) + arrays["bias"]
    )
    shown = hidden @ arrays["kernel"]
    arrays["kernel"] = arrays["kernel"] / shown.std(axis=0)  # of mean 0 and variance 1 over all captions
    arrays["shift"] = -shown.mean(axis=0) / shown.std(axis=0)
    save_file(arrays, LIBRARY / "text.safetensors")
    return {"settings": TEXT, "wall_s": round(time.perf_counter() - began), "loss": round(loss.item(), 3)}


def codecs():
    """How much of unseen frames principal components keep, and how much a small autoencoder of as many numbers does."""
    table = []
    for size, components in itertools.product((16, 32), (32, 64, 96)):
        seen = data.make(1024, seed=0, size=size).frames[:, ::2].reshape(-1, size, size, 3)
        held = data.make(128, seed=1, size=size).frames.reshape(-1, size, size, 3)
        pca = PCA.fit(seen, components)
        row = {"size": size, "components": components, "pca_db": metrics.psnr(pca.decode(pca.encode(held)), held)}
        if size == 16:
            began = time.perf_counter()
            row["autoencoder_db"] = metrics.psnr(autoencoder(pca, seen, held), held)
            row["autoencoder_s"] = time.perf_counter() - began
        table.append({name: round(value, 2) for name, value in row.items()})
        print(table[-1], flush=True)
    return table


def autoencoder(pca, seen, held):
    """Held frames as an autoencoder of three layers each way shows them, trained on those seen."""
    torch.manual_seed(0)
    rng, wide = np.random.default_rng(0), AUTOENCODER["wide"]
    flat, z = pca.mean.size, pca.components
    model = nn.Sequential(
        nn.Linear(flat, wide), nn.ReLU(), nn.Linear(wide, z), nn.Linear(z, wide), nn.ReLU(), nn.Linear(wide, flat)
    )
    optimizer = torch.optim.Adam(model.parameters(), AUTOENCODER["learning_rate"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, AUTOENCODER["steps"])
    for _ in range(AUTOENCODER["steps"]):
        rows = rng.integers(len(seen), size=AUTOENCODER["batch"])
        x = torch.from_numpy(seen[rows].reshape(-1, flat).astype(np.float32) / 255)
        loss = functional.mse_loss(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        shown = model(torch.from_numpy(held.reshape(-1, flat).astype(np.float32) / 255)).numpy()
    return (255 * np.clip(shown, 0, 1) + 0.5).astype(np.uint8).reshape(held.shape)


def rounded(shares):
    return {slot: round(share, 4) for slot, share in shares.items()}


def main(part=""):
    stored = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
    stored |= {"command": f"python course/media/{Path(__file__).name}", "versions": versions()}
    for name in SIZES:
        if part in ("", name):
            stored[name] = read(name)
    if part in ("", "text"):
        stored["text"] = text()
    if part in ("", "codec"):
        stored["codec"] = codecs()
    TARGET.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    print(json.dumps(stored, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
