"""What ``lantai preserve`` and ``lantai rebuild`` say, where something is in the way."""

import argparse
import errno
import json
from pathlib import Path
from typing import Any

import pytest
from preservation_factories import (
    at_of,
    forget_everything,
    inventory_of,
    new_dossier,
    preserve,
    said,
)

from lantai.dossiers.models import Dossier
from lantai.ops.commands.preservation import PRESERVE, REBUILD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dossier(home: Path) -> Dossier:
    return new_dossier()


def run(capsys: pytest.CaptureFixture[str], *, rebuild: bool = False) -> tuple[int, Any, str]:
    """Run a command on everything; its exit code, its last row, what it complained of."""
    args = argparse.Namespace(json=True, dossiers=[], all=True)
    code = (REBUILD if rebuild else PRESERVE).run(args)
    out, complaints = capsys.readouterr()
    return code, json.loads(out.splitlines()[-1]), complaints


def test_preserving_signs_the_log_first_so_that_the_package_proves_it(
    home: Path, dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    code, total, _ = run(capsys)

    assert (code, total) == (0, {"kept": 1, "unchanged": 0, "failed": 0})
    assert all(event["proof"] for event in said(home, dossier, "events.json")["events"])


def test_a_disk_without_room_is_told_in_a_sentence(
    dossier: Dossier, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys)
    other = new_dossier(number=1)

    def full(*given: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    args = argparse.Namespace(json=False, dossiers=[other.uid], all=False)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        code = PRESERVE.run(args)

    answers, _ = capsys.readouterr()
    assert code == 1
    assert "读写失败（No space left on device），请检查磁盘空间和权限后重试" in answers
    assert not other.kept.exists()


def test_a_damaged_package_is_named_and_what_to_do_next(
    home: Path, dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    other = new_dossier(number=1)
    for one in (dossier, other):
        preserve(one)
    image = at_of(dossier).folder / inventory_of(dossier).content_path("images/1-1-001.jpg")
    held = image.read_bytes()
    image.unlink()
    forget_everything()

    first, row, complaints = run(capsys, rebuild=True)
    image.write_bytes(held)
    second, whole, _ = run(capsys, rebuild=True)

    assert (first, row["dossiers"], row["without_key"]) == (1, 1, [])
    assert [one["dossier"] for one in row["damaged"]] == [str(at_of(dossier))]
    assert "影像缺失，请从副本中恢复" in complaints
    assert second == 0
    assert whole == {"dossiers": 2, "pages": 7, "without_key": [], "damaged": []}
