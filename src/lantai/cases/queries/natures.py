"""The four natures of the images before they are frozen: 真实、完整、可用、安全 (DA/T 70-2018).

Each item says what was looked at and what was found. What the program cannot see is told as not
checked. Items marked as veto stop the freezing when they fail.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from lantai.access import services as door
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier, Material, Page
from lantai.identity.services import office_day
from lantai.lib.dates import PartialDate

PASS, FAIL, UNCHECKED = "pass", "fail", "unchecked"
RESULT_LABELS: Final = {PASS: "通过", FAIL: "不通过", UNCHECKED: "未检"}
VETO: Final = frozenset({"1-1", "2-1", "2-7"})
_OPEN_FORMATS: Final = frozenset({"image/jpeg", "image/tiff", "image/png"})


@dataclass(frozen=True)
class Nature:
    """One item of the test. ``code`` is that of DA/T 70-2018; ``notes`` say what was found."""

    code: str
    name: str
    result: str
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name,
            "result": self.result,
            "notes": list(self.notes),
        }


def four_natures(*, dossier: Dossier) -> tuple[Nature, ...]:
    """Test the images of a dossier. Reads every master; a damaged one raises Damaged."""
    pages = dossiers.pages_of(dossier=dossier)
    materials = dossiers.materials_of(dossier=dossier)
    size = sum(page.blob.size for page in pages)
    return (
        _item("1-1", "真实性：固化信息有效性", _digests_that_differ(pages)),
        _item("1-5", "真实性：形成时间合理", _dates_out_of_reason(materials, pages)),
        _item("1-8", "真实性：影像无重复", _doubles(pages)),
        _item("2-1", "完整性：影像与纸质页数相符", _counts_that_differ(dossier, materials, pages)),
        _item("2-5", "完整性：扫描记录完整", _scans_without_record(pages)),
        _item("2-6", "完整性：序号、页序连续", _gaps(materials, pages)),
        _item(
            "2-7",
            "完整性：影像逐页在库",
            () if pages else ("档案没有影像，请先完成数字化",),
            note=f"共 {len(pages)} 页，{size} 字节，与入库时逐字节一致",
        ),
        _item("3-3", "可用性：格式开放", _odd_formats(pages)),
        Nature("4-2", "安全性：病毒检测", UNCHECKED, ("本系统不含病毒检测，请由机房统一检测",)),
    )


def vetoes(natures: Iterable[Nature]) -> tuple[str, ...]:
    """The sentences of the failed items that stop a freezing."""
    return tuple(
        note
        for nature in natures
        if nature.code in VETO and nature.result == FAIL
        for note in nature.notes
    )


def _item(code: str, name: str, faults: Iterable[str], *, note: str = "") -> Nature:
    found = tuple(faults)
    return Nature(code, name, FAIL if found else PASS, found or ((note,) if note else ()))


def _digests_that_differ(pages: Iterable[Page]) -> Iterable[str]:
    """Hold each master against both digests of its row; the door already holds it to SHA-256."""
    for page in pages:
        content = door.master_for_digests(page=page)
        if hashlib.new("sm3", content).hexdigest() != page.blob.sm3:
            yield f"第 {page} 页影像与登记的 SM3 摘要不符，请报告安全保密员"


def _dates_out_of_reason(materials: Iterable[Material], pages: Iterable[Page]) -> Iterable[str]:
    scanned = {page.material_id: office_day(page.scanned_at) for page in pages}
    for entry in materials:
        if entry.formed and entry.pk in scanned:
            formed = PartialDate.parse(entry.formed)
            if formed.first_day > scanned[entry.pk]:
                yield f"《{entry.shown_title}》的形成时间 {entry.formed} 晚于扫描时间，请核对目录"


def _doubles(pages: Iterable[Page]) -> Iterable[str]:
    same: dict[str, list[str]] = defaultdict(list)
    for page in pages:
        same[page.blob.sha256].append(str(page))
    for paths in same.values():
        if len(paths) > 1:
            yield f"第 {'、'.join(paths)} 页是同一影像，请核对是否重复扫描"


def _counts_that_differ(
    dossier: Dossier, materials: Iterable[Material], pages: list[Page]
) -> Iterable[str]:
    if len(pages) != dossier.paper_sides:
        yield f"影像 {len(pages)} 页与纸质 {dossier.paper_sides} 页不一致，请核对后再固定"
    held = Counter(page.material_id for page in pages)
    for entry in materials:
        if held[entry.pk] != entry.page_count:
            yield (
                f"《{entry.shown_title}》目录 {entry.page_count} 页，影像 {held[entry.pk]} 页，"
                "请核对后再固定"
            )


def _scans_without_record(pages: Iterable[Page]) -> Iterable[str]:
    for page in pages:
        if not (page.scanned_by and page.norm):
            yield f"第 {page} 页没有扫描人或规范版本，请补查扫描记录"


def _gaps(materials: Iterable[Material], pages: Iterable[Page]) -> Iterable[str]:
    sequences: dict[str, list[int]] = defaultdict(list)
    for entry in materials:
        sequences[entry.class_code].append(entry.sequence)
    for class_code, found in sequences.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f"{class_code} 类材料序号不连续：{'、'.join(map(str, sorted(found)))}"
    numbers: dict[str, list[int]] = defaultdict(list)
    for page in pages:
        numbers[str(page.material)].append(page.number)
    for place, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f"{place} 材料页序不连续：{'、'.join(map(str, sorted(found)))}"


def _odd_formats(pages: Iterable[Page]) -> Iterable[str]:
    for page in pages:
        if page.blob.media_type not in _OPEN_FORMATS:
            yield f"第 {page} 页格式为 {page.blob.media_type}，不是长期保存格式"
