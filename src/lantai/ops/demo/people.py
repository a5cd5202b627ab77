"""The bodies and people of the demo: every role of the office, each with a sign-in."""

from dataclasses import dataclass
from typing import Final

from lantai.identity import queries as people
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import ROLE_LABELS, Role
from lantai.ops.demo import PASSWORD
from lantai.ops.home import clock

_BY: Final = "ops"


@dataclass(frozen=True)
class Place:
    code: str
    name: str
    kind: Body.Kind
    parent: str | None


@dataclass(frozen=True)
class Officer:
    username: str
    name: str
    role: Role
    place: str

    @property
    def label(self) -> str:
        return ROLE_LABELS[self.role]


PLACES: Final = (
    Place("lt00", "兰台市人才服务中心", Body.Kind.CITY, None),
    Place("lt01", "东亭区人才服务中心", Body.Kind.DISTRICT, "lt00"),
    Place("lt02", "西麓区人才服务中心", Body.Kind.DISTRICT, "lt00"),
    Place("lt0101", "东亭区柳荫街社保所", Body.Kind.STREET, "lt01"),
    Place("lt01sp", "东亭区行政审批局", Body.Kind.APPROVAL, "lt01"),
    Place("lt01sz", "东亭档案数字化加工中心", Body.Kind.SHOP, "lt01"),
    Place("wdw", "兰台市第一机械公司", Body.Kind.OUTSIDE, None),
)
HOLDER: Final = "lt01"

OFFICERS: Final = (
    Officer("saomiao", "周立新", Role.SCAN_OPERATOR, "lt01sz"),
    Officer("zhijian", "吴秀英", Role.QUALITY_INSPECTOR, "lt01sz"),
    Officer("dangan", "郑文斌", Role.ARCHIVIST, "lt01"),
    Officer("chuangkou", "王海英", Role.WINDOW_CLERK, "lt0101"),
    Officer("chushen", "李敏", Role.FIRST_REVIEWER, "lt01"),
    Officer("fuhe", "陈志刚", Role.SECOND_REVIEWER, "lt01"),
    Officer("shenpi", "孙建国", Role.APPROVER, "lt01sp"),
    Officer("chayue", "冯少华", Role.CONSULTANT, "wdw"),
    Officer("jianguan", "赵素芬", Role.SUPERVISOR, "lt00"),
    Officer("xitong", "何树林", Role.SYSTEM_ADMIN, "lt01"),
    Officer("anquan", "许雅琴", Role.SECURITY_ADMIN, "lt01"),
    Officer("shenji", "沈学军", Role.AUDIT_ADMIN, "lt01"),
)
SUBJECT: Final = "benren"


def settle() -> None:
    """Found the bodies and open the accounts, each with its post."""
    at = clock()
    founded: dict[str, Body] = {}
    for place in PLACES:
        founded[place.code] = identity.found_body(
            code=place.code,
            name=place.name,
            kind=place.kind,
            parent=founded[place.parent] if place.parent else None,
            by=_BY,
            at=at,
        )
    for officer in OFFICERS:
        user = identity.open_account(
            username=officer.username, name=officer.name, password=PASSWORD, by=_BY, at=at
        )
        identity.give_post(user=user, body=founded[officer.place], role=officer.role, by=_BY, at=at)


def open_subject(*, name: str, person_uid: str) -> None:
    """Give the person whose dossier was taken in an account to follow the own case."""
    at = clock()
    user = identity.open_account(
        username=SUBJECT, name=name, password=PASSWORD, by=_BY, at=at, person_uid=person_uid
    )
    identity.give_post(user=user, body=holder(), role=Role.SUBJECT, by=_BY, at=at)


def officer(role: Role) -> User:
    """The account of the person who holds a role in the demo."""
    username = next(known.username for known in OFFICERS if known.role is role)
    found = people.account(username=username)
    if found is None:
        raise RuntimeError(f"the demo has no {username}")
    return found


def holder() -> Body:
    """The body that keeps the demo's dossiers."""
    return next(body for body in people.bodies() if body.code == HOLDER)


def told() -> str:
    """The sign-in names, as printed at the start."""
    rows = [f"  {known.username:<12}{known.label:<8}{known.name}" for known in OFFICERS]
    rows.append(f"  {SUBJECT:<12}{ROLE_LABELS[Role.SUBJECT]}（本人，档案入库后可登录）")
    return "\n".join(["登录名        岗位", *rows, f"口令均为 {PASSWORD}"])
