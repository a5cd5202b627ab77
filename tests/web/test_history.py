"""The log of one dossier in the words of the people who work with it."""

import re
from datetime import datetime, timedelta
from time import process_time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from ledger_factories import remove
from web_factories import World, dossier, world

from lantai.access import services as door
from lantai.access.models import Grant, RefusedAttempt
from lantai.access.rules import Purpose
from lantai.dossiers import queries as dossiers
from lantai.dossiers import services as keeping
from lantai.dossiers.services import Amendment
from lantai.identity.rules import MAY, Act, Role
from lantai.ledger import queries as ledger
from lantai.ledger import services as log
from lantai.ledger.models import Disclosure
from lantai.web.labels import ACTION_LABELS
from lantai.web.told import TECHNICAL, Names, sentence

pytestmark = pytest.mark.django_db
NAMES = Names(pages={}, materials={}, cases={}, people={})


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


@pytest.fixture
def leave(office: World, noon: datetime) -> Grant:
    return door.grant(
        user=office.people[Role.FIRST_REVIEWER],
        dossier=office.dossier,
        purpose=Purpose.RETIREMENT_REVIEW,
        reason="退休业务",
        opens_at=noon,
        closes_at=noon + timedelta(days=3),
        by="window_clerk",
        at=noon,
    )


def look(office: World, at: datetime, *, actor: str = "first_reviewer") -> None:
    """A look at the second page, as the door records it."""
    page = dossiers.pages_of(dossier=office.dossier)[1]
    log.record(
        at=at,
        action="access.page.opened",
        actor=actor,
        subject=f"dossier:{office.dossier.uid}",
        facts={"page": page.uid, "purpose": "退休初审", "address": "10.0.0.7"},
        stream="access",
    )


def lines(office: World, role: Role, **asked: str) -> list[str]:
    """The lines of a page, as text."""
    address = reverse("dossier-history", args=[office.dossier.uid])
    text = office.client(role).get(address, asked).content.decode()
    return [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found)).strip()
        for found in re.findall(r"(<time.*?)<a ", text, re.DOTALL)
    ]


def fill(office: World, count: int, noon: datetime) -> None:
    """Many acts on one dossier, behind which there are no rows."""
    for number in range(count):
        log.record(
            at=noon + timedelta(seconds=number),
            action="dossiers.paper.handed",
            actor="archivist",
            subject=f"dossier:{office.dossier.uid}",
            facts={"way": "out", "to": f"第 {number} 人", "sides": 3, "purpose": "核对"},
        )


def test_a_look_is_told_in_one_sentence(office: World, noon: datetime) -> None:
    look(office, noon + timedelta(hours=3))

    told = lines(office, Role.AUDIT_ADMIN)

    assert told[0] == "2026-11-25 15:00 甲firs（初审）打开 职工履历表 第 2 页，用途：退休初审"


def test_acts_of_all_kinds_are_lines_with_names_and_posts(
    office: World, leave: Grant, noon: datetime
) -> None:
    material = dossiers.materials_of(dossier=office.dossier)[0]
    keeping.amend_material(
        material_uid=material.uid,
        amendment=Amendment(title="履历表", formed="1996-05", remark="", reason="原名有误"),
        by=office.people[Role.ARCHIVIST],
        at=noon + timedelta(hours=1),
    )

    told = lines(office, Role.ARCHIVIST)

    changed = "名称由“职工履历表”改为“履历表”，理由：原名有误"
    granted = "授权甲firs调阅全部材料，用途：退休初审，到 2026-11-28 12:00 止"
    assert told == [
        f"2026-11-25 13:00 甲arch（档案管理员）修改目录：履历表，{changed}",
        f"2026-11-25 12:00 甲wind（窗口经办）{granted}",
        "2026-11-25 12:00 系统（ops）档案入库：纸质 3 页，影像 3 页，一一对应",
    ]


@pytest.mark.parametrize("role", list(Role))
def test_who_sees_the_history_is_who_sees_catalogue_or_log(office: World, role: Role) -> None:
    allowed = role in MAY[Act.VIEW_CATALOGUE] | MAY[Act.VIEW_LOG]
    entry = ledger.entries(action="dossiers.dossier.entered").first()
    assert entry is not None
    addresses = [
        reverse("dossier-history", args=[office.dossier.uid]),
        reverse("dossier-history-entry", args=[office.dossier.uid, entry.stream, entry.index]),
    ]

    codes = [office.client(role).get(address).status_code for address in addresses]

    assert codes == [200 if allowed else 403] * 2
    assert RefusedAttempt.objects.exists() is not allowed


def test_the_looks_of_others_are_for_those_who_see_the_log(office: World, noon: datetime) -> None:
    for actor in ("archivist", "first_reviewer"):
        log.record(
            at=noon,
            action="access.strip.opened",
            actor=actor,
            subject=f"dossier:{office.dossier.uid}",
            facts={"purpose": "退休初审"},
            stream="access",
        )
    others = ledger.entries(action="access.strip.opened").filter(actor="first_reviewer").get()

    own, whole = lines(office, Role.ARCHIVIST), lines(office, Role.SUPERVISOR)
    answer = office.client(Role.ARCHIVIST).get(
        reverse("dossier-history-entry", args=[office.dossier.uid, "access", others.index])
    )

    assert sum("缩略图" in line for line in own) == 1
    assert sum("缩略图" in line for line in whole) == 2
    assert answer.status_code == 404


