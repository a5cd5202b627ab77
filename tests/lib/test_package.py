"""Catalogues come and go unchanged; what is wrong with one is named, what attacks is refused."""

import datetime as dt
import io
import zipfile
from collections.abc import Sequence

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
)

PERSON = PersonCells(
    name="彭建国",
    sex="男",
    ethnic="汉",
    birth_text="1965-01-01",
    id_number="11010119650101123X",
    employer="兰台市印刷厂",
)
ENTRIES = (
    Entry("1", 1, "职工登记表", PartialDate(1986, 5), "", 2),
    Entry("1", 2, "履历表", PartialDate(1990), "", 4, "复印件"),
    Entry("4-1", 1, "小学学籍卡", PartialDate(1977, 7, 10), "", 1),
    Entry("9-2", 1, "招工登记表", None, "", 3),
    Entry("10", 1, "=1+1", PartialDate(2001, 2, 3), "", 1),
)
HEADER = ("序号", "材料名称", "年", "月", "日", "页数", "备注")
LABELS = ("姓名", "性别", "民族", "出生日期", "身份证号", "工作单位")
VALUES = ("彭建国", "男", "汉", "1965-01-01", "11010119650101123X", "兰台市印刷厂")


def book(rows: Sequence[Sequence[object]], person: Sequence[Sequence[object]] = ()) -> bytes:
    """A workbook as an office would hand it in."""
    made = Workbook()
    about, listed = made.worksheets[0], made.create_sheet("目录")
    about.title = "基本信息"
    for row in person or (LABELS, VALUES):
        about.append(list(row))
    for row in rows:
        listed.append(list(row))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def page(
    lines: str, person: str = "<姓名>彭建国</姓名><身份证号>11010119650101123X</身份证号>"
) -> bytes:
    return (
        f"<数字档案><人员基本信息>{person}</人员基本信息><目录信息>{lines}</目录信息></数字档案>"
    ).encode()


def line(**cells: str) -> str:
    said = {"类号": "1", "序号": "1", "材料名称": "履历表", "页数": "1", **cells}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in said.items())
    return f"<档案目录条目>{inner}</档案目录条目>"


def sentences(catalogue: Catalogue) -> list[str]:
    return [fault.sentence for fault in catalogue.faults]


def without_text(entries: Sequence[Entry]) -> list[tuple[object, ...]]:
    return [
        (one.class_code, one.sequence, one.title, one.formed, one.page_count, one.remark)
        for one in entries
    ]


def test_a_workbook_is_read_back_as_it_was_written() -> None:
    content = package.write_workbook(Catalogue(PERSON, ENTRIES))

    read = package.read_workbook(content)

    assert read.person == PERSON
    assert without_text(read.entries) == without_text(ENTRIES)
    assert read.faults == ()


def test_an_exchange_file_is_read_back_as_it_was_written() -> None:
    entries = (
        Entry("4-1", 1, "学籍卡", PartialDate(1977, 7), "", 2, "", ("4-1-1-001.jpg", "4-1-1-002.jpg")),
        Entry("9-2", 1, "招工表", PartialDate(1983), "", 1, "缺损", ("9-2-1-001.jpg",), ("9-2-1-001.jpg",)),
    )  # fmt: skip
    content = package.write_xml(Catalogue(PERSON, entries))

    read = package.read_xml(content)

    assert read.person == PersonCells(**{**vars(PERSON), "employer": ""})
    assert without_text(read.entries) == without_text(entries)
    assert [one.files for one in read.entries] == [one.files for one in entries]
    assert [one.optimised for one in read.entries] == [(), ("9-2-1-001.jpg",)]
    assert read.faults == ()


