"""The focal losses against their formula, written out."""

import math

import pytest
import torch
import torch.nn.functional as F

from ml.losses import binary_focal_loss, focal_loss


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_binary_focal_loss_is_its_formula(gamma: float) -> None:
    logits, labels = [-3.0, -0.5, 0.2, 4.0], [0, 1, 0, 1]
    expected = 0.0
    for z, y in zip(logits, labels, strict=True):
        p = 1 / (1 + math.exp(-z))
        p_true = p if y else 1 - p
        expected += (3.0 if y else 1.0) * (1 - p_true) ** gamma * -math.log(p_true)
    loss = binary_focal_loss(torch.tensor(logits), torch.tensor(labels), gamma, positive_weight=3.0)
    assert loss.item() == pytest.approx(expected / 4, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_focal_loss_is_its_formula(gamma: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits, classes = torch.randn(5, 3, generator=generator), torch.tensor([0, 1, 2, 1, 1])
    weights = torch.tensor([1.0, 0.5, 4.0])
    expected = 0.0
    for row, k in zip(logits.tolist(), classes.tolist(), strict=True):
        p = math.exp(row[k]) / sum(math.exp(value) for value in row)
        expected += weights[k].item() * (1 - p) ** gamma * -math.log(p)
    assert focal_loss(logits, classes, gamma, weights).item() == pytest.approx(expected / 5, rel=1e-5)


def test_without_focus_they_are_cross_entropy() -> None:
    logits, classes = torch.tensor([[1.0, -1.0], [0.3, 0.4]]), torch.tensor([1, 0])
    assert focal_loss(logits, classes, 0.0).item() == pytest.approx(F.cross_entropy(logits, classes).item())


def test_certain_answers_stay_finite() -> None:
    logits = torch.tensor([80.0, -80.0], requires_grad=True)
    for labels in (torch.tensor([1, 0]), torch.tensor([0, 1])):
        loss = binary_focal_loss(logits, labels)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()
