"""Bytes to pixels, or a sentence why not.

1. Magic bytes decide what the file is; its extension must agree.
2. The size in the header is judged before anything is allocated for it.
3. The container is walked: a cut file, bytes after the end, more than one picture.
4. Only then is it decoded, strictly: JPEG by libjpeg-turbo, TIFF and PNG by Pillow.

Whatever a hostile file makes a parser raise comes out as ``Unreadable``. OpenCV's own readers are
never used: they accept half files and 2-GB bombs.
"""

import enum
import io
import warnings
import zlib
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from lantai.lib.imagery import directory, formats, jpeg
from lantai.lib.imagery.directory import Dpi
from lantai.lib.imagery.formats import Format, sniff
from lantai.lib.imagery.upright import Pixels, lay_down
from lantai.lib.refusals import Unacceptable

__all__ = ["Colour", "Format", "Picture", "Unreadable", "decode", "scaled", "sniff"]

MOST_PIXELS: Final = 80_000_000  # an A3 sheet at 600 dpi has 70 million
_STRIP_PIXELS: Final = 4_000_000
_RESCAN: Final = "请重新扫描或重新复制该页"
_SIXTEEN_BIT: Final = frozenset({"I;16", "I;16L", "I;16B"})
_SEE_THROUGH: Final = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})

# A bomb is never only a warning.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class Colour(enum.StrEnum):
    COLOUR = "colour"
    GREY = "grey"
    BITONAL = "bitonal"


