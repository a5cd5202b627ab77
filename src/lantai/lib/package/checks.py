"""From what stands in the cells to a catalogue: each value read, each fault named."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lantai.lib import catalogue, idnumber
from lantai.lib.dates import PartialDate
from lantai.lib.package.shape import Catalogue, CatalogueFault, Entry, PersonCells

SAYS: Final = "Q11"
FILES: Final = "Q12"
MOST_PAGES: Final = 9999
MOST_NAMED: Final = 5
_LONGEST: Final = {
    "name": ("姓名", 60),
    "sex": ("性别", 4),
    "ethnic": ("民族", 20),
    "id_number": ("身份证号", 40),
    "employer": ("工作单位", 120),
    "title": ("材料名称", 120),
    "remark": ("备注", 120),
    "formed_text": ("材料形成时间", 40),
}
_NOTHING: Final = frozenset(
    {"—", "-", "－", "–", "/", "?", "？", "??", "无", "不详", "不明", "未知"}
)
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_UNWRITABLE: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_SEXES: Final = {"1": "男", "2": "女", "男性": "男", "女性": "女"}


@dataclass(frozen=True)
class Raw:
    """One line as written, and ``where`` it stands."""

    where: str
    class_code: str
    sequence: str
    title: str
    formed_text: str
    pages: str
    remark: str
    files: tuple[str, ...] = ()
    optimised: tuple[str, ...] = ()


def checked(
    person: PersonCells, lines: Sequence[Raw], faults: Iterable[CatalogueFault], *, where: str
) -> Catalogue:
    """The catalogue these cells make; ``where`` names the place of the person."""
    found = list(faults)
    if person.sex in _SEXES:
        person = PersonCells(**{**vars(person), "sex": _SEXES[person.sex]})
    found += _faults_of_person(person, where)
    entries = []
    for line in lines:
        entry, wrong = _entry(line)
        entries.append(entry)
        found += wrong
    if not entries:
        found.append(CatalogueFault(SAYS, "目录", "目录中没有任何材料，请补录目录"))
    found += _faults_of_sequence(entries)
    found += _faults_of_files(lines, entries)
    return Catalogue(person, tuple(entries), tuple(found))


def date_of(year: str, month: str = "", day: str = "") -> str:
    """The text of a date from its cells, blanks and dashes left out: 1978年12月."""
    year, month, day = (_blank_if_unknown(part) for part in (year, month, day))
    if not (month or day):
        return year
    year, month, day = (
        part.removesuffix(unit) for part, unit in ((year, "年"), (month, "月"), (day, "日"))
    )
    return f"{year}年{month}{'月' if month else ''}{day}{'日' if day else ''}"


def writable(text: str) -> str:
    """The text without the characters XML, and so a workbook, cannot hold."""
    return _UNWRITABLE.sub("", text)


def _blank_if_unknown(text: str) -> str:
    return "" if text in _NOTHING else text


def _faults_of_person(person: PersonCells, where: str) -> Iterator[CatalogueFault]:
    if not person.name:
        yield CatalogueFault(SAYS, where, "没有填写姓名，请补填")
    if person.sex and person.sex not in ("男", "女"):
        yield CatalogueFault(SAYS, where, f"性别“{person.sex}”应为男或女，请改正")
    for sentence in idnumber.faults(person.id_number):
        yield CatalogueFault(SAYS, where, sentence)
    by_number = {"1": "男", "2": "女"}.get(idnumber.sex(person.id_number) or "")
    if by_number and person.sex in ("男", "女") and person.sex != by_number:
        yield CatalogueFault(
            SAYS, where, f"性别填写为{person.sex}，身份证号码为{by_number}，请核对"
        )
    yield from _faults_of_text(vars(person), where)


def _entry(line: Raw) -> tuple[Entry, list[CatalogueFault]]:
    faults = []

    def wrong(sentence: str) -> None:
        faults.append(CatalogueFault(SAYS, line.where, sentence))

    try:
        catalogue.leaf(line.class_code)
    except ValueError as fault:
        wrong(str(fault) if line.class_code else "材料之前没有类号标题，请注明类号")
    sequence = int(line.sequence) if _NUMBER.fullmatch(line.sequence) else 0
    if not sequence:
        wrong(f"序号“{line.sequence}”不是正整数，请改正")
    if not line.title:
        wrong("没有填写材料名称，请补填")
    formed = None
    if line.formed_text:
        try:
            formed = PartialDate.parse(line.formed_text)
        except ValueError:
            wrong(f"材料形成时间“{line.formed_text}”不是日期，请按年、月、日填写，不明的部分留空")
    pages_text = line.pages.removesuffix("页").strip()
    pages = int(pages_text) if _NUMBER.fullmatch(pages_text) else 0
    if not 1 <= pages <= MOST_PAGES:
        pages = 0
        wrong(f"页数“{line.pages}”不是 1 至 {MOST_PAGES} 的整数，请改正")
    entry = Entry(
        class_code=line.class_code,
        sequence=sequence,
        title=line.title,
        formed=formed,
        formed_text=line.formed_text,
        page_count=pages,
        remark=line.remark,
        files=line.files,
        optimised=line.optimised,
    )
    faults += _faults_of_text(vars(entry), line.where)
    return entry, faults


def _faults_of_text(cells: dict[str, object], where: str) -> Iterator[CatalogueFault]:
    for field, (label, longest) in _LONGEST.items():
        text = cells.get(field)
        if not isinstance(text, str):
            continue
        if len(text) > longest:
            yield CatalogueFault(
                SAYS, where, f"{label}有 {len(text)} 个字，最多 {longest} 个，请缩短"
            )
        if any(unicodedata.category(letter) == "Cc" for letter in text):
            yield CatalogueFault(SAYS, where, f"{label}中有不可见的控制字符，请重新录入")


def _faults_of_sequence(entries: Sequence[Entry]) -> Iterator[CatalogueFault]:
    """In each class the numbers run from 1 without a gap or a repeat (DA/T 70-2018, 2-6)."""
    by_class: dict[str, list[int]] = {}
    for entry in entries:
        if entry.sequence and catalogue.is_leaf(entry.class_code):
            by_class.setdefault(entry.class_code, []).append(entry.sequence)
    for code in sorted(by_class, key=catalogue.sort_key):
        numbers = by_class[code]
        where = f"目录 {code}"
        repeated = sorted({number for number in numbers if numbers.count(number) > 1})
        if repeated:
            yield CatalogueFault(SAYS, where, f"{code} 类序号重复：{_some(repeated)}，请改正")
        held = set(numbers)
        missing = max(held) - len(held)
        if missing:
            first = [number for number in range(1, len(held) + missing + 1) if number not in held]
            yield CatalogueFault(
                SAYS, where, f"{code} 类序号不连续，缺 {_some(first)}，请补录或重新编号"
            )


def _some(numbers: Sequence[int]) -> str:
    shown = "、".join(str(number) for number in numbers[:MOST_NAMED])
    return shown if len(numbers) <= MOST_NAMED else f"{shown} 等 {len(numbers)} 个"


def _faults_of_files(lines: Sequence[Raw], entries: Sequence[Entry]) -> Iterator[CatalogueFault]:
    seen: dict[str, str] = {}
    for line, entry in zip(lines, entries, strict=True):
        for name in (*entry.files, *entry.optimised):
            if name in (".", "..") or re.search(r"[/\\:\x00-\x1f]", name):
                yield CatalogueFault(
                    FILES, line.where, f"文件名“{name}”中有路径或控制字符，请只写文件名"
                )
        for name in entry.files:
            key = name.casefold()
            if key in seen:
                yield CatalogueFault(
                    FILES, line.where, f"文件名“{name}”与{seen[key]}重复，请核对目录"
                )
            else:
                seen[key] = line.where
            yield from _faults_of_name(name, entry, line.where)


def _faults_of_name(name: str, entry: Entry, where: str) -> Iterator[CatalogueFault]:
    try:
        said = catalogue.parse_scan_name(name)
    except ValueError as fault:
        yield CatalogueFault(FILES, where, str(fault))
        return
    if (said.class_code, said.sequence) != (entry.class_code, entry.sequence):
        yield CatalogueFault(
            FILES,
            where,
            f"文件名“{name}”指的是 {said.class_code}-{said.sequence}，"
            f"却列在 {entry.class_code}-{entry.sequence} 之下，请核对",
        )
