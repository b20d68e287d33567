"""The overlay covers exactly the analysed square."""

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

from ml.card import Place
from ml.imaging.preprocessing import Region
from ml.overlay import RAMP, colourise, overlay
from ml.results import Heatmap

PLACE = Place(full=1.0, floor=0.1)


def test_only_the_region_changes() -> None:
    image = Image.new("RGB", (300, 200), (120, 120, 120))
    result = np.asarray(overlay(image, Heatmap(np.ones((8, 8), np.float32), PLACE), Region(50, 0, 200))).astype(int)
    changed = (result != 120).any(axis=2)
    assert changed[:, 50:250].all()
    assert not changed[:, :50].any()
    assert not changed[:, 250:].any()


def test_the_hot_cell_lies_where_the_map_has_it() -> None:
    raw = np.zeros((7, 7), np.float32)
    raw[1, 5] = 1.0
    image = Image.new("RGB", (700, 900), (0, 0, 0))
    result = np.asarray(overlay(image, Heatmap(raw, PLACE), Region(0, 100, 700))).sum(axis=2)
    y, x = np.unravel_index(result.argmax(), result.shape)
    assert 200 <= y < 300
    assert 500 <= x < 600


def test_a_map_without_a_reliable_place_leaves_the_image_unchanged() -> None:
    image = Image.new("RGB", (100, 100), "red")
    result = overlay(image, Heatmap(np.full((8, 8), 0.05, np.float32), PLACE), Region(0, 0, 100))
    assert result.tobytes() == image.tobytes()


def test_colours_rise_in_lightness() -> None:
    colours = colourise(np.arange(256, dtype=np.uint8)[None])[0]
    lightness = colours @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -0.8).all()  # rounding apart
    assert lightness[-1] - lightness[0] > 190


def test_the_page_and_the_command_line_share_one_colour_ramp() -> None:
    script = (Path(__file__).parents[2] / "static" / "js" / "heatmap.js").read_text(encoding="utf-8")
    found = re.search(r"RAMP = (\[\[.*?\]\]);", script)
    assert found
    assert [tuple(colour) for colour in json.loads(found[1])] == list(RAMP)
