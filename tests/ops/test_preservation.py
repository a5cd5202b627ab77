"""Packages at the command line: kept, checked, mended, and rebuilt from the store and the keys."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ops.test_command_line import lantai

import lantai as product

TESTS = Path(__file__).parents[1]
SOURCE = Path(product.__file__).parents[1]
ENTER = """
import django; django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
import desk_factories as desk
call_command("migrate", verbosity=0)
at = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
desk.dossier(office=desk.office(at=at), at=at)
"""
TELL = """
import django; django.setup()
import json
from lantai.dossiers.models import Dossier, Material, Page, Person
said = {
    "person": list(Person.objects.order_by("uid").values("uid", "name", "sex", "id_number")),
    "dossier": list(Dossier.objects.order_by("uid").values(
        "uid", "number", "person__uid", "body__code", "state", "employer", "entered_at")),
    "material": list(Material.objects.order_by("uid").values(
        "uid", "dossier__uid", "class_code", "sequence", "title", "formed", "page_count")),
    "page": list(Page.objects.order_by("uid").values(
        "uid", "material__uid", "number", "blob__sha256", "blob__sm3", "width", "scanned_at")),
}
print(json.dumps(said, default=str))
"""


def run(script: str, home: Path) -> str:
    """Run a script of the tests on a data directory."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
            "DJANGO_SETTINGS_MODULE": "lantai.settings",
            "LANTAI_HOME": str(home),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(command: str, *words: str, home: Path, code: int = 0) -> list[dict[str, Any]]:
    ran = lantai(command, *words, "--json", home=home)
    assert ran.returncode == code, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_from_the_store_and_its_keys_alone_the_same_dossiers_come_back(tmp_path: Path) -> None:
    office, elsewhere = tmp_path / "office", tmp_path / "elsewhere"
    office.mkdir()
    run(ENTER, office)
    before = json.loads(run(TELL, office))

    kept = rows_of("preserve", "--all", home=office)
    again = rows_of("preserve", "--all", home=office)
    shutil.copytree(office / "preserved" / "root", elsewhere / "preserved" / "root")
    shutil.copytree(office / "keys" / "preservation", elsewhere / "keys" / "preservation")
    shutil.copy(office / "keys" / "preservation.key", elsewhere / "keys")
    rebuilt = rows_of("rebuild", home=elsewhere)

    assert kept[-1] == {"kept": 1, "unchanged": 0, "failed": 0}
    assert again == [{"kept": 0, "unchanged": 1, "failed": 0}]
    pages = len(before["page"])
    assert rebuilt == [{"dossiers": 1, "pages": pages, "without_key": [], "damaged": []}]
    assert json.loads(run(TELL, elsewhere)) == before
    assert rows_of("fsck", home=elsewhere) == [{"objects": pages, "faults": []}]
    whole = {"objects": 1, "faults": [], "swept": [], "mended": []}
    assert rows_of("fsck", "--store", home=elsewhere) == [whole]
    assert rows_of("preserve", "--all", home=elsewhere)[-1]["unchanged"] == 1

    (inventory,) = (elsewhere / "preserved" / "root").glob("*/*/*/*/inventory.json")
    inventory.chmod(0o600)
    inventory.write_bytes(inventory.read_bytes().replace(b"ops", b"spo"))
    (left,) = [elsewhere / "preserved" / "stage" / ("0" * 64)]
    left.mkdir(parents=True)

    (found,) = rows_of("fsck", "--store", home=elsewhere, code=1)
    assert [fault["code"] for fault in found["faults"]] == ["E060"]
    (mended,) = rows_of("fsck", "--store", "--repair", home=elsewhere)
    (row,) = mended.pop("mended")
    assert (row["place"], row["code"]) == ("store", "E060")
    assert row["path"] == str(inventory.relative_to(elsewhere / "preserved" / "root"))
    assert mended == {"objects": 1, "faults": [], "swept": [left.name]}
