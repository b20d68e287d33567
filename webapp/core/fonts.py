"""Which characters no font of this machine has, asked of fontconfig, as Pango does for the PDF report."""

import ctypes
from functools import cache
from typing import Any

SAMPLES = {"Chinese": "中", "Japanese": "あ", "Korean": "한", "emoji": "\N{SLIGHTLY SMILING FACE}"}
"""A character of each script that the usual fonts lack."""


class _FontSet(ctypes.Structure):
    _fields_ = (("count", ctypes.c_int), ("room", ctypes.c_int), ("fonts", ctypes.c_void_p))


@cache
def _fontconfig() -> Any:
    library = ctypes.CDLL("libfontconfig.so.1")
    for name in ("FcPatternCreate", "FcCharSetCreate", "FcObjectSetCreate"):
        getattr(library, name).restype = ctypes.c_void_p
    library.FcFontList.restype = ctypes.POINTER(_FontSet)
    return library


def missing() -> list[str] | None:
    """The names in SAMPLES whose character no font has; None without fontconfig, and so without reports."""
    try:
        library = _fontconfig()
    except OSError:
        return None
    library.FcInitBringUptoDate()
    return [name for name, character in SAMPLES.items() if not _fonts_with(library, character)]


def _fonts_with(library: Any, character: str) -> int:
    pattern, wanted, names = (
        ctypes.c_void_p(make())
        for make in (library.FcPatternCreate, library.FcCharSetCreate, library.FcObjectSetCreate)
    )
    library.FcCharSetAddChar(wanted, ctypes.c_uint32(ord(character)))
    library.FcPatternAddCharSet(pattern, b"charset", wanted)
    library.FcObjectSetAdd(names, b"family")
    found = library.FcFontList(None, pattern, names)
    count = found.contents.count if found else 0
    library.FcFontSetDestroy(found)
    library.FcObjectSetDestroy(names)
    library.FcCharSetDestroy(wanted)
    library.FcPatternDestroy(pattern)
    return int(count)
