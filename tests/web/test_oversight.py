"""The log and its proofs, openings, refusals, grants, accounts, figures, desks."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from web_factories import World, person, world

from lantai.access import services as door
from lantai.access.models import Grant, Opening, RefusedAttempt
from lantai.access.rules import Purpose
from lantai.cases import services as cases
from lantai.cases.models import Case
from lantai.cases.services import Application
from lantai.identity import services as identity
from lantai.identity.rules import Role
from lantai.identity.services import office_day
from lantai.ledger import queries as ledger
from lantai.ledger import services as log
from lantai.lib.dates import Month
from lantai.lib.tlog.proof import TlogProof
from lantai.web import charts

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


@pytest.fixture
def leave(office: World) -> Grant:
    at = now()
    return door.grant(
        user=office.people[Role.FIRST_REVIEWER],
        dossier=office.dossier,
        purpose=Purpose.RETIREMENT_REVIEW,
        reason="退休业务",
        opens_at=at,
        closes_at=at + timedelta(days=3),
        by="window_clerk",
        at=at,
    )


def test_the_log_is_narrowed_by_stream_act_actor_and_subject(office: World) -> None:
    browser = office.client(Role.AUDIT_ADMIN)
    subject = f"dossier:{office.dossier.uid}"

    answer = browser.get(
        reverse("log"),
        {
            "stream": "records",
            "action": "dossiers.dossier.entered",
            "actor": "ops",
            "subject": subject,
        },
    )
    none = browser.get(reverse("log"), {"stream": "access"})

    assert [row["entry"].subject for row in answer.context["rows"]] == [subject]
    assert answer.context["rows"][0]["label"] == "档案入库"
    assert none.context["rows"] == []


def test_the_log_goes_back_in_time_page_by_page(office: World, noon: datetime) -> None:
    for number in range(50):
        person(f"renyuan{number}", office.centre, Role.WINDOW_CLERK, noon)
    browser = office.client(Role.AUDIT_ADMIN)

    first = browser.get(reverse("log"))
    second = browser.get(reverse("log"), {"before": first.context["older"]})

    newest = [row["entry"].index for row in first.context["rows"]]
    older = [row["entry"].index for row in second.context["rows"]]
    assert newest == sorted(newest, reverse=True)
    assert older[0] == newest[-1] - 1


def test_an_entry_shows_its_proof_as_soon_as_a_head_covers_it(office: World) -> None:
    browser = office.client(Role.AUDIT_ADMIN)
    page = reverse("log-entry", args=["records", 0])

    before = browser.get(page)
    log.publish(at=now())
    after = browser.get(page)

    assert "尚未进入已签名的日志" in before.content.decode()
    entry = ledger.entries(stream="records").get(index=0)
    proof = TlogProof.parse(after.context["proof"])
    proof.verify(bytes(entry.leaf))
    assert after.context["head"].size == ledger.size_of(stream="records")


def test_an_entry_whose_content_was_destroyed_says_so(office: World) -> None:
    entry = ledger.entries(stream="records").get(index=0)
    log.destroy_opening(entry=entry, reason="依法删除", by="ops", at=now())
    log.publish(at=now())

    answer = office.client(Role.AUDIT_ADMIN).get(reverse("log-entry", args=["records", 0]))

    assert answer.status_code == 200
    assert "内容已按规定销毁" in answer.content.decode()


def test_an_entry_that_is_not_there_is_not_found(office: World) -> None:
    answer = office.client(Role.AUDIT_ADMIN).get(reverse("log-entry", args=["records", 9999]))

    assert answer.status_code == 404


def test_openings_are_listed_with_who_which_page_what_for_and_from_where(
    office: World, leave: Grant
) -> None:
    page = office.dossier.materials.get(class_code="1").pages.get(number=2)
    Opening.objects.create(grant=leave, page=page, by=leave.user, at=now(), address="10.0.0.7")
    browser = office.client(Role.SUPERVISOR)

    text = browser.get(reverse("openings")).content.decode()
    nobody = browser.get(reverse("openings"), {"by": "somebody"})
    yesterday = str(office_day(now()) - timedelta(days=1))
    past = browser.get(reverse("openings"), {"until": yesterday})
    nonsense = browser.get(reverse("openings"), {"since": "neulich"})

    for word in ("职工履历表", "退休初审", "10.0.0.7", "first_reviewer"):
        assert word in text
    assert nobody.context["page"].paginator.count == 0
    assert past.context["page"].paginator.count == 0
    assert nonsense.context["page"].paginator.count == 1


def test_leave_is_taken_back_with_a_reason(office: World, leave: Grant) -> None:
    browser = office.client(Role.SECURITY_ADMIN)
    form = reverse("grant-revoke", args=[leave.uid])

    asked = browser.get(form)
    silent = browser.post(form, {"reason": " "})
    done = browser.post(form, {"reason": "岗位调整"})
    again = browser.post(form, {"reason": "岗位调整"})

    leave.refresh_from_db()
    assert "收回理由" in asked.content.decode()
    assert silent.status_code == 422
    assert done["Location"] == reverse("grants")
    assert leave.revoked_by == Role.SECURITY_ADMIN.value
    assert again.status_code == 409


def test_the_supervisor_sees_leave_and_takes_none_back(office: World, leave: Grant) -> None:
    browser = office.client(Role.SUPERVISOR)

    listed = browser.get(reverse("grants")).content.decode()
    answer = browser.post(reverse("grant-revoke", args=[leave.uid]), {"reason": "试"})

    leave.refresh_from_db()
    assert "退休业务" in listed
    assert "/revoke/" not in listed
    assert answer.status_code == 403
    assert leave.revoked_at is None


def test_refused_attempts_are_listed_with_all_their_reasons(office: World) -> None:
    office.client(Role.WINDOW_CLERK).get(reverse("figures"))

    text = office.client(Role.SECURITY_ADMIN).get(reverse("refusals")).content.decode()

    assert "GET figures /oversight/figures/" in text
    assert "您的岗位不能查看监管数据" in text
    assert RefusedAttempt.objects.count() == 1


def test_accounts_are_found_by_name_and_post(office: World) -> None:
    browser = office.client(Role.SYSTEM_ADMIN)

    one = browser.get(reverse("accounts"), {"role": Role.APPROVER.value})
    named = browser.get(reverse("accounts"), {"q": "audit"})

    assert [user.username for user in one.context["page"]] == ["approver"]
    assert [user.username for user in named.context["page"]] == ["audit_admin"]


def test_figures_count_what_the_person_may_see(office: World) -> None:
    answer = office.client(Role.SUPERVISOR).get(reverse("figures"))

    assert answer.context["dossiers"] == 1
    assert answer.context["sides"] == 3
    assert answer.context["images"] == 3
    assert answer.context["bodies"] == [{"body__name": "东亭区人才中心", "dossiers": 1, "sides": 3}]


def test_bars_are_as_long_as_their_share_of_the_largest() -> None:
    drawn = charts.horizontal([("甲", 40), ("乙", 10), ("丙", 0)])

    assert [bar.length for bar in drawn.bars] == [400, 100, 0]
    assert charts.horizontal([]).bars == ()


def test_a_reviewer_finds_late_work_marked_with_a_word(office: World) -> None:
    opened = _open_case(office)
    opened.due_on = office_day(now()) - timedelta(days=2)
    opened.save(update_fields=["due_on"])

    answer = office.client(Role.FIRST_REVIEWER).get("/")

    assert "超期 2 天" in answer.content.decode()
    assert answer.context["desk"].sections[0].tasks[0].late


def test_the_desk_of_two_posts_holds_the_work_of_both(office: World, noon: datetime) -> None:
    both = person("liangyong", office.centre, Role.ARCHIVIST, noon)

    identity.give_post(user=both, body=office.centre, role=Role.WINDOW_CLERK, by="ops", at=noon)
    browser = Client()
    browser.force_login(both)

    titles = [section.title for section in browser.get("/").context["desk"].sections]

    assert {"业务交办", "待清点实体", "在办业务"} == set(titles)


def test_a_person_without_a_post_is_told_so(office: World) -> None:

    idle = identity.open_account(
        username="wugang", name="吴岗", password="mei-you-gang-wei-1", by="ops", at=now()
    )
    browser = Client()
    browser.force_login(idle)

    assert "您还没有任职岗位" in browser.get("/").content.decode()


def test_the_subject_follows_the_own_case_and_no_other(office: World) -> None:
    opened = _open_case(office)
    browser = office.client(Role.SUBJECT)

    home = browser.get("/")
    answer = browser.get(reverse("own"))

    assert home["Location"] == reverse("own")
    assert [told["case"].pk for told in answer.context["cases"]] == [opened.pk]
    assert [mark for _, mark in answer.context["cases"][0]["stages"]] == ["now", "", "", "", ""]


def _open_case(office: World) -> Case:

    return cases.open_case(
        dossier=office.dossier,
        application=Application(
            group="M60",
            mode="normal",
            wished=None,
            paid_from=Month(1990, 8),
            paid_months=380,
            phone="",
        ),
        by=office.people[Role.WINDOW_CLERK],
        at=now(),
    )
