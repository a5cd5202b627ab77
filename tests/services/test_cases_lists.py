"""Which cases a person sees, on which desk, by when; and at what cost."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import cases_factories as make
import pytest
from cases_factories import NOON, District, minutes
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lantai.cases import queries, services
from lantai.cases.models import Case
from lantai.dossiers import services as dossiers
from lantai.dossiers.services import NewPerson
from lantai.identity.models import User
from lantai.identity.rules import Role

pytestmark = pytest.mark.django_db


def light_case(people: District, order: int, *, at: Any = NOON) -> Case:
    """A case for a dossier without images: enough for lists."""
    held = dossiers.enter_dossier(
        person=NewPerson(
            name=f"李{order:03d}",
            sex="1",
            ethnic="汉",
            id_number=make.citizen_number(date(1966, 5, 12), order=order % 500 * 2 + 1),
        ),
        body=people.body,
        employer="",
        paper_sides=0,
        materials=[],
        by="inspector",
        at=make.LONG_AGO,
    )
    return services.open_case(dossier=held, application=make.application(), by=people.clerk, at=at)


def tasks(user: User) -> list[tuple[str, str, bool, bool]]:
    return [
        (row.case.number, row.task, row.mine, row.overdue)
        for row in queries.desk(user=user, at=minutes(30))
    ]


def test_a_case_is_on_the_desk_of_whoever_is_to_act_and_of_nobody_else() -> None:
    people = make.district()
    number = "TX-2026-000001"
    case = make.opened(people)
    assert tasks(people.reviewer) == [(number, "初审", False, False)]
    assert tasks(people.second) == tasks(people.approver) == tasks(people.archivist) == []
    assert tasks(people.clerk) == [(number, "跟进", True, False)]

    case = services.take_case(case_uid=case.uid, by=people.reviewer, at=NOON)
    other = make.user("d1-other", body=people.body, role=Role.FIRST_REVIEWER)
    assert tasks(people.reviewer) == [(number, "初审", True, False)]
    assert tasks(other) == []

    make.look_at_key_pages(case, by=people.reviewer, at=NOON)
    make.reading(people, case)
    services.submit_review(case_uid=case.uid, opinion="同意", by=people.reviewer, at=NOON)
    assert tasks(people.reviewer) == []
    assert tasks(people.second) == [(number, "复核", False, False)]

    case = services.take_case(case_uid=case.uid, by=people.second, at=NOON)
    make.look_at_key_pages(case, by=people.second, at=NOON)
    services.confirm(case_uid=case.uid, opinion="同意", by=people.second, at=NOON)
    assert tasks(people.second) == []
    assert tasks(people.approver) == [(number, "审批", False, False)]

    case = services.take_case(case_uid=case.uid, by=people.approver, at=NOON)
    make.look_at_key_pages(case, by=people.approver, at=NOON)
    services.call_paper(case_uid=case.uid, reason="核对", by=people.approver, at=NOON)
    assert tasks(people.archivist) == [(number, "实体出库", True, False)]
    services.hand_paper_out(case_uid=case.uid, sides=5, to="甲", by=people.archivist, at=NOON)
    assert tasks(people.archivist) == [(number, "实体归还", True, False)]
    services.see_paper(case_uid=case.uid, findings="一致", by=people.approver, at=NOON)
    services.hand_paper_back(case_uid=case.uid, sides=5, to="甲", by=people.archivist, at=NOON)
    assert tasks(people.archivist) == []

    services.decide(
        case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=NOON
    )
    assert tasks(people.approver) == []
    assert tasks(people.archivist) == [(number, "审批表归档", True, False)]
    services.file_case(case_uid=case.uid, by=people.archivist, at=NOON)
    assert tasks(people.archivist) == tasks(people.clerk) == []


def test_a_case_past_its_day_is_overdue_and_stands_first() -> None:
    people = make.district()
    light_case(people, 1, at=NOON)
    # Accepted on Monday, to be taken by Tuesday.
    light_case(people, 2, at=NOON - timedelta(days=2))

    found = [
        (row.case.number, row.due_on, row.overdue)
        for row in queries.desk(user=people.reviewer, at=NOON)
    ]

    assert found == [
        ("TX-2026-000002", date(2026, 11, 24), True),
        ("TX-2026-000001", date(2026, 11, 26), False),
    ]


def test_an_officer_with_two_posts_is_not_offered_both_steps_of_a_case() -> None:
    people = make.district()
    make.submitted(people)
    make.identity.give_post(
        user=people.reviewer,
        body=people.body,
        role=Role.SECOND_REVIEWER,
        by="installer",
        at=make.LONG_AGO,
    )

    assert tasks(people.reviewer) == []


def test_a_person_follows_the_own_case_and_sees_no_other() -> None:
    people = make.district()
    case, other = light_case(people, 1), light_case(people, 2)
    User.objects.filter(pk=people.subject.pk).update(person_uid=case.dossier.person.uid)
    people.subject.refresh_from_db()

    assert queries.by_uid(uid=case.uid, user=people.subject, at=NOON) == case
    assert queries.by_uid(uid=other.uid, user=people.subject, at=NOON) is None
    assert tasks(people.subject) == [("TX-2026-000001", "本人业务", True, False)]


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.WINDOW_CLERK, True),
        (Role.FIRST_REVIEWER, True),
        (Role.SECOND_REVIEWER, True),
        (Role.APPROVER, True),
        (Role.ARCHIVIST, True),
        (Role.SUPERVISOR, True),
        (Role.SCAN_OPERATOR, False),
        (Role.QUALITY_INSPECTOR, False),
        (Role.CONSULTANT, False),
        (Role.SUBJECT, False),
        (Role.SYSTEM_ADMIN, False),
        (Role.SECURITY_ADMIN, False),
        (Role.AUDIT_ADMIN, False),
    ],
)
def test_posts_that_have_business_with_cases_see_those_of_their_body(
    role: Role, *, sees: bool
) -> None:
    people = make.district()
    case = light_case(people, 1)
    one = make.user("one", body=people.body, role=role)

    assert (queries.by_uid(uid=case.uid, user=one, at=NOON) == case) is sees
    assert (list(queries.listed(user=one, at=NOON)) == [case]) is sees


def test_officers_of_another_district_see_nothing() -> None:
    people, elsewhere = make.district(), make.district("d2")
    case = light_case(people, 1)

    for role in (Role.WINDOW_CLERK, Role.FIRST_REVIEWER, Role.APPROVER, Role.ARCHIVIST):
        stranger = elsewhere.holding(role)
        assert queries.by_uid(uid=case.uid, user=stranger, at=NOON) is None
        assert list(queries.listed(user=stranger, at=NOON)) == []
        assert queries.desk(user=stranger, at=NOON) == []


def test_the_list_is_narrowed_by_state_words_own_work_and_lateness() -> None:
    people = make.district()
    early = light_case(people, 1, at=NOON - timedelta(days=9))
    mine = light_case(people, 2)
    services.take_case(case_uid=mine.uid, by=people.reviewer, at=NOON)

    def found(**narrowed: Any) -> list[str]:
        rows = queries.listed(user=people.reviewer, at=NOON, **narrowed)
        return [case.number for case in rows]

    assert found() == ["TX-2026-000002", "TX-2026-000001"]
    assert found(state="accepted") == ["TX-2026-000001"]
    assert found(mine=True) == ["TX-2026-000002"]
    assert found(overdue=True) == ["TX-2026-000001"]
    assert found(text="TX-2026-000001") == ["TX-2026-000001"]
    assert found(text="李002") == found(text=mine.dossier.person.id_number) == ["TX-2026-000002"]
    assert found(text="li") == ["TX-2026-000002", "TX-2026-000001"]
    assert found(text=early.dossier.number) == ["TX-2026-000001"]
    assert found(text="王") == []


def test_the_cost_of_lists_does_not_grow_with_the_cases() -> None:
    people = make.district()
    asked: dict[str, list[int]] = {}

    def measure() -> None:
        for name, ask in QUESTIONS.items():
            with CaptureQueriesContext(
                connection,
            ) as caught:
                ask(people)
            asked.setdefault(name, []).append(len(caught))

    light_case(people, 1)
    measure()
    for order in range(2, 301):
        light_case(people, order)
    measure()

    assert Case.objects.count() == 300
    assert {name: few for name, (few, many) in asked.items() if few != many} == {}
    assert max(many for _few, many in asked.values()) <= 20


def _shown(row: Case) -> str:
    officer = row.first_reviewer.name if row.first_reviewer else ""
    return f"{row.number}{row.dossier.person.name}{row.dossier.body.name}{row.clerk.name}{officer}"


QUESTIONS: dict[str, Callable[[District], object]] = {
    "desk of the reviewer": lambda people: [
        _shown(row.case) for row in queries.desk(user=people.reviewer, at=NOON)
    ],
    "desk of the clerk": lambda people: [
        _shown(row.case) for row in queries.desk(user=people.clerk, at=NOON)
    ],
    "desk of the archivist": lambda people: queries.desk(user=people.archivist, at=NOON),
    "a page of the list": lambda people: [
        _shown(case) for case in queries.listed(user=people.clerk, at=NOON)[: queries.PAGE_ROWS]
    ],
    "a search": lambda people: list(queries.listed(user=people.clerk, at=NOON, text="李0")[:30]),
}


def test_the_workbench_asks_a_fixed_number_of_questions_however_many_claims() -> None:
    people = make.district()
    case = make.reviewed(people)
    counts = []

    for _round in range(2):
        case = Case.objects.select_related("dossier__person", "dossier__body").get(pk=case.pk)
        with CaptureQueriesContext(connection) as caught:
            queries.assessment(case=case)
            [(one.page.material.title, one.by.name) for one in queries.claims_of(case=case)]
            [(one.page.material.title, one.by.name) for one in queries.marks_of(case=case)]
            [one.by.name for one in queries.history(case=case)]
            queries.unopened_key_pages(case=case, user=people.reviewer)
        counts.append(len(caught))
        make.reading(people, case)

    assert counts[0] == counts[1] <= 20
