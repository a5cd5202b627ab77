"""Whom the scans are of and what the catalogue says: faults of a dossier as a whole."""

from pathlib import Path

import imaging_factories as factories
import pytest
from imaging_factories import Shop

from lantai.imaging import queries
from lantai.imaging.models import Batch, Finding, Item, Quarantined, Scan
from lantai.ledger import queries as ledger
from lantai.lib import package

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A batch of one dossier with two materials of three pages."""
    root = tmp_path / "批次一"
    factories.dossier_folder(
        root / "001陈大文", factories.entry("1", 1, 2), factories.entry("9-2", 1, 1)
    )
    return root


def codes(batch: Batch) -> list[tuple[str, str]]:
    """What stands against a batch: code and place of every open finding."""
    found = Finding.objects.filter(item__batch=batch, verdict=Finding.Verdict.OPEN)
    return sorted(found.values_list("code", "path"))


def test_a_wrong_check_digit_is_said_once_and_the_number_masked(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "批次"
    wrong = factories.id_number(1)[:-1] + ("0" if factories.id_number(1)[-1] != "0" else "1")
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 1), number=wrong)

    batch, outcomes = factories.take_in(shop, root)

    finding = Finding.objects.get(item__batch=batch)
    assert finding.code == "Q11"
    assert finding.sentence == "公民身份号码的校验码不对，可能有一位写错，请与证件核对"
    assert wrong not in str(outcomes)


def test_an_id_number_in_a_folder_name_is_shown_masked_everywhere(
    shop: Shop, tmp_path: Path
) -> None:
    root = tmp_path / "批次"
    number = factories.id_number(1)
    factories.dossier_folder(root / f"陈大文{number}", factories.entry("1", 1, 1))
    (root / f"陈大文{number}" / "1-1-002.jpg").write_text("坏")

    batch, outcomes = factories.take_in(shop, root)

    assert number not in str(outcomes)
    assert number not in str(list(Quarantined.objects.values()))
    assert number not in str([entry.facts for entry in ledger.entries()])
    assert batch.items.get().folder == f"陈大文{number}"


def test_a_folder_name_of_another_person_is_found(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "批次"
    other = factories.id_number(7)
    factories.dossier_folder(root / f"王五{other}", factories.entry("1", 1, 1))

    batch, _ = factories.take_in(shop, root)

    assert [finding.sentence for finding in Finding.objects.filter(item__batch=batch)] == [
        "文件夹名写的是“王五”，目录写的是“陈大文”，请核对影像是否放错",
        "文件夹名与目录的公民身份号码不一致，请核对影像是否放错",
    ]


def test_an_empty_dossier_is_named_and_the_others_go_on(shop: Shop, folder: Path) -> None:
    (folder / "002空").mkdir()

    batch, outcomes = factories.take_in(shop, folder)

    empty = Item.objects.get(folder="002空")
    sentences = list(empty.findings.values_list("code", "sentence"))
    assert ("Q03", "文件夹中没有一页影像，请补扫后送入，或将该份整份搁置") in sentences
    assert any(outcome.path.startswith("002空") for outcome in outcomes)
    assert Scan.objects.filter(item__batch=batch).count() == 3


def test_a_catalogue_that_cannot_be_read_is_kept_apart_and_its_pages_wait(
    shop: Shop, folder: Path
) -> None:
    (folder / "001陈大文" / package.WORKBOOK_NAME).write_bytes(b"PK no workbook")

    batch, _ = factories.take_in(shop, folder)

    kept = batch.quarantined.get()
    assert (kept.path, kept.code) == (f"001陈大文/{package.WORKBOOK_NAME}", "Q11")
    assert kept.blob is not None
    assert Scan.objects.filter(item__batch=batch, line=None).count() == 3
    assert ("Q11", "目录") in codes(batch)


def test_images_without_any_catalogue_are_one_dossier_that_waits_for_it(
    shop: Shop, tmp_path: Path
) -> None:
    flat = tmp_path / "散页"
    flat.mkdir()
    for serial in (1, 2):
        (flat / f"IMG_{serial:04d}.jpg").write_bytes(factories.page(serial))

    batch, outcomes = factories.take_in(shop, flat)

    assert [outcome.status for outcome in outcomes[:2]] == ["accepted", "accepted"]
    item = batch.items.get()
    assert item.folder == ""
    assert item.scans.filter(line=None).count() == 2
    assert ("Q11", "目录") in codes(batch)


def test_the_xml_catalogue_names_the_files_of_each_page(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "批次" / "陈大文"
    root.mkdir(parents=True)
    line = factories.entry("1", 1, 2)
    named = package.Entry(**{**vars(line), "files": ("a.jpg", "B.JPG")})
    (root / package.XML_NAME).write_bytes(package.write_xml(factories.catalogue(named)))
    (root / "a.jpg").write_bytes(factories.page(1))
    (root / "b.jpg").write_bytes(factories.page(2))

    batch, _ = factories.take_in(shop, root.parent)

    scans = queries.scans_of(item=batch.items.get())
    assert [(scan.file_name, str(scan.line), scan.number) for scan in scans] == [
        ("a.jpg", "1-1", 1),
        ("b.jpg", "1-1", 2),
    ]
