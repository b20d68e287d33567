"""An uploaded file is reduced to upright pixels and nothing else."""

import io
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.images import encoded, jpeg, picture, pixel, png
from tests.patience import PATIENCE, wait_until
from webapp.cases import uploads
from webapp.core.config import Settings
from webapp.core.overload import BusyError
from webapp.intake import rebuild as rebuilding
from webapp.intake import spill
from webapp.intake.gate import DECODING, INSIDE, admitted
from webapp.intake.rebuild import PREVIEW_SIDE, THUMBNAIL_SIDE, RefusedImageError, rebuild
from webapp.storage.errors import StoreAwayError

SECRET = b"Jane-Placeholder"


def with_everything() -> bytes:
    """A JPEG with EXIF (GPS, artist), XMP, a comment and a colour profile."""
    from PIL import ImageCms

    exif = Image.Exif()
    exif[0x013B] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (40.0, 26.0, 46.0), 29: SECRET.decode()})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encoded(
        picture(), "JPEG", exif=exif, comment=SECRET, xmp=b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>", icc_profile=profile
    )


def png_with_text() -> bytes:
    info = PngInfo()
    info.add_text("Author", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return encoded(picture(), "PNG", pnginfo=info, exif=b"Exif\0\0" + SECRET)


def webp_with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x013B] = SECRET.decode()
    return encoded(picture(), "WEBP", exif=exif, xmp=SECRET)


@pytest.mark.parametrize("make", [with_everything, png_with_text, webp_with_metadata])
def test_no_metadata_survives(settings: Settings, make) -> None:
    data = make()
    assert SECRET in data, "the test's own file must hold what is to vanish"
    clean = rebuild(data, settings)
    for stored in (clean.data, clean.preview, clean.thumbnail):
        assert SECRET not in stored
        for marker in (b"Exif", b"http://ns.adobe.com", b"xmpmeta", b"ICC_PROFILE", b"iCCP", b"tEXt", b"iTXt", b"eXIf"):
            assert marker not in stored
        assert not Image.open(io.BytesIO(stored)).getexif()
        assert "comment" not in Image.open(io.BytesIO(stored)).info


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_becomes_upright(settings: Settings, orientation: int) -> None:
    upright = Image.new("RGB", (200, 100), "white")
    upright.paste((255, 0, 0), (0, 0, 50, 50))  # red in the upper left
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    clean = rebuild(encoded(stored, "JPEG", exif=exif, quality=95), settings)
    assert (clean.width, clean.height) == (200, 100)
    for data in (clean.data, clean.preview, clean.thumbnail):
        red, green, _blue = pixel(Image.open(io.BytesIO(data)), (20, 20))
        assert red > 200
        assert green < 60


def test_a_png_stays_lossless_and_a_webp_becomes_a_jpeg(settings: Settings) -> None:
    lossless, webp = rebuild(png(), settings), rebuild(encoded(picture(), "WEBP"), settings)
    assert lossless.media_type == "image/png"
    assert Image.open(io.BytesIO(lossless.data)).tobytes() == picture().tobytes()
    assert webp.media_type == "image/jpeg"
    assert Image.open(io.BytesIO(webp.data)).format == "JPEG"


def test_the_thumbnail_is_small_and_keeps_the_proportions(settings: Settings) -> None:
    clean = rebuild(jpeg(800, 400), settings)
    assert Image.open(io.BytesIO(clean.thumbnail)).size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2)
    assert (clean.width, clean.height) == Image.open(io.BytesIO(clean.data)).size == (800, 400)


