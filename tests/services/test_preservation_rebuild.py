"""An empty database made from packages: the same rows, dossier by dossier."""

from pathlib import Path

import desk_factories as desk
import pytest
from django.conf import LazySettings
from preservation_factories import (
    LATER,
    NOON,
    add_late_material,
    at_of,
    forget_everything,
    inventory_of,
    new_dossier,
    preserve,
    rows,
)

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Custody, Dossier, Material, Page
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotFound
from lantai.lib.sealing import Suite
from lantai.preservation import queries, rebuilding, services
from lantai.preservation.rebuilding import Step
from lantai.vault import queries as vault
from lantai.vault.models import Blob

pytestmark = pytest.mark.django_db(transaction=True)

BEGUN = "preservation.rebuild.begun"
REBUILT = "preservation.database.rebuilt"


class Stopped(Exception):
    """Somebody pulled the plug."""


@pytest.fixture
def dossier() -> Dossier:
    return new_dossier()


def rebuild(told: list[Step] | None = None) -> rebuilding.Rebuilt:
    heard = told if told is not None else []
    return services.rebuild(by="ops", at=LATER, told=heard.append)


def entries(action: str) -> int:
    return ledger.entries(action=action).count()


@pytest.mark.parametrize("suite", Suite)
def test_an_empty_database_is_rebuilt_with_the_same_rows(
    home: Path, dossier: Dossier, settings: LazySettings, suite: Suite
) -> None:
    settings.LANTAI_SEALING = suite
    archivist = desk.User.objects.get(username="archivist")
    for way in (Custody.Way.OUT, Custody.Way.BACK):
        dossiers.hand_paper(
            dossier=dossier,
            way=way,
            purpose="复核",
            sides=dossier.paper_sides,
            to="李",
            by=archivist,
            at=LATER,
        )
    preserve(dossier)
    add_late_material(dossier)
    dossiers.index(dossier=dossier)
    preserve(dossier, LATER)
    before = rows()
    masters = {blob.sha256: vault.read(blob.sha256) for blob in Blob.objects.all()}
    forget_everything()
    (home / "vault").rename(home / "vault-away")

    rebuilt = rebuild()

    assert rows() == before
    assert (rebuilt.dossiers, rebuilt.pages) == (1, len(before["Page"]))
    assert rebuilt.without_key == []
    assert rebuilt.damaged == []
    assert {sha256: vault.read(sha256) for sha256 in masters} == masters
    assert not (home / "vault").exists()
    assert list(queries.faults()) == []
    assert (entries(BEGUN), entries(REBUILT)) == (1, 1)
    assert preserve(Dossier.objects.get(), LATER) is None


def test_a_stopped_rebuild_has_whole_dossiers_and_goes_on(home: Path, dossier: Dossier) -> None:
    for one in [dossier, *(new_dossier(number=number) for number in range(1, 6))]:
        preserve(one)
    before = rows()
    forget_everything()
    seen = []

    def stop(step: Step) -> None:
        seen.append(step)
        if len(seen) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        services.rebuild(by="ops", at=LATER, told=stop)
    half = rows()
    heard: list[Step] = []
    rebuilt = rebuild(heard)

    assert len(half["Dossier"]) == 3
    assert all(one in before["Dossier"] for one in half["Dossier"])
    assert rows() == before
    assert rebuilt.dossiers == 6
    assert [step.pages is None for step in heard] == [True] * 3 + [False] * 3
    assert (entries(BEGUN), entries(REBUILT)) == (1, 1)


def test_a_database_that_holds_dossiers_is_not_rebuilt(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    before = rows()

    with pytest.raises(Conflict):
        rebuild()

    assert rows() == before
    assert (entries(BEGUN), entries(REBUILT)) == (0, 0)


def test_a_rebuild_does_not_go_on_over_dossiers_of_another_origin(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    forget_everything()

    def stop(step: Step) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        services.rebuild(by="ops", at=LATER, told=stop)
    new_dossier(number=1)
    before = rows()

    with pytest.raises(Conflict, match="不是由重建写入的"):
        rebuild()

    assert rows() == before


def test_a_finished_rebuild_is_not_done_again(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    forget_everything()
    rebuild()
    before = rows()

    with pytest.raises(Conflict):
        rebuild()

    assert rows() == before
    assert entries(REBUILT) == 1


def test_there_is_nothing_to_rebuild_without_a_store(home: Path) -> None:
    with pytest.raises(NotFound):
        rebuild()

    assert entries(REBUILT) == 0


def test_a_package_without_key_is_passed_over_and_named(home: Path, dossier: Dossier) -> None:
    other = new_dossier(number=1)
    preserve(dossier)
    preserve(other)
    forget_everything()
    (home / "keys" / "preservation" / dossier.uid[:2] / f"{dossier.uid}.key").unlink()

    rebuilt = rebuild()

    assert rebuilt.without_key == [dossier.uid]
    assert [one.uid for one in Dossier.objects.all()] == [other.uid]
    assert entries(REBUILT) == 1


def test_a_damaged_package_is_named_and_entered_once_it_is_mended(
    home: Path, dossier: Dossier
) -> None:
    other = new_dossier(number=1)
    preserve(dossier)
    preserve(other)
    before = rows()
    image = at_of(dossier).folder / inventory_of(dossier).content_path("images/1-1-001.jpg")
    held = image.read_bytes()
    image.unlink()
    forget_everything()

    half = rebuild()

    assert [where for where, _ in half.damaged] == [str(at_of(dossier))]
    assert "影像缺失" in half.damaged[0][1]
    assert [one.uid for one in Dossier.objects.all()] == [other.uid]
    assert entries(REBUILT) == 0
    image.write_bytes(held)
    assert rebuild().damaged == []
    assert rows() == before
    assert entries(REBUILT) == 1


def test_a_catalogue_that_does_not_open_stops_only_its_own_dossier(
    home: Path, dossier: Dossier
) -> None:
    other = new_dossier(number=1)
    preserve(dossier)
    preserve(other)
    catalogue = at_of(dossier).folder / inventory_of(dossier).content_path("catalogue.json")
    held = catalogue.read_bytes()
    catalogue.chmod(0o600)
    catalogue.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    forget_everything()

    half = rebuild()

    assert [where for where, _ in half.damaged] == [str(at_of(dossier))]
    assert (Dossier.objects.count(), Material.objects.count()) == (1, 1)
    assert Page.objects.filter(material__dossier__uid=other.uid).count() == 2


def test_rows_that_are_missing_after_all_are_found_by_the_numbers(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    forget_everything()

    def lose(step: Step) -> None:
        Page.objects.all()._raw_delete("default")

    rebuilt = services.rebuild(by="ops", at=LATER, told=lose)

    assert rebuilt.damaged == [("", "目录共 5 页，数据库中有 0 页")]
    assert entries(REBUILT) == 0


def test_versions_are_rebuilt_with_their_moments(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    add_late_material(dossier)
    preserve(dossier, LATER)
    forget_everything()

    rebuild()

    kept = Dossier.objects.get().kept.order_by("version")
    assert [(one.version, one.at) for one in kept] == [(1, NOON), (2, LATER)]
