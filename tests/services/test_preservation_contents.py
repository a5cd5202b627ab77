"""What a package says beside the catalogue: production, derivatives, decisions, secret material."""

from pathlib import Path
from typing import Any

import desk_factories as desk
import imaging_factories as factories
import pytest
from django.apps import apps
from preservation_factories import (
    LATER,
    NOON,
    add_late_material,
    forget,
    forget_everything,
    forget_production,
    inventory_of,
    new_dossier,
    opened,
    preserve,
    rows,
    said,
    stored,
    told,
)

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier, Material, Page
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.imaging import services as imaging
from lantai.lib.imagery import examine, tiles
from lantai.preservation import queries, services
from lantai.preservation.models import Kept, Watched
from lantai.vault import queries as vault

pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier() -> Dossier:
    return new_dossier()


@pytest.fixture
def produced(tmp_path: Path) -> Dossier:
    """A dossier from scans: one sent back and replaced, one finding judged, accepted by two."""
    shop = factories.shop()
    root = tmp_path / "批次"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 2))
    factories.dossier_folder(
        root / "李小文",
        factories.entry("1", 1, 1),
        name="李小文",
        number=factories.id_number(2),
        first_page=20,
    )
    batch, _ = factories.take_in(shop, root)
    item = batch.items.get(name="陈大文")
    first = item.scans.get(file_name="1-1-001.jpg")
    imaging.look_at_scan(scan_uid=first.uid, by=shop.inspector, at=NOON)
    imaging.return_scan(scan_uid=first.uid, reason="左下缺角", by=shop.inspector, at=NOON)
    imaging.rescan(
        scan_uid=first.uid,
        content=factories.page(11),
        file_name="1-1-001.jpg",
        by=shop.operator,
        at=LATER,
    )
    factories.count_all(shop, batch)
    factories.look_at_all(shop, batch)
    imaging.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=LATER)
    return Dossier.objects.get(person__name="陈大文")


def test_a_package_tells_how_its_pages_were_produced(home: Path, produced: Dossier) -> None:
    preserve(produced)

    (item,) = said(home, produced, "production.json")["items"]
    assert item["batch"]["device"] == "扫描仪 A-01"
    assert item["batch"]["operator"] == "pc-scanner"
    assert item["batch"]["accepted_by"] == "pc-inspector"
    assert item["paper_sides"] == 2
    assert item["counted_by"] == "pc-archivist"
    assert item["catalogue_sha256"]
    scans = {(scan["place"], scan["state"]): scan for scan in item["scans"]}
    assert sorted(scans) == [
        ("1-1-001", "current"),
        ("1-1-001", "replaced"),
        ("1-1-002", "current"),
    ]
    old, fresh = scans["1-1-001", "replaced"], scans["1-1-001", "current"]
    assert (old["return_reason"], old["returned_by"]) == ("左下缺角", "pc-inspector")
    assert fresh["replaces"] == old["uid"]
    assert old["page"] is None
    page = Page.objects.get(uid=fresh["page"])
    assert page.blob.sha256 == fresh["master_sha256"]
    assert page.number == 1


def test_a_finding_stands_with_its_measure_its_limit_and_what_was_judged(
    home: Path, produced: Dossier
) -> None:
    item = produced.items.get()
    scan = item.scans.filter(state="current").first()
    inspector = User.objects.get(username="pc-inspector")
    item.findings.create(
        scan=scan,
        code="Q07",
        sentence="倾斜 1.4 度，超过 1 度",
        measure="1.4",
        threshold="1",
        blocks=False,
        verdict="dismissed",
        judged_by=inspector,
        judged_at=LATER,
        judgement="原件如此",
    )

    preserve(produced)

    (told_item,) = said(home, produced, "production.json")["items"]
    (finding,) = [one for one in told_item["findings"] if one["code"] == "Q07"]
    assert scan is not None
    assert finding["scan"] == scan.uid
    assert (finding["measure"], finding["threshold"]) == ("1.4", "1")
    assert (finding["verdict"], finding["judged_by"]) == ("dismissed", "pc-inspector")
    assert finding["judged_at"] == LATER.isoformat()


def test_what_only_the_package_knows_of_the_production_stays_after_a_rebuild(
    home: Path, produced: Dossier
) -> None:
    preserve(produced)
    forget_production()
    forget_everything()
    services.rebuild(by="ops", at=LATER)
    rebuilt = Dossier.objects.get(uid=produced.uid)

    again = preserve(rebuilt, LATER)
    before = said(home, rebuilt, "production.json")
    first = told(home, rebuilt)
    add_late_material(rebuilt)
    preserve(rebuilt, LATER)

    assert again is None
    assert said(home, rebuilt, "production.json") == before
    assert told(home, rebuilt)[: len(first)] == first
    assert len(before["items"][0]["scans"]) == 3


