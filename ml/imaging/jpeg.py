"""Is a JPEG of a kind that is read, and is it whole? Pillow hides the decoder's warnings, so they are provoked.

libjpeg fills in what is missing and says so only in a warning. Bytes added behind each run of compressed data change
nothing in a whole file, and the picture where the decoder had run out of data. Other bytes in place of the last ones
change the picture, unless the decoder had lost its place and left them over.
"""

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

_START: Final = b"\xff\xd8"
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0–SOF15; the others are tables
_READ: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # sequential and progressive, Huffman and arithmetic
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_SCAN: Final = 0xDA
_END: Final = 0xD9
_METADATA: Final = range(0xE0, 0xF0)
_RESTARTS: Final = range(0xD0, 0xD8)
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
_ADDED: Final = bytes(byte for byte in range(1, 255, 4))  # no 0xFF: a marker would end the data
_REPLACED: Final = 8  # bytes
_EIGHTH: Final = 8
_STRIP: Final = 256  # rows
_MOST_SCANS: Final = 100  # an encoder writes ten or so; each takes a pass over the whole image


@dataclass(frozen=True)
class _Segment:
    """`start`: where its marker begins. `body`: the marker's parameters.

    After a scan header, `data`: where the compressed data lies, in pieces between the markers in `restarts`.
    """

    start: int
    marker: int
    body: bytes
    data: tuple[tuple[int, int], ...] = ()
    restarts: tuple[int, ...] = ()

    @property
    def in_order(self) -> bool:
        """Whether no restart marker is missing: they are numbered, from 0 to 7 in turn."""
        return bool(self.data) and all(marker & 7 == index & 7 for index, marker in enumerate(self.restarts))


def is_supported(data: bytes) -> bool:
    """Whether its frame header promises 8 bits a channel and a compression that is read; also if there is none."""
    segments = list(_segments(data))
    frame = next((each for each in segments if each.marker in _FRAMES), None)
    if sum(each.marker == _SCAN for each in segments) > _MOST_SCANS:
        return False
    return frame is None or (frame.marker in _READ and frame.body[:1] == b"\x08")


def buffered_bytes_a_pixel(data: bytes) -> float:
    """What the decoder keeps beside the pixels: every coefficient, where one scan doesn't bring a block completely."""
    segments = list(_segments(data))
    frame = next((each for each in segments if each.marker in _FRAMES), None)
    scan = next((each for each in segments if each.marker == _SCAN), None)
    if frame is None or scan is None:
        return 0.0
    sampling = [(factors >> 4) * (factors & 15) for factors in frame.body[7::3]]
    if frame.marker not in _PROGRESSIVE and scan.body[0] == len(sampling):
        return 0.0
    return 2 * sum(sampling) / max(*sampling, 1)


def is_whole(data: bytes, scale: int = 1) -> bool:
    """Whether the first image in the file has all of its compressed data, for a file that Pillow decodes.

    `scale`: that by which it will be decoded; what does not show there need not be whole.
    """
    data = _without_metadata(data)
    segments = list(_segments(data))
    scans = [each for each in segments if each.marker == _SCAN]
    progressive = any(each.marker in _PROGRESSIVE for each in segments)
    if not scans or not all(scan.in_order for scan in scans):
        return False
    if progressive and not _complete(segments, scans):
        return False
    ends = [end for scan in scans for _, end in scan.data]
    first = scale if progressive else _EIGHTH
    shown = _shown(data, first)
    if _shown(_with_more(data, ends), first) != shown:
        return False
    start, end = scans[-1].data[-1]
    if progressive or end - start < 2 * _REPLACED or len(set(data[end - _REPLACED : end - 1])) == 1:
        return True  # a plain area ends in a run of one byte, and some cameras fill up with zeros
    other = data[: end - _REPLACED] + _ADDED + data[end:]
    # The last bytes may hold only the fine detail of the last block, which the eighth of the size does not show.
    return _shown(other, _EIGHTH) != shown or _shown(other, scale) != _shown(data, scale)


def _segments(data: bytes) -> Iterator[_Segment]:
    """Of the first image, up to its end; what follows a length that cannot be is left out."""
    at = len(_START)
    while found := _MARKER.match(data, at):
        begin, marker, at = at, found[1][0], found.end()
        if marker == _END:
            return
        length = int.from_bytes(data[at : at + 2], "big")
        body, at = data[at + 2 : at + length], at + length
        if marker != _SCAN:
            yield _Segment(begin, marker, body)
            continue
        pieces, restarts, start = [], [], at
        for stop in _MARKER.finditer(data, at):
            pieces.append((start, stop.start()))
            start = stop.end()
            if stop[1][0] not in _RESTARTS:
                at = stop.start()
                break
            restarts.append(stop[1][0])
        else:
            at = len(data)
        yield _Segment(begin, marker, body, tuple(pieces), tuple(restarts))


def _without_metadata(data: bytes) -> bytes:
    """Without the segments of applications, so that a broken EXIF block is not parsed again and again."""
    kept, at = [], 0
    for each in _segments(data):
        if each.marker in _METADATA:
            kept.append(data[at : each.start])
            at = data.index(bytes((each.marker,)), each.start) + 1 + 2 + len(each.body)
    return b"".join([*kept, data[at:]])


def _complete(segments: list[_Segment], scans: list[_Segment]) -> bool:
    """Whether a progressive image's scans bring every coefficient of every component to its last bit (T.81, G.1.1)."""
    frame = next(each for each in segments if each.marker in _PROGRESSIVE)
    wanted = {(component, k) for component in frame.body[6::3] for k in range(64)}
    for scan in scans:
        first, last, bits = scan.body[-3:]
        if not bits & 15:
            wanted -= {(component, k) for component in scan.body[1:-3:2] for k in range(first, last + 1)}
    return not wanted


def _with_more(data: bytes, ends: list[int]) -> bytes:
    edges = [0, *ends, len(data)]
    return _ADDED.join(data[start:end] for start, end in pairwise(edges))


def _shown(data: bytes, scale: int) -> int:
    """A checksum of the decoded pixels; all of the data is read at an eighth of the size as well."""
    image = JpegImageFile(io.BytesIO(data))
    shrink(image, scale)
    found = 0
    for top in range(0, image.height, _STRIP):
        strip = image.crop((0, top, image.width, min(top + _STRIP, image.height)))
        found = zlib.crc32(strip.tobytes(), found)
    return found


def shrink(image: Image.Image, scale: int) -> None:
    """Have it decoded at a `scale`th (1, 2, 4, 8) of its width and height."""
    if scale > 1:
        image.draft(image.mode, (max(image.width // scale, 1), max(image.height // scale, 1)))
