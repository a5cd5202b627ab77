"""Files that are no catalogues, or attack whoever reads them, are refused with a sentence."""

import contextlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from lantai.lib import package
from lantai.lib.dates import PartialDate
from lantai.lib.package import (
    Catalogue,
    Entry,
    PersonCells,
    UnreadableCatalogue,
    exchange,
    workbook,
)

CATALOGUE = Catalogue(
    PersonCells("彭建国", "男", "汉", "1965-01-01", "11010119650101123X", "兰台市印刷厂"),
    (
        Entry("1", 1, "职工登记表", PartialDate(1986, 5), "", 2, "", ("1-1-001.jpg",)),
        Entry("4-1", 1, "小学学籍卡", PartialDate(1977, 7, 10), "", 1),
    ),
)
GOOD_BOOK = package.write_workbook(CATALOGUE)
GOOD_PAGE = package.write_xml(CATALOGUE)


def page(lines: str) -> bytes:
    return f"<数字档案><目录信息>{lines}</目录信息></数字档案>".encode()


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ENTITIES.encode() + page("<备注>&b;</备注>"), "实体声明"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + page("<档案目录条目/>"), "实体声明"),
        (ENTITIES.encode("utf-16") + page("").decode().encode("utf-16-le"), "实体声明"),
        (page("<档案目录条目/>")[:-20], "不是完整的 XML"),
        (b"", "不是完整的 XML"),
        (b"\xff\xfe\x00", "不是完整的 XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "不是完整的 XML"),
        (b'<?xml version="1.0" encoding="gbk"?><a>\xff\xff</a>', "编码与声明不符"),
        (b"<html/>", "应为“数字档案”"),
        (b" " * (exchange.LARGEST + 1), "超过 8192 KB"),
        (page("<档案目录条目/>" * (exchange.MOST_ENTRIES + 1)), "5001 条"),
    ],
    ids=range(11),
)  # fmt: skip
def test_an_exchange_file_that_is_none_or_attacks_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableCatalogue) as refused:
        package.read_xml(content)

    assert words in str(refused.value)
    assert refused.value.status == 422


def packed(members: dict[str, bytes], *, flag: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    content = bytearray(out.getvalue())
    if flag:
        content[content.index(b"PK\x01\x02") + 8] |= flag
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "不是完整的 .xlsx"),
        (b"PK\x03\x04rubbish", "不是完整的 .xlsx"),
        (packed({"a.txt": b"hello"}), "不是完整的 .xlsx"),
        (packed({"../../etc/cron": b"x"}), "指向外部的路径"),
        (packed({"/etc/cron": b"x"}), "指向外部的路径"),
        (packed({f"part{number}": b"" for number in range(201)}), "201 个部件"),
        (packed({"zeros": bytes(workbook.LARGEST_UNPACKED + 1)}), "压缩炸弹"),
        (packed({"a.txt": b"x"}, flag=1), "加了密码"),
        (packed({"xl/workbook.xml": ENTITIES.encode()}), "实体声明"),
        (packed({"xl/workbook.xml": ENTITIES.encode("utf-16")}), "实体声明"),
        (bytes(workbook.LARGEST + 1), "超过 8192 KB"),
    ],
    ids=range(11),
)
def test_a_workbook_that_is_none_or_attacks_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableCatalogue) as refused:
        package.read_workbook(content)

    assert words in str(refused.value)


def test_a_workbook_without_the_two_sheets_names_both() -> None:
    made = Workbook()
    out = io.BytesIO()
    made.save(out)

    with pytest.raises(UnreadableCatalogue) as refused:
        package.read_workbook(out.getvalue())

    assert len(refused.value.reasons) == 2


def test_a_workbook_longer_than_any_catalogue_is_refused() -> None:
    made = Workbook()
    made.worksheets[0].title = "基本信息"
    listed = made.create_sheet("目录")
    for _ in range(workbook.MOST_ROWS + 1):
        listed.append(["x"])
    out = io.BytesIO()
    made.save(out)

    with pytest.raises(UnreadableCatalogue, match="5000 行"):
        package.read_workbook(out.getvalue())


@given(st.data())
def test_no_damage_to_a_workbook_breaks_the_reader(data: st.DataObject) -> None:
    content = bytearray(GOOD_BOOK)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))

    for damaged in (bytes(content), bytes(content[:cut])):
        with contextlib.suppress(UnreadableCatalogue):
            assert package.read_workbook(damaged).person is not None


@given(st.data())
def test_no_damage_to_an_exchange_file_breaks_the_reader(data: st.DataObject) -> None:
    content = bytearray(GOOD_PAGE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(UnreadableCatalogue):
        assert package.read_xml(bytes(content)).person is not None