def test_the_exchange_file_has_the_names_and_the_order_of_the_vocabulary() -> None:
    entry = Entry("1", 1, "履历表", PartialDate(1978, 12), "", 1, "", ("1-1-001.jpg",), ("a.jpg",))

    text = package.write_xml(Catalogue(PERSON, (entry,))).decode()

    order = [
        "<数字档案>", "<人员基本信息>", "<姓名>", "<性别>", "<民族>", "<出生日期>", "<身份证号>",
        "<目录信息>", "<档案目录条目>", "<类号>", "<序号>", "<材料名称>", "<材料形成时间>19781200<",
        "<页数>", "<备注", "<原始图像数据>1-1-001.jpg<", "<高清图像数据>a.jpg<",
    ]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_the_name_of_the_second_set_is_the_exporters_choice_and_both_are_read() -> None:
    entry = Entry("1", 1, "履历表", None, "", 1, "", ("1-1-001.jpg",), ("1-1-001.jpg",))

    content = package.write_xml(Catalogue(PERSON, (entry,)), optimised_name="优化图像数据")

    assert "高清图像数据" not in content.decode()
    assert package.read_xml(content).entries[0].optimised == ("1-1-001.jpg",)


def test_the_same_catalogue_gives_the_same_bytes() -> None:
    catalogue = Catalogue(PERSON, ENTRIES)

    assert package.write_workbook(catalogue) == package.write_workbook(catalogue)
    assert package.write_xml(catalogue) == package.write_xml(catalogue)


def test_an_entry_of_no_class_cannot_be_written_into_a_workbook() -> None:
    stray = Entry("4", 1, "学籍卡", None, "", 1)

    with pytest.raises(ValueError, match="4-1"):
        package.write_workbook(Catalogue(PERSON, (stray,)))


def test_characters_a_file_cannot_hold_are_left_out_in_writing() -> None:
    entry = Entry("1", 1, "履历\x00表\x0b", None, "", 1)

    assert (
        package.read_xml(package.write_xml(Catalogue(PERSON, (entry,)))).entries[0].title
        == "履历表"
    )
    written = package.write_workbook(Catalogue(PERSON, (entry,)))
    assert package.read_workbook(written).entries[0].title == "履历表"


def test_a_workbook_as_offices_fill_it_is_read() -> None:
    content = book(
        [
            ("干部人事档案目录",),
            ("序号", "材料名称", "材料形成时间", None, None, "页数", "备注"),
            (None, None, "年", "月", "日"),
            ("一", "履历材料"),
            (1, "履历表", 1990, None, None, 4, "复印件"),
            ("四、学历学位、职称、学术、培训等材料",),
            ("4-1", "学历学位材料"),
            ("1", "学籍卡", "1977年", "7", "10", "1页", None),
            ("2", "毕业生登记表", 1981.0, 7.0, "—", 2.0, None),
            (4, "培训材料"),
            (1, "学员登记表", dt.date(1995, 6, 1), None, None, 1),
            (None, None, None),
            ("九", "工资、任免、出国、会议等材料"),
            ("9-1、工资材料",),
            (1, "工资变动表", "19850700", None, None, 1),
            ("9-2-1", "招工登记表", "一九八三年九月", None, None, 1),
            (None, "任免材料"),
            (2, "调动登记表", "不详", None, None, 1),
            ("十", None),
            (1, "存档登记表", 2003, 12, 31, 1),
        ]
    )

    read = package.read_workbook(content)

    assert read.faults == ()
    assert [(one.class_code, one.sequence, str(one.formed)) for one in read.entries] == [
        ("1", 1, "1990-??-??"),
        ("4-1", 1, "1977-07-10"),
        ("4-1", 2, "1981-07-??"),
        ("4-4", 1, "1995-06-01"),
        ("9-1", 1, "1985-07-??"),
        ("9-2", 1, "1983-09-??"),
        ("9-2", 2, "None"),
        ("10", 1, "2003-12-31"),
    ]
    assert [one.page_count for one in read.entries] == [4, 1, 2, 1, 1, 1, 1, 1]
    assert read.entries[0].remark == "复印件"
    assert read.entries[1].formed_text == "1977年7月10日"


def test_numbers_with_a_decimal_point_are_whole_numbers() -> None:
    out = io.BytesIO()
    content = book([("一", "履历材料"), (1, "履历表", 1990, 1, 1, 7)])
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>7</v>", b"<v>7.0</v>"))

    read = package.read_workbook(out.getvalue())

    assert (read.entries[0].page_count, read.faults) == (7, ())