def test_secret_scans_that_only_the_package_knows_are_told_there_no_more(
    home: Path, produced: Dossier
) -> None:
    add_late_material(produced)
    preserve(produced)
    forget_production()
    forget_everything()
    services.rebuild(by="ops", at=LATER)
    rebuilt = Dossier.objects.get(uid=produced.uid)
    material = rebuilt.materials.get(class_code="1")
    archivist = User.objects.get(username="pc-archivist")
    dossiers.mark_secret(material_uid=material.uid, reason="涉密", by=archivist, at=LATER)

    preserve(rebuilt, LATER)

    (item,) = said(home, rebuilt, "production.json")["items"]
    assert item["scans"] == []


def test_every_scan_of_secret_material_is_told_in_its_own_package(
    home: Path, produced: Dossier
) -> None:
    material = produced.materials.get(class_code="1")
    archivist = User.objects.get(username="pc-archivist")
    dossiers.mark_secret(material_uid=material.uid, reason="涉密", by=archivist, at=LATER)

    preserve(produced, LATER)

    (item,) = said(home, produced, "production.json")["items"]
    (apart,) = said(home, produced, "production.json", Watched.SECRET)["items"]
    assert item["scans"] == []
    assert [scan["state"] for scan in apart["scans"]] == ["replaced", "current", "current"]
    withheld = [event for event in told(home, produced) if event["withheld"]]
    assert {"imaging.scan.entered", "imaging.scan.replaced"} <= {
        event["action"] for event in withheld
    }
    assert b"1-1-001.jpg" not in opened(home, produced, "events.json")


def test_the_events_of_the_scanning_are_told_and_none_of_other_dossiers(
    home: Path, produced: Dossier
) -> None:
    preserve(produced)

    events = told(home, produced)
    actions = {event["action"] for event in events}
    assert {"imaging.scan.entered", "imaging.scan.returned", "imaging.scan.replaced"} <= actions
    assert "dossiers.dossier.entered" in actions
    other = Dossier.objects.get(person__name="李小文")
    alien = other.items.get().uid
    assert not any(alien in event["content"] or other.uid in event["content"] for event in events)


def test_fixed_evidence_and_the_decision_are_told(home: Path) -> None:
    office = desk.office(at=NOON)
    dossier = desk.dossier(office=office, at=NOON)
    desk.approved(office=office, dossier=dossier, at=NOON)

    preserve(dossier)

    actions = [event["action"] for event in told(home, dossier)]
    assert actions.count("cases.evidence.fixed") == 1
    assert actions.count("cases.decision.made") == 1
    assert "cases.claim.stated" not in actions


def test_each_view_names_its_master_and_the_steps_that_make_it(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)

    file = said(home, dossier, "derivatives.json")

    masters = {page["image"]: page["master"]["sha256"] for page in _pages(home, dossier)}
    listed = {(one["image"], one["recipe"]): one for one in file["derivatives"]}
    assert set(listed) == {
        (path, recipe) for path in masters for recipe in ("thumbnail/1", "tiles/1")
    }
    assert all(one["master_sha256"] == masters[path] for (path, _), one in listed.items())
    assert all(one["stored"] is None for one in listed.values())
    steps = {step["step"]: step for step in file["recipes"]["tiles/1"]["steps"]}
    assert (steps["cut"]["tile"], steps["encode"]["quality"]) == (tiles.TILE, tiles.QUALITY)
    small = file["recipes"]["thumbnail/1"]["steps"]
    assert [step.get("longer_side") for step in small if step["step"] == "resize"] == [
        examine.THUMBNAIL
    ]


def test_secret_material_stands_in_a_package_of_its_own(home: Path, dossier: Dossier) -> None:
    secret = _mark(dossier, "招工登记表")
    page = secret.pages.get()

    preserve(dossier)

    open_lines = said(home, dossier, "catalogue.json")["materials"]
    (line,) = [line for line in open_lines if line["uid"] == secret.uid]
    assert line == {"uid": secret.uid, "class_code": "9-2", "sequence": 1, "secret": True}
    assert "images/9-2-1-001.jpg" not in inventory_of(dossier).state
    for path in ("catalogue.json", "production.json", "derivatives.json", "events.json"):
        held = opened(home, dossier, path)
        assert "招工登记表".encode() not in held
        assert page.blob.sha256.encode() not in held
        assert page.uid.encode() not in held
    (line,) = said(home, dossier, "catalogue.json", Watched.SECRET)["materials"]
    assert (line["title"], line["secrecy"][0]["reason"]) == ("招工登记表", "涉密")
    image = opened(home, dossier, "images/9-2-1-001.jpg", Watched.SECRET)
    assert image == vault.read(page.blob.sha256)
    withheld = {event["leaf"] for event in told(home, dossier) if event["withheld"] == "secret"}
    full = {event["leaf"]: event for event in told(home, dossier, Watched.SECRET)}
    assert withheld == set(full)
    assert all(event["content"] for event in full.values())
    assert list(queries.faults()) == []


