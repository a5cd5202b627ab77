"""What lies on the desk of each post."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from lantai.identity import queries as people
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.identity.services import office_day
from lantai.web.desks.casework import clerk, reviewing, subject
from lantai.web.desks.oversight import (
    audit_admin,
    consultant,
    security_admin,
    supervisor,
    system_admin,
)
from lantai.web.desks.parts import Desk, Seat
from lantai.web.desks.production import archivist, inspector, operator

_LAID: Final[dict[Role, Callable[[Seat, Desk], None]]] = {
    Role.SCAN_OPERATOR: operator,
    Role.QUALITY_INSPECTOR: inspector,
    Role.ARCHIVIST: archivist,
    Role.WINDOW_CLERK: clerk,
    Role.FIRST_REVIEWER: reviewing("初审"),
    Role.SECOND_REVIEWER: reviewing("复核"),
    Role.APPROVER: reviewing("审批"),
    Role.CONSULTANT: consultant,
    Role.SUBJECT: subject,
    Role.SUPERVISOR: supervisor,
    Role.SYSTEM_ADMIN: system_admin,
    Role.SECURITY_ADMIN: security_admin,
    Role.AUDIT_ADMIN: audit_admin,
}


def of(*, user: User, at: datetime) -> Desk:
    """Lay out a person's desk from the posts held now; two posts of a kind share one."""
    posts = tuple(people.posts_of(user=user, on=office_day(at)))
    seat, desk = Seat(user, posts, at), Desk()
    for role in dict.fromkeys(Role(post.role) for post in posts):
        _LAID[role](seat, desk)
    return desk
