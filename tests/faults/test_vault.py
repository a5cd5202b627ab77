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


def test_a_master_stopped_while_it_leaves_for_its_package_is_given_all_the_same(
    tmp_path: Path,
) -> None:
    found = seen("leave-killed", tmp_path)

    assert found["steps"] >= 12
    assert found["seen"] == 2  # it had left by its row and the file still stood; its mode


def test_a_master_on_a_broken_disk_leaves_only_when_its_package_was_read(tmp_path: Path) -> None:
    found = seen("leave-on-a-broken-disk", tmp_path)

    assert found["steps"] >= 6


def test_a_writer_without_room_at_any_step_leaves_a_whole_master_or_none(tmp_path: Path) -> None:
    found = seen("store-without-room", tmp_path)

    assert found["steps"] >= 10
    assert found["masters"] == found["steps"]
