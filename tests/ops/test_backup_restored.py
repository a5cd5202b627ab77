"""What is restored is what was backed up, from nothing but the backup; or nothing is in place."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from backed_up import ACT, SERVER, Place, database, installation

DESTROY = """
import django; django.setup()
from datetime import UTC, datetime
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.dossiers.models import Dossier
from lantai.preservation import destruction
import desk_factories as desk
at = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
archivist = User.objects.get(username="archivist")
officer = desk._person("officer", archivist.posts.first().body, Role.SECURITY_ADMIN, at)
Dossier.objects.update(state="destroyed")
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Place]:
    with installation(tmp_path / "office") as place:
        yield place


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Place]:
    """Where a backup is restored to: not there yet."""
    with database() as address:
        yield Place(tmp_path / "elsewhere", address)


def restore(target: Path, place: Place, *words: str, code: int = 0) -> dict[str, object]:
    return place.answer(
        "restore", "--from", str(target), "--home", str(place.home), *words, code=code
    )


def nothing_is_in_place(place: Place) -> bool:
    beside = [path.name for path in place.home.parent.glob(f".{place.home.name}*")]
    tables = 0
    if SERVER:
        with psycopg.connect(place.database) as server:
            row = server.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            ).fetchone()
            tables = row[0] if row else 0
    return not place.home.exists() and beside == [] and tables == 0


def test_with_the_original_gone_everything_comes_back(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    (office.home / "witnesses").mkdir()
    (office.home / "witnesses" / "kept.json").write_text("{}")
    before = office.told()
    office.answer("backup", "--to", str(target))
    shutil.rmtree(office.home)

    row = restore(target, elsewhere)

    assert (row["whole"], row["newer"], row["packages"], row["opened"]) == (True, [], 1, 5)
    assert elsewhere.told() == before
    assert elsewhere.answer("audit")["differences"] == []
    assert elsewhere.answer("fsck")["faults"] == []
    assert elsewhere.answer("fsck", "--store")["faults"] == []
    assert (elsewhere.home / "witnesses" / "kept.json").read_text() == "{}"
    assert elsewhere.actions() == ["ops.backup.restored"]
    assert list(elsewhere.home.rglob(".restor*")) == []
    assert elsewhere.home.stat().st_mode & 0o777 == 0o700


def test_a_restored_installation_works_on_and_is_backed_up_to_the_same_target(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))
    shutil.rmtree(office.home)
    restore(target, elsewhere)

    elsewhere.script(ACT)
    made = elsewhere.answer("backup", "--to", str(target))

    assert made["new_masters"] == 0
    assert elsewhere.answer("audit")["differences"] == []
    assert elsewhere.answer("drill", "--from", str(target))["good"]


def test_masters_that_left_the_vault_are_read_from_their_packages(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))
    office.script(
        "import django; django.setup()\nfrom datetime import UTC, datetime\n"
        "from lantai.vault import queries, services\n"
        "print(services.release(sha256s=list(queries.releasable()), by='ops',"
        " at=datetime(2026, 11, 25, 5, tzinfo=UTC), single_copy=True))"
    )
    made = office.answer("backup", "--to", str(target))
    before = office.told()
    shutil.rmtree(office.home)

    row = restore(target, elsewhere)

    assert made["masters"] == 0
    assert row["opened"] == 5
    assert elsewhere.told() == before
    assert elsewhere.answer("fsck")["faults"] == []


