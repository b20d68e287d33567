"""One patient is one reference, however it is spelt; two patients stay two."""

import pytest

from webapp.models.case import reference_key


@pytest.mark.control("H10.1")
@pytest.mark.parametrize(
    "spelt",
    [
        "pc-7 älter",
        "  PC-7  ÄLTER ",
        "PC - 7 Älter",
        "PC‑7 Älter",
        "PC–7 Älter",
        "PC−7\u00a0Älter",
        "ＰＣ－７ Älter",
        "PC-7 A\u0308lter",
        "PC-\u200b7 \ufeffÄlter",
    ],
)
def test_it_is_the_same_patient(spelt: str) -> None:
    assert reference_key(spelt) == reference_key("PC-7 Älter")


@pytest.mark.parametrize(
    "other", ["PC-71 Älter", "PC 7 Älter", "PC7 Älter", "PC-7Älter", "PC-7 Alter", "PC/7 Älter", ""]
)
def test_it_is_another_patient(other: str) -> None:
    assert reference_key(other) != reference_key("PC-7 Älter")


def test_it_fits_its_column_whatever_is_typed() -> None:
    assert len(reference_key("ﷺ" * 40)) == 40
