"""What a run learnt from and what it is judged on never overlap."""

from pathlib import Path

import numpy as np
import pytest

from ml.data.collections import HAM, MARKED, MILK
from ml.data.records import DataError
from ml.release import sources as module
from ml.release.sources import CLOSE_UP, OTHER, PHANTOM, HeldOut, Sources
from tests.ml.phantom_sets import write_sets


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("sets")
    options = write_sets(folder, lesions=10)
    ham, milk, readings, structures = (Path(path) for path in options[1::2])
    return Sources.read(ham, milk, readings, structures)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEARNT_PHANTOMS", range(7_000_000, 7_000_002))
    monkeypatch.setattr(module, "JUDGED_PHANTOMS", 2)
    monkeypatch.setattr(module, "SEEDS", 1)
    module._others.cache_clear()
    module._dealt.cache_clear()


def held_out(*names: str, fold: int = 1) -> HeldOut:
    return HeldOut(frozenset(names), fold)


def test_a_gate_learns_from_nothing_that_its_fold_is_judged_on(sources: Sources) -> None:
    held = held_out("ISIC_0000100", "ISIC_0001103", "ISIC_0005004")
    learnt, judged = sources.for_the_gate(held), sources.judged(held)
    assert not {one.name for one in learnt} & {one.name for one in judged}
    assert not {one.group for one in learnt} & {one.group for one in judged}
    assert (
        {one.source for one in learnt}
        == {HAM, MILK, MARKED, CLOSE_UP, OTHER, PHANTOM}
        == {one.source for one in judged}
    )
    assert [one.name for one in judged if one.source == CLOSE_UP] == ["close-up of ISIC_0001103"]


def test_every_picture_has_a_name_of_its_own(sources: Sources) -> None:
    """Whoever looks for an image by its name finds that image, not its close-up."""
    names = [one.name for one in sources.judged(held_out("ISIC_0001103", "ISIC_0001104"))]
    assert len(set(names)) == len(names)


def test_each_kind_of_anything_else_is_judged_in_one_fold(sources: Sources) -> None:
    kinds = [{one.group for one in sources.judged(held_out(fold=fold)) if one.source == OTHER} for fold in range(5)]
    assert sum(map(len, kinds)) == len(set.union(*kinds)) > 5


def test_the_network_of_everything_holds_nothing_out(tmp_path: Path) -> None:
    assert HeldOut.of(tmp_path / "everything") == HeldOut(frozenset(), None)


def test_a_fold_without_predictions_is_refused_instead_of_learnt_from(tmp_path: Path) -> None:
    folder = tmp_path / "fold-2"
    folder.mkdir()
    with pytest.raises(DataError, match=r"predictions\.npz holds no predictions of a fold"):
        HeldOut.of(folder)
    np.savez(folder / "predictions.npz", image_id=np.array(["A"]))
    with pytest.raises(DataError, match=r"structures-scores\.npz holds no predictions of a fold"):
        HeldOut.of(folder)
    np.savez(folder / "structures-scores.npz", image_id=np.array(["B"]))
    assert HeldOut.of(folder) == HeldOut(frozenset({"A", "B"}), 2)
