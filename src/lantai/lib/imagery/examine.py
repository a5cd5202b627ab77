"""Everything the house wants to know of a scan, from one decoding of its bytes."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import simplejpeg

from lantai.lib.imagery import checks, tiles
from lantai.lib.imagery.decode import Picture, Unreadable, decode
from lantai.lib.imagery.direction import direction
from lantai.lib.imagery.faults import Fault
from lantai.lib.imagery.hashes import fingerprint
from lantai.lib.imagery.light import measure_light
from lantai.lib.imagery.marks import count_marks, find_cut
from lantai.lib.imagery.profile import Profile
from lantai.lib.imagery.sharpness import edge_width, written_places
from lantai.lib.imagery.skew import skew
from lantai.lib.imagery.upright import Pixels, lay_down
from lantai.lib.imagery.view import View, look

THUMBNAIL: Final = 480
THUMBNAIL_QUALITY: Final = 80
_NORM_DPI: Final = 300
_SMALLEST: Final = 24  # pixels: two millimetres at 300 dpi


@dataclass(frozen=True)
class Examined:
    """What one scan is and what is wrong with it.

    ``width`` and ``height`` are stored pixels; ``orientation`` how a viewer must lay them (Exif
    1–8). ``dpi`` is what the file states, None when nothing believable. ``skew_degrees`` is the
    tilt, clockwise positive; ``turned`` how far the content is turned counter-clockwise from
    upright (0, 90, 180, 270), as shown; each is 0 when nothing was sure. ``dhash`` is the
    fingerprint of the sheet; ``thumbnail`` a JPEG of 480 pixels on its longer side, ``pack`` a
    tile pack, both of the stored pixels.
    """

    width: int
    height: int
    dpi: int | None
    colour: str
    orientation: int
    skew_degrees: float
    turned: int
    blank: bool
    quality: int | None
    dhash: str
    faults: tuple[Fault, ...]
    thumbnail: bytes
    pack: bytes


def examine(content: bytes, *, name: str, profile: Profile) -> Examined:
    """Decode, measure, judge, and derive thumbnail and tiles. Raises decode.Unreadable."""
    picture = decode(content, name=name)
    if min(picture.width, picture.height) < _SMALLEST:
        raise Unreadable(
            "Q14",
            f"图像只有 {picture.width}×{picture.height} 像素，不是一页扫描件；"
            "请核对是否选错了文件，并送入扫描所得的图像",
        )
    levels = tiles.pyramid(picture.rgb)
    view = look(picture, levels=levels)
    seen = measure(view)
    turned = seen.turned
    return Examined(
        width=picture.width,
        height=picture.height,
        dpi=round(min(picture.dpi)) if picture.dpi is not None and view.stated else None,
        colour=picture.colour.value,
        orientation=picture.exif_orientation,
        skew_degrees=round(seen.skew.degrees, 2),
        turned=turned,
        blank=not seen.marks,
        quality=picture.quality,
        dhash=fingerprint(view, skew_degrees=seen.skew.degrees, turned=turned),
        faults=checks.faults(seen, profile),
        thumbnail=_thumbnail(levels),
        pack=tiles.make_pack(picture.rgb, levels=levels),
    )


def measure(view: View) -> checks.Measured:
    """Measure a scan; nothing is judged here."""
    picture = view.picture
    cut = find_cut(view)
    width, place = _sharpness(picture, view)
    return checks.Measured(
        picture=picture,
        dpi=view.dpi,
        stated=view.stated,
        skew=skew(view.coarse_ink, finer=view.ink, inside=view.inside, sheet=view.sheet),
        turned=direction(view.ink).turned,
        marks=count_marks(view),
        edge_width=width,
        blurred_region=place,
        light=measure_light(view),
        cut=cut,
        cut_region=None if cut.region is None else view.stored(cut.region),
    )


def _sharpness(
    picture: Picture, view: View
) -> tuple[float | None, tuple[int, int, int, int] | None]:
    """Return the edge width in pixels at 300 dpi and the first place it was judged at.

    A coarser scan is judged by its own pixels: its edges cannot be narrower than its grid.
    """
    written = cv2.bitwise_and(view.coarse_ink, view.inside)
    stored = np.ascontiguousarray(lay_down(written, orientation=picture.exif_orientation))
    places = written_places(stored, scale=view.scale / 2, shape=picture.rgb.shape[:2])
    width = edge_width(picture.rgb, places=places)
    if width is None:
        return None, None
    left, top = places[0]
    return width * min(1.0, _NORM_DPI / view.dpi), (left, top, 256, 256)


def _thumbnail(levels: tuple[Pixels, ...]) -> bytes:
    tall, wide = levels[0].shape[:2]
    scale = min(1.0, THUMBNAIL / max(tall, wide))
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    nearest = [level for level in levels if max(level.shape[:2]) >= max(size)][-1]
    small = cv2.resize(nearest, size, interpolation=cv2.INTER_AREA)
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(small), quality=THUMBNAIL_QUALITY, colorsubsampling="420"
    )
    return encoded