def test_the_preview_fills_a_screen_and_is_never_larger_than_the_image(settings: Settings) -> None:
    for size, expected in (((2048, 1024), (PREVIEW_SIDE, PREVIEW_SIDE // 2)), ((300, 200), (300, 200))):
        clean = rebuild(jpeg(*size), settings)
        assert Image.open(io.BytesIO(clean.preview)).size == expected
        assert len(clean.preview) < len(clean.data) / 2


def test_what_lists_and_screens_show_first_is_webp(settings: Settings) -> None:
    clean = rebuild(png(), settings)
    assert {Image.open(io.BytesIO(data)).format for data in (clean.preview, clean.thumbnail)} == {"WEBP"}


def test_a_file_of_too_many_bytes_is_refused_with_the_limit(settings: Settings) -> None:
    with pytest.raises(RefusedImageError, match="larger than 1 MB"):
        rebuild(jpeg() + bytes(1024 * 1024), settings.model_copy(update={"max_image_megabytes": 1}))


def test_the_limit_of_pixels_counts_exactly(settings: Settings) -> None:
    tight = settings.model_copy(update={"max_image_megapixels": 1})
    assert rebuild(jpeg(1000, 1000), tight).width == 1000
    with pytest.raises(RefusedImageError, match="more than 1 megapixels"):
        rebuild(jpeg(1001, 1000), tight)


def test_one_request_decodes_three_wait_and_more_are_told_so() -> None:
    inside, leave = threading.Semaphore(0), threading.Event()

    def one() -> None:
        with admitted():
            inside.release()
            leave.wait(PATIENCE)

    with ThreadPoolExecutor(4) as threads:
        under_way = [threads.submit(one) for _ in range(4)]
        try:
            assert inside.acquire(timeout=PATIENCE)
            wait_until(lambda: full(INSIDE))
            assert not inside.acquire(blocking=False)
            with pytest.raises(BusyError), admitted():
                pass
        finally:
            leave.set()
        for each in under_way:
            each.result()
    assert not full(INSIDE)
    assert not full(DECODING)


def test_a_place_is_not_waited_for_without_end() -> None:
    with admitted(), pytest.raises(BusyError), admitted(0.01):
        pass
    assert not full(INSIDE)


def test_an_image_that_is_only_judged_gets_no_smaller_ones(settings: Settings) -> None:
    judged, kept = rebuild(jpeg(), settings, smaller=False), rebuild(jpeg(), settings)
    assert (judged.sha256, judged.quality_flags) == (kept.sha256, kept.quality_flags)
    assert judged.preview == judged.thumbnail == b""
    assert kept.preview
    assert kept.thumbnail


def full(places: threading.Semaphore) -> bool:
    free = places.acquire(blocking=False)
    if free:
        places.release()
    return not free


def test_of_a_file_no_more_is_read_than_is_allowed(app: Flask) -> None:
    """A request may bring one file of the size of six."""
    asked: list[int] = []

    def read(most: int) -> bytes:
        asked.append(most)
        return bytes(most)

    with app.test_request_context(), pytest.raises(uploads.RefusedUploadError, match="larger than 25 MB"):
        uploads.clean_images([("Image 1", read)])
    assert asked == [25 * 1024 * 1024 + 1]


def test_large_results_wait_in_a_file_that_goes_with_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    small, large = bytes(spill.LARGE_BYTES), bytes(spill.LARGE_BYTES + 1)
    assert spill.Spilled(small)._file is None
    kept = spill.Spilled(large)
    file = kept._file
    assert file is not None
    assert kept._data == b""
    assert kept.read() == kept.read() == large
    assert list(tmp_path.iterdir()) == [], "it has no name"
    del kept
    assert file.closed


def test_a_full_disk_is_no_fault_of_the_image(monkeypatch) -> None:
    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(StoreAwayError, match="No space left"):
        spill.Spilled(bytes(spill.LARGE_BYTES + 1))


def test_a_photograph_too_large_for_the_memory_is_kept_at_half_its_size(settings: Settings, monkeypatch) -> None:
    data = jpeg(800, 600)
    monkeypatch.setattr(rebuilding, "DECODING_BYTES", 5 * 800 * 600 + 3 * len(data))
    clean = rebuild(data, settings)
    assert (clean.width, clean.height) == Image.open(io.BytesIO(clean.data)).size == (400, 300)