def test_material_marked_later_leaves_the_next_version_and_enters_the_other_package(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    _mark(dossier, "招工登记表")

    preserve(dossier, LATER)

    found = inventory_of(dossier)
    assert "images/9-2-1-001.jpg" in found.versions["v1"].state
    assert "images/9-2-1-001.jpg" not in found.versions["v2"].state
    assert "images/9-2-1-001.jpg" in inventory_of(dossier, Watched.SECRET).state
    kept = Kept.objects.order_by("pk").values_list("store", "version")
    assert list(kept) == [("store", 1), ("secret", 1), ("store", 2)]
    assert preserve(dossier, LATER) is None


def test_a_lifted_material_comes_back_and_is_rebuilt_once(home: Path, dossier: Dossier) -> None:
    secret = _mark(dossier, "招工登记表")
    preserve(dossier)
    _lift(secret)
    preserve(dossier, LATER)
    before = rows()
    forget_everything()

    rebuilt = services.rebuild(by="ops", at=LATER)

    assert rebuilt.damaged == []
    assert rows() == before


def test_secret_material_is_rebuilt_from_its_own_package(home: Path, dossier: Dossier) -> None:
    _mark(dossier, "招工登记表")
    preserve(dossier)
    add_late_material(dossier)
    preserve(dossier, LATER)
    before = rows()
    forget_everything()

    rebuilt = services.rebuild(by="ops", at=LATER)

    assert (rebuilt.damaged, rebuilt.without_key) == ([], [])
    assert rows() == before


def test_without_the_keys_of_secret_material_the_rest_is_rebuilt(
    home: Path, dossier: Dossier
) -> None:
    secret = _mark(dossier, "招工登记表")
    preserve(dossier)
    forget_everything()
    for path in (home / "keys" / "secret").rglob(f"{dossier.uid}.key"):
        path.unlink()

    rebuilt = services.rebuild(by="ops", at=LATER)

    assert (rebuilt.without_key, rebuilt.damaged) == ([dossier.uid], [])
    assert Dossier.objects.count() == 1
    assert not Material.objects.filter(uid=secret.uid).exists()
    assert Material.objects.count() == 3


def test_nothing_secret_stands_in_either_store_in_plain_text(home: Path, dossier: Dossier) -> None:
    secret = _mark(dossier, "招工登记表")
    preserve(dossier)

    signs = ["招工登记表".encode(), secret.uid.encode(), b"\xff\xd8\xff"]
    for path, held in stored(home).items():
        assert not any(sign in held for sign in signs), path


def test_a_store_of_secret_material_acknowledged_by_nobody_is_taken_up(
    home: Path, dossier: Dossier
) -> None:
    _mark(dossier, "招工登记表")
    preserve(dossier)
    forget(Kept)
    before = stored(home)

    preserve(dossier, LATER)

    assert sorted(Kept.objects.values_list("store", "version")) == [("secret", 1), ("store", 1)]
    assert stored(home) == before


def test_the_reference_says_of_every_table_where_its_rows_are_kept() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/preservation-package.md").read_text()
    _, _, table = page.partition("## What is where")

    for model in apps.get_models():
        if model.__module__.startswith("lantai."):
            assert model.__name__ in table, model.__name__


def _pages(home: Path, dossier: Dossier) -> list[dict[str, Any]]:
    return [
        page
        for line in said(home, dossier, "catalogue.json")["materials"]
        for page in line["pages"]
    ]


def _mark(dossier: Dossier, title: str) -> Material:
    material = dossier.materials.get(title=title)
    archivist = User.objects.get(username="archivist")
    dossiers.mark_secret(material_uid=material.uid, reason="涉密", by=archivist, at=NOON)
    return material


def _lift(material: Material) -> None:
    body = material.dossier.body
    keeper = identity.open_account(
        username="keeper", name="安全员", password="lantai-2026-x", by="test", at=NOON
    )
    identity.give_post(user=keeper, body=body, role=Role.SECURITY_ADMIN, by="test", at=NOON)
    dossiers.lift_secrecy(material_uid=material.uid, reason="期满解密", by=keeper, at=LATER)
