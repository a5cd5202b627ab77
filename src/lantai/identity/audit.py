"""Bodies, accounts and posts against what the log says of them."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db.models import Model

from lantai.identity.models import Body, Post, PostRequest, User
from lantai.ledger import queries as ledger
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import OpeningDestroyed
from lantai.ledger.statements import GONE, THERE, UNKNOWN, plain, text
from lantai.lib.tlog.leaf import moment

_ACTIONS: Final = (
    "identity.body.founded",
    "identity.account.opened",
    "identity.account.closed",
    "identity.account.reopened",
    "identity.password.changed",
    "identity.password.reset",
    "identity.post.asked",
    "identity.post.settled",
    "identity.post.given",
    "identity.post.ended",
)
# The columns of each row by the table and what names it, and since when the log says so.
_Said = dict[tuple[type[Model], str], tuple[dict[str, Any], str]]


def credential_digest(user: User) -> str:
    """The SHA-256 of a password as it is stored, which tells nothing of the password."""
    return hashlib.sha256(user.password.encode()).hexdigest()


def check_rows() -> Iterator[Difference]:
    """Yield every difference between the rows of identity and the log."""
    said, whole = _said()
    held = _held()
    for key, columns in held.items():
        stated, since = said.get(key, (None, ""))
        if stated is None:
            if whole:
                yield Difference(_table(key), key[1], "", MISSING, UNKNOWN, "")
            continue
        for name, value in columns.items():
            expected = stated.get(name, MISSING)
            if expected != value:
                yield Difference(_table(key), key[1], name, text(expected), text(value), since)
    for key, (_, since) in said.items():
        if key not in held:
            yield Difference(_table(key), key[1], "", THERE, GONE, since)


def _said() -> tuple[_Said, bool]:
    """What the log says of all rows, and whether all of it could be read."""
    said: _Said = {}
    whole = True
    for entry in ledger.entries(stream="records").filter(action__in=_ACTIONS).order_by("index"):
        name = entry.subject.partition(":")[2]
        try:
            key, columns = _told(entry.action, name, entry.facts)
        except OpeningDestroyed:
            whole = False
            continue
        if entry.action == "identity.account.opened":
            columns["joined_at"] = plain(entry.at)
        if entry.action == "identity.post.asked":
            columns |= {"asked_by": entry.actor, "asked_at": plain(entry.at)}
        if entry.action == "identity.post.settled":
            columns |= {"settled_by": entry.actor, "settled_at": plain(entry.at)}
        known = said[key][0] if key in said else {}
        said[key] = (known | columns, moment(entry.at))
    return said, whole


def _told(
    action: str, name: str, facts: Mapping[str, Any]
) -> tuple[tuple[type[Model], str], dict[str, Any]]:
    """Which row an entry speaks of, and the columns it sets."""
    match action:
        case "identity.body.founded":
            return (Body, name), {key: facts[key] for key in ("name", "kind", "parent")}
        case "identity.account.opened":
            columns = {
                "name": facts["name"],
                "person_uid": facts["person"],
                "password": facts["credential_sha256"],
                "is_active": True,
            }
            return (User, name), columns
        case "identity.account.closed":
            return (User, name), {"is_active": False}
        case "identity.account.reopened":
            return (User, name), {"is_active": True}
        case "identity.post.asked":
            columns = {key: facts[key] for key in ("body", "role", "reason")}
            unsettled = {"outcome": "", "note": "", "settled_by": None, "settled_at": None}
            return (PostRequest, facts["request"]), {"user": name, **columns, **unsettled}
        case "identity.post.settled":
            return (PostRequest, facts["request"]), {key: facts[key] for key in ("outcome", "note")}
        case "identity.password.changed" | "identity.password.reset":
            return (User, name), {"password": facts["credential_sha256"]}
    post = (Post, _post(name, facts["body"], facts["role"], facts["since"]))
    return post, {"until_on": facts.get("until")}


def _held() -> dict[tuple[type[Model], str], dict[str, Any]]:
    """What the rows are."""
    held: dict[tuple[type[Model], str], dict[str, Any]] = {}
    for body in Body.objects.select_related("parent").order_by("pk"):
        parent = body.parent.code if body.parent else None
        held[Body, body.code] = {"name": body.name, "kind": body.kind, "parent": parent}
    for user in User.objects.order_by("pk").iterator(2000):
        held[User, user.username] = {
            "name": user.name,
            "person_uid": user.person_uid,
            "password": credential_digest(user),
            "is_active": user.is_active,
            "joined_at": plain(user.joined_at),
        }
    for post in Post.objects.select_related("user", "body").order_by("pk").iterator(2000):
        key = _post(post.user.username, post.body.code, post.role, post.since_on.isoformat())
        held[Post, key] = {"until_on": plain(post.until_on)}
    people = ("user", "body", "asked_by", "settled_by")
    for asked in PostRequest.objects.select_related(*people).order_by("pk").iterator(2000):
        held[PostRequest, asked.uid] = {
            "user": asked.user.username,
            "body": asked.body.code,
            "role": asked.role,
            "reason": asked.reason,
            "asked_by": asked.asked_by.username,
            "asked_at": plain(asked.asked_at),
            "outcome": asked.outcome,
            "note": asked.note,
            "settled_by": asked.settled_by.username if asked.settled_by else None,
            "settled_at": plain(asked.settled_at),
        }
    return held


def _post(user: str, body: str, role: str, since: str) -> str:
    """What names a post: nobody is given the same twice from the same day."""
    return f"{user} {role}@{body} {since}"


def _table(key: tuple[type[Model], str]) -> str:
    return str(key[0]._meta.db_table)  # noqa: SLF001 -- Django's documented name for it
