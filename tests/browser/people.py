"""What people do with the application: each method is named as a person would say it."""

import base64
import re
from collections.abc import Sequence
from typing import Self

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.checks import Troubles

PASSWORD = "four unrelated clinic words"


DROP = """async (data) => {
  const files = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  files.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
  const zone = document.getElementById("drop-zone");
  for (const kind of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


def image_files(*contents: bytes) -> list[FilePayload]:
    """Files as a person chooses them, with name and type from their first bytes."""
    kinds = [("png", "image/png") if data.startswith(b"\x89PNG") else ("jpg", "image/jpeg") for data in contents]
    return [
        {"name": f"lesion-{i}.{suffix}", "mimeType": media_type, "buffer": data}
        for i, (data, (suffix, media_type)) in enumerate(zip(contents, kinds, strict=True), start=1)
    ]


class Person:
    """Somebody at their own browser."""

    def __init__(self, page: Page, troubles: Troubles) -> None:
        self.page, self.troubles = page, troubles

    def open(self, path: str) -> Self:
        self.page.goto(path)
        return self

    def click(self, name: str, role: str = "button") -> None:
        self.page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def sees_title(self, text: str | re.Pattern[str]) -> None:
        """The page with this title has loaded completely, so that its scripts run and every key works."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)
        self.page.wait_for_load_state()

    def sees_errors(self) -> None:
        """The form has come back with an error summary, which has the focus."""
        expect(self.page.locator("#error-summary")).to_be_focused()
        self.page.wait_for_load_state()

    def sign_in(self, email: str, password: str = PASSWORD) -> Self:
        return self.open("/login").sign_in_here(email, password)

    def sign_in_here(self, email: str, password: str = PASSWORD) -> Self:
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.click("Sign in")
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        return self

    def accept(self, invitation: str, email: str, password: str = PASSWORD) -> None:
        """Use an invitation link: choose a password, then sign in with it."""
        self.page.goto(invitation)
        self.page.get_by_label("New password", exact=True).fill(password)
        self.page.get_by_label("Confirm new password").fill(password)
        self.click("Save password")
        self.sees_title("Sign in")
        self.sign_in(email, password)

    def will_not_reload(self) -> None:
        """Leave a mark that a reload would remove."""
        self.page.evaluate("() => { window.markOfTheTest = true; }")

    def has_not_reloaded(self) -> None:
        assert self.page.evaluate("() => window.markOfTheTest === true"), "the page was loaded again"


class Admin(Person):
    def add_centre(self, name: str) -> None:
        self.click("Centres", "link")
        self.click("Add a centre", "link")
        self.page.get_by_label("Centre name").fill(name)
        self.click("Save")
        self.sees(f"{name} was added")

    def invite(self, name: str, email: str, role: str, centre: str | None = None) -> str:
        """Returns the one-time link."""
        self.click("Accounts", "link")
        self.click("Invite someone", "link")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Full name").fill(name)
        self.page.get_by_label(role, exact=True).check()
        if centre:
            self.page.get_by_label("Centre").select_option(label=centre)
        self.click("Create invitation link")
        return self.page.get_by_label("One-time link").input_value()


class Gp(Person):
    @property
    def images(self) -> Locator:
        return self.page.get_by_label("Dermoscopic images")

    def preview(self, position: int) -> Locator:
        return self.page.locator("#previews li").nth(position - 1)

    def begin_case(self, reference: str = "TEST-1", site: str = "Face") -> None:
        self.open("/cases/new")
        self.page.get_by_label("Patient reference").fill(reference)
        self.choose_site(site)
        self.confirm()

    def site(self, name: str) -> Locator:
        return self.page.get_by_role("radio", name=name, exact=True)

    def choose_site(self, name: str, side: str = "Left") -> None:
        self.site(name).check()
        self.site(side).check()

    def confirm(self) -> None:
        """Consent and privacy."""
        for words in ("The patient, or the person who decides", "No image or text includes"):
            self.page.get_by_label(words).check()

    def choose_images(self, *contents: bytes) -> None:
        self.images.set_input_files(image_files(*contents))

    def drop_image(self, content: bytes) -> None:
        self.page.evaluate(DROP, base64.b64encode(content).decode())

    def use_camera(self, content: bytes) -> None:
        self.page.get_by_label("Or take a photo").set_input_files(image_files(content))

    def send(self) -> None:
        self.click("Send case")

    def sent_case(self) -> str:
        """The number of the case just sent."""
        self.page.wait_for_url(re.compile(r"/cases/DT-"))
        return self.page.url.rsplit("/", 1)[1]

    def step(self, title: str) -> Locator:
        return self.page.locator(".step").filter(has=self.page.locator(f"strong:text-is('{title}')"))


class Dermatologist(Person):
    def row(self, number: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=number)

    def read(self, number: str) -> None:
        """From the worklist into the case, which is then claimed."""
        self.page.get_by_role("button", name=f"Review case {number}").click()
        self.sees_title(f"Case {number}")

    def viewer_is_open(self, position: int = 1) -> Locator:
        """The images' half of the page, with this image in the viewer and its result beside it."""
        if position > 1:
            self.page.locator(f'[data-frame="image-{position}"]').click()
        expect(self.page.locator(f"#image-{position}")).to_be_visible()
        expect(self.page.locator(".analysed-frame")).to_be_visible()
        return self.page.locator(".light-box")

    def result(self, position: int = 1) -> Locator:
        return self.page.locator(f"#image-{position}")

    def shows_map(self, label: str, position: int = 1) -> None:
        self.result(position).get_by_role("button", name=f"Map of {label}").click()
        expect(self.page.locator("canvas.heatmap")).to_have_count(1)

    def looks(self) -> None:
        """Nothing is sent before the image could be seen."""
        expect(self.page.locator("body[data-painted]")).to_be_attached()

    def choose(self, *labels: str) -> None:
        self.page.wait_for_load_state()
        if self.page.locator("#viewer").is_visible():
            self.looks()
        for label in labels:
            self.page.locator(".decision").get_by_label(label).check()

    def decide(self, diagnosis: str, management: str, advice: str = "") -> None:
        self.choose(diagnosis, management)
        self.page.get_by_label("Advice to the GP").fill(advice)
        self.click("Send decision to the GP")


def percentages(texts: Sequence[str]) -> list[float]:
    """The probabilities shown in a list, as numbers: "BCC 97 %" is 97, "BCC < 1 %" is 0.5 and "BCC > 99 %" is 99.5."""
    exact = {"<": 0.5, ">": 99.5}
    return [exact[text.split()[-3]] if text.split()[-3] in exact else float(text.split()[-2]) for text in texts]
