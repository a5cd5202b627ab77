"""Each check finds its fault where there is one, and nothing where there is none."""

import dataclasses
import io
from functools import cache

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from lib.imagery import paper
from lib.imagery.paper import Scanner, Sheet, Text, as_jpeg, scan, scanned, stating
from PIL import Image

from lantai.lib.imagery import profile
from lantai.lib.imagery.decode import Unreadable
from lantai.lib.imagery.examine import Examined, examine
from lantai.lib.imagery.faults import Fault
from lantai.lib.imagery.pairs import doubles, same_sheet
from lantai.lib.imagery.tiles import Held, TilePack

NORM = profile.load()
GOOD = Scanner(dpi=300, turn=0.3, dust=3, quality=90, seed=4)


def look(content: bytes, name: str = "1-1-001.jpg") -> Examined:
    return examine(content, name=name, profile=NORM)


def codes(found: Examined) -> list[str]:
    return [fault.code for fault in found.faults]


def only(found: Examined, code: str) -> Fault:
    (fault,) = (each for each in found.faults if each.code == code)
    return fault


@cache
def good(kind: str) -> np.ndarray:
    """Return a faultless scan at 300 dpi."""
    sheet = {"form": paper.form(3), "letter": paper.letter(3), "contract": paper.contract(3)}[kind]
    return scan(sheet, GOOD)


KINDS = ("form", "letter", "contract")


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_scan_has_no_fault_and_is_told_as_it_is(kind: str) -> None:
    found = look(as_jpeg(good(kind)))

    assert found.faults == ()
    assert (found.width, found.height) == (2551, 3579)
    assert (found.dpi, found.colour, found.turned, found.blank) == (300, "colour", 0, False)
    assert found.skew_degrees == pytest.approx(0.3, abs=0.1)
    assert (found.quality, found.orientation) == (90, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigma", [2.0, 3.0])
def test_a_page_out_of_focus_is_unclear(kind: str, sigma: float) -> None:
    fault = only(look(as_jpeg(cv2.GaussianBlur(good(kind), (0, 0), sigma))), "Q01")

    assert fault.blocks
    assert fault.threshold == "不超过 3.4 像素（300 dpi）"
    assert fault.region is not None
    assert "重新扫描" in fault.sentence


def test_a_darkened_and_a_faded_and_a_burnt_scan_are_each_named() -> None:
    bright = good("form").astype(np.float32)
    dark, faded, burnt = (
        look(as_jpeg(np.clip(light, 0, 255).astype(np.uint8)))
        for light in (bright * 0.55, bright * 0.3 + 160, bright * 1.35)
    )

    assert "过暗" in only(dark, "Q01").sentence
    assert "过浅" in only(faded, "Q01").sentence
    assert "曝光过度" in only(burnt, "Q01").sentence
    assert [fault.blocks for fault in (*dark.faults, *faded.faults, *burnt.faults)] == [
        False,
        False,
        True,
    ]


def test_writing_cut_by_the_frame_is_incomplete_and_shown_where() -> None:
    whole = good("letter")
    left = round((3 + 22 + 18) * 300 / 25.4)  # through the writing, which starts 22 mm in

    fault = only(look(as_jpeg(whole[:, left:])), "Q02")

    assert fault.blocks
    assert fault.region is not None
    x, y, wide, tall = fault.region
    assert x == 0
    assert wide < 150
    assert 0 < y < y + tall <= whole.shape[0]


def test_a_sheet_that_runs_out_of_the_frame_is_remarked_on_but_not_blocked() -> None:
    sheet = dataclasses.replace(paper.form(3), holes=())
    fault = only(
        look(stating(scanned(sheet, dataclasses.replace(GOOD, shift=(90.0, 0.0))), dpi=300)), "Q02"
    )

    assert fault.measure == "右侧看不到纸边"
    assert not fault.blocks


@settings(max_examples=8)
@given(turn=st.floats(-5, 5), seed=st.integers(0, 3))
def test_skew_is_measured_to_a_tenth_of_a_degree_and_named_beyond_one(
    turn: float, seed: int
) -> None:
    scanner = Scanner(dpi=150, turn=turn, margin=14, lid=14, seed=seed)

    found = look(stating(scanned(paper.form(seed), scanner), dpi=150))

    assert found.skew_degrees == pytest.approx(turn, abs=0.1)
    if abs(abs(turn) - 1) > 0.1:
        skewed = [fault for fault in found.faults if "倾斜" in fault.sentence]
        assert bool(skewed) == (abs(turn) > 1)
        assert not any(fault.blocks for fault in skewed)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["form", "letter", "contract", "upside"])
