"""数字档案.xml: root 数字档案, then 人员基本信息 and 目录信息 with one 档案目录条目 a material."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from lantai.lib.dates import PartialDate
from lantai.lib.package.checks import SAYS, Raw, checked, writable
from lantai.lib.package.shape import (
    Catalogue,
    CatalogueFault,
    Entry,
    PersonCells,
    UnreadableCatalogue,
)

LARGEST: Final = 8 * 1024 * 1024
MOST_ENTRIES: Final = 5000
MOST_FILES: Final = 2000  # of one entry
# Two vendors name the second set of images differently; both are read.
OPTIMISED_NAMES: Final = ("高清图像数据", "优化图像数据")
_CHINESE: Final = re.compile(
    rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"'](gb2312|gbk|gb18030)[\"'][^>]*\?>", re.IGNORECASE
)


def read_xml(content: bytes) -> Catalogue:
    """Read an exchange catalogue; UnreadableCatalogue if it is none, or is an attack."""
    if len(content) > LARGEST:
        raise UnreadableCatalogue(
            f"目录文件有 {len(content) // 1024} KB，超过 {LARGEST // 1024} KB，请核对文件"
        )
    root = _parsed(content)
    if root.tag != "数字档案":
        raise UnreadableCatalogue(f"目录文件的根元素是“{root.tag}”，应为“数字档案”，请核对文件")
    lines = root.findall("目录信息/档案目录条目")
    if len(lines) > MOST_ENTRIES:
        raise UnreadableCatalogue(f"目录有 {len(lines)} 条，超过 {MOST_ENTRIES} 条，请核对文件")
    about = root.find("人员基本信息")
    faults = []
    if about is None:
        faults.append(CatalogueFault(SAYS, "人员基本信息", "缺少人员基本信息，请补填"))
        about = Element("人员基本信息")
    person = PersonCells(
        name=_text(about, "姓名"),
        sex=_text(about, "性别"),
        ethnic=_text(about, "民族"),
        birth_text=_text(about, "出生日期"),
        id_number=_text(about, "身份证号"),
        employer=_text(about, "工作单位"),
    )
    raws = [_raw(line, number) for number, line in enumerate(lines, start=1)]
    return checked(person, raws, faults, where="人员基本信息")


def write_xml(catalogue: Catalogue, *, optimised_name: str = OPTIMISED_NAMES[0]) -> bytes:
    """Write a catalogue in the vocabulary and order of the exchange package, as UTF-8.

    A partial date is written with zeros for what is unknown (19781200); the employer has no
    element and is left out.
    """
    root = Element("数字档案")
    about = SubElement(root, "人员基本信息")
    person = catalogue.person
    for name, text in (
        ("姓名", person.name),
        ("性别", person.sex),
        ("民族", person.ethnic),
        ("出生日期", person.birth_text),
        ("身份证号", person.id_number),
    ):
        SubElement(about, name).text = writable(text)
    listed = SubElement(root, "目录信息")
    for entry in catalogue.entries:
        line = SubElement(listed, "档案目录条目")
        for name, text in _cells(entry, optimised_name):
            SubElement(line, name).text = writable(text)
    indent(root)
    body: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _parsed(content: bytes) -> Element:
    declared = _CHINESE.match(content)
    if declared:
        # Expat knows no Chinese encoding; gb18030 contains the two older ones.
        try:
            content = content[declared.end() :].decode("gb18030").encode()
        except UnicodeDecodeError as fault:
            raise UnreadableCatalogue("目录文件的编码与声明不符，请重新导出") from fault
    try:
        return fromstring(content, forbid_dtd=True)
    except DefusedXmlException as fault:
        raise UnreadableCatalogue(
            "目录文件含有文档类型或实体声明，不予读取；请由原系统重新导出不含声明的文件"
        ) from fault
    except (ParseError, ValueError, LookupError) as fault:
        raise UnreadableCatalogue(
            f"目录文件不是完整的 XML（{fault}），请重新导出或改用目录工作簿"
        ) from fault


def _raw(line: Element, number: int) -> Raw:
    code, sequence = _text(line, "类号"), _text(line, "序号")
    files = _texts(line, "原始图像数据")
    return Raw(
        where=f"目录第 {number} 条（{code}-{sequence}）",
        class_code=code,
        sequence=sequence,
        title=_text(line, "材料名称"),
        formed_text=_text(line, "材料形成时间"),
        pages=_text(line, "页数"),
        remark=_text(line, "备注"),
        files=files,
        optimised=tuple(name for kind in OPTIMISED_NAMES for name in _texts(line, kind)),
    )


def _text(parent: Element, name: str) -> str:
    return (parent.findtext(name) or "").strip()


def _texts(parent: Element, name: str) -> tuple[str, ...]:
    found = ((one.text or "").strip() for one in parent.findall(name)[:MOST_FILES])
    return tuple(text for text in found if text)


def _cells(entry: Entry, optimised_name: str) -> Iterator[tuple[str, str]]:
    yield "类号", entry.class_code
    yield "序号", str(entry.sequence)
    yield "材料名称", entry.title
    yield "材料形成时间", _packed(entry.formed) if entry.formed else entry.formed_text
    yield "页数", str(entry.page_count)
    yield "备注", entry.remark
    for name in entry.files:
        yield "原始图像数据", name
    for name in entry.optimised:
        yield optimised_name, name


def _packed(when: PartialDate) -> str:
    return f"{when.year:04d}{when.month or 0:02d}{when.day or 0:02d}"
