"""Accounts, bodies and posts; and the whole table of who may do what."""

import hashlib
from datetime import timedelta

import imaging_factories as factories
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from imaging_factories import NOON

from lantai.identity import queries, rules, services
from lantai.identity.models import Body, Post, User
from lantai.identity.rules import ACT_LABELS, MAY, ROLE_LABELS, Act, Role
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotPermitted, Unacceptable

DAY = services.office_day(NOON)

# Who may do what, written out once more and by hand: the table of the code is held against it.
# One column a post, in the order of the posts; x for yes.
POSTS = (
    Role.SCAN_OPERATOR,
    Role.QUALITY_INSPECTOR,
    Role.ARCHIVIST,
    Role.WINDOW_CLERK,
    Role.FIRST_REVIEWER,
    Role.SECOND_REVIEWER,
    Role.APPROVER,
    Role.CONSULTANT,
    Role.SUBJECT,
    Role.SUPERVISOR,
    Role.SYSTEM_ADMIN,
    Role.SECURITY_ADMIN,
    Role.AUDIT_ADMIN,
)
TABLE = """
    imaging.batch.receive              x . . . . . . . . . . . .
    imaging.batch.view                 x x x . . . . . . . . . .
    imaging.paper.count                . . x . . . . . . . . . .
    imaging.scan.view                  x x x . . . . . . . . . .
    imaging.finding.judge              . x . . . . . . . . . . .
    imaging.scan.return                . x . . . . . . . . . . .
    imaging.scan.replace               x . . . . . . . . . . . .
    imaging.batch.accept               . x . . . . . . . . . . .
    dossiers.dossier.search            . . x x x x . . . . . . .
    dossiers.catalogue.view            . . x x x x x . . . . . .
    dossiers.catalogue.edit            . . x . . . . . . . . . .
    dossiers.material.mark_secret      . . x . . . . . . . . . .
    dossiers.material.lift_secrecy     . . . . . . . . . . . x .
    cases.case.open                    . . . x . . . . . . . . .
    cases.case.review                  . . . . x . . . . . . . .
    cases.case.withdraw                . . . x . . . . . . . . .
    cases.case.suspend                 . . . . x x x . . . . . .
    cases.case.confirm                 . . . . . x . . . . . . .
    cases.case.decide                  . . . . . . x . . . . . .
    cases.paper.call                   . . . . x x x . . . . . .
    cases.paper.hand                   . . x . . . . . . . . . .
    cases.case.file                    . . x . . . . . . . . . .
    cases.evidence.export              . . x . . . x . . x . . .
    certificates.certificate.issue     . . . x . . . . . . . . .
    certificates.certificate.revoke    . . . x . . . . . . . . .
    cases.own.view                     . . . . . . . . x . . . .
    access.grant.give                  . . x x . . . . . . . . .
    access.grant.revoke                . . x . . . . . . . . x .
    access.page.open                   . . x . x x x x . . . . .
    web.figures.view                   . . . . . . . . . x . . .
    access.opening.list                . . . . . . . . . x . x .
    ledger.entry.list                  . . . . . . . . . x . . x
    identity.account.list              . . . . . . . . . . x x .
    identity.account.keep              . . . . . . . . . . x . .
    identity.post.confirm              . . . . . . . . . . . x .
    preservation.key.view              . . x . . . . . . . . x .
    preservation.key.ask_destroyed     . . x . . . . . . . . . .
    preservation.key.confirm_destroyed . . . . . . . . . . . x .
"""
CELLS = [
    (Act(act), post, cell == "x")
    for act, *row in (line.split() for line in TABLE.strip().splitlines())
    for post, cell in zip(POSTS, row, strict=True)
]


def test_the_table_has_every_act_and_every_post() -> None:
    assert {act for act, _, _ in CELLS} == set(Act) == set(MAY) == set(ACT_LABELS)
    assert set(POSTS) == set(Role) == set(ROLE_LABELS)
    assert len(CELLS) == len(Act) * len(Role)


@pytest.mark.parametrize(
    ("act", "role", "may"), CELLS, ids=[f"{act}-{role}" for act, role, _ in CELLS]
)
def test_each_post_may_do_its_own_work_and_no_other(act: Act, role: Role, may: bool) -> None:  # noqa: FBT001 -- a cell
    objections = rules.objections_to(act, roles=frozenset({role}))

    assert (objections == ()) is may
    if not may:
        assert objections[0].startswith(f"您的岗位不能{ACT_LABELS[act]}，请由")


