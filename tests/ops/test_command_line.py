"""The command line as its users meet it: words, JSON, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lantai.ops.main import HEADINGS, main

COMMANDS = [command.name for commands in HEADINGS.values() for command in commands]


def lantai(
    *words: str, given: str = "", home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    if home is not None:
        environment["LANTAI_HOME"] = str(home)
    return subprocess.run(
        [sys.executable, "-m", "lantai.ops.main", *words],
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command_under_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["help"])

    told = capsys.readouterr().out
    assert code == 0
    assert all(f"\n  {name} " in told for name in COMMANDS)
    assert all(f"\n{heading}\n" in f"\n{told}" for heading in HEADINGS)


def test_no_command_at_all_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2


def test_an_unknown_command_is_wrong_use() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fly"])

    assert ended.value.code == 2


def test_the_retirement_age_of_one_birth_month_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["retirement-age", "--born", "1965-01", "--group", "M60", "--json"])

    row = json.loads(capsys.readouterr().out)
    assert code == 0
    assert {key: value for key, value in row.items() if key != "clause"} == {
        "group": "M60",
        "born": "1965-01",
        "delay_months": 1,
        "age_years": 60,
        "age_months": 1,
        "statutory_month": "2025-02",
        "earliest": "2025-01",
        "latest": "2028-02",
        "minimum_months": 180,
    }
    assert row["clause"]


def test_retirement_ages_of_many_lines_one_of_them_unreadable() -> None:
    ran = lantai("retirement-age", "--json", given="F50 1984-11\nF55 1981/09\nM60 1964-12\n")

    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 2
    assert [(row["born"], row["statutory_month"], row["latest"]) for row in rows] == [
        ("1984-11", "2039-11", "2042-11"),
        ("1964-12", "2024-12", None),
    ]
    assert "第 2 行“F55 1981/09”不可识别" in ran.stderr


def test_a_birth_month_without_a_group_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retirement-age", "--born", "1965-01"]) == 2
    assert "--group" in capsys.readouterr().err


def test_an_image_that_is_none_is_told_and_found_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.jpg"
    note.write_text("这不是图像")

    code = main(["check-images", "--json", str(note)])

    row = json.loads(capsys.readouterr().out)
    assert code == 1
    assert row["readable"] is False
    assert row["file"] == str(note)
    assert row["faults"][0]["code"] == "Q14"
    assert "文本文件" in row["faults"][0]["sentence"]


def test_an_image_file_that_is_not_there_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-images", str(tmp_path / "none.jpg")]) == 2
    assert "请检查路径" in capsys.readouterr().err


def test_a_sample_with_an_unknown_plant_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", "--out", str(tmp_path / "out"), "--plant", "dragon"]) == 2
    assert "dragon" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_bundle_that_is_none_is_found_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(b"not a zip")

    code = main(["verify", "--json", str(bundle)])

    row = json.loads(capsys.readouterr().out)
    assert code == 1
    assert row["valid"] is False
    assert row["faults"]


def test_audit_and_fsck_of_a_fresh_home_are_good(tmp_path: Path) -> None:
    home = tmp_path / "fresh"

    audit = lantai("audit", "--json", home=home)
    fsck = lantai("fsck", "--json", home=home)

    assert (audit.returncode, json.loads(audit.stdout)["differences"]) == (0, [])
    assert (fsck.returncode, json.loads(fsck.stdout)) == (0, {"objects": 0, "faults": []})


def test_keeping_and_checking_packages_of_a_fresh_home_are_good(tmp_path: Path) -> None:
    home = tmp_path / "fresh"

    keep = lantai("preserve", "--all", "--json", home=home)
    fsck = lantai("fsck", "--store", "--json", home=home)

    assert (keep.returncode, json.loads(keep.stdout)) == (
        0,
        {"kept": 0, "unchanged": 0, "failed": 0},
    )
    assert (fsck.returncode, json.loads(fsck.stdout)) == (
        0,
        {"objects": 0, "faults": [], "swept": [], "mended": []},
    )


def test_a_dossier_that_is_not_there_is_not_kept(tmp_path: Path) -> None:
    ran = lantai("preserve", "0123456789abcdef", "--json", home=tmp_path / "fresh")

    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 1
    assert rows == [
        {"dossier": "0123456789abcdef", "fault": "没有这份档案"},
        {"kept": 0, "unchanged": 0, "failed": 1},
    ]


@pytest.mark.parametrize("words", [[], ["--all", "0123456789abcdef"]])
def test_keeping_neither_or_both_of_some_and_all_is_wrong_use(words: list[str]) -> None:
    assert main(["preserve", *words]) == 2


def test_a_rebuild_without_a_store_is_refused(tmp_path: Path) -> None:
    ran = lantai("rebuild", "--json", home=tmp_path / "fresh")

    assert ran.returncode == 1
    assert list(json.loads(ran.stdout)) == ["refused"]


def test_ingest_of_a_folder_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    ran = lantai("ingest", str(tmp_path / "none"), home=tmp_path / "fresh")

    assert ran.returncode == 2
    assert "不是文件夹" in ran.stderr
    assert not (tmp_path / "fresh").exists()
