"""Provisional until the quorum is there, and said so on every page that rests on the log."""

import re
import shutil
from datetime import datetime, timedelta
from typing import Any

import desk_factories
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from ledger_factories import remove, roll_back_to
from quorum_factories import MemoryWitness, policy_text, set_policy, three, wire
from web_factories import World, world

from lantai.cases import queries as forms
from lantai.cases import services as work
from lantai.cases.models import Case
from lantai.certificates import services as certificates
from lantai.certificates.models import Certificate
from lantai.identity.rules import Role
from lantai.ledger import services as ledger
from lantai.ledger.models import STREAMS, Entry, Head
from lantai.ledger.queries import RolledBack
from lantai.ledger.witnesses import collect

pytestmark = pytest.mark.django_db
PROVISIONAL = "暂定（见证 1/3，待法定数）"
NOT_YET = "暂定（待签名）"
FINAL = "已见证 3/3"
ALONE = "仅本机构签名，未设见证"


@pytest.fixture(autouse=True)
def forgetful() -> None:
    cache.clear()


@pytest.fixture
def peers(settings: Any) -> list[MemoryWitness]:
    made = three()
    set_policy(settings, policy_text(made))
    return made


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


def certificate_in(office: World) -> Certificate:
    return certificates.issue_deposit(
        dossier_uid=office.dossier.uid,
        purpose="公证",
        by=office.people[Role.WINDOW_CLERK],
        at=now(),
    )


def seal(peers: list[MemoryWitness], *, up: int = 3, at: datetime | None = None) -> None:
    """What the worker does, with so many of the witnesses there."""
    ledger.publish(at=at or now())
    for number, peer in enumerate(peers, start=1):
        peer.down = number > up
    for stream in STREAMS:
        collect(stream=stream, at=at or now(), everyone=True, send=wire(*peers))


def told(client: Client, name: str, *args: str, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_certificate_is_provisional_and_then_witnessed(
    office: World, peers: list[MemoryWitness]
) -> None:
    made = certificate_in(office)
    clerk, stranger = office.client(Role.WINDOW_CLERK), Client()

    def pages() -> list[str]:
        return [
            told(clerk, "certificate", made.number),
            told(stranger, "verify", number=made.number, code=made.code),
        ]

    before = pages()
    seal(peers, up=1)
    one = pages()
    seal(peers)
    after = pages()

    assert all(NOT_YET in page for page in before)
    assert all(PROVISIONAL in page and FINAL not in page for page in one)
    assert all(FINAL in page and "暂定" not in page for page in after)
    assert "请稍后再次查验" in one[1]
    assert "w2</span> 尚未见证" in one[0]


def test_without_a_policy_the_pages_say_that_nobody_else_signed(office: World) -> None:
    made = certificate_in(office)
    ledger.publish(at=now())

    page = told(Client(), "verify", number=made.number, code=made.code)

    assert ALONE in page
    assert "暂定" not in page


def test_frozen_evidence_and_decision_are_provisional_and_then_witnessed(
    noon: datetime, peers: list[MemoryWitness]
) -> None:
    office = desk_factories.office(at=noon)
    dossier = desk_factories.dossier(office=office, at=noon)
    case: Case = desk_factories.frozen(office=office, dossier=dossier, at=now())
    seal(peers, up=1)
    bench = told(desk_factories.signed_in(office.approver), "case-review", case.uid)
    work.decide(
        case_uid=case.uid, outcome="approve", reason="准予退休。", by=office.approver, at=now()
    )
    reader = desk_factories.signed_in(office.second)
    unsigned = told(reader, "case", case.uid)
    seal(peers, up=1)
    one = told(reader, "case", case.uid)
    seal(peers)

    after = told(reader, "case", case.uid)

    assert PROVISIONAL in bench
    assert NOT_YET in unsigned
    assert PROVISIONAL in one
    assert FINAL in after
    assert "暂定" not in after


def test_whoever_asks_for_a_page_does_not_wait_for_witnesses(
    office: World, peers: list[MemoryWitness]
) -> None:
    clerk = office.client(Role.WINDOW_CLERK)
    asked = sum(len(peer.asked) for peer in peers)

    answer = clerk.post(
        reverse("certificate-issue"),
        {"kind": "deposit", "dossier": office.dossier.uid, "purpose": "公证"},
    )

    assert answer.status_code == 302
    assert Certificate.objects.count() == 1
    assert Head.objects.count() == 0  # the worker signs, once it has asked
    assert sum(len(peer.asked) for peer in peers) == asked


def test_the_witnesses_are_listed_with_what_they_saw_and_what_went_wrong(
    office: World, peers: list[MemoryWitness]
) -> None:
    seal(peers, up=2)
    size = Entry.objects.filter(stream="records").count()

    page = told(office.client(Role.SUPERVISOR), "witnesses")

    assert "w1、w2、w3 全部" in page
    assert f"{size} 条" in page
    assert "见证方没有应答：连接被拒绝" in page
    assert page.count("正常") == 2
    assert "没有见证方拒绝过本系统的日志" in page


def test_without_a_policy_the_page_says_who_has_to_do_what(office: World) -> None:
    page = told(office.client(Role.AUDIT_ADMIN), "witnesses")

    assert "未设见证：日志仅由本机构签名" in page


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {Role.SUPERVISOR, Role.AUDIT_ADMIN}]
)
def test_only_those_who_may_see_the_log_see_its_witnesses(office: World, role: Role) -> None:
    answer = office.client(role).get(reverse("witnesses"))

    assert answer.status_code == 403


def test_a_refusal_is_shown_with_its_evidence_and_stops_only_the_signing(
    office: World, peers: list[MemoryWitness], home: Any
) -> None:
    seal(peers)
    size = Entry.objects.filter(stream="records").count()
    remove(Head)
    roll_back_to(size - 1)
    shutil.rmtree(home / "log")
    with pytest.raises(RolledBack):
        seal(peers)
    supervisor = office.client(Role.SUPERVISOR)

    page = told(supervisor, "witnesses")
    desk = told(supervisor, "desk")

    assert "已停签" in page
    assert page.count("有本系统签名为证") == 3
    assert f"见证方称已见证到 {size} 条，而本日志只有 {size - 1} 条" in page
    assert "日志已停签" in desk
    assert office.client(Role.WINDOW_CLERK).get(reverse("dossiers")).status_code == 200
    assert Client().get(reverse("health")).status_code == 503


def test_after_a_day_without_quorum_the_desk_raises_the_alarm(
    office: World, peers: list[MemoryWitness], noon: datetime
) -> None:
    """The entries of the office are of noon; the desk is looked at now."""
    supervisor = office.client(Role.SUPERVISOR)
    seal(peers, up=2)
    oldest = Entry.objects.order_by("at").first()
    assert oldest is not None
    late = now() - oldest.at >= timedelta(hours=24)

    before = told(supervisor, "desk")
    seal(peers)
    after = told(supervisor, "desk")

    assert ("超过 24 小时未达到法定见证数" in before) == late
    assert "超过 24 小时" not in after


def test_the_printed_form_changes_with_how_firmly_the_decision_stands(
    noon: datetime, peers: list[MemoryWitness]
) -> None:
    office = desk_factories.office(at=noon)
    dossier = desk_factories.dossier(office=office, at=noon)
    case: Case = desk_factories.approved(office=office, dossier=dossier, at=now())

    unsigned = forms.approval_pdf(case=case)
    seal(peers, up=1)
    one = forms.approval_pdf(case=case)
    seal(peers)
    after = forms.approval_pdf(case=case)

    assert len({unsigned, one, after}) == 3
    assert forms.approval_pdf(case=case) == after
