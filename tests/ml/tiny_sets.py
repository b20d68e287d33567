"""Tiny data sets in the layouts of the real ones: dark blobs are BCC."""

import csv
import io
import zipfile
from pathlib import Path

from tests.ml.support import encoded, picture

Rows = list[dict[str, object]]


def table(rows: Rows) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def write_milk(file: Path, lesions: int = 20, first: int = 500) -> Path:
    """Every other lesion is a BCC, then SCC and INF in turn."""
    names = ["BCC", "SCCKA", "BCC", "INF"]
    rows: Rows = [
        {
            "image_id": f"ISIC_{first + k:07d}",
            "lesion_id": f"IL_{k:07d}",
            "dx": names[k % 4],
            "age": 60 if k else "",
            "sex": "female",
            "site": "trunk",
            "skin_tone_class": k % 6 if k else "",
        }
        for k in range(lesions)
    ]
    close_ups: Rows = [
        {"image_id": f"ISIC_{first + 90000 + k:07d}", "lesion_id": f"IL_{k:07d}"} for k in range(lesions - 1)
    ]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.csv", table(rows))
        archive.writestr("clinical.csv", table(close_ups))
        for number, row in enumerate(rows):
            image = picture(first + number, (64, 64), dark=row["dx"] == "BCC")
            archive.writestr(f"images/{row['image_id']}.jpg", encoded(image, "JPEG"))
        for row in close_ups:
            archive.writestr(f"clinical/{row['image_id']}.jpg", encoded(picture(7, (64, 64)), "JPEG"))
    return file


def write_clinics(file: Path, lesions: int = 12) -> Path:
    rows: Rows = [
        {
            "image_id": f"ISIC_{900 + k:07d}",
            "dx": "bcc" if k % 3 == 0 else "scc",
            "lesion_id": f"BCN_{k:07d}",
            "age": "",
            "sex": "",
            "site": "",
        }
        for k in range(lesions)
    ]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.csv", table(rows))
        for number, row in enumerate(rows):
            image = picture(900 + number, (84, 84), dark=row["dx"] == "bcc")
            archive.writestr(f"images/{row['image_id']}.jpg", encoded(image, "JPEG"))
    return file