def test_an_older_moment_is_restored_to_be_read_and_cannot_be_worked_on(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    older = office.answer("backup", "--to", str(target))["backup"]
    before = office.told()
    office.script(ACT)
    newest = office.answer("backup", "--to", str(target))["backup"]
    signed = len(office.told()["entries"])

    row = restore(target, elsewhere, "--moment", older, code=1)
    told = elsewhere.lantai("worker")

    assert (row["backup"], row["newest"], row["whole"]) == (older, newest, True)
    newer = row["newer"]
    assert isinstance(newer, list)
    assert [(known["stream"], known["where"]) for known in newer] == [("records", f"备份 {newest}")]
    assert newer[0]["size"] > len(before["entries"])
    assert signed > len(before["entries"])
    assert elsewhere.told() == before
    assert elsewhere.actions() == []
    assert told.returncode == 1
    assert "数据库比已公布的日志旧" in told.stderr


def test_an_anchor_kept_elsewhere_tells_that_more_was_signed(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target, anchors = tmp_path / "target", tmp_path / "anchors"
    office.answer("backup", "--to", str(target))
    office.script(ACT)
    office.answer("anchor", LANTAI_ANCHORS=str(anchors))

    ran = elsewhere.lantai(
        *("restore", "--from", str(target), "--home", str(elsewhere.home)),
        LANTAI_ANCHORS=str(anchors),
    )

    assert ran.returncode == 1
    assert "据外部锚定" in ran.stdout
    assert "不能启用" in ran.stdout


def test_a_moment_may_be_a_day_and_an_unknown_one_is_refused(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    made = office.answer("backup", "--to", str(target))["backup"]
    day = f"{made[:4]}-{made[4:6]}-{made[6:8]}"

    unknown = elsewhere.lantai(
        *("restore", "--from", str(target), "--home", str(elsewhere.home)), "--moment", "1999"
    )
    assert nothing_is_in_place(elsewhere)
    row = restore(target, elsewhere, "--moment", day)

    assert unknown.returncode == 1
    assert "没有 1999 的备份" in unknown.stderr
    assert row["backup"] == made


def test_a_wrong_passphrase_opens_nothing(office: Place, elsewhere: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))

    ran = elsewhere.lantai(
        *("restore", "--from", str(target), "--home", str(elsewhere.home)),
        given="不是当时的备份口令 2026",
    )

    assert ran.returncode == 1
    assert "备份口令打不开备份" in ran.stderr
    assert nothing_is_in_place(elsewhere)


def test_after_a_change_of_passphrase_an_older_moment_needs_both(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    older = office.answer("backup", "--to", str(target))["backup"]
    changed = "后来换用的备份口令 2027"
    office.answer("backup", "--to", str(target), "--new-passphrase", given=changed)
    words = ("restore", "--from", str(target), "--home", str(elsewhere.home), "--moment", older)

    one = elsewhere.lantai(*words, given=changed)
    assert nothing_is_in_place(elsewhere)
    both = elsewhere.lantai(*words, given=f"{changed}\n只有保管人知道的备份口令 2026\n")

    assert one.returncode == 1
    assert both.returncode == 0, both.stderr


def test_a_home_that_holds_anything_is_left_as_it_is(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))
    elsewhere.home.mkdir()
    (elsewhere.home / "lantai.db").write_bytes(b"somebody's")

    ran = elsewhere.lantai("restore", "--from", str(target), "--home", str(elsewhere.home))

    assert ran.returncode == 1
    assert "不是空的" in ran.stderr
    assert [path.name for path in elsewhere.home.iterdir()] == ["lantai.db"]


def test_without_a_home_named_nothing_is_restored(office: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))
    before = office.told()

    ran = office.lantai("restore", "--from", str(target))

    assert ran.returncode == 2
    assert "--home" in ran.stderr
    assert office.told() == before


def test_a_database_that_holds_anything_is_left_as_it_is(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    """On PostgreSQL the database of the office itself; on SQLite a database in the way."""
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))
    before = office.told()
    address = office.database or "postgresql://nobody@127.0.0.1:1/none"

    ran = elsewhere.lantai(
        *("restore", "--from", str(target), "--home", str(elsewhere.home)), DATABASE_URL=address
    )

    assert ran.returncode in {1, 2}
    assert ("不是空的" if SERVER else "请去掉 DATABASE_URL") in ran.stderr
    assert nothing_is_in_place(elsewhere)
    assert office.told() == before


def test_another_organisation_s_settings_are_refused(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))

    ran = elsewhere.lantai(
        *("restore", "--from", str(target), "--home", str(elsewhere.home)), LANTAI_ORG="qinghe"
    )

    assert ran.returncode == 2
    assert "LANTAI_ORG" in ran.stderr
    assert nothing_is_in_place(elsewhere)