def test_a_turned_page_is_told_by_how_much_counter_clockwise(kind: str, quarter: int) -> None:
    sheet = {
        "form": paper.form(5),
        "letter": paper.letter(5),
        "contract": paper.contract(5),
        "upside": paper.form(6, layout=1),
    }[kind]
    content = scanned(sheet, Scanner(dpi=150, turn=0.4, quarter=quarter))

    found = look(content)

    assert found.turned == -90 * quarter % 360
    named = [fault for fault in found.faults if "方向" in fault.sentence]
    assert len(named) == (1 if quarter else 0)


def test_a_page_without_characters_is_not_called_turned() -> None:
    lines = Sheet(tuple(paper.Line(20, 40 + 10 * k, 190, 40 + 10 * k) for k in range(20)))

    for quarter in range(4):
        assert look(scanned(lines, Scanner(dpi=150, quarter=quarter))).turned == 0


def test_exif_orientation_is_obeyed_in_judging_and_regions_stay_in_stored_pixels() -> None:
    upright = cv2.GaussianBlur(scan(paper.form(5), Scanner(dpi=150)), (0, 0), 3)
    stored = np.ascontiguousarray(np.rot90(upright))  # a viewer turns it back by orientation 6
    out = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(stored).save(out, "JPEG", quality=90, dpi=(150, 150), exif=exif)

    found = look(out.getvalue())

    assert (found.orientation, found.turned) == (6, 0)
    assert (found.width, found.height) == (stored.shape[1], stored.shape[0])
    region = only(found, "Q01").region
    assert region is not None
    assert region[0] + region[2] <= found.width
    assert region[1] + region[3] <= found.height


@pytest.mark.parametrize("seed", range(4))
def test_an_empty_sheet_with_holes_and_dust_is_blank_and_one_name_makes_it_not(seed: int) -> None:
    empty = dataclasses.replace(paper.blank(seed), holes=((8, 60), (8, 150), (8, 240)))
    scanner = Scanner(dpi=150, lid=14, dust=6, seed=seed)
    named = empty.plus(Text("彭建国", 60, 70, 5, paper.BLUE, hand=seed + 1))

    blank, written = (look(stating(scanned(each, scanner), dpi=150)) for each in (empty, named))

    assert (blank.blank, written.blank) == (True, False)
    assert not only(blank, "Q10").blocks
    assert "Q10" not in codes(written)


@pytest.mark.parametrize(
    ("dpi", "said"),
    [(200, "只有 200 dpi"), (None, "没有写明分辨率"), (72, "与像素数不符")],
)
def test_resolution_is_judged_by_what_the_file_says_and_what_it_holds(
    dpi: int | None, said: str
) -> None:
    fault = only(look(as_jpeg(good("contract"), dpi=dpi)), "Q08")

    assert said in fault.sentence
    assert fault.blocks is (dpi == 200)


def test_a_coarse_scan_that_states_nothing_is_estimated_and_blocked() -> None:
    fault = only(look(as_jpeg(scan(paper.form(3), Scanner(dpi=150)), dpi=None)), "Q08")

    assert "只有约 153 dpi" in fault.sentence
    assert fault.blocks


def test_grey_and_bitonal_scans_are_not_colour() -> None:
    grey = cv2.cvtColor(good("form"), cv2.COLOR_RGB2GRAY)
    bitonal = io.BytesIO()
    Image.fromarray(np.where(grey > 150, 255, 0).astype(np.uint8)).convert("1").save(
        bitonal, "TIFF", dpi=(300, 300), compression="group4"
    )

    as_grey = look(as_jpeg(np.repeat(grey[..., None], 3, axis=2)))
    as_bitonal = look(bitonal.getvalue(), "1-1-001.tif")

    assert (as_grey.colour, as_bitonal.colour) == ("grey", "bitonal")
    assert only(as_grey, "Q08").measure == "灰度图像"
    assert only(as_bitonal, "Q08").measure == "黑白二值图像"