def test_the_three_administrators_share_no_act_but_those_listed() -> None:
    def acts(role: Role) -> set[Act]:
        return {act for act, roles in MAY.items() if role in roles}

    assert acts(Role.SYSTEM_ADMIN) & acts(Role.AUDIT_ADMIN) == set()
    assert acts(Role.SECURITY_ADMIN) & acts(Role.AUDIT_ADMIN) == set()
    assert acts(Role.SYSTEM_ADMIN) & acts(Role.SECURITY_ADMIN) == {Act.VIEW_ACCOUNTS}


def _body(code: str, kind: str = Body.Kind.DISTRICT, parent: Body | None = None) -> Body:
    return services.found_body(code=code, name=code, kind=kind, parent=parent, by="ops", at=NOON)


@pytest.mark.django_db
def test_an_account_is_opened_with_a_good_password_and_logged() -> None:
    user = services.open_account(
        username="li", name="李敏", password="shi-guang-2026", by="ops", at=NOON
    )

    assert user.check_password("shi-guang-2026")
    assert user.get_full_name() == "李敏"
    entry = ledger.entries(action="identity.account.opened").get()
    assert entry.subject == "user:li"
    assert entry.facts == {
        "name": "李敏",
        "person": "",
        "credential_sha256": hashlib.sha256(user.password.encode()).hexdigest(),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["kurz", "1234567890", "password12", "liminlimin1"])
def test_a_weak_password_opens_no_account(password: str) -> None:
    with pytest.raises(Unacceptable):
        services.open_account(
            username="liminlimin", name="李敏", password=password, by="ops", at=NOON
        )

    assert not User.objects.exists()
    assert not ledger.entries().exists()


@pytest.mark.django_db
def test_a_user_name_and_a_body_code_are_given_once() -> None:
    _body("a")
    services.open_account(username="li", name="李", password=None, by="ops", at=NOON)

    with pytest.raises(Conflict):
        services.open_account(username="li", name="别人", password=None, by="ops", at=NOON)
    with pytest.raises(Conflict):
        _body("a")

    assert User.objects.get().name == "李"
    assert Body.objects.count() == 1


@pytest.mark.django_db
def test_an_account_without_a_password_signs_nobody_in() -> None:
    user = services.open_account(username="ops", name="程序", password=None, by="ops", at=NOON)

    assert not user.has_usable_password()


@pytest.mark.django_db
def test_a_post_counts_from_its_first_to_its_last_day() -> None:
    body = _body("a")
    user = services.open_account(username="li", name="李", password=None, by="ops", at=NOON)
    post = services.give_post(user=user, body=body, role=Role.ARCHIVIST, by="ops", at=NOON)
    Post.objects.filter(pk=post.pk).update(until_on=DAY + timedelta(days=2))

    held = [
        bool(queries.roles_of(user=user, on=DAY + timedelta(days=days))) for days in (-1, 0, 2, 3)
    ]

    assert held == [False, True, True, False]


@pytest.mark.django_db
def test_an_account_that_is_switched_off_holds_no_post() -> None:
    user = factories.officer(Role.ARCHIVIST, body=_body("a"), username="li")
    User.objects.filter(pk=user.pk).update(is_active=False)

    with pytest.raises(NotPermitted):
        services.require(Act.COUNT_PAPER, by=user, at=NOON)


