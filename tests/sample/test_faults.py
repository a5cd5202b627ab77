"""Every plant does what its sentence says, and the checks of the house see it."""

import json
import warnings

import numpy as np
import pytest
import simplejpeg
from PIL import Image
from sample.written import Batch

from lantai.lib.dates import PartialDate
from lantai.sample import PLANTS


def _grey(batch: Batch, page: dict) -> np.ndarray:  # type: ignore[type-arg]
    return simplejpeg.decode_jpeg(batch.bytes_of(page), colorspace="GRAY")[..., 0].astype(float)


def test_every_plant_was_planted_somewhere(batch: Batch) -> None:
    told = {each["name"] for dossier in batch.dossiers for each in dossier["planted"]}

    assert told == set(PLANTS)


@pytest.mark.parametrize(
    "name", ["birth-differs", "birth-altered", "lunar-birth", "first-work-differs"]
)
def test_a_planted_date_stands_on_its_page_and_differs_from_the_truth(
    batch: Batch, name: str
) -> None:
    _, told = batch.planted(name)

    claims = [c for c in batch.page(name)["claims"] if c["fact"] == told["fact"]]

    assert PartialDate.parse(claims[0]["value"]).overlaps(PartialDate.parse(told["shown"]))
    assert not PartialDate.parse(told["shown"]).overlaps(PartialDate.parse(told["true"]))


def test_an_altered_birth_tells_what_was_scraped_off_and_the_spot_is_lighter(batch: Batch) -> None:
    page = batch.page("birth-altered")
    claim = next(c for c in page["claims"] if c["fact"] == "birth")
    x, y, width, height = claim["region"]
    grey = _grey(batch, page)

    spot = np.percentile(grey[y : y + height, x + width // 4 : x + width // 2], 95)
    beside = np.percentile(grey[y : y + height, x - width // 3 : x - 6], 95)

    assert claim["altered"] is True
    assert claim["before"] != claim["written"]
    assert spot > beside + 3


def test_a_lunar_birth_is_marked_as_lunar(batch: Batch) -> None:
    claim = next(c for c in batch.page("lunar-birth")["claims"] if c["fact"] == "birth")

    assert claim["calendar"] == "lunar"
    assert claim["written"].startswith("农历")


def test_a_name_variant_and_another_number_stand_on_their_pages(batch: Batch) -> None:
    for name, fact in (("name-variant", "name"), ("id-differs", "id_number")):
        _, told = batch.planted(name)

        shown = next(c["value"] for c in batch.page(name)["claims"] if c["fact"] == fact)

        assert shown in {told["shown"], told["shown"][:6] + told["shown"][8:17]}
        assert told["shown"] != told["true"]


def test_a_service_gap_has_no_stretch_in_it(batch: Batch) -> None:
    dossier, told = batch.planted("service-gap")

    for each in dossier["facts"]["intervals"]:
        assert each["start"] >= told["to"] or each["end"] <= told["from"]


def test_a_missing_material_is_in_no_catalogue_and_no_folder(batch: Batch) -> None:
    dossier, told = batch.planted("missing-material")

    assert told["key"] not in {material["key"] for material in dossier["materials"]}
    assert told["key"] not in {page["key"] for page in dossier["pages"]}


def test_a_blurred_page_has_soft_edges(batch: Batch) -> None:
    dossier, _ = batch.planted("blurred")
    page = batch.page("blurred")
    other = next(p for p in dossier["pages"] if not p["planted"] and p["key"] == "curriculum")

    def steepest(one: dict) -> float:  # type: ignore[type-arg]
        return float(np.percentile(np.abs(np.diff(_grey(batch, one), axis=1)), 99.5))

    assert steepest(page) < steepest(other) / 1.5


def test_a_skewed_page_is_more_than_two_degrees_askew(batch: Batch) -> None:
    assert 2 < abs(batch.page("skewed")["skew_degrees"]) < 5


def test_a_turned_page_is_wider_than_high(batch: Batch) -> None:
    page = batch.page("turned")

    assert page["turned"] in {90, 270}
    assert page["width"] > page["height"]


def test_a_blank_page_has_no_ink_and_claims_nothing(batch: Batch) -> None:
    page = batch.page("blank")
    x, y, width, height = page["sheet"]
    inner = _grey(batch, page)[
        y + height // 8 : y + height * 7 // 8, x + width // 8 : x + width * 7 // 8
    ]

    assert page["blank"] is True
    assert page["claims"] == []
    assert (inner < 110).mean() < 0.001


def test_a_duplicate_shows_the_first_side_again_in_other_bytes(batch: Batch) -> None:
    dossier, told = batch.planted("duplicate")
    pages = {page["file"]: page for page in dossier["pages"]}
    first, again = pages[told["of"]], pages[told["file"]]

    said = [[c["written"] for c in page["claims"]] for page in (first, again)]

    assert said[0] == said[1] != []
    assert batch.bytes_of(first) != batch.bytes_of(again)


def test_a_cut_page_lost_its_right_edge_and_writing_with_it(batch: Batch) -> None:
    page = batch.page("cut-edge")
    dark = _grey(batch, page)[:, -3:] < 110

    assert page["sheet"][0] + page["sheet"][2] == page["width"]
    assert dark.any()


def test_low_resolution_and_grey_are_in_the_file_itself(batch: Batch) -> None:
    low, grey = batch.page("low-dpi"), batch.page("grey")

    assert low["dpi"] == batch.truth["dpi"] // 2
    assert simplejpeg.decode_jpeg_header(batch.bytes_of(grey))[2] == "Gray"


def test_broken_files_are_what_they_are_said_to_be(batch: Batch) -> None:
    cut, text = (
        batch.bytes_of(batch.page("truncated")),
        batch.bytes_of(batch.page("text-named-jpg")),
    )
    page = batch.page("huge-png")

    assert cut[:2] == b"\xff\xd8"
    assert cut[-2:] != b"\xff\xd9"
    assert "未能生成图像" in text.decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(Image.DecompressionBombError, match="3600000000 pixels"):
            Image.open(batch.root / page["path"])


def test_unlisted_and_missing_pages_are_at_odds_with_the_catalogue(batch: Batch) -> None:
    for name, listed, present in (("unlisted-page", False, True), ("missing-page", True, False)):
        dossier, told = batch.planted(name)
        page = batch.page(name)
        files = [file for material in dossier["materials"] for file in material["files"]]

        assert (told["file"] in files) is listed
        assert (batch.root / page["path"]).exists() is present
        assert (page["listed"], page["present"]) == (listed, present)


def test_the_paper_count_equals_the_images_but_where_planted(batch: Batch) -> None:
    for dossier in batch.dossiers:
        names = {each["name"] for each in dossier["planted"]}
        images = sum(page["present"] for page in dossier["pages"])
        more = len(names & {"count-differs", "missing-page"})

        assert dossier["paper_sides"] == images + more


def test_a_foreign_page_names_another_person(batch: Batch) -> None:
    dossier, told = batch.planted("foreign-page")

    name = next(c["value"] for c in batch.page("foreign-page")["claims"] if c["fact"] == "name")

    assert name == told["person"] != dossier["person"]["name"]


def test_an_empty_folder_lies_beside_the_dossiers(batch: Batch) -> None:
    (name,) = batch.truth["empty_folders"]

    assert list((batch.root / name).iterdir()) == []
    assert name not in {dossier["folder"] for dossier in batch.dossiers}


def test_the_truth_can_be_told_again(batch: Batch) -> None:
    assert json.loads(json.dumps(batch.truth)) == batch.truth
