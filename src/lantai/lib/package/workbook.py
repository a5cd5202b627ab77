"""干部基本信息和档案目录.xlsx: sheet 基本信息 for the person, sheet 目录 for the materials.

In 目录 the rows of classes are headings (一 履历材料, 4-1 学历学位材料); under them stand entries
numbered from 1 with 材料名称, 年, 月, 日, 页数, 备注.
"""

import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font

from lantai.lib import catalogue as classes
from lantai.lib.package.checks import SAYS, Raw, checked, date_of, writable
from lantai.lib.package.shape import (
    Catalogue,
    CatalogueFault,
    PersonCells,
    UnreadableCatalogue,
)

LARGEST: Final = 8 * 1024 * 1024
LARGEST_UNPACKED: Final = 32 * 1024 * 1024
MOST_MEMBERS: Final = 200
MOST_ROWS: Final = 5000
_COLUMNS: Final = 12
PERSON_SHEET: Final = "基本信息"
CATALOGUE_SHEET: Final = "目录"
HEADER: Final = ("序号", "材料名称", "年", "月", "日", "页数", "备注")

_LABELS: Final = {
    "姓名": "name",
    "性别": "sex",
    "民族": "ethnic",
    "出生日期": "birth_text",
    "出生年月": "birth_text",
    "出生时间": "birth_text",
    "身份证号": "id_number",
    "身份证号码": "id_number",
    "身份证": "id_number",
    "公民身份号码": "id_number",
    "工作单位": "employer",
    "原工作单位": "employer",
    "现工作单位": "employer",
    "单位": "employer",
}
_NUMERALS: Final = {heading.numeral: heading.code for heading in classes.HEADINGS}
_TOP: Final = re.compile(r"(十|[一二三四五六七八九])\s*[、.．，]?\s*(.*)")
_BELOW: Final = re.compile(r"([0-9]{1,2})[-－—–.．]([0-9]{1,4})\s*[、.．，]?\s*(.*)")
_CLASSES: Final[tuple[classes.Heading | classes.Leaf, ...]] = (
    *classes.HEADINGS,
    *classes.LEAVES,
)
_NAMES: Final = {name: one.code for one in _CLASSES for name in (one.short_name, one.long_name)}
_FIXED_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODIFIED: Final = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>")


@dataclass(frozen=True)
class _Cell:
    """A cell's text, and the fault of a cell that holds none that can be trusted."""

    text: str
    fault: str = ""


_EMPTY: Final = _Cell("")


def read_workbook(content: bytes) -> Catalogue:
    """Read a catalogue workbook; UnreadableCatalogue if it is none, or is an attack."""
    _refuse_hostile(content)
    sheets = _cells_of(content)
    missing = [name for name in (PERSON_SHEET, CATALOGUE_SHEET) if name not in sheets]
    if missing:
        raise UnreadableCatalogue(
            *(f"工作簿中没有名为“{name}”的工作表，请按目录模板填写" for name in missing)
        )
    faults = [
        CatalogueFault(SAYS, f"{name} 第 {number} 行", cell.fault)
        for name, rows in sheets.items()
        for number, row in rows
        for cell in row
        if cell.fault
    ]
    lines = list(_lines(sheets[CATALOGUE_SHEET]))
    return checked(_person(sheets[PERSON_SHEET]), lines, faults, where=PERSON_SHEET)


def write_workbook(catalogue: Catalogue) -> bytes:
    """Write the workbook of a catalogue; the same catalogue gives the same bytes.

    Raise ValueError for an entry that stands in no leaf.
    """
    for entry in catalogue.entries:
        classes.leaf(entry.class_code)
    book = Workbook()
    about = book.worksheets[0]
    about.title = PERSON_SHEET
    person = catalogue.person
    labels = ("姓名", "性别", "民族", "出生日期", "身份证号", "工作单位")
    values = (
        person.name,
        person.sex,
        person.ethnic,
        person.birth_text,
        person.id_number,
        person.employer,
    )
    _write_row(about, 1, labels, bold=True)
    _write_row(about, 2, values)
    listed = book.create_sheet(CATALOGUE_SHEET)
    _write_row(listed, 1, ("干部人事档案目录",), bold=True)
    _write_row(listed, 2, HEADER, bold=True)
    for number, row in enumerate(_rows(catalogue), start=3):
        _write_row(listed, number, row, bold=not str(row[0]).isdecimal())
    for column, width in zip("ABCDEFG", (8, 44, 7, 5, 5, 7, 24), strict=True):
        listed.column_dimensions[column].width = width
    listed.freeze_panes = "A3"
    raw = io.BytesIO()
    book.save(raw)
    return _repacked(raw.getvalue())


