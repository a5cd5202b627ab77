"""The vault under kill -9 and a full disk: a master is whole or absent; on both databases."""

from pathlib import Path

import pytest
from faults.test_ledger import seen

pytestmark = pytest.mark.faults


def test_a_writer_killed_at_any_step_leaves_a_whole_master_or_none(tmp_path: Path) -> None:
    found = seen("store-killed", tmp_path)

    assert found["steps"] >= 16
    assert found["masters"] == found["steps"]
    assert found["seen"] == 2  # leftovers and files without rows were reported


def test_a_writer_without_room_at_any_step_leaves_a_whole_master_or_none(tmp_path: Path) -> None:
    found = seen("store-without-room", tmp_path)

    assert found["steps"] >= 10
    assert found["masters"] == found["steps"]
