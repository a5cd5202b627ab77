"""Sheets to scan: a small maker of paper pages and of their scans.

A ``Sheet`` is paper with marks in millimetres; ``scan`` lays it on a simulated scanner. The same
sheet scanned twice is a rescan; a sheet with one mark more, less or other is an alteration whose
place in the scan is known from the geometry, not from any picture.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pylopdf_fonts_zh_cn
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
MM_AN_INCH = 25.4
FONTS = Path(pylopdf_fonts_zh_cn.__file__).parent
BLACK, BLUE, RED = (38, 36, 40), (36, 52, 120), (196, 34, 40)
SURNAMES = "彭王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾吕苏卢蒋蔡贾丁魏薛"
WORDS = (
    "同志在工作中能够服从分配积极完成生产任务团结群众遵守纪律学习技术努力提高政治觉悟经群众评议"
    "领导审查同意转正定级并按规定执行工资标准自批准之月起计发该职工系本厂招收的新工人家庭出身历史清楚"
)


@dataclass(frozen=True)
class Text:
    """Characters on one line; ``hand`` > 0 shakes each of them as a pen would."""

    words: str
    x: float
    y: float
    size: float = 4.5
    ink: tuple[int, int, int] = BLACK
    hand: int = 0
    serif: bool = True

    @property
    def box(self) -> Box:
        wide = sum(0.55 if ord(letter) < 256 else 1.0 for letter in self.words)
        return (self.x, self.y, wide * self.size, self.size * 1.1)


@dataclass(frozen=True)
class Line:
    x: float
    y: float
    to_x: float
    to_y: float
    thick: float = 0.3
    ink: tuple[int, int, int] = BLACK


@dataclass(frozen=True)
class Seal:
    words: str
    x: float
    y: float
    across: float = 38.0
    turned: float = 0.0

    @property
    def box(self) -> Box:
        return (self.x - self.across / 2, self.y - self.across / 2, self.across, self.across)


Mark = Text | Line | Seal


@dataclass(frozen=True)
class Sheet:
    """A paper page of ``wide`` x ``tall`` millimetres with its marks."""

    marks: tuple[Mark, ...] = ()
    wide: float = 210.0
    tall: float = 297.0
    paper: tuple[int, int, int] = (236, 226, 200)
    grain: int = 1
    holes: tuple[tuple[float, float], ...] = ()

    def plus(self, *marks: Mark) -> "Sheet":
        return replace(self, marks=(*self.marks, *marks))

    def without(self, *marks: Mark) -> "Sheet":
        return replace(self, marks=tuple(mark for mark in self.marks if mark not in marks))

    def swapped(self, old: Mark, new: Mark) -> "Sheet":
        return replace(self, marks=tuple(new if mark == old else mark for mark in self.marks))


@dataclass(frozen=True)
class Scanner:
    """How a sheet is laid and seen. Shifts in pixels at 300 dpi; turn in degrees, clockwise.

    ``feed`` is by how many of those pixels an uneven feed moves rows up and down.
    """

    dpi: int = 150
    turn: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    margin: float = 3.0
    lid: int = 238
    brightness: float = 1.0
    gamma: float = 1.0
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur: float = 0.5
    noise: float = 2.5
    dust: int = 0
    feed: float = 0.0
    quality: int = 88
    quarter: int = 0
    seed: int = 0


def rescanner(seed: int, *, dpi: int = 150) -> Scanner:
    """Return a scanner with every kind of rescan noise, drawn from the ranges the design names."""
    chance = random.Random(seed)
    return Scanner(
        dpi=dpi,
        turn=chance.uniform(-1, 1),
        scale=chance.uniform(0.99, 1.01),
        shift=(chance.uniform(-12, 12), chance.uniform(-12, 12)),
        lid=chance.choice((14, 238)),
        brightness=chance.uniform(0.9, 1.06),
        gamma=chance.uniform(0.88, 1.14),
        cast=(chance.uniform(0.97, 1.03), 1.0, chance.uniform(0.97, 1.03)),
        blur=chance.uniform(0.4, 1.0),
        dust=chance.randint(0, 6),
        feed=chance.uniform(0, 2),
        quality=chance.randint(75, 92),
        seed=seed,
    )


@cache
def face(points: int, *, serif: bool = True) -> ImageFont.FreeTypeFont:
    name = "NotoSerifSC-Regular.otf" if serif else "NotoSansSC-Regular.otf"
    return ImageFont.truetype(str(FONTS / name), points)


def _stamp(layer: Pixels, cover: NDArray[np.float32], x: int, y: int, ink: Sequence[int]) -> None:
    """Multiply ink into the paper where ``cover`` (0..1) says so; what falls outside is lost."""
    tall, wide = cover.shape
    top, left = max(0, -y), max(0, -x)
    tall, wide = min(tall, layer.shape[0] - y), min(wide, layer.shape[1] - x)
    if tall <= top or wide <= left:
        return
    part = layer[y + top : y + tall, x + left : x + wide].astype(np.float32)
    seen = cover[top:tall, left:wide, None] * (1 - np.float32(ink) / 245)
    layer[y + top : y + tall, x + left : x + wide] = np.clip(part * (1 - seen), 0, 255)


@cache
def _glyph(letter: str, points: int, side: int, serif: bool) -> NDArray[np.float32]:  # noqa: FBT001
    picture = Image.new("L", (side, side))
    ImageDraw.Draw(picture).text(
        (side / 2, side / 2), letter, 255, face(points, serif=serif), anchor="mm"
    )
    return np.asarray(picture, np.float32) / 255


def _letter(letter: str, mark: Text, chance: random.Random, dots: float) -> NDArray[np.float32]:
    """Draw one character; a hand turns, slants and stretches it and presses unevenly."""
    points = max(6, round(mark.size * dots))
    side = round(points * 1.5)
    cover = _glyph(letter, points, side, mark.serif)
    if not mark.hand:
        return cover
    turn, slant = chance.gauss(0, 0.06), chance.gauss(0.08, 0.05)
    grow = chance.gauss(1.0, 0.05)
    middle = side / 2
    frame = np.float32([[grow, slant, 0], [turn, grow * chance.gauss(1, 0.04), 0]])
    frame[:, 2] = middle - frame[:, :2] @ [middle, middle]
    frame[:, 2] += [chance.gauss(0, points * 0.03), chance.gauss(0, points * 0.05)]
    return cv2.warpAffine(cover, frame, (side, side)) * chance.uniform(0.75, 1.0)


def _write(layer: Pixels, mark: Text, dots: float) -> None:
    chance = random.Random(f"{mark.words}{mark.x}{mark.y}{mark.hand}")
    x = mark.x
    for letter in mark.words:
        wide = mark.size * (0.55 if ord(letter) < 256 else 1.0)
        cover = _letter(letter, mark, chance, dots)
        at_x = round((x + wide / 2) * dots - cover.shape[1] / 2)
        at_y = round((mark.y + mark.size * 0.55) * dots - cover.shape[0] / 2)
        _stamp(layer, cover, at_x, at_y, mark.ink)
        x += wide


def _seal(layer: Pixels, mark: Seal, dots: float) -> None:
    """A round seal: ring, star, name along the ring, pressed unevenly."""
    side = round(mark.across * dots) + 4
    middle, radius = side / 2, mark.across * dots / 2
    picture = Image.new("L", (side, side))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((2, 2, side - 3, side - 3), outline=255, width=max(2, round(1.2 * dots)))
    star = [
        (
            middle + radius * (0.3 if k % 2 == 0 else 0.12) * math.sin(k * math.pi / 5),
            middle - radius * (0.3 if k % 2 == 0 else 0.12) * math.cos(k * math.pi / 5),
        )
        for k in range(10)
    ]
    pen.polygon(star, fill=255)
    points = max(6, round(radius * 0.3))
    for k, letter in enumerate(mark.words):
        angle = (k - (len(mark.words) - 1) / 2) * math.radians(230 / max(len(mark.words), 6))
        glyph = Image.new("L", (points * 2, points * 2))
        ImageDraw.Draw(glyph).text((points, points), letter, 255, face(points), anchor="mm")
        glyph = glyph.rotate(-math.degrees(angle), Image.Resampling.BICUBIC)
        picture.paste(
            255,
            (
                round(middle + radius * 0.74 * math.sin(angle)) - points,
                round(middle - radius * 0.74 * math.cos(angle)) - points,
            ),
            glyph,
        )
    picture = picture.rotate(mark.turned, Image.Resampling.BICUBIC)
    worn = np.random.default_rng(len(mark.words)).random((12, 12), np.float32) * 0.5 + 0.5
    cover = np.asarray(picture, np.float32) / 255 * cv2.resize(worn, (side, side))
    _stamp(layer, cover, round(mark.x * dots - middle), round(mark.y * dots - middle), RED)


def painted(sheet: Sheet, *, dpi: int) -> Pixels:
    """Return the sheet itself, H x W x 3, before any scanner."""
    dots = dpi / MM_AN_INCH
    tall, wide = round(sheet.tall * dots), round(sheet.wide * dots)
    chance = np.random.default_rng(sheet.grain)
    clouds = cv2.resize(5 * chance.standard_normal((9, 7), np.float32), (wide, tall))
    fibre = 4 * chance.standard_normal((tall // 2, wide // 2), np.float32)
    fibre = cv2.resize(fibre, (wide, tall))
    layer = np.clip(np.float32(sheet.paper) + (clouds + fibre)[..., None], 0, 255).astype(np.uint8)
    for mark in sheet.marks:
        if isinstance(mark, Text):
            _write(layer, mark, dots)
        elif isinstance(mark, Seal):
            _seal(layer, mark, dots)
        else:
            ends = [round(end * dots * 16) for end in (mark.x, mark.y, mark.to_x, mark.to_y)]
            cover = np.zeros(layer.shape[:2], np.uint8)
            thick = max(1, round(mark.thick * dots))
            cv2.line(cover, tuple(ends[:2]), tuple(ends[2:]), 255, thick, cv2.LINE_AA, 4)
            x, y, w, h = cv2.boundingRect(cover)
            part = np.s_[y : y + h, x : x + w]
            _stamp(layer[part], cover[part].astype(np.float32) / 255, 0, 0, mark.ink)
    return layer


def laid(sheet: Sheet, scanner: Scanner) -> tuple[NDArray[np.float64], int, int]:
    """Return the 2x3 map from millimetres of the sheet to pixels of the scan, width and height."""
    dots = scanner.dpi / MM_AN_INCH
    wide = round((sheet.wide + 2 * scanner.margin) * dots)
    tall = round((sheet.tall + 2 * scanner.margin) * dots)
    angle, size = math.radians(scanner.turn), dots * scanner.scale
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = size * turn
    at = np.array([wide, tall]) / 2 + np.array(scanner.shift) * scanner.dpi / 300
    frame = np.hstack([matrix, (at - matrix @ [sheet.wide / 2, sheet.tall / 2])[:, None]])
    return frame, wide, tall


@cache
def scan(sheet: Sheet, scanner: Scanner) -> Pixels:
    """Return the scan, H x W x 3, as it comes out of its JPEG file."""
    return simplejpeg.decode_jpeg(scanned(sheet, scanner))


@cache
def scanned(sheet: Sheet, scanner: Scanner) -> bytes:
    """Return the JPEG file of the scan."""
    chance = np.random.default_rng(scanner.seed)
    frame, wide, tall = laid(sheet, scanner)
    dots = scanner.dpi / MM_AN_INCH
    to_scan = frame.copy()
    to_scan[:, :2] /= dots
    layer = painted(sheet, dpi=scanner.dpi)
    for x, y in sheet.holes:
        cv2.circle(
            layer, (round(x * dots), round(y * dots)), round(2.8 * dots), (scanner.lid,) * 3, -1
        )
    seen = cv2.warpAffine(
        layer, to_scan, (wide, tall), flags=cv2.INTER_CUBIC, borderValue=(scanner.lid,) * 3
    )
    if scanner.feed:
        rows, columns = np.mgrid[0:tall, 0:wide].astype(np.float32)
        rows += scanner.feed * scanner.dpi / 300 * np.sin(rows * 9 / tall + scanner.seed)
        seen = cv2.remap(seen, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    for _ in range(scanner.dust):
        x, y = (chance.random(2) * [wide, tall]).astype(int).tolist()
        across = chance.uniform(0.17, 0.5) * dots / 2
        shade = (70, 68, 64) if chance.random() < 0.8 else (250, 250, 250)
        cv2.circle(seen, (x, y), max(1, round(across)), shade, -1, cv2.LINE_AA)
    light = cv2.GaussianBlur(seen, (0, 0), scanner.blur * scanner.dpi / 300 + 0.2).astype(
        np.float32
    )
    light = 255 * (light / 255) ** scanner.gamma * scanner.brightness * np.float32(scanner.cast)
    light += scanner.noise * chance.standard_normal(light.shape, np.float32)
    done = np.rot90(np.clip(light, 0, 255).astype(np.uint8), -scanner.quarter)
    return simplejpeg.encode_jpeg(np.ascontiguousarray(done), quality=scanner.quality)


def as_jpeg(rgb: Pixels, *, dpi: int | None = 300, quality: int = 90) -> bytes:
    """Return a JPEG file of the pixels that states ``dpi``, or no resolution."""
    content = simplejpeg.encode_jpeg(np.ascontiguousarray(rgb), quality=quality)
    return content if dpi is None else stating(content, dpi=dpi)


def stating(content: bytes, *, dpi: int) -> bytes:
    """Return a JPEG file of the maker as it is, but stating a resolution."""
    return content[:13] + b"\x01" + dpi.to_bytes(2) * 2 + content[18:]


def place(box: Box, sheet: Sheet, scanner: Scanner) -> Box:
    """Return where a box of the sheet (millimetres) lies in its scan (pixels)."""
    frame, _, _ = laid(sheet, scanner)
    x, y, wide, tall = box
    corners = np.array([[x, y], [x + wide, y], [x, y + tall], [x + wide, y + tall]])
    seen = corners @ frame[:, :2].T + frame[:, 2]
    (left, top), (right, bottom) = seen.min(axis=0), seen.max(axis=0)
    return (float(left), float(top), float(right - left), float(bottom - top))


def words(chance: random.Random, count: int) -> str:
    start = chance.randrange(len(WORDS))
    return (WORDS * 3)[start : start + count]


def form(seed: int, *, layout: int = 0) -> Sheet:
    """A form: ``layout`` fixes the printed part, ``seed`` what the hand filled in."""
    printed, filled = random.Random(f"layout {layout}"), random.Random(f"form {seed}")
    pen = filled.choice((BLACK, BLUE))
    title = printed.choice(("工资调整审批表", "招收新工人登记表", "职工履历表", "转正定级审批表"))
    marks: list[Mark] = [Text(title, 70, 20, 8)]
    top, row = 40.0, printed.uniform(11, 14)
    rows = 10
    marks += [Line(20, top + k * row, 190, top + k * row, 0.35) for k in range(rows + 1)]
    uprights = (20.0, 48.0, 105.0, 133.0, 190.0)
    marks += [Line(x, top, x, top + rows * row, 0.35) for x in uprights]
    for k in range(rows):
        marks += [
            Text(words(printed, 5), x, top + k * row + 3.5, 4.6, serif=False) for x in (22.0, 107.0)
        ]
        y = top + k * row + filled.uniform(2.5, 4.5)
        name = filled.choice(SURNAMES) + words(filled, 2)
        day = f"19{filled.randint(56, 92)}.{filled.randint(1, 12)}.{filled.randint(1, 28)}"
        left, right = (name, day) if k % 2 else (day, words(filled, filled.randint(4, 8)))
        hand = seed * 100 + k + 1
        marks.append(Text(left, 52 + filled.uniform(0, 6), y, 5.2, pen, hand))
        marks.append(Text(right, 136 + filled.uniform(0, 4), y, 5.0, pen, hand + 50))
    y = top + rows * row + 8
    marks += [
        Text(words(filled, 24), 26, y + 9 * k, 5.4, pen, seed * 100 + 99 - k) for k in range(2)
    ]
    marks.append(Seal(words(filled, 8), 150, 262, turned=filled.uniform(-20, 20)))
    marks.append(
        Text(
            f"19{filled.randint(70, 92)}年{filled.randint(1, 12)}月3日", 135, 268, 5, pen, seed + 1
        )
    )
    return Sheet(tuple(marks), grain=seed, holes=((8, 60), (8, 150), (8, 240)))


def letter(seed: int) -> Sheet:
    """A page of handwriting on ruled paper."""
    chance = random.Random(f"letter {seed}")
    marks: list[Mark] = [Line(20, 40 + 10 * k, 190, 40 + 10 * k, 0.2, RED) for k in range(23)]
    for k in range(chance.randint(8, 20)):
        line = words(chance, chance.randint(18, 27))
        marks.append(Text(line, 22, 33 + 10 * k, 5.8, BLUE, seed * 50 + k + 1))
    return Sheet(tuple(marks), paper=(240, 232, 214), grain=seed)


def contract(seed: int) -> Sheet:
    """A printed page with a seal."""
    chance = random.Random(f"contract {seed}")
    marks: list[Mark] = [Text("劳动合同书", 80, 28, 9, serif=False)]
    marks += [
        Text(words(chance, chance.randint(25, 36)), 25, 50 + 8.5 * k, 4.4)
        for k in range(chance.randint(14, 22))
    ]
    marks.append(Seal(words(chance, 9), 140, 260, 42, chance.uniform(-30, 30)))
    return Sheet(tuple(marks), paper=(247, 246, 240), grain=seed)


def blank(seed: int) -> Sheet:
    return Sheet(grain=seed, paper=(238, 230, 208))
