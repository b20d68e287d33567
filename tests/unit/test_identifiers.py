"""What is warned about as an identifier, and what is not."""

from datetime import date

import pytest

from webapp.cases.identifiers import identifiers_in

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Lesion since May, 03.04.1961", "date of birth"),
        ("1961-04-03", "date of birth"),
        ("DOB: 3/4/2019", "date of birth"),
        ("born 28.2.2020", "date of birth"),
        ("NHS 943 476 5919", "national number"),
        ("9434765919", "national number"),
        ("BSN 111222333", "national number"),
        ("44051401359", "national number"),
        ("12345678Z", "national number"),
        ("Call +44 20 7946 0958", "telephone number"),
        ("020 7946 0958", "telephone number"),
        ("Mrs Example noticed it", "name"),
        ("Frau Muster", "name"),
    ],
)
def test_an_identifier_is_named(text: str, kind: str) -> None:
    (found,) = identifiers_in(text, TODAY)
    assert found.endswith(kind)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PC-7/2026",
        "Shiny nodule since spring, 6 mm, bleeds.",
        "Excised 12.03.2024, grew back since 2019.",
        "9434765918",
        "1111111111",
        "12345678A",
        "3 x 4 mm; 10-20 naevi; phototype II",
        "Mr.",
        "99.99.1961",
    ],
)
def test_ordinary_words_and_codes_are_not(text: str) -> None:
    assert identifiers_in(text, TODAY) == []
