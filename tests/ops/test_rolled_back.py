"""The program does not begin its work on a database that is older than what it has signed."""

import shutil
from pathlib import Path

import pytest
from installation import enter_act, lantai_command


@pytest.mark.parametrize("command", [("worker",), ("serve", "--port", "0")])
def test_work_does_not_begin_on_an_old_backup(
    command: tuple[str, ...], home: Path, tmp_path: Path
) -> None:
    enter_act(home)
    shutil.copytree(home, tmp_path / "backup")
    enter_act(home)
    signed = (home / "log/records/checkpoint").read_text()
    for path in home.glob("lantai*"):
        path.unlink()
    for path in (tmp_path / "backup").glob("lantai*"):
        shutil.copy(path, home)

    refused = lantai_command(home, *command)

    assert refused.returncode == 1
    assert "已签到 2 条，数据库只有 1 条。请恢复到最新的备份" in refused.stderr
    assert "恢复之前不再签名" in refused.stderr
    assert (home / "log/records/checkpoint").read_text() == signed