def test_keys_of_older_backups_go_after_their_days_and_the_newest_opens_all(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    older = office.answer("backup", "--to", str(target))["backup"]

    made = office.answer("backup", "--to", str(target), LANTAI_KEY_BACKUP_DAYS="0")

    assert made["keys_dropped"] == [older]
    assert not (target / "backups" / older / "keys").exists()
    assert (target / "backups" / made["backup"] / "keys").is_dir()
    assert office.answer("backups", "--of", str(target), "--verify")["faults"] == []
    row = restore(target, elsewhere, "--moment", older)
    assert (row["backup"], row["opened"]) == (older, 5)


def test_a_destroyed_key_comes_back_from_no_backup(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    older = office.answer("backup", "--to", str(target))["backup"]
    masters = sorted(path.name for path in (target / "incoming").rglob("*") if path.is_file())
    office.script(
        f"{DESTROY}\n"
        "from lantai.vault import keys, services as vault\n"
        "from lantai.ledger import services as ledger\nfrom django.db import transaction\n"
        "from django.conf import settings\n"
        "dossier = Dossier.objects.get()\n"
        "keys.destroy(settings.LANTAI_HOME, dossier.uid)\n"
        "vault.shred(sha256s=destruction._own_masters(dossier), by='officer', at=at)\n"
        "with transaction.atomic():\n"
        "    ledger.record(at=at, action='preservation.key.destroyed', actor='officer',"
        " subject=f'dossier:{dossier.uid}', facts={})\n"
        "ledger.publish(at=at)\n"
    )

    made = office.answer("backup", "--to", str(target))

    assert made["keys_dropped"] == [older]
    assert len(masters) == 5
    assert [path for path in (target / "incoming").rglob("*") if path.is_file()] == []
    row = restore(target, elsewhere, "--moment", older, code=1)
    assert (row["opened"], row["destroyed"], row["not_opened"]) == (0, 5, [])
    assert list((elsewhere.home / "keys").rglob("??/*.key")) == []


def test_secret_material_comes_back_in_a_store_and_a_ring_of_its_own(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    office.script(
        "import django; django.setup()\nfrom datetime import UTC, datetime\n"
        "from lantai.dossiers import services as dossiers\n"
        "from lantai.dossiers.models import Material\nfrom lantai.identity.models import User\n"
        "from lantai.preservation import services\n"
        "at = datetime(2026, 11, 25, 5, tzinfo=UTC)\nmaterial = Material.objects.first()\n"
        "archivist = User.objects.get(username='archivist')\n"
        "dossiers.mark_secret(material_uid=material.uid, reason='定密', by=archivist, at=at)\n"
        "services.preserve(dossier_uid=material.dossier.uid, by='archivist', at=at)\n"
    )
    before = office.told()

    made = office.answer("backup", "--to", str(target))
    shutil.rmtree(office.home)
    row = restore(target, elsewhere)

    assert made["packages"] == row["packages"] == 2
    assert list((target / "secret" / "root").rglob("v1/inventory.json"))
    assert list((elsewhere.home / "keys" / "secret").rglob("??/*.key"))
    assert elsewhere.told() == before
    assert elsewhere.answer("fsck", "--store")["faults"] == []
    assert elsewhere.answer("audit")["differences"] == []


def test_a_disk_that_is_too_small_is_said_and_nothing_is_in_place(
    office: Place, elsewhere: Place, tmp_path: Path
) -> None:
    target, small = tmp_path / "target", tmp_path / "small"
    office.answer("backup", "--to", str(target))
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], check=False
    )
    assert mounted.returncode == 0, "this test mounts a small file system, as root"
    try:
        tight = Place(small / "home", elsewhere.database)

        ran = tight.lantai("restore", "--from", str(target), "--home", str(tight.home))

        assert ran.returncode == 1
        assert "磁盘已满" in ran.stderr
        assert "没有恢复成" in ran.stderr
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("part", ["backup.json", "log.tar", "keys/0001.sealed"])
def test_a_damaged_newest_backup_is_moved_away_and_the_one_before_restored(
    office: Place, elsewhere: Place, tmp_path: Path, part: str
) -> None:
    target = tmp_path / "target"
    older = office.answer("backup", "--to", str(target))["backup"]
    newest = office.answer("backup", "--to", str(target))["backup"]
    damaged = target / "backups" / newest / part
    damaged.chmod(0o600)
    damaged.write_bytes(bytes(9) + damaged.read_bytes()[9:])

    refused = elsewhere.lantai(
        *("restore", "--from", str(target), "--home", str(elsewhere.home), "--moment", older)
    )
    assert nothing_is_in_place(elsewhere)
    (target / "backups" / newest).rename(tmp_path / "damaged")
    row = restore(target, elsewhere)

    assert refused.returncode == 1
    assert "移出 backups/" in refused.stderr
    assert (row["backup"], row["newest"]) == (older, older)
