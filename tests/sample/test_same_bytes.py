"""The same arguments give the same bytes, here or in other processes."""

import hashlib
from pathlib import Path

from lantai import sample


def _digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_a_second_run_with_two_workers_writes_the_same_bytes(tmp_path: Path) -> None:
    plant = ["birth-altered@1", "unlisted-page@2"]

    for name, workers in (("once", 1), ("two", 2)):
        sample.write(tmp_path / name, dossiers=2, seed=9, plant=plant, workers=workers, dpi=60)

    once = _digests(tmp_path / "once")
    assert len(once) > 25
    assert _digests(tmp_path / "two") == once


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    first = next(sample.generate(tmp_path / "a", dossiers=1, seed=1, dpi=50))
    second = next(sample.generate(tmp_path / "b", dossiers=1, seed=2, dpi=50))

    assert first["person"]["id_number"] != second["person"]["id_number"]


def test_each_dossier_is_whole_when_its_truth_is_handed_over(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    told = sample.generate(
        tmp_path / "batch",
        dossiers=2,
        seed=4,
        dpi=50,
        progress=lambda done, total: steps.append((done, total)),
    )

    first = next(told)

    folder = tmp_path / "batch" / first["folder"]
    assert (folder / first["catalogue"]).is_file()
    assert len(list((folder / "原始图像数据").iterdir())) == len(first["pages"])
    assert steps[-1][0] == len(first["pages"]) < steps[-1][1]
    rest = list(told)
    assert [each["number"] for each in rest] == [2]
    assert steps[-1][0] == steps[-1][1]
