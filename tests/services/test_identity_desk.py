"""The administrators' desk: accounts kept by one, posts given by two."""

import pytest
from imaging_factories import NOON

from lantai.identity import audit, queries, rules, services
from lantai.identity.models import Body, Post, PostRequest, User
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable

DAY = services.office_day(NOON)


class Desk:
    """Two system administrators, two security administrators, and a colleague without a post."""

    def __init__(self) -> None:
        self.body = services.found_body(
            code="yt", name="yt", kind=Body.Kind.DISTRICT, parent=None, by="ops", at=NOON
        )
        self.system = self._officer("system", Role.SYSTEM_ADMIN)
        self.security = self._officer("security", Role.SECURITY_ADMIN)
        self.li = services.open_account(
            username="li", name="李敏", password="shi-guang-2026", by="ops", at=NOON
        )

    def _officer(self, username: str, role: Role) -> User:
        user = services.open_account(
            username=username, name=username, password=None, by="ops", at=NOON
        )
        services.give_post(user=user, body=self.body, role=role, by="ops", at=NOON)
        return user

    def asked(self, role: Role = Role.ARCHIVIST) -> PostRequest:
        return services.ask_for_post(
            username="li", body="yt", role=role, reason="新到岗", by=self.system, at=NOON
        )


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def _rows() -> list[object]:
    tables = (User, Post, PostRequest)
    rows = [row for table in tables for row in table._default_manager.order_by("pk").values()]
    return [*rows, ledger.entries().count()]


def _roles(user: User) -> frozenset[Role]:
    return queries.roles_of(user=User.objects.get(pk=user.pk), on=DAY)


def test_a_post_is_asked_for_by_one_administrator_and_given_by_another(desk: Desk) -> None:
    asked = desk.asked()
    before = _roles(desk.li)

    settled = services.settle_post(
        request=asked.uid, outcome="confirmed", note="", by=desk.security, at=NOON
    )

    assert before == frozenset()
    assert _roles(desk.li) == {Role.ARCHIVIST}
    assert (settled.outcome, settled.settled_by, settled.settled_at) == (
        "confirmed",
        desk.security,
        NOON,
    )
    told = [
        (entry.action, entry.actor)
        for entry in ledger.entries(stream="records").filter(subject="user:li").order_by("index")
    ]
    assert told[1:] == [
        ("identity.post.asked", "system"),
        ("identity.post.settled", "security"),
        ("identity.post.given", "security"),
    ]
    assert list(audit.check_rows()) == []


def test_a_declined_post_is_not_given_and_says_why(desk: Desk) -> None:
    asked = desk.asked()

    services.settle_post(
        request=asked.uid, outcome="declined", note="编制已满", by=desk.security, at=NOON
    )

    assert _roles(desk.li) == frozenset()
    assert queries.post_requests(user=desk.li).get().note == "编制已满"
    assert list(audit.check_rows()) == []


def test_what_must_not_become_of_a_request_does_not(desk: Desk) -> None:
    asked = desk.asked()
    own = PostRequest.objects.create(
        user=desk.security,
        body=desk.body,
        role=Role.SECURITY_ADMIN,
        reason="本人",
        asked_by=desk.system,
        asked_at=NOON,
    )
    before = _rows()

    tries = [
        (asked.uid, "confirmed", "", desk.system, NotPermitted),
        (asked.uid, "confirmed", "", desk.li, NotPermitted),
        (own.uid, "confirmed", "", desk.security, NotPermitted),
        (asked.uid, "declined", " ", desk.security, Unacceptable),
        (asked.uid, "maybe", "x", desk.security, Unacceptable),
        ("0" * 16, "confirmed", "", desk.security, NotFound),
    ]
    for uid, outcome, note, by, no in tries:
        with pytest.raises(no):
            services.settle_post(request=uid, outcome=outcome, note=note, by=by, at=NOON)

    assert _rows() == before


def test_a_request_is_settled_once_and_asked_for_once(desk: Desk) -> None:
    asked = desk.asked()
    with pytest.raises(Conflict):
        desk.asked()
    services.settle_post(request=asked.uid, outcome="confirmed", note="", by=desk.security, at=NOON)
    before = _rows()

    with pytest.raises(Conflict):
        services.settle_post(
            request=asked.uid, outcome="declined", note="x", by=desk.security, at=NOON
        )
    with pytest.raises(Conflict) as refused:
        desk.asked()

    assert refused.value.reasons == ("李敏已在yt任档案管理员，无需重复登记",)
    assert _rows() == before


