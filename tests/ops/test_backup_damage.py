"""A backup that is not what was made is found out and named, and nothing is put in place."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from backed_up import ACT, Place, database, installation

from lantai.lib import canonical

# Every kind of file of a backup, as a pattern below the target, with what names it.
KINDS = {
    "manifest": ("backups/*/backup.json", "backup.json"),
    "its digest": ("backups/*/backup.json.sha256", "backup.json"),
    "database": ("backups/*/database.sealed", "database.sealed"),
    "log": ("backups/*/log.tar", "log.tar"),
    "keys": ("backups/*/keys/0001.sealed", "keys/0001.sealed"),
    "others": ("backups/*/others/0001.sealed", "others/0001.sealed"),
    "position": ("backups/*/position.jsonl", "position.jsonl"),
    "list of masters": ("backups/*/incoming.jsonl", "incoming.jsonl"),
    "master": ("incoming/??/??/*", ""),
    "image of a package": ("store/root/**/v1/content/images/1-1-001.jpg", "images/1-1-001.jpg"),
    "inventory": ("store/root/**/v1/inventory.json", "v1/inventory.json"),
}


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A target with one backup of an installation that is gone."""
    folder = tmp_path_factory.mktemp("backed")
    with installation(folder / "office") as office:
        office.answer("backup", "--to", str(folder / "target"))
    shutil.rmtree(office.home)
    return folder / "target"


@pytest.fixture
def target(backed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(backed, tmp_path / "target"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Place]:
    with database() as address:
        yield Place(tmp_path / "elsewhere", address)


def flip(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 4
    path.chmod(0o600)
    path.write_bytes(held)


def cut(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("kind", "harm"),
    [
        *((kind, flip) for kind in KINDS),
        *((kind, harm) for kind in ("log", "master", "inventory") for harm in (cut, Path.unlink)),
    ],
)
def test_damage_is_named_and_nothing_is_in_place(
    target: Path, elsewhere: Place, kind: str, harm: Callable[[Path], None]
) -> None:
    pattern, name = KINDS[kind]
    chosen = min(target.glob(pattern))
    harm(chosen)

    ran = elsewhere.lantai("restore", "--from", str(target), "--home", str(elsewhere.home))

    assert ran.returncode == 1
    assert (name or chosen.name) in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not elsewhere.home.exists()
    assert [path.name for path in elsewhere.home.parent.glob(".elsewhere*")] == []


def test_damage_is_found_by_looking_without_a_passphrase(target: Path, elsewhere: Place) -> None:
    flip(next(target.glob("backups/*/database.sealed")))

    row = elsewhere.answer("backups", "--of", str(target), "--verify", code=1, given=None)

    assert [fault.rpartition("/")[2] for fault in row["faults"]] == [
        "database.sealed 与清单中的摘要不符：已损坏"
    ]


def test_a_file_of_another_backup_does_not_pass(tmp_path: Path, elsewhere: Place) -> None:
    """Sealed under the same passphrase, and the manifest made to fit."""
    target = tmp_path / "target"
    with installation(tmp_path / "office") as office:
        one = office.answer("backup", "--to", str(target))["backup"]
        office.script(ACT)
        other = office.answer("backup", "--to", str(target))["backup"]
    sealed = "database.sealed"
    mine = target / "backups" / other
    old = json.loads((target / "backups" / one / "backup.json").read_bytes())
    new = json.loads((mine / "backup.json").read_bytes())
    new["files"][sealed] = old["files"][sealed]
    forge(mine, new)
    (mine / sealed).unlink()
    shutil.copy(target / "backups" / one / sealed, mine / sealed)

    ran = elsewhere.lantai("restore", "--from", str(target), "--home", str(elsewhere.home))

    assert ran.returncode == 1
    assert "打不开的内容" in ran.stderr
    assert not elsewhere.home.exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("version", 2, "更新的程序"),
        ("name", "20200101T000000Z", "改过名"),
        ("moment", "2026-11-25T04:00:00", "没有时区"),
        ("files", "none", "不是本系统所写的清单"),
        ("files", {"../../etc/passwd": {"sha256": "0" * 64, "size": 1}}, "写法不对"),
        ("log", {"records": {"root": "?"}}, "不是本系统所写的清单"),
        ("database", {"kind": "sqlite", "rows": "many"}, "不是本系统所写的清单"),
        ("lock", {"kdf": "none"}, "不是本系统所写的清单"),
    ],
)
def test_a_manifest_that_is_none_of_ours_is_refused(
    target: Path, elsewhere: Place, field: str, value: object, said: str
) -> None:
    folder = next(target.glob("backups/*"))
    stated = json.loads((folder / "backup.json").read_bytes())
    forge(folder, {**stated, field: value})

    ran = elsewhere.lantai("restore", "--from", str(target), "--home", str(elsewhere.home))

    assert ran.returncode == 1
    assert said in ran.stderr
    assert not elsewhere.home.exists()


def test_rows_that_are_not_as_many_as_were_backed_up_are_refused(
    target: Path, elsewhere: Place
) -> None:
    folder = next(target.glob("backups/*"))
    stated = json.loads((folder / "backup.json").read_bytes())
    stated["database"]["rows"]["vault_blob"] += 1
    forge(folder, stated)

    ran = elsewhere.lantai("restore", "--from", str(target), "--home", str(elsewhere.home))

    assert ran.returncode == 1
    assert "行数与清单不符：vault_blob" in ran.stderr
    assert not elsewhere.home.exists()


def test_a_drill_of_a_damaged_backup_fails_and_leaves_nothing(
    target: Path, elsewhere: Place, tmp_path: Path
) -> None:
    flip(min(target.glob("incoming/??/??/*")))
    scratch = tmp_path / "scratch"

    row = elsewhere.answer("drill", "--from", str(target), "--scratch", str(scratch), code=1)

    assert row["good"] is False
    assert any("已损坏" in fault for fault in row["faults"])
    assert list(scratch.iterdir()) == []


def forge(folder: Path, stated: object) -> None:
    """Put another manifest in its place, with a digest that fits."""
    held = canonical.dumps(stated)
    for name, content in (
        ("backup.json", held),
        ("backup.json.sha256", f"{hashlib.sha256(held).hexdigest()}  backup.json\n".encode()),
    ):
        (folder / name).chmod(0o600)
        (folder / name).write_bytes(content)
