"""A backup is whole under its name, tells nobody anything, and never stands half-made."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from backed_up import ACT, BEGIN, PASSPHRASE, SERVER, Place, database, installation

from lantai.lib.ocfl import disk
from lantai.lib.sealing import Suite
from lantai.ops.backups import parts, sealed
from lantai.ops.backups.target import Target

# The newest entry of the log is gone, as if the database were an older one.
FORGET = """
import django; django.setup()
from django.db import connection
cursor = connection.cursor()
def drop(table):
    cursor.execute(f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})")
cursor.execute("DELETE FROM ledger_disclosure WHERE entry_id = (SELECT max(id) FROM ledger_entry)")
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Place]:
    """An installation with a dossier that was preserved, its log signed."""
    with installation(tmp_path / "office") as place:
        yield place


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Place]:
    """An installation that is used for the first time."""
    with installation(tmp_path / "office", BEGIN) as place:
        yield place


def standing(target: Path) -> list[str]:
    return sorted(path.name for path in (target / "backups").iterdir())


def test_a_backup_answers_with_the_digest_that_is_entered_and_stands_beside_it(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"

    made = office.answer("backup", "--to", str(target))

    folder = target / "backups" / made["backup"]
    digest = hashlib.sha256((folder / "backup.json").read_bytes()).hexdigest()
    assert made["manifest_sha256"] == digest
    assert (folder / "backup.json.sha256").read_text() == f"{digest}  backup.json\n"
    assert (made["packages"], made["masters"], made["new_masters"], made["lacking"]) == (
        1,
        5,
        5,
        [],
    )
    assert office.actions() == ["ops.backup.made"]
    entered = office.script(
        "import django; django.setup()\nfrom lantai.ledger.models import Entry\n"
        "print(Entry.objects.get(action='ops.backup.made').facts['manifest_sha256'])"
    )
    assert entered.strip() == digest
    assert office.answer("backups", "--of", str(target), "--verify")["faults"] == []
    stated = json.loads((folder / "backup.json").read_bytes())
    assert stated["database"]["kind"] == ("postgresql" if SERVER else "sqlite")
    assert stated["database"]["rows"]["vault_blob"] == 5
    assert stated["log"]["records"]["entries"] == stated["log"]["records"]["signed"]
    assert not (office.home / "backup-in-work").exists()


def test_nothing_of_a_person_and_no_key_can_be_read_in_a_backup(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    (office.home / "notes.txt").write_text("石大川的档案\n")
    person = office.told()["people"][0]
    secrets = [
        person["name"].encode(),
        person["id_number"].encode(),
        (office.home / "keys" / "preservation.key").read_text().split()[1].encode(),
        (office.home / "keys" / "log-records.key").read_bytes().strip(),
    ]

    office.answer("backup", "--to", str(target))

    for path in target.rglob("*"):
        if path.is_file():
            assert not [secret for secret in secrets if secret in path.read_bytes()], path


def test_a_second_backup_copies_only_what_is_new(office: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))
    grown = [*(target / "incoming").glob("??/??/*"), *(target / "store" / "root").rglob("*")]
    before = {path: path.stat().st_ino for path in grown}

    made = office.answer("backup", "--to", str(target))

    assert (made["masters"], made["new_masters"]) == (5, 0)
    assert all(path.stat().st_ino == number for path, number in before.items())
    assert len(standing(target)) == 2


def test_an_installation_without_anything_is_backed_up(empty: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"

    made = empty.answer("backup", "--to", str(target))

    assert (made["packages"], made["masters"]) == (0, 0)
    assert empty.answer("drill", "--from", str(target), "--scratch", str(tmp_path / "s"))["good"]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ("短的口令", 1, "备份口令太短"),
        ("\n", 2, "没有口令"),
        ("一行口令够长了没有\n又一行\n", 2, "一行"),
    ],
)
def test_without_a_good_passphrase_nothing_is_backed_up(
    empty: Place, tmp_path: Path, given: str, code: int, said: str
) -> None:
    target = tmp_path / "target"

    ran = empty.lantai("backup", "--to", str(target), given=given)

    assert ran.returncode == code
    assert said in ran.stderr
    assert not (target / "backups").exists() or standing(target) == []


