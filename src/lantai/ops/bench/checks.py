"""``lantai bench checks``: what the image checks find, on faults that were planted.

Forms of fictional dossiers are drawn and scanned at 300 dpi; each is then spoilt in every way of
``SPOILT``, one way at a time, and examined. A fault counts as found if its own finding is there;
as false wherever it is reported and was not planted. So recall and precision stand side by side,
and the skew found beside the skew laid down.
"""

import io
import os
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from lantai.lib.imagery import decode, profile, report, tiles
from lantai.lib.imagery.checks import faults
from lantai.lib.imagery.decode import Unreadable
from lantai.lib.imagery.examine import measure
from lantai.lib.imagery.faults import Fault
from lantai.lib.imagery.upright import Pixels
from lantai.lib.imagery.view import look
from lantai.ops.bench import machine
from lantai.sample.dossier import FORMS, materials
from lantai.sample.lives import lives
from lantai.sample.page import PageOrder, draw
from lantai.sample.plants import chance as stream
from lantai.sample.scan import Mistakes

SEED: Final = 23
PAGES: Final = 60
DPI: Final = 300
_QUALITY: Final = 92
_PAGES_A_LIFE: Final = 12

# The findings told apart, by code and the words their measure has.
FINDINGS: Final = {
    "blurred": ("Q01", r"笔画边缘"),
    "dark": ("Q01", r"纸面亮度"),
    "pale": ("Q01", r"字迹与纸面相差"),
    "burnt": ("Q01", r"为纯白"),
    "cut": ("Q02", r"."),
    "turned": ("Q07", r"内容"),
    "skewed": ("Q07", r"倾斜"),
    "resolution": ("Q08", r"dpi"),
    "colour": ("Q08", r"图像$"),
    "edited": ("Q09", r"痕迹"),
    "compressed": ("Q09", r"质量约"),
    "blank": ("Q10", r"."),
}


@dataclass(frozen=True)
class Way:
    """One way to spoil a page: the finding it must give, and those it may give besides."""

    finding: str | None
    spoil: Callable[[Pixels, random.Random], Pixels] | None = None
    mistakes: Callable[[random.Random], Mistakes] | None = None
    file: Callable[[Pixels], bytes] | None = None
    blank: bool = False
    besides: frozenset[str] = frozenset()


def _defocused(sigma: float) -> Callable[[Pixels, random.Random], Pixels]:
    return lambda page, chance: cv2.GaussianBlur(page, (0, 0), sigma)


def _moved(page: Pixels, chance: random.Random) -> Pixels:
    kernel = np.zeros((9, 9), np.float32)
    kernel[4] = 1 / 9
    return cv2.filter2D(page, -1, kernel if chance.random() < 0.5 else kernel.T)


def _scaled(by: float) -> Callable[[Pixels, random.Random], Pixels]:
    return lambda page, chance: np.clip(page.astype(np.float32) * by, 0, 255).astype(np.uint8)


def _washed_out(page: Pixels, chance: random.Random) -> Pixels:
    return (page.astype(np.float32) * 0.3 + 150).astype(np.uint8)


def _bitonal(page: Pixels) -> bytes:
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    _, flat = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    held = io.BytesIO()
    Image.fromarray(flat).convert("1").save(held, "TIFF", compression="group4", dpi=(DPI, DPI))
    return held.getvalue()


def _from_an_editor(page: Pixels) -> bytes:
    held, tags = io.BytesIO(), Image.Exif()
    tags[0x0131] = "Adobe Photoshop 24.0"
    Image.fromarray(page).save(held, "JPEG", quality=_QUALITY, dpi=(DPI, DPI), exif=tags)
    return held.getvalue()


def _compressed(page: Pixels) -> bytes:
    held = io.BytesIO()
    Image.fromarray(page).save(held, "JPEG", quality=70, dpi=(DPI, DPI))
    return held.getvalue()


def _plain(page: Pixels) -> bytes:
    held = io.BytesIO()
    Image.fromarray(page).save(held, "JPEG", quality=_QUALITY, subsampling=0, dpi=(DPI, DPI))
    return held.getvalue()


