"""Which kind of file the bytes are, whatever the name says.

Magic bytes decide; the extension must agree. Only JPEG, TIFF and PNG are taken: every other kind
is named to the person together with the way to bring it in.
"""

import enum
import re
from typing import Final


class Format(enum.StrEnum):
    JPEG = "JPEG"
    TIFF = "TIFF"
    PNG = "PNG"


EXTENSIONS: Final = {
    "jpg": Format.JPEG,
    "jpeg": Format.JPEG,
    "jpe": Format.JPEG,
    "jfif": Format.JPEG,
    "tif": Format.TIFF,
    "tiff": Format.TIFF,
    "png": Format.PNG,
}

_MAGIC: Final = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
)

_SCAN_AGAIN: Final = "请在扫描软件中改存为 JPEG 或 TIFF 图像，每面纸一个文件"
_EXPORT: Final = "请用生成它的软件逐页导出为 300 dpi 的 JPEG 或 TIFF 图像"
_UNPACK: Final = "请先解开，再逐页送入其中的图像"
_PHOTO: Final = "请用扫描仪重新扫描；只有照片时，请在手机设置中改为“兼容性最佳”（JPEG）后重拍"
_NOT_A_SCAN: Final = "请核对是否选错了文件，并送入扫描所得的图像"

# First bytes (offset, bytes) of kinds that arrive by mistake: name, way out.
_OTHERS: Final = (
    (0, b"%PDF", "PDF 文件", _EXPORT),
    (0, b"GIF8", "GIF 图像", _SCAN_AGAIN),
    (0, b"BM", "BMP 图像", _SCAN_AGAIN),
    (8, b"WEBP", "WebP 图像", _SCAN_AGAIN),
    (4, b"ftypavif", "AVIF 图像", _SCAN_AGAIN),
    (4, b"ftyp", "HEIC 手机照片或视频", _PHOTO),
    (4, b"jP  ", "JPEG 2000 图像", _SCAN_AGAIN),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000 图像", _SCAN_AGAIN),
    (0, b"II+\0", "BigTIFF 图像", _SCAN_AGAIN),
    (0, b"MM\0+", "BigTIFF 图像", _SCAN_AGAIN),
    (0, b"8BPS", "Photoshop 文件", _SCAN_AGAIN),
    (0, b"AT&TFORM", "DjVu 文件", _EXPORT),
    (0, b"PK\x03\x04", "压缩包或 OFD、Office 文件", _UNPACK),
    (0, b"Rar!", "压缩包", _UNPACK),
    (0, b"7z\xbc\xaf", "压缩包", _UNPACK),
    (0, b"\x1f\x8b", "压缩包", _UNPACK),
    (0, b"\xd0\xcf\x11\xe0", "旧版 Office 文件", _EXPORT),
    (0, b"\x76\x2f\x31\x01", "OpenEXR 图像", _SCAN_AGAIN),
    (0, b"MZ", "Windows 程序", _NOT_A_SCAN),
    (0, b"\x7fELF", "程序", _NOT_A_SCAN),
)
_MARKUP: Final = (
    (re.compile(rb"<svg", re.IGNORECASE), "SVG 矢量图", _SCAN_AGAIN),
    (re.compile(rb"<!doctype html|<html|<script", re.IGNORECASE), "网页", _NOT_A_SCAN),
    (re.compile(rb"\A\s*(?:\xef\xbb\xbf)?<\?xml"), "XML 文件", _NOT_A_SCAN),
)
_TEXT_CONTROLS: Final = frozenset(range(32)) - {9, 10, 12, 13}


def sniff(content: bytes) -> Format | None:
    """Return the format by magic bytes, or None when it is none that is taken."""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    return None


def extension(name: str) -> str:
    """Return the extension of a file name in lower case without its dot; empty when none."""
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem and "/" not in ending else ""


def other_kind(content: bytes) -> tuple[str, str]:
    """Return what a file that is none of ours seems to be, and the way out, both in Chinese."""
    if not content:
        return "空文件（0 字节）", "请重新扫描或重新复制"
    for offset, magic, kind, way_out in _OTHERS:
        if content.startswith(magic, offset):
            return kind, way_out
    head = content[:2048]
    for pattern, kind, way_out in _MARKUP:
        if pattern.search(head):
            return kind, way_out
    if not _TEXT_CONTROLS.intersection(head):
        return "文本文件", _NOT_A_SCAN
    return "无法识别的文件", "请重新扫描；若文件来自移动介质，请重新复制后再试"