class Unreadable(Unacceptable):
    """The file gives no page.

    ``code`` is the fault of the catalogue: Q12 when name and content disagree, else Q14.
    ``sentence`` says in Chinese what is wrong and what to do.
    """

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded file.

    ``rgb`` is height × width × 3, as stored: the Exif orientation is reported, not applied.
    ``width`` and ``height`` are those of the file, also when ``rgb`` was decoded smaller.
    ``dpi`` is (x, y) as the file claims, None when it claims nothing sensible.
    ``quality`` is the estimated JPEG setting; ``tools`` the software that left its name.
    """

    rgb: Pixels
    format: Format
    width: int
    height: int
    dpi: Dpi | None
    colour: Colour
    exif_orientation: int
    quality: int | None = None
    tools: tuple[str, ...] = ()


def decode(content: bytes, *, name: str = "", fast: bool = False) -> Picture:
    """Decode a whole file.

    ``name`` is the file's name, whose extension must agree; empty when there is none.
    ``fast`` allows the quicker transform, whose pixels differ by a step or two: good for
    measuring and thumbnails, not for what is compared or kept. Raises Unreadable.
    """
    return _decode(content, name=name, factor=1, fast=fast)


def scaled(content: bytes, *, factor: int, name: str = "") -> Picture:
    """Decode reduced by 2, 4 or 8 (sizes rounded up). The whole file is still proved whole.

    Raises Unreadable, and ValueError for another factor.
    """
    if factor not in {2, 4, 8}:
        raise ValueError(f"factor must be 2, 4 or 8, not {factor}")
    return _decode(content, name=name, factor=factor, fast=True)


def _decode(content: bytes, *, name: str, factor: int, fast: bool) -> Picture:
    kind = _agreed_format(content, name)
    try:
        if kind is Format.JPEG:
            return _decode_jpeg(content, factor=factor, fast=fast)
        picture = _decode_tiff(content) if kind is Format.TIFF else _decode_png(content)
        return picture if factor == 1 else _reduced(picture, factor)
    except Unreadable:
        raise
    except (jpeg.BrokenJpeg, directory.BrokenDirectory) as broken:
        raise Unreadable("Q14", f"图像文件已损坏：{broken}；{_RESCAN}") from broken
    except Exception as broken:
        # A hostile file can make a parser raise anything; whatever it is, it is no page.
        raise Unreadable("Q14", f"图像文件已损坏，无法完整解码；{_RESCAN}") from broken


def _agreed_format(content: bytes, name: str) -> Format:
    kind = sniff(content)
    if kind is None:
        what, way_out = formats.other_kind(content)
        called = f"“{name}”的内容是" if name else "这是"
        raise Unreadable("Q14", f"{called}{what}，不是 JPEG、TIFF 或 PNG 图像；{way_out}")
    if name and formats.EXTENSIONS.get(formats.extension(name)) is not kind:
        ending = formats.extension(name)
        shown = f"扩展名是 .{ending}" if ending else "没有扩展名"
        raise Unreadable("Q12", f"“{name}”{shown}，内容却是 {kind} 图像；请核对后改正扩展名再送入")
    return kind


def _judge_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise Unreadable("Q14", f"图像文件已损坏：没有尺寸；{_RESCAN}")
    if width * height > MOST_PIXELS:
        raise Unreadable(
            "Q14",
            f"图像声称有 {width}×{height} 像素，超过上限 {MOST_PIXELS // 10_000} 万像素；"
            "请按 300 dpi 重新扫描，大幅面纸张请分幅扫描",
        )


def _decode_jpeg(content: bytes, *, factor: int, fast: bool) -> Picture:
    structure = jpeg.walk(content)
    _judge_size(structure.width, structure.height)
    options: dict[str, bool | int] = {"fastdct": fast, "fastupsample": fast, "strict": True}
    if factor > 1:
        options |= {
            "min_factor": factor,
            "min_width": -(-structure.width // factor),
            "min_height": -(-structure.height // factor),
        }
    if structure.components == 4:
        rgb = _from_cmyk(simplejpeg.decode_jpeg(content, "CMYK", **options))
    else:
        rgb = simplejpeg.decode_jpeg(content, "RGB", **options)
    return Picture(
        rgb=rgb,
        format=Format.JPEG,
        width=structure.width,
        height=structure.height,
        dpi=structure.dpi,
        colour=Colour.GREY if structure.components == 1 else colour_of(rgb),
        exif_orientation=structure.orientation,
        quality=jpeg.quality(structure.luminance),
        tools=structure.tools,
    )


def _from_cmyk(inks: Pixels) -> Pixels:
    """Return RGB of inks stored inverted, as every writer of four-component JPEG stores them."""
    black = inks[:, :, 3:]
    return cv2.multiply(inks[:, :, :3], np.repeat(black, 3, axis=2), scale=1 / 255).astype(np.uint8)


def _decode_tiff(content: bytes) -> Picture:
    entries = directory.first_directory(content)
    _judge_size(entries.width, entries.height)
    if directory.pages(content) > 1:
        raise Unreadable(
            "Q14", "这个 TIFF 文件含有多页；请在扫描软件中选择“每页一个文件”，拆分后再送入"
        )
    rgb, colour, _ = _by_pillow(content, "TIFF")
    return Picture(
        # Pillow turns a TIFF upright by itself; the picture is to be as stored.
        rgb=np.ascontiguousarray(lay_down(rgb, orientation=entries.orientation)),
        format=Format.TIFF,
        width=entries.width,
        height=entries.height,
        dpi=entries.dpi,
        colour=colour,
        exif_orientation=entries.orientation,
        tools=(entries.software,) if entries.software else (),
    )


def _decode_png(content: bytes) -> Picture:
    if content[12:16] != b"IHDR":
        raise Unreadable("Q14", f"图像文件已损坏：没有尺寸；{_RESCAN}")
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    _judge_size(width, height)
    fault = _torn_png(content)
    if fault:
        raise Unreadable("Q14", f"图像文件已损坏：{fault}；{_RESCAN}")
    rgb, colour, image = _by_pillow(content, "PNG")
    x, y = image.info.get("dpi", (0, 0))
    software = image.info.get("Software")
    orientation = image.getexif().get(274, 1)
    return Picture(
        rgb=rgb,
        format=Format.PNG,
        width=width,
        height=height,
        dpi=directory.sane_dpi(float(x), float(y)),
        colour=colour,
        exif_orientation=orientation if orientation in range(1, 9) else 1,
        tools=(str(software)[:200],) if software else (),
    )


def _torn_png(content: bytes) -> str:
    """Walk the chunks and return in a clause why the file is not whole; empty when it is.

    Pillow neither misses the end nor checks the sums of the picture's chunks.
    """
    at = 8
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        end = at + 8 + length
        if zlib.crc32(content[at + 4 : end]) != int.from_bytes(content[end : end + 4]):
            return "有一段内容与校验和不符，或文件不完整"
        at = end + 4
        if kind == b"IEND":
            surplus = len(content) - at
            return f"图像结束之后还有 {surplus} 字节来历不明的内容" if surplus else ""
    return "文件不完整，后半部分缺失（没有结束标记）"


def _by_pillow(content: bytes, kind: str) -> tuple[Pixels, Colour, Image.Image]:
    with warnings.catch_warnings():
        # Pillow remarks on odd metadata, which scanners write; damage it raises.
        warnings.simplefilter("ignore", UserWarning)
        image = Image.open(io.BytesIO(content), formats=[kind])
        _judge_size(image.width, image.height)
        if getattr(image, "n_frames", 1) > 1:
            raise Unreadable("Q14", "这个文件含有多幅图像；请每页存为一个文件后再送入")
        image.load()
        rgb = _in_strips(image)
    if image.mode == "1":
        return rgb, Colour.BITONAL, image
    return rgb, colour_of(rgb), image


def _in_strips(image: Image.Image) -> Pixels:
    """Convert to RGB a strip at a time, so that no second whole copy is ever held."""
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        rgb[top:bottom] = _strip_to_rgb(image.crop((0, top, width, bottom)))
    return rgb


def _strip_to_rgb(strip: Image.Image) -> Pixels:
    if strip.mode in _SIXTEEN_BIT:
        grey = (np.asarray(strip) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if strip.mode in {"I", "F"}:
        raise Unreadable("Q14", "图像的像素格式（32 位）不受支持；请改存为 24 位彩色图像")
    if strip.mode in _SEE_THROUGH or "transparency" in strip.info:
        # Paper shows through where a picture is transparent.
        paper = Image.new("RGBA", strip.size, "white")
        strip = Image.alpha_composite(paper, strip.convert("RGBA"))
    return np.asarray(strip.convert("RGB"))


def colour_of(rgb: Pixels) -> Colour:
    """Judge by the pixels, since grey scans are often stored as RGB.

    Grey: next to no pixel whose channels differ by more than rounding. Real colour scans differ
    everywhere, by sensor noise and by the tint of paper. Bitonal: grey with nothing between
    black and white but the ringing of JPEG.
    """
    sample = rgb[:: max(1, rgb.shape[0] // 400), :: max(1, rgb.shape[1] // 400)].astype(np.int16)
    spread = sample.max(axis=2) - sample.min(axis=2)
    if np.count_nonzero(spread > 3) > 0.0005 * spread.size:
        return Colour.COLOUR
    grey = sample[:, :, 1]
    between = np.count_nonzero((grey > 32) & (grey < 223))
    extreme = np.count_nonzero((grey >= 254) | (grey <= 1))
    if between <= 0.02 * grey.size and extreme >= 0.85 * grey.size:
        return Colour.BITONAL
    return Colour.GREY


def _reduced(picture: Picture, factor: int) -> Picture:
    size = (-(-picture.width // factor), -(-picture.height // factor))
    small = cast("Pixels", cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA))
    return Picture(**{**picture.__dict__, "rgb": small})
