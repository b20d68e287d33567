"""What the hospital says of itself on reports: set by an administrator, printed with who decided, on one page."""

import io
import re

import pytest
from flask import Flask
from PIL import Image

from tests.conftest import World
from tests.web.helpers import SURE, actions, stored_case, user_id, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.admin.operation import status
from webapp.cases import letter
from webapp.core import fonts
from webapp.models import Role

try:
    import weasyprint
except OSError:
    pytest.skip("Pango is not installed: see docs/deployment.md", allow_module_level=True)

HEAD = {
    "hospital": "Test University Hospital",
    "department": "Department of <Dermatology>",
    "address": "1 Test Street\r\n00000 Test Town\r\nAppointments: extension 0",
    "registration": "TEST-H-42",
    "signature": "Signed electronically, valid without a signature by hand.",
}
PATTERNS = {f"pattern_{code}": "absent" for code in ("PN", "U", "ON", "MG", "ML", "SW", "AT")}


def photograph(seed: int) -> bytes:
    """The size and shape of a dermatoscope's image."""
    buffer = io.BytesIO()
    Image.effect_noise((1600, 1200), 60 + seed).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def answered(world: World, sign_in, gp: str, images: int = 1, advice: str = "", **facts: object) -> str:
    number = world.case(gp, files=[photograph(seed) for seed in range(images)], **facts)  # type: ignore[arg-type]
    reader = sign_in(world.user(Role.DERMATOLOGIST, name="Test Reader"))
    take(reader, number)
    form = {"diagnosis": "bcc", "management": "biopsy", "advice": advice, **PATTERNS}
    assert decide(reader, number, **form).status_code == 302
    return number


@pytest.fixture
def pages(monkeypatch) -> list[int]:
    """How many pages each letter has that is written."""
    counted: list[int] = []
    original = weasyprint.Document.write_pdf

    def write(self: weasyprint.Document, **options: str) -> bytes:
        counted.append(len(self.pages))
        return original(self, **options)

    monkeypatch.setattr(weasyprint.Document, "write_pdf", write)
    return counted


def html_of(app: Flask, number: str, monkeypatch) -> str:
    """What is drawn."""
    found: list[str] = []

    def drawn(page: str, _style: object) -> bytes:
        found.append(page)
        return b""

    monkeypatch.setattr(letter, "_drawn", drawn)
    with app.test_request_context(), stored_case(app, number) as case:
        letter.pdf_of(case)
    return found[0]


def set_head(admin: CheckedClient, **changes: str) -> None:
    assert admin.submit("/admin/letterhead", {**HEAD, **changes}).status_code == 302


def test_the_administrator_sets_it_and_it_is_noted(app: Flask, admin: CheckedClient) -> None:
    set_head(admin)
    set_head(admin)
    page = admin.get("/admin/letterhead").text
    assert 'value="Test University Hospital"' in page
    assert "Appointments: extension 0</textarea>" in page
    assert actions(app) == ["letterhead.changed"], "the same again is no change"
    set_head(admin, registration="TEST-H-43")
    assert "registration: TEST-H-42 → TEST-H-43" in words(admin.get("/admin/audit").text)


@pytest.mark.parametrize(("field", "most"), [("hospital", 120), ("address", 400), ("signature", 200)])
def test_what_is_too_long_comes_back_as_typed(app: Flask, admin: CheckedClient, field: str, most: int) -> None:
    answer = admin.submit("/admin/letterhead", {**HEAD, field: "x" * (most + 1)})
    assert answer.status_code == 422
    assert "x" * (most + 1) in answer.text
    assert 'value="TEST-H-42"' in answer.text
    assert actions(app) == []


def test_letter_and_printed_answer_have_head_signature_and_registration_numbers(
    app: Flask, world: World, gp: str, admin: CheckedClient, sign_in, monkeypatch
) -> None:
    set_head(admin)
    number = answered(world, sign_in, gp, patient_reference="TEST-BOOK-7")
    with stored_case(app, number) as case:
        reader = case.reviews[0].reviewer.email
    account = f"/admin/accounts/{user_id(app, reader)}"
    form = {"name": "Test Reader", "role": "dermatologist", "centre_id": "", "registration": " TEST-R-1 "}
    assert admin.submit(account, form).status_code == 302
    drawn, printed = html_of(app, number, monkeypatch), sign_in(gp).get(f"/cases/{number}").text
    for page in (drawn, printed):
        shown = words(page)
        for text in (
            "Test University Hospital Department of &lt;Dermatology&gt; Registration number TEST-H-42 1 Test Street",
            "registration number TEST-R-1",
            HEAD["signature"],
            "TEST-BOOK-7",
        ):
            assert text in shown, text
    assert "to-sign" not in drawn, "no line to sign on where the signature line says it is not needed"
    assert '<div class="letterhead">' in printed