@pytest.mark.parametrize(
    ("held", "role", "free"),
    [
        ({Role.SYSTEM_ADMIN}, Role.SECURITY_ADMIN, False),
        ({Role.SYSTEM_ADMIN}, Role.ARCHIVIST, False),
        ({Role.ARCHIVIST}, Role.AUDIT_ADMIN, False),
        ({Role.ARCHIVIST}, Role.WINDOW_CLERK, True),
        ({Role.AUDIT_ADMIN}, Role.AUDIT_ADMIN, True),
        (set(), Role.SECURITY_ADMIN, True),
    ],
)
def test_the_three_administrators_are_three_people(
    held: set[Role],
    role: Role,
    free: bool,  # noqa: FBT001 -- a cell
) -> None:
    assert (rules.objections_to_holding(role, held=frozenset(held)) == ()) is free


def test_an_administrator_is_not_asked_for_a_second_kind_of_post(desk: Desk) -> None:
    before = _rows()

    with pytest.raises(Conflict) as refused:
        services.ask_for_post(
            username="security",
            body="yt",
            role=Role.AUDIT_ADMIN,
            reason="兼任",
            by=desk.system,
            at=NOON,
        )

    assert refused.value.reasons == (
        "三类管理员各自独立，也不兼任业务岗位；该账户现任安全保密员，请先免去或另选人员",
    )
    assert _rows() == before


def test_accounts_are_opened_locked_unlocked_and_given_another_password(desk: Desk) -> None:
    wang = services.enter_account(
        username="wang", name=" 王芳 ", password="chu-shi-2026", by=desk.system, at=NOON
    )
    services.lock_account(username="wang", reason="离岗", by=desk.system, at=NOON)
    locked = User.objects.get(pk=wang.pk).is_active
    services.unlock_account(username="wang", reason="返岗", by=desk.system, at=NOON)
    services.reset_password(
        username="wang", password="chong-she-2026", reason="遗忘", by=desk.system, at=NOON
    )

    held = User.objects.get(pk=wang.pk)
    assert (held.name, locked, held.is_active) == ("王芳", False, True)
    assert held.check_password("chong-she-2026")
    told = ledger.entries(stream="records").filter(subject="user:wang").order_by("index")
    assert [(entry.action, entry.actor, entry.facts.get("reason")) for entry in told] == [
        ("identity.account.opened", "system", None),
        ("identity.account.closed", "system", "离岗"),
        ("identity.account.reopened", "system", "返岗"),
        ("identity.password.reset", "system", "遗忘"),
    ]
    assert list(audit.check_rows()) == []


def test_a_post_is_taken_with_a_reason(desk: Desk) -> None:
    post = services.give_post(user=desk.li, body=desk.body, role=Role.ARCHIVIST, by="ops", at=NOON)

    services.take_post(post=post.pk, reason="调离", by=desk.system, at=NOON)

    post.refresh_from_db()
    assert post.until_on == DAY
    assert list(audit.check_rows()) == []


def test_what_the_keeper_of_accounts_may_not_do_changes_nothing(desk: Desk) -> None:
    before = _rows()
    verbs = services
    asking = {"body": "yt", "role": Role.ARCHIVIST}
    fresh = {"password": "chong-she-2026"}
    new = {"username": "wang", "name": "王", "password": "chu-shi-2026"}

    tries = [
        (verbs.enter_account, {**new, "by": desk.security}, NotPermitted),
        (verbs.enter_account, {**new, "username": "Wang 1", "by": desk.system}, Unacceptable),
        (verbs.enter_account, {**new, "password": "kurz", "by": desk.system}, Unacceptable),
        (verbs.enter_account, {**new, "username": "li", "by": desk.system}, Conflict),
        *[
            (verb, {"username": username, "reason": reason, "by": by, **more}, no)
            for verb, more in (
                (verbs.lock_account, {}),
                (verbs.reset_password, fresh),
                (verbs.ask_for_post, asking),
            )
            for username, reason, by, no in (
                ("li", "x", desk.security, NotPermitted),
                ("li", " ", desk.system, Unacceptable),
                ("system", "x", desk.system, NotPermitted),
                ("nobody", "x", desk.system, NotFound),
            )
        ],
        (
            verbs.reset_password,
            {"username": "security", "reason": "x", "by": desk.system, **fresh},
            NotPermitted,
        ),
        (verbs.unlock_account, {"username": "li", "reason": "x", "by": desk.system}, Conflict),
        (
            verbs.ask_for_post,
            {"username": "li", "reason": "x", "by": desk.system, **asking, "body": "zz"},
            NotFound,
        ),
        (
            verbs.ask_for_post,
            {"username": "li", "reason": "x", "by": desk.system, **asking, "role": "king"},
            Unacceptable,
        ),
        (verbs.take_post, {"post": 0, "reason": "x", "by": desk.system}, NotFound),
    ]
    for verb, given, no in tries:
        with pytest.raises(no):
            verb(at=NOON, **given)

    assert _rows() == before
