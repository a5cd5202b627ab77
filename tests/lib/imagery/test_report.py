"""The row of ``lantai check-images``: its shape, and that no file brings it down."""

import json
import subprocess
import sys
from pathlib import Path

from lib.imagery import paper
from lib.imagery.paper import Scanner, as_jpeg, scanned, stating

from lantai.lib.imagery import profile
from lantai.lib.imagery.report import check_file

NORM = profile.load()
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
FIELDS = {
    *("file", "readable", "width", "height", "dpi", "colour"),
    *("skew_degrees", "turned", "blank", "faults"),
}
# Reads every file named on standard input and prints what became of it.
CHILD = """
import json, resource, sys, time
from pathlib import Path
from lantai.lib.imagery import profile
from lantai.lib.imagery.report import check_file
norm = profile.load()
check_file(Path(sys.argv[1]).read_bytes(), "warm.jpg", norm)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for line in sys.stdin:
    path = Path(line.strip())
    content = path.read_bytes()
    before, start = peak(), time.process_time()
    row = check_file(content, path.name, norm)
    print(json.dumps([row, time.process_time() - start, (peak() - before) / 1024]))
"""


def test_a_good_page_gives_the_row_of_the_contract() -> None:
    content = stating(scanned(paper.form(5), Scanner(dpi=150, turn=2.0, margin=9)), dpi=150)

    row = check_file(content, "1-1-001.jpg", NORM)

    assert set(row) == FIELDS
    assert (row["file"], row["readable"], row["dpi"]) == ("1-1-001.jpg", True, 150)
    assert {fault["code"] for fault in row["faults"]} == {"Q07", "Q08"}
    for fault in row["faults"]:
        assert set(fault) == {"code", "measure", "threshold", "region", "sentence", "blocks"}
    assert json.loads(json.dumps(row)) == row


def test_a_file_that_gives_no_page_is_a_named_fault_and_measures_nothing() -> None:
    row = check_file("不是图像".encode(), "1-1-001.jpg", NORM)

    assert set(row) == FIELDS
    assert (row["readable"], row["width"], row["skew_degrees"]) == (False, None, None)
    assert [fault["code"] for fault in row["faults"]] == ["Q14"]
    assert "文本文件" in row["faults"][0]["sentence"]


def test_a_good_page_under_a_wrong_extension_is_measured_all_the_same() -> None:
    content = stating(scanned(paper.form(5), Scanner(dpi=150)), dpi=150)

    row = check_file(content, "1-1-001.tif", NORM)

    assert row["readable"]
    assert row["width"] == 1276
    assert "Q12" in {fault["code"] for fault in row["faults"]}


def own_bad_files(folder: Path) -> list[Path]:
    """Make bad files of the kinds that matter, for a machine without the collected ones."""
    good = as_jpeg(paper.scan(paper.form(5), Scanner(dpi=150)))
    size = good.index(b"\xff\xc0") + 5
    header = b"II*\0\x08\0\0\0\x01\0\0\x01\x04\0\x01\0\0\0\x10\0\0\0"
    bad = {
        "empty.jpg": b"",
        "half.jpg": good[: len(good) // 2],
        "tail.jpg": good + b"<script>",
        "huge.jpg": good[:size] + b"\xff\xdc\xff\xdc" + good[size + 4 :],
        "loop.tif": header + b"\x08\0\0\0",
        "zeros.png": b"\x89PNG\r\n\x1a\n" + bytes(5000),
        "page.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in bad]


def test_hostile_files_are_pages_or_sentences_quickly_and_in_little_memory(tmp_path: Path) -> None:
    warm = tmp_path / "warm"
    warm.write_bytes(scanned(paper.form(5), Scanner(dpi=150)))
    collected = [path for kind in ("hostile", "bombs") for path in (SHARED / kind).glob("*")]
    files = sorted(collected) or own_bad_files(tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(warm)],
        input="\n".join(map(str, files)),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
        timeout=120,
    )

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(files)
    for row, seconds, grown in answers:
        assert row["readable"] or {fault["code"] for fault in row["faults"]} <= {"Q12", "Q14"}
        assert all(fault["sentence"] for fault in row["faults"])
        assert seconds < 1
        assert grown < 150


def test_own_bad_files_are_all_refused(tmp_path: Path) -> None:
    for path in own_bad_files(tmp_path):
        row = check_file(path.read_bytes(), path.name, NORM)
        assert not row["readable"], path.name
        assert "请" in row["faults"][0]["sentence"]
