"""One small story that leaves at least two rows in every table a decision may rest on."""

from pathlib import Path

import cases_factories as make
import copies_factories as packages
import imaging_factories as scans
from cases_factories import LONG_AGO, NOON, minutes
from django.conf import settings
from django.db import transaction

from lantai.access import services as access
from lantai.access.rules import Purpose
from lantai.cases import services as cases
from lantai.cases.rules.facts import Fact
from lantai.certificates import services as certificates
from lantai.certificates.rules import Kind
from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier
from lantai.dossiers.services import Amendment
from lantai.identity import services as identity
from lantai.identity.rules import Role
from lantai.imaging import services as imaging
from lantai.imaging.models import Batch, Finding, Handover
from lantai.ledger import services as ledger
from lantai.lib.sealing import Suite
from lantai.preservation import destruction
from lantai.preservation.models import Watched
from lantai.vault import keys
from lantai.vault import services as vault


def tell(folder: Path) -> None:
    """Scan, count, inspect, accept; review, freeze, decide, file; certify; then sign the log."""
    people = make.district()
    _people_come_and_go(people)
    _posts_are_asked_for(people)
    _production(folder)
    ledger.publish(at=LONG_AGO)
    for order, name in ((1, "陈立"), (2, "王平")):
        _decided(people, name=name, order=order)
    _returned(people)
    _in_review(people)
    make.opened(people, name="周宁", order=5, at=LONG_AGO)
    _leave(people, Dossier.objects.filter(body=people.body).order_by("pk").first())
    for number in (1, 2):
        with transaction.atomic():
            access.note_refused(
                by=people.clerk.username, what=f"页 {number}", reasons=["一", "二"], at=NOON
            )
    _masters_leave()
    _secrets_and_keys(people)
    _kept_copied_mended(folder, people)
    ledger.publish(at=NOON)


def _secrets_and_keys(people: make.District) -> None:
    """Three materials marked secret, one of them no longer; keys asked to be destroyed."""
    guard = make.user("d1-guard", body=people.body, role=Role.SECURITY_ADMIN)
    kept = [
        dossier
        for dossier in Dossier.objects.filter(body=people.body).order_by("-pk")
        if not dossier.grants.filter(revoked_at=None).exists()
    ]
    uids = [material.uid for material in kept[0].materials.order_by("pk")[:3]]
    for number, uid in enumerate(uids):
        dossiers.mark_secret(
            material_uid=uid, reason=f"密级 {number}", by=people.archivist, at=minutes(number)
        )
    dossiers.lift_secrecy(material_uid=uids[0], reason="解密", by=guard, at=minutes(9))
    for number, (dossier, outcome) in enumerate(zip(kept, ("confirmed", "declined"), strict=False)):
        keys.dossier_key(settings.LANTAI_HOME, dossier.uid, may_make=True, suite=Suite.AES)
        asked = destruction.ask(
            dossier_uid=dossier.uid, reason=f"依据 {number}", by=people.archivist, at=minutes(10)
        )
        destruction.settle(
            request=asked.uid, outcome=outcome, note=f"意见 {number}", by=guard, at=minutes(11)
        )
    destruction.carry_out_waiting(at=minutes(12))
    keys.dossier_key(settings.LANTAI_HOME, kept[2].uid, may_make=True, suite=Suite.AES)
    destruction.ask(dossier_uid=kept[2].uid, reason="又一", by=people.archivist, at=minutes(13))


def _kept_copied_mended(folder: Path, people: make.District) -> None:
    """Two dossiers kept and copied, an image of each damaged and put back; a third only kept."""
    before, settings.LANTAI_COPY = settings.LANTAI_COPY, str(folder / "copy")
    try:
        rows = Dossier.objects.filter(body=people.body, key_destructions=None).order_by("pk")
        for number, dossier in enumerate(rows[:2]):
            packages.kept_and_copied(dossier)
            image = packages.an_image(Watched.STORE, dossier)
            packages.flip(Watched.STORE, dossier, image, bit=number)
            packages.visit(Watched.STORE, dossier, at=minutes(20 + number))
        packages.keep(rows[2])
    finally:
        settings.LANTAI_COPY = before