def test_a_person_written_label_by_label_is_read() -> None:
    person = [
        ("姓 名：", "彭建国", "性别", 1),
        ("公民身份号码", "11010119650101123X"),
        ("原工作单位", "兰台市印刷厂", None),
        ("说明", "无"),
    ]

    read = package.read_workbook(book([("一", "履历材料"), (1, "履历表", 1990, 1, 1, 1)], person))

    assert read.person == PersonCells(
        name="彭建国", sex="男", id_number="11010119650101123X", employer="兰台市印刷厂"
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((None, "履历表", 1990, 1, 1, 1), "序号“”不是正整数"),
        (("甲", "履历表", 1990, 1, 1, 1), "序号“甲”不是正整数"),
        ((0, "履历表", 1990, 1, 1, 1), "序号“0”不是正整数"),
        ((1, None, 1990, 1, 1, 1), "没有填写材料名称"),
        ((1, "履历表", 1990, 1, 1, None), "页数“”"),
        ((1, "履历表", 1990, 1, 1, "若干"), "页数“若干”"),
        ((1, "履历表", 1990, 1, 1, 0), "页数“0”"),
        ((1, "履历表", 1990, 1, 1, -2), "页数“-2”"),
        ((1, "履历表", 1990, 1, 1, 2.5), "页数“2.5”"),
        ((1, "履历表", 1990, 13, 1, 1), "1990年13月1日"),
        ((1, "履历表", 90, 1, 1, 1), "90年1月1日"),
        ((1, "履历表", 1990, None, 5, 1), "1990年5日"),
        ((1, "履" * 121, 1990, 1, 1, 1), "材料名称有 121 个字"),
        ((1, "履历\n表", 1990, 1, 1, 1), "控制字符"),
        ((2, "履历表", 1990, 1, 1, 1), "缺 1"),
    ],
)
def test_each_fault_of_a_row_is_named_with_its_place(row: tuple[object, ...], words: str) -> None:
    read = package.read_workbook(book([("一", "履历材料"), row]))

    (fault,) = read.faults
    assert fault.code == "Q11"
    assert words in fault.sentence
    assert fault.where in {"目录 第 2 行", "目录 1"}


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        (("11-1", "未知材料"), "没有类号“11-1”"),
        (("四", "学历学位、职称、学术、培训等材料"), "4-1、4-2、4-3、4-4"),
        (("说明",), "序号“说明”"),
    ],
)
def test_an_entry_under_no_leaf_is_a_fault(heading: tuple[str, ...], words: str) -> None:
    read = package.read_workbook(book([heading, (1, "某表", 1990, 1, 1, 1)]))

    assert any(words in sentence for sentence in sentences(read))


def test_an_entry_above_every_heading_is_a_fault() -> None:
    read = package.read_workbook(book([HEADER, (1, "履历表", 1990, 1, 1, 1)]))

    assert sentences(read) == ["材料之前没有类号标题，请注明类号"]
    assert read.entries[0].class_code == ""


def test_gaps_and_repeats_of_the_sequence_are_named() -> None:
    rows = [("一", "履历材料")]
    rows += [(number, "履历表", 1990, 1, 1, 1) for number in (1, 3, 3, 9)]

    read = package.read_workbook(book(rows))

    assert sentences(read) == [
        "1 类序号重复：3，请改正",
        "1 类序号不连续，缺 2、4、5、6、7 等 6 个，请补录或重新编号",
    ]


def test_an_enormous_sequence_is_named_without_listing_it() -> None:
    read = package.read_workbook(book([("一", "履历材料"), (999999, "履历表", 1990, 1, 1, 1)]))

    assert sentences(read) == ["1 类序号不连续，缺 1、2、3、4、5 等 999998 个，请补录或重新编号"]


