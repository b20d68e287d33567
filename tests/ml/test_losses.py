"""The focal losses against their formulas, written out."""

import math

import pytest
import torch
import torch.nn.functional as F

from ml.explain.closed_form import closed_form_cams
from ml.training.losses import any_of_loss, binary_focal_loss, focal_loss, outside_loss


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_binary_focal_loss_is_its_formula(gamma: float) -> None:
    logits, labels = [-3.0, -0.5, 0.2, 4.0], [0.0, 1.0, 0.0, 1.0]
    expected = 0.0
    for z, y in zip(logits, labels, strict=True):
        p = 1 / (1 + math.exp(-z))
        p_true = p if y else 1 - p
        expected += (1 - p_true) ** gamma * -math.log(p_true)
    loss = binary_focal_loss(torch.tensor(logits), torch.tensor(labels), gamma)
    assert loss.item() == pytest.approx(expected / 4, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_focal_loss_is_its_formula(gamma: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits, classes = torch.randn(5, 3, generator=generator), torch.tensor([0, 1, 2, 1, 1])
    expected = 0.0
    for row, k in zip(logits.tolist(), classes.tolist(), strict=True):
        p = math.exp(row[k]) / sum(math.exp(value) for value in row)
        expected += (1 - p) ** gamma * -math.log(p)
    assert focal_loss(logits, classes, gamma).item() == pytest.approx(expected / 5, rel=1e-5)


def test_without_focus_they_are_cross_entropy() -> None:
    logits, classes = torch.tensor([[1.0, -1.0], [0.3, 0.4]]), torch.tensor([1, 0])
    assert focal_loss(logits, classes, 0.0).item() == pytest.approx(F.cross_entropy(logits, classes).item())


def test_certain_predictions_stay_finite() -> None:
    logits = torch.tensor([80.0, -80.0], requires_grad=True)
    for labels in (torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])):
        loss = binary_focal_loss(logits, labels)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


def test_unknown_labels_cost_nothing() -> None:
    logits, labels = torch.randn(6, 2), torch.tensor([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]]).float()
    labels[3:, 1] = torch.nan
    heads = binary_focal_loss(logits[:, 0], labels[:, 0]) + binary_focal_loss(logits[:3, 1], labels[:3, 1])
    assert float(binary_focal_loss(logits, labels)) == pytest.approx(float(heads) / 2)
    assert float(binary_focal_loss(logits, torch.full((6, 2), torch.nan))) == 0
    wide = torch.randn(3, 4)
    assert torch.equal(focal_loss(wide, torch.tensor([2, -1, 0])), focal_loss(wide[[0, 2]], torch.tensor([2, 0])))
    assert float(focal_loss(wide, torch.full((3,), -1))) == 0


def test_the_rules_loss_is_that_of_at_least_one() -> None:
    logits = torch.randn(5, 6)
    either = 1 - torch.prod(1 - torch.sigmoid(logits), dim=1)
    assert float(any_of_loss(logits)) == pytest.approx(float(((1 - either) ** 2 * -either.log()).mean()), rel=1e-4)
    assert float(any_of_loss(torch.full((1, 6), -3.0).index_fill_(1, torch.tensor([2]), 20.0))) < 1e-6
    assert float(any_of_loss(torch.empty(0, 6))) == 0


def test_a_heatmap_costs_what_it_has_outside_the_mask() -> None:
    activations, weights = torch.rand(2, 5, 7, 7), torch.rand(3, 5)
    masks = torch.zeros(2, 3, 28, 28)
    assert float(outside_loss(activations, weights, masks)) == 0
    masks[1, 2, :, :8] = 1  # the two leftmost columns of cells
    maps = closed_form_cams(activations, weights)[1, 2]
    expected = 1 - float(maps[:, :2].sum() / maps.sum())
    assert float(outside_loss(activations, weights, masks)) == pytest.approx(expected, abs=1e-4)
    masks[1, 2] = 1
    assert float(outside_loss(activations, weights, masks)) == pytest.approx(0, abs=1e-4)
