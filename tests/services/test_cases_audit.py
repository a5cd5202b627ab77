"""A hand in the database is found by holding the rows against the log."""

from collections.abc import Callable

import cases_factories as make
import pytest
from cases_factories import minutes
from django.db import connection

from lantai.cases import queries, services

pytestmark = pytest.mark.django_db


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_rows_that_are_as_the_log_says_show_no_difference() -> None:
    people = make.district()
    case, _decision = make.decided(people)
    services.file_case(case_uid=case.uid, by=people.archivist, at=minutes(1))
    other = make.taken(people, name="王平", order=2)
    mark = services.mark_page(
        case_uid=other.uid,
        page_uid=make.page(other.dossier, make.HIRE).uid,
        region=(1, 2, 3, 4),
        kind="doubt",
        note="墨色",
        by=people.reviewer,
        at=minutes(1),
    )
    services.withdraw_mark(case_uid=other.uid, mark_uid=mark.uid, by=people.reviewer, at=minutes(2))
    claims = make.reading(people, other)
    services.withdraw_claim(
        case_uid=other.uid, claim_uid=claims[0].uid, by=people.reviewer, at=minutes(3)
    )
    make.paper_round(people, other, by=people.reviewer, at=minutes(4))

    assert list(queries.check_rows()) == []


PUT_IN = (
    "update cases_case set approver_id = (select id from identity_user where username ="
    " 'd1-archivist')"
)
# What a hand did → the table, the field, what the log says and what the row says.
DONE: dict[str, tuple[str, list[tuple[str, str, str, str]]]] = {
    "an officer put in": (
        PUT_IN,
        [("cases_case", "approver", "d1-approver", "d1-archivist")],
    ),
    "a state moved": (
        "update cases_case set state = 'rejected'",
        [("cases_case", "state", "approved", "rejected")],
    ),
    "a route lowered": (
        "update cases_case set route = 'complex'",
        [("cases_case", "route", "simple", "complex")],
    ),
    "a wish changed": (
        "update cases_case set wished = '2026-12'",
        [("cases_case", "wished", "", "2026-12")],
    ),
    "a policy changed": (
        "update cases_case set policy_version = 'beijing-2024.1'",
        [("cases_case", "policy", "beijing-2025.1", "beijing-2024.1")],
    ),
    "an outcome turned": (
        "update cases_decision set outcome = 'reject'",
        [("cases_decision", "outcome", "approve", "reject")],
    ),
    "a reason rewritten": (
        "update cases_decision set reason = '略'",
        [("cases_decision", "reason", "符合规定", "略")],
    ),
    "an opinion rewritten": (
        "update cases_step set opinion = '略' where verb = 'confirm'",
        [("cases_step", "opinion", "复核无误", "略")],
    ),
    "a step taken out": (
        "delete from cases_step where verb = 'approve'",
        [("cases_step", "", "日志记有这一行", "表中没有这一行")],
    ),
    "a decision taken out": (
        "delete from cases_decision",
        [("cases_decision", "", "日志记有这一行", "表中没有这一行")],
    ),
    "a reading changed": (
        "update cases_claim set since = '1964-05-12' where since = '1966-05-12'",
        [("cases_claim", "since", "1966-05-12", "1964-05-12")],
    ),
    "a reading withdrawn in silence": (
        "update cases_claim set withdrawn_at = at, withdrawn_by_id = by_id where fact = 'service'",
        [
            ("cases_claim", "withdrawn_by", "（无）", "d1-reviewer"),
            ("cases_claim", "withdrawn_at", "（无）", "2026-11-25T04:00:00.000000+00:00"),
        ],
    ),
}


@pytest.mark.parametrize("what", DONE)
def test_the_audit_names_the_field_that_a_hand_changed(what: str) -> None:
    people = make.district()
    make.decided(people)
    statement, expected = DONE[what]
    sql(statement)

    found = [(one.table, one.field, one.expected, one.found) for one in queries.check_rows()]

    assert found == expected


def test_the_audit_finds_a_claim_nobody_stated_and_a_case_nobody_opened() -> None:
    people = make.district()
    case = make.reviewed(people)
    columns = (
        "case_id, fact, written, since, until, text, unit, kind, altered, copy, lunar, self_made,"
        " page_id, x, y, w, h, by_id, at, withdrawn_by_id, withdrawn_at"
    )
    sql(
        f"insert into cases_claim (uid, {columns}) select 'ffffffffffffffff', {columns}"  # noqa: S608
        " from cases_claim where fact = 'service'"
    )
    sql("update cases_case set uid = 'eeeeeeeeeeeeeeee' where id = %s", case.pk)

    found = [(one.table, one.key, one.found) for one in queries.check_rows()]

    assert found == [
        ("cases_case", case.number, "日志中没有这一行的来历"),
        ("cases_case", case.uid, "表中没有这一行"),
    ]
    sql("update cases_case set uid = %s where id = %s", case.uid, case.pk)
    found = [(one.table, one.key, one.found) for one in queries.check_rows()]
    assert found == [("cases_claim", "ffffffffffffffff", "日志中没有这一行的来历")]


def test_the_audit_asks_the_same_number_of_questions_for_many_cases(
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    people = make.district()
    for order in range(1, 6):
        make.reviewed(people, name=f"王{order}", order=order)

    with django_assert_max_num_queries(20):
        assert list(queries.check_rows()) == []