def test_an_edited_original_is_named_with_the_tool_and_blocked() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[305] = "Adobe Photoshop 25.0"
    Image.fromarray(good("form")).save(out, "JPEG", quality=92, dpi=(300, 300), exif=exif)

    fault = only(look(out.getvalue()), "Q09")

    assert "Adobe Photoshop 25.0" in fault.measure
    assert fault.blocks


def test_the_software_of_a_scanner_is_no_editor() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[305] = "EPSON Scan 2"
    Image.fromarray(good("form")).save(out, "JPEG", quality=92, dpi=(300, 300), exif=exif)

    assert "Q09" not in codes(look(out.getvalue()))


def test_too_much_compression_is_remarked_on() -> None:
    fault = only(look(as_jpeg(good("contract"), quality=60)), "Q09")

    assert fault.measure == "JPEG 质量约 60"
    assert not fault.blocks


def test_a_picture_too_small_for_any_page_is_refused() -> None:
    with pytest.raises(Unreadable) as refused:
        look(as_jpeg(np.zeros((20, 300, 3), np.uint8)))

    assert refused.value.code == "Q14"
    assert "300×20" in refused.value.sentence


def test_thumbnail_and_pack_are_of_the_stored_pixels() -> None:
    content = as_jpeg(good("form"))

    found = look(content)

    small = simplejpeg.decode_jpeg(found.thumbnail)
    assert small.shape == (480, 342, 3)
    mean = good("form").reshape(-1, 3).mean(axis=0)
    assert np.abs(small.reshape(-1, 3).mean(axis=0) - mean).max() < 2
    tiles = TilePack(Held(found.pack))
    assert (tiles.width, tiles.height, tiles.levels) == (found.width, found.height, 4)


def test_every_sentence_and_measure_fits_its_field_and_says_what_to_do() -> None:
    dark = np.clip(cv2.GaussianBlur(good("letter"), (0, 0), 3)[:, 500:] * 0.5, 0, 255)
    found = look(as_jpeg(dark.astype(np.uint8), dpi=200, quality=50))

    assert {"Q01", "Q02", "Q08", "Q09"} <= set(codes(found))
    for fault in found.faults:
        assert len(fault.measure) <= 60
        assert len(fault.threshold) <= 60
        assert len(fault.sentence) <= 300
        assert "请" in fault.sentence
    assert list(codes(found)) == sorted(codes(found))


def test_the_same_bytes_give_the_same_findings() -> None:
    content = scanned(paper.form(5), Scanner(dpi=150))

    assert look(content) == look(content)


def test_scans_of_one_sheet_are_doubles_and_the_same_form_of_another_is_not() -> None:
    first, again = (scanned(paper.form(3), paper.rescanner(seed)) for seed in (5, 6))
    other = scanned(paper.form(4), paper.rescanner(7))
    empty, bare = (scanned(paper.blank(k), paper.rescanner(k)) for k in (8, 9))
    files = {"1.jpg": first, "2.jpg": other, "3.jpg": again, "4.jpg": empty, "5.jpg": bare}
    prints = {name: look(content).dhash for name, content in files.items()}

    found = doubles(prints, load=files.__getitem__)

    assert [(pair.first, pair.second) for pair in found] == [("1.jpg", "3.jpg")]
    assert same_sheet(prints["1.jpg"], prints["3.jpg"])
    assert all(len(each) == 64 and int(each, 16) >= 0 for each in prints.values())


def test_the_fingerprint_of_a_page_turned_over_is_that_of_the_page() -> None:
    straight, turned = (
        look(scanned(paper.form(5), Scanner(dpi=150, turn=turn, quarter=quarter))).dhash
        for turn, quarter in ((0.5, 0), (-0.8, 2))
    )

    assert same_sheet(straight, turned)
