"""The maker of sheets is true: what it says of a place is where the scan shows it."""

import dataclasses

import numpy as np
from lib.imagery.paper import Line, Scanner, Sheet, form, place, rescanner, scan, scanned


def test_a_box_lies_in_the_scan_where_the_scanner_put_it() -> None:
    dot = Line(100, 200, 100.01, 200.01, 2.0)
    scanner = Scanner(dpi=200, turn=1.0, scale=1.01, shift=(12, -9), lid=238)
    sheet = Sheet((dot,))

    dark = np.argwhere(scan(sheet, scanner)[..., 1] < 120)

    x, y, wide, tall = place((100, 200, 0, 0), sheet, scanner)
    assert (wide, tall) == (0, 0)
    assert np.abs(dark.mean(axis=0) - [y, x]).max() < 1.0


def test_the_same_sheet_and_scanner_give_the_same_bytes_and_other_seeds_do_not() -> None:
    sheet = form(3)

    assert scanned(sheet, rescanner(5)) == scanned(sheet, rescanner(5))
    assert scanned(sheet, rescanner(5)) != scanned(sheet, dataclasses.replace(rescanner(5), seed=6))