def test_formulas_and_error_values_are_never_taken_for_what_they_show() -> None:
    rows = [
        ("一", "履历材料"),
        (1, "履历表", "=1900+90", 1, 1, "=SUM(1,1)"),
        (2, "#REF!", 1990, 1, 1, 1),
    ]
    content = book(rows)

    read = package.read_workbook(content)

    assert [fault.where for fault in read.faults[:3]] == ["目录 第 2 行"] * 2 + ["目录 第 3 行"]
    assert "单元格 C2 是公式，请改为填写的值" in sentences(read)
    assert "单元格 F2 是公式，请改为填写的值" in sentences(read)
    assert "单元格 B3 是错误值 #REF!，请改正" in sentences(read)
    assert (read.entries[0].formed, read.entries[0].page_count) == (None, 0)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (4, "110101196501011230", "校验码"),
        (4, "", "为空"),
        (4, 110101196501011230, "数字格式存储"),
        (0, "", "没有填写姓名"),
        (0, "彭" * 61, "姓名有 61 个字"),
        (1, "女", "性别填写为女，身份证号码为男"),
        (1, "不明", "应为男或女"),
        (5, "厂" * 121, "工作单位有 121 个字"),
    ],
)
def test_each_fault_of_the_person_is_named(field: int, value: object, words: str) -> None:
    cells: list[object] = list(VALUES)
    cells[field] = value

    read = package.read_workbook(
        book([("一", "履历材料"), (1, "履历表", 1990, 1, 1, 1)], [LABELS, cells])
    )

    assert any(words in sentence for sentence in sentences(read))
    assert {fault.where for fault in read.faults} <= {"基本信息", "基本信息 第 2 行"}


def test_labels_without_a_row_below_say_nothing() -> None:
    read = package.read_workbook(book([("一", "履历材料"), (1, "履历表", 1990, 1, 1, 1)], [LABELS]))

    assert read.person == PersonCells()


def test_a_catalogue_without_any_material_is_a_fault() -> None:
    assert sentences(package.read_workbook(book([HEADER]))) == ["目录中没有任何材料，请补录目录"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("1-1-001.jpg", "1-1-001.JPG"), "重复"),
        (("scan1.jpg",), "类号-序号-页序"),
        (("1-2-001.jpg",), "指的是 1-2，却列在 1-1 之下"),
        (("../1-1-001.jpg",), "路径"),
        (("..",), "路径"),
        (("C:1-1-001.jpg",), "路径"),
    ],
)
def test_faults_of_the_files_a_catalogue_lists(files: tuple[str, ...], words: str) -> None:
    listed = "".join(f"<原始图像数据>{name}</原始图像数据>" for name in files)
    entry = line().replace("</档案目录条目>", f"{listed}</档案目录条目>")

    read = package.read_xml(page(entry))

    assert {fault.code for fault in read.faults} == {"Q12"}
    assert any(words in sentence for sentence in sentences(read))


def test_a_file_with_nothing_about_the_person_is_read_and_says_so() -> None:
    content = f"<数字档案><目录信息>{line()}</目录信息></数字档案>".encode()

    read = package.read_xml(content)

    assert "缺少人员基本信息，请补填" in sentences(read)
    assert len(read.entries) == 1


@pytest.mark.parametrize("encoding", ["GB2312", "gbk", "GB18030"])
def test_files_in_the_old_encodings_are_read(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + page(line()).decode()

    read = package.read_xml(text.encode(encoding))

    assert read.person.name == "彭建国"
    assert read.faults == ()


TEXTS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Z")),
    min_size=1,
    max_size=20,
).filter(lambda text: text not in {"无", "材料名称"})
DATES = st.dates(min_value=dt.date(1949, 1, 1), max_value=dt.date(2030, 12, 31))


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    entries = []
    for code in draw(st.lists(st.sampled_from(["1", "4-1", "9-2", "10"]), min_size=1, unique=True)):
        for sequence in range(1, draw(st.integers(1, 3)) + 1):
            day = draw(st.none() | DATES)
            parts = draw(st.integers(1, 3))
            formed = day and PartialDate(
                day.year, day.month if parts > 1 else None, day.day if parts > 2 else None
            )
            pages = draw(st.integers(1, 9999))
            entries.append(
                Entry(code, sequence, draw(TEXTS), formed, "", pages, draw(TEXTS | st.just("")))
            )
    return Catalogue(PERSON, tuple(entries))


@given(catalogues())
def test_whatever_is_written_is_read_back(catalogue: Catalogue) -> None:
    from_book = package.read_workbook(package.write_workbook(catalogue))
    from_page = package.read_xml(package.write_xml(catalogue))

    expected = sorted(without_text(catalogue.entries), key=str)
    assert sorted(without_text(from_book.entries), key=str) == expected
    assert sorted(without_text(from_page.entries), key=str) == expected
    assert from_book.faults == from_page.faults == ()