# A blurred page may look pale, since thin strokes dissolve; a burnt one may lose its writing.
SPOILT: Final = {
    "as scanned": Way(None),
    "defocus 1.5": Way("blurred", _defocused(1.5), besides=frozenset({"pale"})),
    "defocus 2": Way("blurred", _defocused(2), besides=frozenset({"pale"})),
    "defocus 3": Way("blurred", _defocused(3), besides=frozenset({"pale"})),
    "motion 9 px": Way("blurred", _moved, besides=frozenset({"pale"})),
    "brightness 0.6": Way("dark", _scaled(0.6)),
    "brightness 1.3": Way("burnt", _scaled(1.3), besides=frozenset({"pale"})),
    "contrast 0.3": Way("pale", _washed_out),
    "cut off": Way("cut", mistakes=lambda chance: Mistakes(cut=chance.uniform(0.08, 0.2))),
    "skewed": Way(
        "skewed",
        mistakes=lambda chance: Mistakes(skew=chance.choice((-1, 1)) * chance.uniform(1.8, 4.5)),
    ),
    "turned": Way("turned", mistakes=lambda chance: Mistakes(turn=chance.choice((90, 180, 270)))),
    "half resolution": Way("resolution", mistakes=lambda chance: Mistakes(half=True)),
    "grey": Way("colour", mistakes=lambda chance: Mistakes(grey=True)),
    "bitonal": Way("colour", file=_bitonal, besides=frozenset({"burnt", "pale", "dark"})),
    "edited": Way("edited", file=_from_an_editor),
    "compressed 70": Way("compressed", file=_compressed),
    "blank": Way("blank", blank=True),
}
# Harm to the file itself: what is left of the bytes. "flipped" is known by its digest only.
HARMED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "cut at 30 %": lambda held: held[: len(held) * 3 // 10],
    "cut at 95 %": lambda held: held[: len(held) * 19 // 20],
    "last 200 bytes gone": lambda held: held[:-200],
    "end mark gone": lambda held: held[:-2],
    "cut with a false end": lambda held: held[: len(held) // 2] + b"\xff\xd9",
    "512 noughts inside": lambda held: (
        held[: len(held) // 2] + bytes(512) + held[len(held) // 2 + 512 :]
    ),
    "1 KB appended": lambda held: held + b"x" * 1024,
}


@dataclass(frozen=True)
class Seen:
    """One examined page: how it was spoilt, what was found and measured."""

    way: str
    found: frozenset[str]
    edge_width: float | None
    laid: float  # degrees, clockwise positive
    measured: float
    turned: tuple[int, int]  # laid, measured
    style: str  # "hand" where most of the writing is by hand


def checks(pages: int, real: Path | None) -> dict[str, Any]:
    """Measure and return ``name, ratios, figures, machine``; ``real`` is a folder of other scans.

    Ratios: recall and precision of each finding, the area under the curve of each kind of blur.
    """
    orders = list(_orders(pages))
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        results = list(pool.map(_examined, orders))
    seen = [one for many, _ in results for one in many]
    harmed: Counter[str] = Counter()
    for _, caught in results:
        harmed.update(caught)
    ratios: dict[str, float] = {}
    for way, spoilt in SPOILT.items():
        if spoilt.finding:
            of_way = [one for one in seen if one.way == way]
            hits = sum(spoilt.finding in one.found for one in of_way)
            ratios[f"recall {way}"] = round(hits / len(of_way), 4)
    for finding in FINDINGS:
        ratios[f"precision {finding}"] = _precision(finding, seen)
    ratios.update(_areas(seen))
    ratios.update({f"refused {harm}": harmed[harm] / len(orders) for harm in HARMED})
    figures: dict[str, Any] = {"pages": len(orders), "examined": len(seen), **_skew(seen)}
    if real is not None:
        figures["real pages"] = _real(real)
    return {"name": "checks", "ratios": ratios, "figures": figures, "machine": machine()}


def _orders(pages: int) -> Iterator[PageOrder]:
    """Clean sides, of many people and kinds of form."""
    given = 0
    for life in lives(seed=SEED, count=-(-pages // _PAGES_A_LIFE)):
        sides = [
            (material, side)
            for material in materials(life)
            for side in range(1, len(FORMS[material.key].sides) + 1)
        ]
        stream(SEED, life.number).shuffle(sides)
        for material, side in sides[:_PAGES_A_LIFE]:
            if given == pages:
                return
            given += 1
            yield PageOrder(life=life, material=material, side=side, dpi=DPI, fonts=None)


def _examined(order: PageOrder) -> tuple[list[Seen], list[str]]:
    """Every way to spoil one page; and the kinds of harm by which its file was refused."""
    cv2.setNumThreads(1)
    norm = profile.load()
    clean = draw(order)
    whole = simplejpeg.decode_jpeg(clean.content, "RGB", fastdct=False)
    seen = []
    for number, (way, spoilt) in enumerate(SPOILT.items()):
        chance = stream(SEED, order.life.number, order.material.key, order.side, number)
        page = clean
        if spoilt.mistakes or spoilt.blank:
            made = spoilt.mistakes(chance) if spoilt.mistakes else order.mistakes
            page = draw(replace(order, mistakes=made, blank=spoilt.blank))
        content = page.content
        if spoilt.spoil:
            content = _plain(spoilt.spoil(whole, chance))
        elif spoilt.file:
            content = spoilt.file(whole)
        picture = decode.decode(content, name="")
        measured = measure(look(picture, levels=tiles.pyramid(picture.rgb)))
        found = frozenset(
            name for fault in faults(measured, norm) if (name := _finding(fault)) is not None
        )
        styles = Counter(claim["style"] for claim in clean.truth["claims"])
        seen.append(
            Seen(
                way=way,
                found=found,
                edge_width=measured.edge_width,
                laid=page.truth["skew_degrees"],
                measured=measured.skew.degrees,
                turned=(page.truth["turned"], measured.turned),
                style="hand" if styles["hand"] * 2 > sum(styles.values()) else "print",
            )
        )
    return seen, [harm for harm, spoil in HARMED.items() if _is_refused(spoil(clean.content))]


def _is_refused(content: bytes) -> bool:
    try:
        decode.decode(content, name="")
    except Unreadable:
        return True
    return False


def _finding(fault: Fault) -> str | None:
    for name, (code, words) in FINDINGS.items():
        if fault.code == code and re.search(words, fault.measure):
            return name
    return None


def _precision(finding: str, seen: list[Seen]) -> float:
    true = false = 0
    for one in seen:
        way = SPOILT[one.way]
        if finding in one.found and finding not in way.besides:
            true, false = true + (finding == way.finding), false + (finding != way.finding)
    return round(true / (true + false), 4) if true + false else 0.0


def _areas(seen: list[Seen]) -> dict[str, float]:
    """How well the edge width tells each kind of blur from pages as scanned (1: always)."""
    widths: dict[str, list[float]] = defaultdict(list)
    for one in seen:
        if one.edge_width is not None:
            widths[one.way].append(one.edge_width)
    clean = np.array(widths["as scanned"])
    out = {}
    for way, spoilt in SPOILT.items():
        if spoilt.finding == "blurred":
            blurred = np.array(widths[way])[:, None]
            above = (blurred > clean).mean() + (blurred == clean).mean() / 2
            out[f"area under the curve {way}"] = round(float(above), 4)
    return out


def _skew(seen: list[Seen]) -> dict[str, float]:
    """Errors of the skew in degrees, on pages as scanned and askew, by the hand of the writing."""
    out = {}
    for style in ("print", "hand"):
        errors = [
            abs(one.laid - one.measured)
            for one in seen
            if one.way in {"as scanned", "skewed"} and one.style == style
        ]
        if errors:
            out[f"skew error {style}, median degrees"] = round(float(np.median(errors)), 3)
            out[f"skew error {style}, 95 %"] = round(float(np.quantile(errors, 0.95)), 3)
            out[f"skew error {style}, worst"] = round(max(errors), 3)
    return out


def _real(folder: Path) -> list[dict[str, Any]]:
    """What is said of scans nobody made for this: a row a file, with the codes found."""
    norm = profile.load()
    rows = []
    for path in sorted(folder.iterdir()):
        if path.is_file():
            row = report.check_file(path.read_bytes(), path.name, norm)
            rows.append({"file": path.name, "codes": [fault["code"] for fault in row["faults"]]})
    return rows