def _masters_leave() -> None:
    """A master that was shredded comes back."""
    for at in (LONG_AGO, NOON):
        page = vault.store(content=b"a page", media_type="image/jpeg", by="scanner", at=at)
        if at == LONG_AGO:
            vault.shred(sha256s=[page.sha256], by="ops", at=at)


def _people_come_and_go(people: make.District) -> None:
    gone = make.user("d1-gone", body=people.body, role=Role.APPROVER)
    for post in gone.posts.all():
        identity.end_post(post=post, reason="调离", by="installer", at=LONG_AGO)
    identity.close_account(user=gone, reason="离职", by="installer", at=LONG_AGO)
    identity.change_password(user=people.clerk, password="window-2026", by="d1-clerk", at=LONG_AGO)


def _posts_are_asked_for(people: make.District) -> None:
    system = make.user("d1-system", body=people.body, role=Role.SYSTEM_ADMIN)
    security = make.user("d1-security", body=people.body, role=Role.SECURITY_ADMIN)
    for username, role, outcome in (
        ("d1-clerk", Role.ARCHIVIST, "confirmed"),
        ("d1-second", Role.SUPERVISOR, "declined"),
    ):
        asked = identity.ask_for_post(
            username=username, body="d1", role=role, reason="代理", by=system, at=LONG_AGO
        )
        identity.settle_post(
            request=asked.uid, outcome=outcome, note=f"已核{role}", by=security, at=LONG_AGO
        )


def _production(folder: Path) -> None:
    shop = scans.shop()
    for serial, name in ((1, "甲"), (2, "乙")):
        inside = folder / name
        first = serial * 10
        for place, who in ((1, "张三"), (2, "李四")):
            scans.dossier_folder(
                inside / f"{who}{name}",
                scans.entry("1", 1, 1),
                scans.entry(("4-1", "9-2")[place - 1], place, 1),
                name=who,
                number=scans.id_number(first + place),
                first_page=first + place * 3,
            )
            missing = f"{who}{name}/原始图像数据/1-1-001.jpg"
            if place == 2:
                (inside / missing).unlink()
            (inside / f"{who}{name}/原始图像数据/坏{place}.jpg").write_bytes(b"no image")
        batch = scans.receive(shop, inside, name=f"批次{name}")
        list(imaging.process(batch=batch, at=NOON))
        _inspection(shop, batch)


def _inspection(shop: scans.Shop, batch: Batch) -> None:
    first, second = batch.items.order_by("pk")
    scans.count_all(shop, batch)
    for item in batch.items.order_by("pk"):
        for way in Handover.Way:
            imaging.hand_over(
                item_uid=item.uid,
                way=way,
                sides=item.paper_sides,
                condition="完好",
                to="张扫描",
                by=shop.archivist,
                at=NOON,
            )
        imaging.look_at_item(item_uid=item.uid, by=shop.inspector, at=NOON)
    scan = first.scans.order_by("pk").first()
    imaging.look_at_scan(scan_uid=scan.uid, by=shop.inspector, at=NOON)
    imaging.return_scan(scan_uid=scan.uid, reason="模糊", by=shop.inspector, at=NOON)
    imaging.rescan(
        scan_uid=scan.uid,
        content=scans.page(500 + batch.pk),
        file_name=scan.file_name,
        by=shop.operator,
        at=NOON,
    )
    imaging.describe_item(
        item_uid=first.uid,
        person=imaging.Described("张三丰", "男", "汉族", first.id_number, "云台厂"),
        by=shop.archivist,
        at=NOON,
    )
    for finding in second.findings.order_by("pk"):
        imaging.judge_finding(
            finding_uid=finding.uid,
            verdict=Finding.Verdict.CONFIRMED,
            reason="缺页属实",
            by=shop.inspector,
            at=NOON,
        )
    imaging.set_item_aside(item_uid=second.uid, reason="另批", by=shop.inspector, at=NOON)
    scans.look_at_all(shop, batch)
    imaging.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)