def _refuse_hostile(content: bytes) -> None:
    """Refuse what would harm the reader before anything is unpacked or parsed."""
    if len(content) > LARGEST:
        raise UnreadableCatalogue(
            f"目录工作簿有 {len(content) // 1024} KB，超过 {LARGEST // 1024} KB，请核对文件"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            reasons = list(_hostile_members(packed.infolist()))
            if not reasons and any(_declares(packed, name) for name in packed.namelist()):
                reasons.append("目录工作簿含有文档类型或实体声明，不予读取；请用表格软件另存后重交")
    except Exception as fault:
        # A broken zip makes zipfile raise almost anything.
        raise UnreadableCatalogue(_NO_WORKBOOK) from fault
    if reasons:
        raise UnreadableCatalogue(*reasons)


_NO_WORKBOOK: Final = "不是完整的 .xlsx 工作簿，请用表格软件打开检查后另存为 .xlsx 重交"


def _hostile_members(members: Sequence[zipfile.ZipInfo]) -> Iterator[str]:
    if len(members) > MOST_MEMBERS:
        yield f"目录工作簿内有 {len(members)} 个部件，超过 {MOST_MEMBERS} 个，请核对文件"
    unpacked = sum(member.file_size for member in members)
    if unpacked > LARGEST_UNPACKED:
        yield f"目录工作簿展开后有 {unpacked // 1024 // 1024} MB，疑为压缩炸弹，不予读取"
    if any(member.flag_bits & 1 for member in members):
        yield "目录工作簿加了密码，请取消密码后重交"
    for member in members:
        name = member.filename
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            yield "目录工作簿内有指向外部的路径，不予读取；请用表格软件另存后重交"
            return


def _declares(packed: zipfile.ZipFile, name: str) -> bool:
    """Tell whether a part declares a document type or entities, which no workbook needs."""
    part = packed.read(name).replace(b"\x00", b"")  # UTF-16 hides nothing
    return b"<!DOCTYPE" in part or b"<!ENTITY" in part


def _cells_of(content: bytes) -> dict[str, list[tuple[int, list[_Cell]]]]:
    """The rows of the two sheets that hold anything, with their numbers."""
    sheets: dict[str, list[tuple[int, list[_Cell]]]] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which are not read
            book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
            for name in (PERSON_SHEET, CATALOGUE_SHEET):
                if name in book.sheetnames:
                    sheets[name] = list(_rows_of(book[name]))
            book.close()
    except UnreadableCatalogue:
        raise
    except Exception as fault:
        # A broken workbook makes openpyxl raise almost anything.
        raise UnreadableCatalogue(_NO_WORKBOOK) from fault
    return sheets


def _rows_of(sheet: Any) -> Iterator[tuple[int, list[_Cell]]]:
    rows = sheet.iter_rows(min_row=1, max_row=MOST_ROWS + 1, max_col=_COLUMNS)
    for number, row in enumerate(rows, start=1):
        cells = [_cell(cell) for cell in row]
        if not any(cell.text or cell.fault for cell in cells):
            continue
        if number > MOST_ROWS:
            raise UnreadableCatalogue(f"工作表超过 {MOST_ROWS} 行，请删去多余的行")
        yield number, cells


def _cell(cell: Any) -> _Cell:
    value = cell.value
    if value is None:
        return _EMPTY
    if cell.data_type == "f":
        return _Cell("", f"单元格 {cell.coordinate} 是公式，请改为填写的值")
    if cell.data_type == "e":
        return _Cell("", f"单元格 {cell.coordinate} 是错误值 {value}，请改正")
    if isinstance(value, dt.datetime | dt.date):
        return _Cell(f"{value:%Y-%m-%d}")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return _Cell(str(int(value)))
    if isinstance(value, int | float) and abs(value) >= 1e15:
        return _Cell(
            "", f"单元格 {cell.coordinate} 的号码以数字格式存储，末几位已失真，请改为文本格式重填"
        )
    return _Cell(str(value).strip())


def _person(rows: Sequence[tuple[int, list[_Cell]]]) -> PersonCells:
    """Labels in one row with the values below, or labels each with the value beside it."""
    said: dict[str, str] = {}
    for place, (_, row) in enumerate(rows):
        labels = {
            column: _LABELS[label]
            for column, cell in enumerate(row)
            if (label := cell.text.rstrip("：:").replace(" ", "")) in _LABELS
        }
        if not labels:
            continue
        side_by_side = len(labels) > 1 and all(
            column + 1 in labels or column + 1 >= len(row) or not row[column + 1].text
            for column in labels
        )
        below = rows[place + 1][1] if place + 1 < len(rows) else []
        for column, field in labels.items():
            values, at = (below, column) if side_by_side else (row, column + 1)
            text = values[at].text if at < len(values) else ""
            said[field] = said.get(field) or text
    return PersonCells(**said)


def _lines(rows: Sequence[tuple[int, list[_Cell]]]) -> Iterator[Raw]:
    """The entries, each with the class of the last heading above it."""
    current = ""
    for number, row in rows:
        texts = [cell.text for cell in row[: len(HEADER)]]
        texts += [""] * (len(HEADER) - len(texts))
        if _is_header(texts):
            continue
        heading = _heading(texts, current)
        if heading:
            current = heading
            continue
        serial, title, year, month, day, pages, remark = texts
        code = current
        before, dash, last = serial.rpartition("-")
        if dash and classes.is_leaf(before):  # the whole place of the entry: 9-2-1
            code, serial = before, last
        yield Raw(
            where=f"{CATALOGUE_SHEET} 第 {number} 行",
            class_code=code,
            sequence=serial,
            title=title,
            formed_text=date_of(year, month, day),
            pages=pages,
            remark=remark,
        )


def _is_header(texts: Sequence[str]) -> bool:
    first = texts[0].replace(" ", "")
    return (
        first in ("序号", "类号")
        or texts[1].replace(" ", "") == "材料名称"
        or "档案目录" in first
        or set(texts) <= {"", "年", "月", "日", "材料形成时间"}
    )


def _heading(texts: Sequence[str], current: str) -> str:
    """The class a row opens, or blank for a row that is an entry."""
    serial, title, *rest = texts
    if any(rest):
        return ""
    top = _TOP.fullmatch(serial)
    if top and (not top[2] or top[2] in _NAMES or not title):
        return _NUMERALS[top[1]]
    below = _BELOW.fullmatch(serial)
    if below and not classes.is_leaf(below[1]):
        return f"{below[1]}-{below[2]}"
    named = _NAMES.get(title or serial, "")
    if named and (not serial or not title or named == f"{current.partition('-')[0]}-{serial}"):
        return named
    return ""


def _rows(catalogue: Catalogue) -> Iterator[tuple[str | int, ...]]:
    """All headings in order, each with its entries."""
    for heading in classes.HEADINGS:
        yield (heading.numeral, heading.short_name)
        for leaf in classes.LEAVES:
            if leaf.heading != heading.numeral:
                continue
            if leaf.code != heading.code:
                yield (leaf.code, leaf.short_name)
            for entry in catalogue.entries:
                if entry.class_code == leaf.code:
                    when = entry.formed
                    yield (
                        entry.sequence,
                        entry.title,
                        (when.year if when else entry.formed_text),
                        (when.month or "") if when else "",
                        (when.day or "") if when else "",
                        entry.page_count,
                        entry.remark,
                    )


def _write_row(sheet: Any, number: int, values: Sequence[str | int], *, bold: bool = False) -> None:
    for column, value in enumerate(values, start=1):
        if value == "":
            continue
        cell = sheet.cell(row=number, column=column)
        if isinstance(value, str):
            cell.value = writable(value)
            cell.data_type = "s"  # a text that begins with = is no formula
        else:
            cell.value = value
        if bold:
            cell.font = Font(bold=True)
        cell.alignment = Alignment(vertical="center", wrap_text=column in (2, 7))


def _repacked(content: bytes) -> bytes:
    """The same workbook without the moments at which it was written."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in sorted(old.namelist()):
            part = old.read(name)
            if name == "docProps/core.xml":
                part = _MODIFIED.sub(b"", part)
            new.writestr(zipfile.ZipInfo(name, _FIXED_DATE), part, zipfile.ZIP_DEFLATED)
    return out.getvalue()
