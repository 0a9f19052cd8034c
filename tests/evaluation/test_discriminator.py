"""The discriminator against values worked out by hand and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cozad_teach.evaluation.baselines import discriminator
from cozad_teach.evaluation.baselines.discriminator import discriminator_scores, hinge_loss


def images(n: int, seed: int, h: int = 5, w: int = 7, c: int = 6) -> torch.Tensor:
    return torch.randn(n, h, w, c, generator=torch.Generator().manual_seed(seed)) * 0.3


def test_an_odd_patch_stands_out_whether_the_support_is_normal_or_not() -> None:
    test = images(6, 0)
    test[2, 1, 3] += 4.0
    for support in (images(3, 1), test):
        scores = discriminator_scores(test, support)
        assert scores.shape == (6, 5, 7)
        assert scores.isfinite().all()
        assert not scores.requires_grad
        assert divmod(int(scores[2].argmax()), 7) == (1, 3)
        assert int(scores.flatten(1).amax(1).argmax()) == 2


def test_training_parts_clean_from_noisy_patches() -> None:
    support = images(4, 1, h=8, w=9)
    clean = discriminator_scores(support, support)
    noise = torch.randn(support.shape, generator=torch.Generator().manual_seed(2))
    noisy = discriminator_scores(support + 3 * discriminator.NOISE * noise, support)
    assert float(clean.mean()) < 0 < float(noisy.mean())


def test_the_seed_decides_and_the_global_random_state_stays() -> None:
    test, support = images(2, 0), images(2, 1)
    before = torch.get_rng_state()
    runs = [discriminator_scores(test, support, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    runs.append(discriminator_scores(test, support, seed=0))
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[3])
    assert not torch.allclose(runs[0], runs[2], atol=1e-2)


def test_scores_follow_their_images_and_one_image_is_scored_alone() -> None:
    test, support = images(11, 0), images(2, 1)
    scores = discriminator_scores(test, support)
    order = torch.tensor([3, 10, 0, 7, 1, 9, 2, 8, 6, 4, 5])
    assert torch.allclose(discriminator_scores(test[order], support), scores[order], atol=1e-5)
    assert torch.allclose(discriminator_scores(test[4:5], support), scores[4:5], atol=1e-5)


def test_a_single_support_image_is_enough_also_on_another_grid_and_without_gradients() -> None:
    test, support = images(2, 0), images(1, 1, h=3, w=2)
    scores = discriminator_scores(test, support)
    assert scores.shape == (2, 5, 7)
    assert scores.isfinite().all()
    with torch.no_grad():
        assert torch.equal(discriminator_scores(test, support), scores)
    assert torch.equal(support, images(1, 1, h=3, w=2))


def test_equal_support_patches_do_no_harm() -> None:
    assert discriminator_scores(images(2, 0), torch.ones(1, 3, 2, 6)).isfinite().all()


def test_no_support_is_refused() -> None:
    with pytest.raises(ValueError, match="there is none"):
        discriminator_scores(images(2, 0), images(0, 1))


def test_hinge_loss_and_its_gradient_by_hand() -> None:
    clean = torch.tensor([0.7, 0.2, -1.0], requires_grad=True)
    noisy = torch.tensor([-0.9, 0.1], requires_grad=True)
    loss = hinge_loss(clean, noisy)
    assert loss.item() == pytest.approx((0 + 0.3 + 1.5) / 3 + (0 + 0.6) / 2)
    loss.backward()
    assert clean.grad is not None and noisy.grad is not None
    assert clean.grad.numpy() == pytest.approx([0, -1 / 3, -1 / 3])
    assert noisy.grad.numpy() == pytest.approx([0, 1 / 2])


def test_one_step_follows_the_gradient_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step of Adam moves every parameter by its rate against the sign of its gradient."""
    for name, value in (("HIDDEN", 3), ("STEPS", 1), ("BATCH", 5), ("WEIGHT_DECAY", 0.0)):
        monkeypatch.setattr(discriminator, name, value)
    patches = images(1, 1, h=2, w=3, c=2)[0].flatten(0, 1)
    start = discriminator._initial_parameters(2, torch.Generator().manual_seed(7))
    moved = [p.clone() for p in start]
    discriminator._train(moved, patches, torch.Generator().manual_seed(8), False)

    source = torch.Generator().manual_seed(8)
    batch = patches[torch.randint(6, (5,), generator=source)].double().numpy()
    noise = discriminator.NOISE * torch.randn(5, 2, generator=source).double().numpy()
    sizes = np.cumsum([p.numel() for p in start])

    def loss(flat: np.ndarray) -> float:
        parts = np.split(flat, sizes[:-1])
        adaptor, weight, bias, output, offset = (
            part.reshape(p.shape) for part, p in zip(parts, start, strict=True)
        )
        total = 0.0
        for patch, shift in zip(batch, noise, strict=True):
            for sign, place in ((-1, adaptor @ patch), (1, adaptor @ patch + shift)):
                hidden = weight @ place + bias
                hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
                total += max(0.0, 0.5 + sign * float(output[0] @ hidden + offset[0])) / 5
        return total

    flat = torch.cat([p.flatten() for p in start]).double().numpy()
    steps = np.eye(len(flat)) * 1e-6
    gradient = np.array([loss(flat + s) - loss(flat - s) for s in steps]) / 2e-6
    rates = np.full(len(flat), discriminator.DISCRIMINATOR_RATE)
    rates[: sizes[0]] = discriminator.ADAPTOR_RATE
    found = torch.cat([p.detach().flatten() for p in moved]).double().numpy() - flat
    assert (np.abs(gradient) > 1e-5).sum() > 10
    expected = np.where(np.abs(gradient) > 1e-5, -rates * np.sign(gradient), 0)
    assert found == pytest.approx(expected, abs=1e-6)