def _decided(people: make.District, *, name: str, order: int) -> None:
    case, _decision = make.decided(people, name=name, order=order, at=minutes(-order))
    made = certificates.issue(
        case_uid=case.uid, kind=Kind.RECORDED, purpose="核定待遇", by=people.clerk, at=minutes(1)
    )
    certificates.hand_out(number=made.number, by=people.clerk, at=minutes(2))
    certificates.revoke(number=made.number, reason="误开", by=people.clerk, at=minutes(3))
    cases.file_case(case_uid=case.uid, by=people.archivist, at=minutes(4 + order))


def _returned(people: make.District) -> None:
    for order, name, code in ((6, "钱一", "R-IMG"), (7, "钱二", "R-BIR")):
        case, _evidence = make.in_approval(people, name=name, order=order)
        cases.decide(
            case_uid=case.uid,
            outcome="return",
            code=code,
            reason=f"补正 {order}",
            by=people.approver,
            at=minutes(order),
        )


def _in_review(people: make.District) -> None:
    """Two cases whose paper was called, looked at and handed back, and that were raised."""
    for order, name in ((3, "赵静"), (4, "孙宁")):
        case = make.taken(people, name=name, order=order)
        page = make.page(case.dossier, make.HIRE)
        for note in ("墨色不一", "另处"):
            mark = cases.mark_page(
                case_uid=case.uid,
                page_uid=page.uid,
                region=(1, 2, 3, 4),
                kind="doubt",
                note=note,
                by=people.reviewer,
                at=minutes(1),
            )
        cases.withdraw_mark(case_uid=case.uid, mark_uid=mark.uid, by=people.reviewer, at=minutes(2))
        claims = make.reading(people, case)
        cases.withdraw_claim(
            case_uid=case.uid, claim_uid=claims[0].uid, by=people.reviewer, at=minutes(3)
        )
        for value in ("1966-05-??", "1966-05-12"):
            cases.adopt(
                case_uid=case.uid,
                fact=Fact.BIRTH,
                value=value,
                reason="以入团志愿书为准",
                by=people.reviewer,
                at=minutes(4),
            )
        cases.raise_route(
            case_uid=case.uid, reason="出生时间有疑", by=people.reviewer, at=minutes(5)
        )
        _paper(people, case, order=order)


def _paper(people: make.District, case: make.Case, *, order: int) -> None:
    sides = case.dossier.paper_sides
    cases.call_paper(case_uid=case.uid, reason="核对", by=people.reviewer, at=minutes(6))
    cases.hand_paper_out(
        case_uid=case.uid, sides=sides, to="甲", by=people.archivist, at=minutes(7)
    )
    cases.see_paper(
        case_uid=case.uid, findings=f"与影像相符 {order}", by=people.reviewer, at=minutes(8)
    )
    cases.hand_paper_back(
        case_uid=case.uid, sides=sides, to="甲", by=people.archivist, at=minutes(9)
    )


def _leave(people: make.District, dossier: Dossier | None) -> None:
    assert dossier is not None
    materials = list(dossier.materials.order_by("pk"))
    dossiers.amend_material(
        material_uid=materials[0].uid,
        amendment=Amendment(title="学籍卡片", formed="1973-09", remark="补", reason="原目录漏字"),
        by=people.archivist,
        at=NOON,
    )
    grants = [
        access.give_leave(
            user=people.supervisor,
            dossier=dossier,
            purpose=next(iter(Purpose)),
            reason=f"查阅{number}",
            opens_at=NOON,
            closes_at=minutes(60),
            materials=materials[number - 1 : number + 1],
            by=people.archivist,
            at=NOON,
        )
        for number in (1, 2)
    ]
    access.revoke(grant_uid=grants[0].uid, reason="不再需要", by=people.archivist, at=minutes(5))
