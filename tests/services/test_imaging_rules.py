"""The rules of production in tables and properties."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imaging_factories import NOON, id_number

from lantai.imaging import rules
from lantai.imaging.rules import BatchState, Count, PlainLine, PlainScan, ScanState
from lantai.lib.dates import PartialDate

GOOD = {
    "name": "陈大文",
    "paper_sides": 40,
    "images": 40,
    "catalogue_pages": 40,
    "uneven_materials": (),
    "open_findings": 0,
    "returned_scans": 0,
    "unlooked_faulty": 0,
    "looked": 2,
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"paper_sides": None}, "尚未清点纸质页数"),
        ({"paper_sides": 41}, "纸质 41 页，影像 40 页"),
        ({"uneven_materials": ("1-1", "9-2-1")}, "1-1、9-2-1"),
        ({"open_findings": 3}, "还有 3 项阻断问题"),
        ({"returned_scans": 1}, "还有 1 页退回后未重扫"),
        ({"unlooked_faulty": 4}, "还有 4 页未查看"),
        ({"looked": 1}, "抽检应不少于 2 页，现已查看 1 页"),
        ({"unplaced": 2}, "还有 2 页未归入目录"),
        ({"already_held": True}, "本机构已有该公民身份号码的档案"),
    ],
)
def test_each_lack_of_a_dossier_is_one_reason_that_names_it(
    change: dict[str, object], reason: str
) -> None:
    (said,) = rules.objections_to_dossier(Count(**{**GOOD, **change}))  # type: ignore[arg-type]

    assert reason in said
    assert said.startswith("陈大文：")


def test_a_good_dossier_has_no_objection() -> None:
    assert rules.objections_to_dossier(Count(**GOOD)) == ()  # type: ignore[arg-type]


@given(
    images=st.integers(0, 2000),
    paper=st.integers(0, 2000),
    looked=st.integers(0, 2000),
)
def test_a_dossier_passes_just_when_counts_agree_and_the_sample_was_seen(
    images: int, paper: int, looked: int
) -> None:
    count = Count(
        **{**GOOD, "images": images, "paper_sides": paper, "looked": looked}  # type: ignore[arg-type]
    )

    passes = images == paper and images > 0 and looked * 20 >= images

    assert (rules.objections_to_dossier(count) == ()) is passes


def test_a_batch_without_a_dossier_is_not_accepted() -> None:
    assert rules.objections_to_acceptance(
        state=BatchState.INSPECTION, dossiers=0, inspector_scanned=False, inspector_counted=False
    ) == ("批次中没有可以验收的档案",)


@given(
    pages=st.integers(1, 30),
    there=st.sets(st.integers(1, 40)),
)
def test_missing_and_surplus_pages_are_named_one_by_one(pages: int, there: set[int]) -> None:
    line = PlainLine("1-1", "履历表", pages)
    scans = [
        PlainScan(number, "1-1", number, f"1-1-{number:03d}.jpg", f"{number}")
        for number in sorted(there)
    ]

    faults = rules.item_faults(
        name="陈大文",
        id_number=id_number(1),
        folder="",
        lines=[line],
        scans=scans,
        elsewhere=(),
        today=NOON.date(),
    )

    missing = {fault.path for fault in faults if fault.scan is None and fault.code == "Q12"}
    surplus = {fault.scan for fault in faults if fault.scan is not None}
    assert missing == {f"1-1-{number:03d}" for number in range(1, pages + 1) if number not in there}
    assert surplus == {number for number in there if number > pages}
    assert any(fault.code == "Q03" for fault in faults) is (not there)


@pytest.mark.parametrize(
    ("formed", "sentence"),
    [
        ("2026-12", "1-1《履历表》的形成时间晚于扫描日期，请更正目录"),
        ("1967", "1-1《履历表》的形成时间早于出生日期，请核对目录或影像是否放错"),
        ("1968", None),
        ("2026-11", None),
    ],
)
def test_a_date_that_cannot_be_is_named_only_when_it_surely_cannot(
    formed: str, sentence: str | None
) -> None:
    line = PlainLine("1-1", "履历表", 1, PartialDate.parse(formed))

    faults = rules.item_faults(
        name="陈大文",
        id_number=id_number(1, birth="19680315"),
        folder="",
        lines=[line],
        scans=[PlainScan(1, "1-1", 1, "1-1-001.jpg", "a")],
        elsewhere=(),
        today=date(2026, 11, 25),
    )

    assert [fault.sentence for fault in faults] == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("陈大文990101196803150017", ("陈大文", "990101196803150017")),
        ("陈大文_99010119680315001x", ("陈大文", "99010119680315001X")),
        ("陈大文 990101680315001", ("陈大文", "990101680315001")),
        ("990101196803150017", ("", "990101196803150017")),
        ("001陈大文", None),
        ("陈大文", None),
        ("陈大文9901011968031500171", None),
    ],
)
def test_a_folder_name_tells_name_and_number(folder: str, said: tuple[str, str] | None) -> None:
    assert rules.person_of_folder(folder) == said


@given(prefix=st.text(max_size=8), suffix=st.text(max_size=8), serial=st.integers(1, 999))
def test_no_whole_id_number_is_ever_shown(prefix: str, suffix: str, serial: int) -> None:
    number = id_number(serial)

    assert number not in rules.shown_path(f"{prefix}{number}{suffix}")


def test_signs_that_turn_a_line_round_are_made_visible() -> None:
    assert rules.shown_path("a\u202egpj.exe\n") == "a\ufffdgpj.exe\ufffd"


@pytest.mark.parametrize(
    ("days", "late"),
    [(0, 0), (30, 0), (30.5, 1), (31, 2), (40, 11)],
)
def test_a_batch_is_late_from_the_moment_its_time_is_over(days: float, late: int) -> None:
    at = datetime.fromisoformat("2026-11-25T04:00:00+00:00")

    assert rules.overdue_days(received_at=at - timedelta(days=days), at=at) == late


def test_every_state_has_a_word() -> None:
    assert set(rules.BATCH_LABELS) == set(BatchState)
    assert set(rules.SCAN_LABELS) == set(ScanState)
    assert set(rules.FAULT_LABELS) == {f"Q{number:02d}" for number in range(1, 15)}
