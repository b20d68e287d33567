"""The screenshots of docs/guides, taken from the demonstration: ``make guides``. All its images are synthetic."""

import io
import re
import sys
import tempfile
from pathlib import Path
from typing import TypeVar

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from tests.browser.browsers import ARGUMENTS, MISSING, executable
from tests.browser.checks import Troubles
from tests.browser.people import Admin, Dermatologist, Gp, Person
from tests.browser.pictures import drawn
from tests.browser.program import ROOT, Program
from tests.patience import PATIENCE

IMAGES = ROOT / "docs" / "guides" / "images"
SIZE: ViewportSize = {"width": 1180, "height": 800}
MOST_BYTES = 120_000
FINER = ((1.0, 256), (1.0, 128), (0.85, 192), (0.75, 128), (0.65, 96), (0.5, 64))
"""Scale and colours, finest first: the first to make the file small enough is used."""
TO_THE_TOP = "() => window.scrollTo(0, 0)"
P = TypeVar("P", bound=Person)


def main() -> int:
    expect.set_options(timeout=PATIENCE * 1000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        found = executable(playwright.chromium.executable_path)
        if found is None:
            print(MISSING, file=sys.stderr)
            return 1
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        program = Program(Path(folder), "--demo")
        try:
            program.start()
            walk(browser, program)
        finally:
            browser.close()
            program.stop()
    return 0


def walk(browser: Browser, program: Program) -> None:
    """A case from the GP to the dermatologist and back, and the administrator's pages."""
    passwords = dict(re.findall(r"(\w+)@demo\.example +(\S+)", program.log.read_text()))

    def come(kind: type[P], name: str) -> P:
        context = browser.new_context(base_url=program.url, viewport=SIZE, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE * 1000)
        return kind(context.new_page(), Troubles()).sign_in(f"{name}@demo.example", passwords[name])

    gp, reader, admin = come(Gp, "gp"), come(Dermatologist, "dermatologist"), come(Admin, "admin")
    number = send(gp)
    expect(gp.open("/cases/").page.get_by_role("link", name=re.compile("^Being analysed"))).to_have_count(0)
    picture(gp.open(f"/cases/{number}").page, "gp-following")
    decided = read(reader)
    picture(gp.open("/cases/").page, "gp-list")
    picture(gp.open(f"/cases/{decided}").page, "gp-answer")
    look_on(admin)


def send(gp: Gp) -> str:
    gp.open("/cases/new").choose_images(drawn(21), drawn(22))
    expect(gp.page.locator(".preview-state")).to_have_text(["Sharp and bright enough"] * 2)
    images, patient = (gp.page.locator(".card-plain").nth(place) for place in (0, 1))
    picture(gp.page, "gp-images", images)
    gp.page.get_by_label("Patient reference").fill("GUIDE-001")
    gp.choose_site("Ear")
    gp.page.get_by_label("Year of birth").fill("1951")
    gp.page.get_by_label("History").fill("Does not heal for four months. Synthetic example.")
    gp.confirm()
    picture(gp.page, "gp-patient", patient)
    gp.send()
    return gp.sent_case()


def read(reader: Dermatologist) -> str:
    """Review the first trusted case with a heatmap; returns its number."""
    picture(reader.open("/review/").page, "reader-worklist")
    numbers = reader.page.locator("tr:not(.needs-person) [data-row]").all_inner_texts()
    number = next(number for number in numbers if reader.open(f"/review/{number}").page.locator("[data-map]").count())
    reader.click("Claim this case")
    image = reader.viewer_is_open()
    reader.page.locator("[data-map]:visible").first.click()
    expect(image.locator("canvas.heatmap")).to_be_visible()
    reader.page.evaluate(TO_THE_TOP)
    picture(reader.page, "reader-heatmap")
    reader.choose("Basal cell carcinoma", "Biopsy")
    reader.page.evaluate(TO_THE_TOP)
    picture(reader.page, "reader-decision")
    picture(reader.page, "reader-model", reader.page.locator(".image-result:visible"))
    reader.page.keyboard.press("?")
    picture(reader.page, "reader-keys")
    reader.page.keyboard.press("Escape")
    reader.page.get_by_label("Advice to the GP").fill("Please tell the patient to expect a call. Synthetic example.")
    reader.click("Send decision to the GP")
    reader.sees(f"Decision saved for case {number}")
    picture(reader.open(f"/review/{number}").page, "reader-decided")
    return number


def look_on(admin: Admin) -> None:
    admin.open("/admin/accounts").invite("Example Dermatologist", "example@demo.example", "Dermatologist")
    picture(admin.page, "admin-link")
    for name, path in (("service", "service"), ("threshold", "threshold"), ("dashboard", "dashboard")):
        admin.open(f"/admin/{path}")
        admin.page.wait_for_load_state()
        picture(admin.page, f"admin-{name}")


def picture(page: Page, name: str, part: Locator | None = None) -> None:
    """A screenshot of the window, or a part of the page, with few enough colours for a small file."""
    page.wait_for_load_state("networkidle")
    shot = Image.open(io.BytesIO((part or page).screenshot())).convert("RGB")
    for scale, colours in FINER:
        smaller = shot.resize((int(shot.width * scale), int(shot.height * scale)), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        smaller.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= MOST_BYTES:
            break
    (IMAGES / f"{name}.png").write_bytes(buffer.getvalue())
    print(f"{name}.png {buffer.tell() // 1000} kB, {smaller.width} x {smaller.height}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