def test_a_passphrase_is_never_taken_from_the_command_line_nor_left_out(
    empty: Place, tmp_path: Path
) -> None:
    ran = empty.run("-m", "lantai.ops.main", "backup", "--to", str(tmp_path / "t"), given="")

    assert ran.returncode == 2
    assert "--passphrase-file" in ran.stderr
    assert not (tmp_path / "t").exists()


def test_another_passphrase_is_refused_until_the_change_is_said(
    empty: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    empty.answer("backup", "--to", str(target))

    refused = empty.lantai("backup", "--to", str(target), given="另一个也够长的备份口令 2027")
    stood = standing(target)
    changed = empty.answer(
        "backup", "--to", str(target), "--new-passphrase", given="另一个也够长的备份口令 2027"
    )

    assert refused.returncode == 1
    assert "--new-passphrase" in refused.stderr
    assert len(stood) == 1
    assert standing(target) == [*stood, changed["backup"]]
    assert empty.actions() == ["ops.backup.made", "ops.backup.failed", "ops.backup.made"]


@pytest.mark.parametrize("place", ["office", "office/keys", "."])
def test_a_target_in_the_home_or_around_it_is_refused(
    empty: Place, tmp_path: Path, place: str
) -> None:
    ran = empty.lantai("backup", "--to", str(tmp_path / place))

    assert ran.returncode == 1
    assert "互相包含" in ran.stderr
    assert not list(tmp_path.rglob("backups"))


def test_a_folder_with_other_things_is_no_target(empty: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "photos.zip").write_bytes(b"of somebody")

    ran = empty.lantai("backup", "--to", str(target))

    assert ran.returncode == 1
    assert "请换用空的目录" in ran.stderr
    assert [path.name for path in target.iterdir()] == ["photos.zip"]


def test_a_target_of_another_installation_is_refused(empty: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    empty.answer("backup", "--to", str(target))
    stood = standing(target)

    ran = empty.lantai("backup", "--to", str(target), LANTAI_ORG="qinghe")

    assert ran.returncode == 1
    assert "lantai.example/yuntai" in ran.stderr
    assert standing(target) == stood


def test_of_two_backups_at_once_the_second_is_refused(empty: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    empty.answer("backup", "--to", str(target))
    stood = standing(target)

    with disk.alone(target / ".lock"):
        ran = empty.lantai("backup", "--to", str(target))

    assert ran.returncode == 1
    assert "正在做另一次备份" in ran.stderr
    assert standing(target) == stood


def test_of_two_backups_of_one_home_to_two_targets_the_second_is_refused(
    empty: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"

    with disk.alone(empty.home / ".backup-lock"):
        ran = empty.lantai("backup", "--to", str(target))

    assert ran.returncode == 1
    assert "正在备份到另一处" in ran.stderr
    assert standing(target) == []
    assert empty.actions() == []


def test_what_is_on_its_way_into_a_bucket_is_not_in_a_backup(tmp_path: Path) -> None:
    place = tmp_path / "stores" / "0123456789abcdef"
    (place / "stage" / "work").mkdir(parents=True)
    (place / "stage" / "work" / "half").write_bytes(b"half")
    (place / "probe.json").write_bytes(b"{}")

    found = [path for path, _, _ in parts.others(tmp_path, [])]

    assert found == ["stores/0123456789abcdef/probe.json"]


def test_what_was_stopped_is_swept_and_entered_by_the_next(empty: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    empty.answer("backup", "--to", str(target))
    left = target / "backups" / ".making-20261124T000000Z"
    left.mkdir()
    (left / "database.sealed").write_bytes(b"half")
    staged = target / "incoming" / ".incoming"
    staged.mkdir(exist_ok=True)
    (staged / "0011").write_bytes(b"half")

    empty.answer("backup", "--to", str(target))

    assert not left.exists()
    assert not (staged / "0011").exists()
    assert empty.actions() == ["ops.backup.made", "ops.backup.failed", "ops.backup.made"]


def test_a_backup_that_stood_before_it_was_entered_is_entered_by_the_next(
    empty: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    empty.answer("backup", "--to", str(target))
    empty.script(f"{FORGET}\nfor table in ('ledger_entry',): drop(table)")

    empty.answer("backup", "--to", str(target))

    assert empty.actions() == ["ops.backup.made", "ops.backup.made"]


def test_a_full_disk_leaves_the_backups_before_and_a_clear_sentence(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    size = 3 << 20
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(target)], check=False
    )
    assert mounted.returncode == 0, "this test mounts a small file system, as root"
    try:
        first = office.answer("backup", "--to", str(target))["backup"]
        room = os.statvfs(target)
        (target / "incoming" / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize - 65536))
        office.script(ACT)

        ran = office.lantai("backup", "--to", str(target))

        assert ran.returncode == 1
        assert "磁盘已满" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert standing(target) == [first]
        assert Target(target).leftovers() == []
        (target / "incoming" / "ballast").unlink()
        assert office.answer("backups", "--of", str(target), "--verify")["faults"] == []
        office.answer("backup", "--to", str(target))
        assert office.actions() == ["ops.backup.made", "ops.backup.failed", "ops.backup.made"]
        assert not (office.home / "backup-in-work").exists()
    finally:
        subprocess.run(["umount", str(target)], check=True)


def test_what_was_lost_before_is_said_and_the_rest_is_backed_up(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    (lost,) = (office.home / "preserved" / "root").rglob("v1/content/catalogue.json")
    lost.chmod(0o600)
    lost.write_bytes(lost.read_bytes()[:-1] + b"?")

    made = office.answer("backup", "--to", str(target), code=1)

    assert [said.split(":")[0].split("/")[0] for said in made["lacking"]] == ["store"]
    assert standing(target) == [made["backup"]]
    drilled = office.answer("drill", "--from", str(target), code=1)
    assert drilled["faults"][0].startswith("备份时已经缺失：store/")


def test_a_database_that_is_older_than_its_log_is_not_backed_up(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    checkpoint = office.home / "log" / "records" / "checkpoint"
    office.script(ACT)
    newer = checkpoint.read_bytes()
    signed = ("ledger_entry", "ledger_head", "ledger_signingintent")
    office.script(f"{FORGET}\nfor table in {signed}: drop(table)")

    ran = office.lantai("backup", "--to", str(target))

    assert ran.returncode == 1
    assert "数据库比已公布的日志旧" in ran.stderr
    assert standing(target) == []
    assert checkpoint.read_bytes() == newer


def test_a_log_of_backups_is_listed_with_what_each_has(empty: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    made = empty.answer("backup", "--to", str(target))

    listed = empty.lantai("backups", "--of", str(target), given=None)

    assert listed.returncode == 0
    assert listed.stdout.startswith(made["backup"])
    assert made["manifest_sha256"] in listed.stdout
    assert "密钥在" in listed.stdout
    assert PASSPHRASE not in listed.stdout


def test_a_backup_whose_manifest_was_damaged_does_not_stop_the_next(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    first = office.answer("backup", "--to", str(target))["backup"]
    damaged = target / "backups" / first / "backup.json"
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes().replace(b'"masters":5', b'"masters":4'))

    made = office.answer("backup", "--to", str(target), code=1)

    assert [said.partition("：")[0] for said in made["damaged"]] == [first]
    assert standing(target) == [first, made["backup"]]
    assert office.answer("drill", "--from", str(target))["good"]


def test_masters_that_no_backup_lists_any_more_leave_the_target(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    older = office.answer("backup", "--to", str(target))["backup"]
    office.script(
        "import django; django.setup()\nfrom datetime import UTC, datetime\n"
        "from lantai.vault import queries, services\n"
        "services.release(sha256s=list(queries.releasable()), by='ops',"
        " at=datetime(2026, 11, 25, 5, tzinfo=UTC), single_copy=True)"
    )
    office.answer("backup", "--to", str(target))
    listed = len(list((target / "incoming").glob("??/??/*")))
    shutil.rmtree(target / "backups" / older)

    office.answer("backup", "--to", str(target))

    assert listed == 5
    assert list((target / "incoming").glob("??/??/*")) == []
    assert office.answer("drill", "--from", str(target))["opened"] == 5


def test_before_the_tables_are_made_nothing_is_backed_up(tmp_path: Path) -> None:
    with database() as address:
        nobody = Place(tmp_path / "nobody", address)

        ran = nobody.lantai("backup", "--to", str(tmp_path / "target"))

    assert ran.returncode == 1
    assert "还没有系统" in ran.stderr
    assert not (tmp_path / "target").exists()


def test_a_guess_at_the_passphrase_costs_128_mebibytes() -> None:
    lock, _ = sealed.Lock.of(PASSPHRASE, Suite.AES)

    assert 128 * lock.n * 8 == 128 << 20  # RFC 7914 §2: 128 × N × r bytes
