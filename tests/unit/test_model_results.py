"""What is kept of the engine's result: every finding, and heatmaps only where they may be drawn."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.card import Place
from ml.patterns import Call
from ml.results import Finding, Heatmap, Reason
from webapp.analysis.model import _findings
from webapp.models.analysis import NOT_DERMOSCOPIC

PLACE = Place(full=2.0, floor=0.5)


def kept(*, probability: float, present: bool, target: str = "AT", raw: float = 1.0):
    """The finding as it would be stored; BCC's operating points are 0.1 and 0.3."""
    heatmap = Heatmap(np.full((8, 8), raw, np.float32), PLACE)
    call = Call.LIKELY if present else Call.NOT_SEEN
    finding = Finding(target, probability, 0.3, call, heatmap.strength, heatmap.reliable)
    result = SimpleNamespace(findings=(finding,), heatmaps={target: heatmap})
    points = [SimpleNamespace(threshold=threshold) for threshold in (0.3, 0.1)]
    (found,) = _findings(result, SimpleNamespace(bcc=SimpleNamespace(operating_points=points)))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("target", ["AT", "PN", "MEL", "SCC", "BCC"])
def test_an_absent_finding_keeps_its_probability_and_no_map(target: str) -> None:
    found = kept(target=target, probability=0.09, present=False)
    assert (found.target, found.probability, found.present, found.map) == (target, 0.09, False, None)
    assert found.call is Call.NOT_SEEN


@pytest.mark.parametrize("target", ["AT", "PN", "MEL", "SCC", "BCC"])
def test_a_present_finding_keeps_its_map(target: str) -> None:
    found = kept(target=target, probability=0.9, present=True)
    assert found.map is not None
    assert found.map.png.startswith(b"\x89PNG")
    assert (found.call, found.placed, found.strength) == (Call.LIKELY, True, 0.5)
    assert found.map.extent == 1.0


def test_bcc_keeps_its_map_from_the_lowest_operating_point_on() -> None:
    """The clinic may have chosen that one, or choose it later; patterns have only one threshold."""
    assert kept(target="BCC", probability=0.1, present=False).map is not None
    assert kept(target="AT", probability=0.1, present=False).map is None


def test_without_a_reliable_place_there_is_no_map() -> None:
    found = kept(probability=0.9, present=True, raw=0.499)
    assert (found.map, found.placed, found.present) == (None, False, True)


def test_the_codes_of_reasons_for_another_modality_are_those_of_the_engine() -> None:
    assert {Reason.CLINICAL.value, Reason.NOT_DERMOSCOPIC.value} == set(NOT_DERMOSCOPIC)