def test_a_dossier_elsewhere_has_no_history_for_a_clerk(office: World, noon: datetime) -> None:
    far = dossier(office.elsewhere, name="远人", at=noon, first_17="99010119710412003")
    address = reverse("dossier-history", args=[far.uid])

    assert office.client(Role.WINDOW_CLERK).get(address).status_code == 404
    assert office.client(Role.AUDIT_ADMIN).get(address).status_code == 200
    assert "远人" not in office.client(Role.AUDIT_ADMIN).get(address).content.decode()


def test_an_entry_of_another_dossier_is_not_told_here(office: World, noon: datetime) -> None:
    far = dossier(office.centre, name="邻人", at=noon, first_17="99010119710412003")
    entry = ledger.entries(subject=f"dossier:{far.uid}").first()
    assert entry is not None

    answer = office.client(Role.AUDIT_ADMIN).get(
        reverse("dossier-history-entry", args=[office.dossier.uid, entry.stream, entry.index])
    )

    assert answer.status_code == 404


def test_a_line_leads_to_its_proof_and_to_the_log(office: World, noon: datetime) -> None:
    entry = ledger.entries(action="dossiers.dossier.entered").first()
    assert entry is not None
    address = reverse("dossier-history-entry", args=[office.dossier.uid, entry.stream, entry.index])
    before = office.client(Role.ARCHIVIST).get(address).content.decode()
    log.publish(at=noon)

    clerk = office.client(Role.ARCHIVIST).get(address).content.decode()
    auditor = office.client(Role.AUDIT_ADMIN).get(address).content.decode()

    assert "尚未进入已签名的日志" in before
    assert f"c2sp.org/tlog-proof@v1\nindex {entry.index}\n" in clerk
    assert bytes(entry.leaf_hash).hex() in clerk
    log_entry = reverse("log-entry", args=[entry.stream, entry.index])
    assert log_entry not in clerk
    assert log_entry in auditor


def test_a_destroyed_opening_is_told_as_such(office: World) -> None:
    entry = ledger.entries(action="dossiers.dossier.entered").first()
    assert entry is not None
    remove(Disclosure, pk=entry.pk)

    told = lines(office, Role.AUDIT_ADMIN)

    assert told[-1].endswith("（内容已按规定销毁，只留存在的证明）")


def test_a_kind_narrows_the_lines(office: World, leave: Grant) -> None:
    assert all("授权" in line for line in lines(office, Role.ARCHIVIST, kind="access"))
    assert len(lines(office, Role.ARCHIVIST, kind="access")) == 1
    assert len(lines(office, Role.ARCHIVIST, kind="dossiers")) == 1
    assert lines(office, Role.ARCHIVIST, kind="cases") == []
    assert len(lines(office, Role.ARCHIVIST, kind="nonsense")) == 2


def test_technical_entries_stand_folded_in_their_place(office: World, noon: datetime) -> None:
    for number in range(3):
        log.record(
            at=noon,
            action="imaging.item.compared",
            actor="ops",
            subject=f"dossier:{office.dossier.uid}",
            facts={"images": number},
        )

    address = reverse("dossier-history", args=[office.dossier.uid])
    text = office.client(Role.AUDIT_ADMIN).get(address).content.decode()

    assert "系统处理 3 条" in text
    assert text.count("与目录比对") == 3


def test_five_thousand_entries_are_paged_by_their_keys(office: World, noon: datetime) -> None:
    fill(office, 5000, noon)
    browser = office.client(Role.AUDIT_ADMIN)
    address = reverse("dossier-history", args=[office.dossier.uid])
    seen: list[int] = []
    before = ""
    started = process_time()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        browser.get(address)
    first = len(asked)
    pages = 0
    while True:
        context = browser.get(address, {"before": before} if before else {}).context
        seen += [line["entry"].pk for group in context["groups"] for line in group["lines"]]
        pages += 1
        if context["older"] is None:
            break
        before = str(context["older"])

    assert len(seen) == len(set(seen)) == 5001
    assert seen == sorted(seen, reverse=True)
    assert pages == 101
    assert first < 30
    assert (process_time() - started) / pages < 0.5


def test_every_act_has_a_sentence_or_its_label() -> None:
    for action in ACTION_LABELS:
        assert sentence(action, None, names=NAMES).startswith(ACTION_LABELS[action])
    assert set(ACTION_LABELS) >= TECHNICAL


def test_an_act_that_states_less_is_told_by_its_label() -> None:
    assert sentence("access.grant.revoked", {}, names=NAMES) == "收回调阅权限"
    assert sentence("cases.case.opened", {"number": "TX-1"}, names=NAMES) == "受理退休业务 TX-1"


def test_an_export_and_a_confirmation_are_told_with_what_they_found() -> None:
    exported = {"version": 2, "pages": ["a", "b"], "reason": "信访答复"}
    differs = {"page": "a", "agrees": False, "differences": ["一", "二"]}

    assert sentence("cases.evidence.exported", exported, names=NAMES) == (
        "导出固定影像第 2 版，2 页，理由：信访答复"
    )
    assert sentence("access.original.confirmed", differs, names=NAMES) == (
        "对 一页影像 作原始性确认：不一致（一；二）"
    )


def test_an_entry_of_the_log_leads_to_the_history_of_its_dossier(office: World) -> None:
    entry = ledger.entries(action="dossiers.dossier.entered").first()
    assert entry is not None
    address = reverse("log-entry", args=[entry.stream, entry.index])

    text = office.client(Role.SUPERVISOR).get(address).content.decode()

    assert reverse("dossier-history", args=[office.dossier.uid]) in text
