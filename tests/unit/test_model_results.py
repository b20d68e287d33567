"""What is kept of the engine's result: every finding, and heatmaps only where they may be drawn."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.results import Finding, Heatmap
from webapp.analysis.model import _findings


def kept(*, probability: float, present: bool, target: str = "AT", raw: float = 1.0):
    """The finding as it would be stored; BCC's operating points are 0.1 and 0.3."""
    heatmap = Heatmap(np.full((7, 7), raw, np.float32))
    finding = Finding(target, probability, threshold=0.3, present=present, strength=heatmap.strength)
    result = SimpleNamespace(findings=(finding,), heatmaps={target: heatmap})
    points = [SimpleNamespace(threshold=threshold) for threshold in (0.3, 0.1)]
    (found,) = _findings(result, SimpleNamespace(bcc=SimpleNamespace(operating_points=points)))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("target", ["AT", "PN", "BCC"])
def test_an_absent_finding_keeps_its_probability_and_no_map(target: str) -> None:
    found = kept(target=target, probability=0.09, present=False)
    assert (found.target, found.probability, found.present, found.map) == (target, 0.09, False, None)


def test_a_present_finding_keeps_its_map() -> None:
    found = kept(probability=0.9, present=True)
    assert found.map is not None
    assert found.map.png.startswith(b"\x89PNG")


def test_bcc_keeps_its_map_from_the_lowest_operating_point_on() -> None:
    """The clinic may have chosen that one, or choose it later; patterns have only one threshold."""
    assert kept(target="BCC", probability=0.1, present=False).map is not None
    assert kept(target="AT", probability=0.1, present=False).map is None


def test_a_map_of_nothing_is_none() -> None:
    assert kept(probability=0.9, present=True, raw=0.0).map is None