def test_without_a_letterhead_there_is_a_line_to_sign_on(
    app: Flask, world: World, gp: str, sign_in, monkeypatch
) -> None:
    number = answered(world, sign_in, gp)
    drawn = html_of(app, number, monkeypatch)
    assert 'class="to-sign">Signature' in drawn
    assert 'class="letterhead"' not in drawn + sign_in(gp).get(f"/cases/{number}").text
    assert "registration number" not in drawn.lower()


def test_a_letter_is_addressed_to_whom_the_case_was_handed(
    app: Flask, world: World, gp: str, admin: CheckedClient, sign_in, monkeypatch
) -> None:
    colleague = world.user(Role.GP, name="Test Colleague")
    number = answered(world, sign_in, gp)
    page = f"/admin/accounts/{user_id(app, gp)}"
    admin.submit(f"{page}/disable", {"to": str(user_id(app, colleague)), **SURE}, page=page)
    assert "Test Colleague, Test Centre A (sent by Test GP)" in words(html_of(app, number, monkeypatch))
    page = f"/admin/accounts/{user_id(app, colleague)}"
    admin.submit(f"{page}/disable", SURE, page=page)
    monkeypatch.undo()
    assert "To Test Centre A (sent by Test GP)" in words(html_of(app, number, monkeypatch))


A_PARAGRAPH = "Excise with a margin of 4 mm; please stop the anticoagulant only after speaking to the cardiologist. "
LETTERS = {
    "short": {},
    "long reason": {"advice": A_PARAGRAPH * 10, "history": A_PARAGRAPH * 5, "clinical_question": "BCC or melanoma?"},
    "six images": {"images": 6, "advice": A_PARAGRAPH * 2},
    "six images and a long reason": {"images": 6, "advice": A_PARAGRAPH * 8, "history": A_PARAGRAPH * 3},
}


@pytest.mark.parametrize("kind", LETTERS)
def test_a_letter_is_one_page_where_it_can_be(
    app: Flask, world: World, gp: str, admin: CheckedClient, sign_in, pages: list[int], kind: str
) -> None:
    set_head(admin)
    number = answered(world, sign_in, gp, **LETTERS[kind])  # type: ignore[arg-type]
    answer = sign_in(gp).get(f"/media/letters/{number}.pdf")
    assert answer.status_code == 200
    assert pages == [1]


def test_what_does_not_fit_one_page_loses_nothing(
    app: Flask, world: World, gp: str, sign_in, pages: list[int], monkeypatch
) -> None:
    """And is not made smaller than it need be for as many pages."""
    number = answered(world, sign_in, gp, images=6, history=A_PARAGRAPH * 38)
    layouts: list[str] = []
    original = weasyprint.HTML.__init__

    def noted(self: weasyprint.HTML, **more: object) -> None:
        layouts.append(re.search(r'<body class="(\w+)">', str(more["string"])).group(1))  # type: ignore[union-attr]
        original(self, **more)

    monkeypatch.setattr(weasyprint.HTML, "__init__", noted)
    assert sign_in(gp).get(f"/media/letters/{number}.pdf").status_code == 200
    assert layouts == list(letter.LAYOUTS)
    assert pages == [2]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ([], "also with Chinese, Japanese, Korean and emoji"),
        (
            ["Korean", "emoji"],
            "no font on this server has Korean and emoji characters: in a report they are empty boxes",
        ),
        (None, "The PDF report is not available: Pango and its fonts are not installed"),
    ],
)
def test_the_service_page_says_which_characters_have_no_font(
    admin: CheckedClient, monkeypatch, missing: list[str] | None, said: str
) -> None:
    monkeypatch.setattr(fonts, "missing", lambda: missing)
    page = admin.get("/admin/service").text
    assert said in words(page)
    assert ("fonts-noto-cjk" in page) is bool(missing)


def test_fontconfig_is_asked_for_the_characters_themselves() -> None:
    """Every font has Latin letters, none has a private character; a library that is missing is no error."""
    library = fonts._fontconfig()
    assert fonts._fonts_with(library, "a") > 0
    assert fonts._fonts_with(library, "\U0010fffd") == 0


def test_without_fontconfig_there_is_no_answer(monkeypatch) -> None:
    def absent() -> None:
        raise OSError("libfontconfig.so.1: cannot open shared object file")

    monkeypatch.setattr(fonts, "_fontconfig", absent)
    assert fonts.missing() is None
    assert status._report().health is status.Health.ATTENTION
