"""A written batch: folders, files, catalogues and a truth that is true to the pixel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from sample.written import DPI, Batch

from lantai import sample
from lantai.lib import package
from lantai.lib.catalogue import kind_of, parse_scan_name
from lantai.sample.faces import Face, typecase

BROKEN = {"truncated", "text-named-jpg", "huge-png", "missing-page"}


def _whole_pages(batch: Batch) -> list[dict[str, Any]]:
    return [
        page
        for dossier in batch.dossiers
        for page in dossier["pages"]
        if not BROKEN & set(page["planted"])
    ]


def test_a_dossier_is_a_folder_with_a_catalogue_and_its_images(batch: Batch) -> None:
    first, second = batch.dossiers[:2]

    assert first["folder"] == f"001-{first['person']['name']}"
    assert (batch.root / first["folder"] / "数字档案.xml").is_file()
    assert (batch.root / second["folder"] / "干部基本信息和档案目录.xlsx").is_file()
    for dossier in batch.dossiers:
        images = batch.root / dossier["folder"] / "原始图像数据"
        present = {page["file"] for page in dossier["pages"] if page["present"]}

        assert {path.name for path in images.iterdir()} == present


def test_the_catalogue_reads_back_as_the_truth_tells(batch: Batch) -> None:
    for dossier in batch.dossiers:
        content = (batch.root / dossier["folder"] / dossier["catalogue"]).read_bytes()
        xml = dossier["catalogue"] == package.XML_NAME

        catalogue = package.read_xml(content) if xml else package.read_workbook(content)

        assert catalogue.person.name == dossier["person"]["name"]
        assert catalogue.person.id_number == dossier["catalogue_id_number"]
        told = [
            (m["class_code"], m["sequence"], m["title"], m["page_count"])
            for m in dossier["materials"]
        ]
        read = [(e.class_code, e.sequence, e.title, e.page_count) for e in catalogue.entries]
        assert read == told
        if xml:
            assert [list(e.files) for e in catalogue.entries] == [
                m["files"] for m in dossier["materials"]
            ]


def test_only_the_planted_catalogue_has_a_fault(batch: Batch) -> None:
    spoilt, _ = batch.planted("bad-id-check-digit")
    for dossier in batch.dossiers:
        content = (batch.root / dossier["folder"] / dossier["catalogue"]).read_bytes()
        xml = dossier["catalogue"] == package.XML_NAME

        catalogue = package.read_xml(content) if xml else package.read_workbook(content)

        assert [fault.code for fault in catalogue.faults] == (["Q11"] if dossier is spoilt else [])


def test_every_file_name_parses_and_every_title_is_a_known_kind(batch: Batch) -> None:
    for dossier in batch.dossiers:
        for page in dossier["pages"]:
            name = parse_scan_name(page["file"])

            assert f"{name.class_code}-{name.sequence}" == page["material"]
            assert name.page == page["page"]
            assert kind_of(page["title"]).value != "other" or page["key"] == "unlisted"


def test_a_page_is_as_large_and_as_dense_as_its_truth_says(batch: Batch) -> None:
    for page in _whole_pages(batch):
        content = batch.bytes_of(page)

        height, width, _, subsampling = simplejpeg.decode_jpeg_header(content)

        assert (width, height) == (page["width"], page["height"])
        assert content[13] == 1
        assert int.from_bytes(content[14:16], "big") == page["dpi"]
        assert subsampling == ("Gray" if page["colour"] == "grey" else "444")


def test_the_sheet_with_its_edges_lies_inside_the_image(batch: Batch) -> None:
    for page in _whole_pages(batch):
        left, top, width, height = page["sheet"]

        if "cut-edge" not in page["planted"]:
            assert left >= 1
            assert top >= 1
            assert left + width < page["width"]
            assert top + height < page["height"]


def test_a_careful_operator_stays_within_eight_tenths_of_a_degree(batch: Batch) -> None:
    for page in _whole_pages(batch):
        if "skewed" not in page["planted"]:
            assert abs(page["skew_degrees"]) <= 0.8


def test_there_is_ink_in_every_claimed_region_and_up_to_its_edges(batch: Batch) -> None:
    seen = 0
    for page in _whole_pages(batch):
        grey = simplejpeg.decode_jpeg(batch.bytes_of(page), colorspace="GRAY")[..., 0]
        for claim in page["claims"]:
            x, y, width, height = claim["region"]
            part = grey[y : y + height, x : x + width].astype(int)
            around = grey[max(0, y - 4) : y + height + 4, max(0, x - 4) : x + width + 4]
            dark = part < np.percentile(around, 90) - 24

            assert dark.mean() > 0.02, (page["path"], claim)
            assert dark[:, : width // 3 + 1].any(), (page["path"], claim)
            assert dark[:, -(width // 3) - 1 :].any(), (page["path"], claim)
            seen += 1
    assert seen > 700


def test_claims_agree_with_the_life_unless_a_plant_says_otherwise(batch: Batch) -> None:
    for dossier in batch.dossiers:
        person, facts = dossier["person"], dossier["facts"]
        for page in dossier["pages"]:
            if page["planted"]:
                continue
            for claim in page["claims"]:
                match claim["fact"]:
                    case "birth":
                        assert _meets(claim["value"], person["birth"]), (page["path"], claim)
                    case "first_work":
                        assert _meets(claim["value"], facts["first_work"]), (page["path"], claim)
                    case "name" | "sex" | "nation":
                        assert claim["value"] == person[claim["fact"]]
                    case "id_number":
                        digits = person["id_number"]
                        assert claim["value"] in {digits, digits[:6] + digits[8:17]}
                    case "service":
                        starts = {each["start"][:7] for each in facts["intervals"]}
                        assert claim["start"][:7] in starts


def test_every_dossier_tells_birth_first_work_and_service(batch: Batch) -> None:
    for dossier in batch.dossiers:
        facts = [claim["fact"] for claim in dossier["claims"]]

        assert facts.count("birth") >= 6
        assert facts.count("first_work") >= 5
        assert facts.count("service") >= 5


def test_seals_are_red_where_the_truth_says(batch: Batch) -> None:
    for page in _whole_pages(batch)[:40]:
        if page["colour"] != "colour" or "blurred" in page["planted"]:
            continue
        picture = simplejpeg.decode_jpeg(batch.bytes_of(page)).astype(int)
        for each in page["seals"]:
            x, y, width, height = each["region"]
            part = picture[y : y + height, x : x + width]

            assert (part[..., 0] - part[..., 1] > 60).mean() > 0.03, (page["path"], each)


def test_no_digit_row_on_any_page_begins_like_a_real_number(batch: Batch) -> None:
    numbers = [
        claim["value"]
        for dossier in batch.dossiers
        for claim in dossier["claims"]
        if claim["fact"] == "id_number"
    ]

    assert numbers
    assert all(number.startswith("990101") for number in numbers)


def test_rare_characters_are_drawn_with_the_locked_fonts_alone() -> None:
    for letter in "䶮㛃":
        for face in Face:
            assert typecase(None).master(face, letter).mask.max() == 255


def test_a_full_folder_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "kept.txt").write_text("kept")

    with pytest.raises(FileExistsError, match="不是空的"):
        sample.write(full, dossiers=1, seed=1)

    assert [path.name for path in full.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"dossiers": 0}, "案卷数"),
        ({"dpi": 400}, "分辨率"),
        ({"plant": ["smudged"]}, "没有名为"),
        ({"plant": tuple(sample.PLANTS)}, "没有可植入"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        sample.write(tmp_path / "out", **{"dossiers": 1, "seed": 1, **wrong})

    assert not (tmp_path / "out").exists()


def test_the_batch_was_drawn_at_the_density_asked_for(batch: Batch) -> None:
    assert batch.truth["dpi"] == DPI


def _meets(partial: str, whole: str) -> bool:
    """Whether a date with unknown parts can be that day."""
    return all(a in {b, "??"} for a, b in zip(partial.split("-"), whole.split("-"), strict=True))