@pytest.mark.django_db
def test_a_post_is_given_once_at_a_time_and_never_ends_before_it_begins() -> None:
    body = _body("a")
    user = factories.officer(Role.ARCHIVIST, body=body, username="li")

    with pytest.raises(Conflict) as refused:
        services.give_post(user=user, body=body, role=Role.ARCHIVIST, by="ops", at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        Post.objects.update(until_on=DAY - timedelta(days=1))

    assert refused.value.reasons == ("测试li已在a任档案管理员，无需重复登记",)
    assert Post.objects.count() == 1


@pytest.mark.django_db
def test_a_post_reaches_its_body_those_below_and_where_it_is_attached() -> None:
    city = _body("city", Body.Kind.CITY)
    district = _body("d1", parent=city)
    other = _body("d2", parent=city)
    street = _body("s1", Body.Kind.STREET, parent=district)
    approval = _body("sp", Body.Kind.APPROVAL, parent=district)

    def reach(body: Body, name: str) -> set[int]:
        user = factories.officer(Role.ARCHIVIST, body=body, username=name)
        return set(queries.bodies_in_scope(user=user, on=DAY))

    whole_district = {district.pk, street.pk, approval.pk}
    assert reach(city, "a") == {city.pk, other.pk} | whole_district
    assert reach(district, "b") == whole_district
    assert reach(street, "c") == whole_district
    assert reach(approval, "d") == whole_district
    assert reach(other, "e") == {other.pk}


@pytest.mark.django_db
def test_an_act_for_a_body_out_of_reach_is_refused() -> None:
    mine, theirs = _body("a"), _body("b")
    user = factories.officer(Role.ARCHIVIST, body=mine, username="li")

    services.require(Act.COUNT_PAPER, by=user, at=NOON, body=mine)
    with pytest.raises(NotPermitted) as refused:
        services.require(Act.COUNT_PAPER, by=user, at=NOON, body=theirs)

    assert refused.value.reasons == ("不属于您所在机构的办理范围",)
    assert services.may(Act.COUNT_PAPER, by=user, at=NOON)
    assert not services.may(Act.DECIDE_CASE, by=user, at=NOON)


@pytest.mark.django_db
def test_a_post_in_one_body_gives_no_right_in_another() -> None:
    mine, theirs = _body("a"), _body("b")
    user = factories.officer(Role.ARCHIVIST, body=mine, username="li")
    services.give_post(user=user, body=theirs, role=Role.WINDOW_CLERK, by="ops", at=NOON)

    services.require(Act.COUNT_PAPER, by=user, at=NOON, body=mine)
    services.require(Act.OPEN_CASE, by=user, at=NOON, body=theirs)
    with pytest.raises(NotPermitted):
        services.require(Act.COUNT_PAPER, by=user, at=NOON, body=theirs)
    with pytest.raises(NotPermitted):
        services.require(Act.OPEN_CASE, by=user, at=NOON, body=mine)


@pytest.mark.django_db
def test_a_post_ends_with_the_day_and_is_ended_once() -> None:
    user = factories.officer(Role.ARCHIVIST, body=_body("a"), username="li")
    post = user.posts.get()

    services.end_post(post=post, reason="调离", by="sysadmin", at=NOON)
    services.require(Act.COUNT_PAPER, by=user, at=NOON)
    with pytest.raises(NotPermitted):
        services.require(Act.COUNT_PAPER, by=user, at=NOON + timedelta(days=1))
    with pytest.raises(Conflict):
        services.end_post(post=post, reason="调离", by="sysadmin", at=NOON)

    assert ledger.entries(action="identity.post.ended").count() == 1


@pytest.mark.django_db
def test_a_closed_account_can_do_nothing_from_that_moment() -> None:
    user = factories.officer(Role.ARCHIVIST, body=_body("a"), username="li")

    services.close_account(user=user, reason="离职", by="sysadmin", at=NOON)
    with pytest.raises(NotPermitted):
        services.require(Act.COUNT_PAPER, by=user, at=NOON)
    with pytest.raises(Conflict):
        services.close_account(user=user, reason="离职", by="sysadmin", at=NOON)

    user.refresh_from_db()
    assert not user.is_active
    assert ledger.entries(action="identity.account.closed").count() == 1


@pytest.mark.django_db
def test_the_office_keeps_its_own_day_and_clock() -> None:
    late = NOON.replace(hour=17)

    assert services.office_day(late).isoformat() == "2026-11-26"
    assert services.office_clock(late) == "2026-11-26 01:00"


@pytest.mark.django_db
def test_three_hundred_accounts_with_their_posts_are_three_questions() -> None:
    body = _body("a")
    users = User.objects.bulk_create(
        User(username=f"u{number}", name=f"人{number}") for number in range(300)
    )
    Post.objects.bulk_create(
        Post(user=user, body=body, role=Role.ARCHIVIST, since_on=DAY) for user in users
    )

    with CaptureQueriesContext(connection) as asked:
        listed = [[post.body.name for post in user.posts.all()] for user in queries.accounts()]

    assert len(asked) == 3
    assert listed == [["a"]] * 300
