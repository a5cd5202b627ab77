"""What an operator does with the log's keys, anchors and promises, on the command line."""

import json
from pathlib import Path

from installation import enter_act, lantai_command


def test_a_key_is_changed_and_the_audit_still_finds_nothing(home: Path) -> None:
    enter_act(home)

    changed = lantai_command(home, "rotate-key", "--stream", "records", "--json")
    again = lantai_command(home, "rotate-key", "--stream", "records")
    nothing_signed = lantai_command(home, "rotate-key", "--stream", "access")

    row = json.loads(changed.stdout)
    assert changed.returncode == 0
    assert set(row) == {"stream", "before", "now", "until"}
    assert set(row["before"]).isdisjoint(row["now"])
    assert (again.returncode, nothing_signed.returncode) == (1, 1)
    assert "并签期还没有结束" in again.stderr
    audited = lantai_command(home, "audit", "--json")
    assert json.loads(audited.stdout)["differences"] == []


def test_heads_are_anchored_once_a_day(home: Path) -> None:
    enter_act(home)

    first = lantai_command(home, "anchor", "--json")
    again = lantai_command(home, "anchor")

    assert json.loads(first.stdout) == {
        "stream": "records",
        "size": 1,
        "by": "heads",
        "fresh": True,
    }
    assert again.stdout == "日志 records 1 条：每日树头文件已有，无需再加\n"


def test_a_promise_is_given_kept_and_held_against_the_log(home: Path, tmp_path: Path) -> None:
    enter_act(home)
    office = tmp_path / "office"
    office.mkdir()

    given = lantai_command(home, "promise", "records/0")
    unknown = lantai_command(home, "promise", "records/7")

    (office / "act.promise").write_text(given.stdout)
    (office / "forged.promise").write_text(given.stdout.replace("\n0\n", "\n7\n", 1))
    audited = lantai_command(home, "audit", "--promises", str(office), "--json")
    found = json.loads(audited.stdout)["differences"]
    assert [(one["table"], one["key"]) for one in found] == [("promise", "forged.promise")]
    assert (given.returncode, unknown.returncode, audited.returncode) == (0, 2, 1)
