"""Make anomalib.npz: what anomalib itself computes, for the tests of the baselines.

The tests read the stored arrays, so that neither anomalib nor its dependencies have to be installed
to run them. The arrays were made by anomalib 2.7.0, torch 2.15.0 and timm 1.0.31, on a CPU with
one thread, in an environment of its own:

    python -m venv anomalib
    anomalib/bin/pip install anomalib==2.7.0
    OMP_NUM_THREADS=1 anomalib/bin/python tests/evaluation/reference/make_anomalib.py

Nothing is downloaded: the backbone has random weights, which are stored beside the results. Nothing
of `cozad_teach` is imported: the two sides share their input only.

Contents, for N training and M test images, h × w patches of C channels:

images             uint8 (N + M, H, W, 3): training images first
weights            float16: floating-point values of the backbone's state, in its order, up to the
                   last block that is read
backbone, levels   timm's name of the network and the indices of the levels that are read
embeddings         float32 (N + M, h, w, C): PatchcoreModel's, of the normalised images
nearest            float32 (M, h, w): its distances to the nearest of all training patches
coreset            int64 (K,): choice of KCenterGreedy among the training patches as they are
projected          int64 (K,): the same, after its random projection, which PatchCore uses
nearest_projected  float32 (M, h, w): distances to the nearest patch of the projected choice
image_scores       float32 (M,): scores that PatchcoreModel gives to the test images with that bank
mean, covariance   float32 (C,), (C, C): MultiVariateGaussian's of all training patches, taken as
                   samples of one place; the covariance is not regularised yet
precision          float32 (C, C): its inverse covariance, regularised
distances          float32 (M, h, w): PaDiM's Mahalanobis distances by that Gaussian
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import timm
import torch
from anomalib.models.components import KCenterGreedy, MultiVariateGaussian
from anomalib.models.image.padim.anomaly_map import AnomalyMapGenerator
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from torch import Tensor, nn

BACKBONE = "mobilenetv3_small_050"  # 24 channels at strides 4 and 8, in less than 6,000 weights
LEVELS = 1, 2
SIZE = 40, 56  # not square, so that a swap of height and width would show
N_TRAIN, N_TEST = 4, 5
SAMPLING_RATIO = 0.1


def draw_images(rng: np.random.Generator) -> np.ndarray:
    """Draw coarse random textures; each test image carries an odd square, stronger every time."""
    height, width = SIZE
    coarse = rng.integers(4, 12, (N_TRAIN + N_TEST, height // 4, width // 4, 3))
    images = np.kron(coarse, np.ones((1, 4, 4, 1), int)) + rng.integers(0, 2, (1, height, width, 1))
    for strength, image in enumerate(images[N_TRAIN:]):
        row, column = rng.integers(4, height - 12), rng.integers(4, width - 12)
        image[row : row + 8, column : column + 8] += (strength, -strength, strength // 2)
    return (images.clip(0, 15) * 17).astype(np.uint8)


def fill(network: nn.Module, rng: np.random.Generator) -> None:
    """Set all weights to random numbers that float16 holds exactly and that keep signals alive."""
    state = network.state_dict()
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        if tensor.ndim > 1:
            values = rng.standard_normal(tensor.shape) * np.sqrt(2 / tensor[0].numel())
        elif name.endswith(("running_mean", "bias")):
            values = 0.2 * rng.standard_normal(tensor.shape)
        else:
            values = rng.uniform(0.5, 1.5, tensor.shape)
        state[name] = torch.from_numpy(values.astype(np.float16)).to(tensor)
    network.load_state_dict(state)


def used_weights(network: nn.Module) -> np.ndarray:
    """Concatenate the weights that the levels depend on: timm builds the later blocks as well."""
    n_blocks = network.feature_info.get_dicts()[-1]["stage"]
    later = tuple(f"blocks.{i}." for i in range(n_blocks, len(network.blocks)))
    state = network.state_dict().items()
    kept = [t.flatten() for n, t in state if t.is_floating_point() and not n.startswith(later)]
    return torch.cat(kept).numpy().astype(np.float16)


def patchcore(model: PatchcoreModel, inputs: Tensor) -> dict[str, np.ndarray]:
    """Run PatchCore with the whole memory and with the memory that it chooses itself."""
    model.train()
    flat = torch.cat([model(inputs[:N_TRAIN]), model(inputs[N_TRAIN:])])
    grid = (SIZE[0] // model.feature_extractor.reductions[0], -1)
    embeddings = flat.reshape(len(inputs), *grid, flat.shape[-1])
    train, test = embeddings[:N_TRAIN].flatten(0, 2), embeddings[N_TRAIN:].flatten(0, 2)
    model.embedding_store.pop()  # the test images
    # The random projection is left out where an embedding has a third axis.
    coreset = KCenterGreedy(train[..., None], SAMPLING_RATIO).select_coreset_idxs()
    model.eval()
    model.memory_bank = train
    nearest = model.nearest_neighbors(test, n_neighbors=1)[0]
    model.subsample_embedding(SAMPLING_RATIO)
    exact = "donot_use_mm_for_euclid_dist"
    projected = torch.cdist(model.memory_bank, train, compute_mode=exact).argmin(1)
    nearest_projected = model.nearest_neighbors(test, n_neighbors=1)[0]
    places = embeddings[N_TRAIN:].shape[:3]
    return {
        "embeddings": embeddings.numpy(),
        "nearest": nearest.reshape(places).numpy(),
        "coreset": np.array(coreset),
        "projected": projected.numpy(),
        "nearest_projected": nearest_projected.reshape(places).numpy(),
        "image_scores": model(inputs[N_TRAIN:]).pred_score.numpy(),
    }


def padim(embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """Fit PaDiM's Gaussian to all training patches at once and measure the test patches."""
    channels = embeddings.shape[-1]
    train = torch.from_numpy(embeddings[:N_TRAIN]).reshape(-1, channels)
    test = torch.from_numpy(embeddings[N_TRAIN:])
    gaussian = MultiVariateGaussian()
    mean, precision = gaussian.fit(train[..., None, None])
    distances = AnomalyMapGenerator.compute_distance(
        test.reshape(-1, channels, 1, 1), [mean, precision]
    )
    return {
        "mean": mean[:, 0].numpy(),
        "covariance": gaussian._cov(train).numpy(),
        "precision": precision[0].numpy(),
        "distances": distances.reshape(test.shape[:3]).numpy(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).with_name("anomalib.npz")
    parser.add_argument(
        "output", nargs="?", type=Path, default=default, help="default: %(default)s"
    )
    output = parser.parse_args().output
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    np.random.seed(0)  # anomalib draws its projection from the global state
    names = timm.create_model(BACKBONE, pretrained=False, features_only=True).feature_info
    layers = [names.module_name(level) for level in LEVELS]
    model = PatchcoreModel(layers, BACKBONE, pre_trained=False, num_neighbors=1)
    network = model.feature_extractor.feature_extractor
    fill(network, rng)
    images = draw_images(rng)
    config = timm.get_pretrained_cfg(BACKBONE)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (config.mean, config.std))
    inputs = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std
    results = patchcore(model, inputs)
    results |= padim(results["embeddings"])
    np.savez_compressed(
        output,
        images=images,
        weights=used_weights(network),
        backbone=np.array(BACKBONE),
        levels=np.array(LEVELS),
        **results,
    )
    print(f"{output}: {output.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
