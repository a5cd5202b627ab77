"""The log of one dossier: a line for every human act, each with its place and proof in the log."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier
from lantai.identity import queries as people
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import ROLE_LABELS, Act, Role
from lantai.ledger import finality
from lantai.ledger import queries as ledger
from lantai.ledger.models import STREAMS, Entry, OpeningDestroyed
from lantai.lib.refusals import NotFound
from lantai.web.http import SignedIn
from lantai.web.labels import STREAM_LABELS
from lantai.web.told import KINDS, TECHNICAL, Names, sentence

ROWS: Final = 50
NO_DOSSIER: Final = "没有这份档案，或它不在您的办理范围；请核对后从档案查询进入"
NO_ENTRY: Final = "这份档案的留痕中没有这一条，或您不能查看它；请从档案留痕进入"


@require_safe
def history(request: SignedIn, dossier_uid: str) -> HttpResponse:
    """What was done with a dossier, newest first, page by page backwards in time.

    Whoever sees the catalogue sees what was done with the dossier, and of the looks only the own
    ones; whoever sees the log sees all.
    """
    found, whole = _allowed(request, dossier_uid)
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    entries = _entries(found, by=None if whole else request.user)
    if kind:
        entries = entries.filter(action__startswith=f"{kind}.")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        entries = entries.filter(pk__lt=int(before))
    rows = list(entries[: ROWS + 1])
    shown = {
        "dossier": found,
        "whole": whole,
        "named": identity.may(Act.VIEW_CATALOGUE, by=request.user, at=now()),
        "kind": kind,
        "kinds": KINDS,
        "before": before,
        "older": rows[ROWS - 1].pk if len(rows) > ROWS else None,
        "groups": _grouped(_told(rows[:ROWS], found)),
    }
    part = request.htmx and not request.htmx.history_restore_request
    return render(request, "pages/_history.html" if part else "pages/history.html", shown)


@require_safe
def history_entry(request: SignedIn, dossier_uid: str, stream: str, index: int) -> HttpResponse:
    """One line: where it stands in the log, who witnessed it, and the proof."""
    found, whole = _allowed(request, dossier_uid)
    entries = _entries(found, by=None if whole else request.user)
    entry = entries.filter(stream=stream, index=index).first()
    if entry is None:
        raise NotFound(NO_ENTRY)
    (line,) = _told([entry], found)
    shown = {
        "dossier": found,
        "line": line,
        "entry": entry,
        "stream": STREAM_LABELS[entry.stream],
        "origin": ledger.origin_of(stream=entry.stream),
        "leaf_hash": bytes(entry.leaf_hash).hex(),
        "standing": finality.standing_of(entry),
        "may_log": identity.may(Act.VIEW_LOG, by=request.user, at=now()),
        **_proof(entry),
    }
    return render(request, "pages/history_entry.html", shown)


def _allowed(request: SignedIn, uid: str) -> tuple[Dossier, bool]:
    """The dossier, and whether the person may see everybody's acts on it."""
    at = now()
    if identity.may(Act.VIEW_LOG, by=request.user, at=at):
        found = dossiers.known(uid=uid)
        whole = True
    else:
        identity.require(Act.VIEW_CATALOGUE, by=request.user, at=at)
        found = dossiers.by_uid(uid=uid, user=request.user, on=identity.office_day(at))
        whole = False
    if found is None:
        raise NotFound(NO_DOSSIER)
    return found, whole


def _entries(dossier: Dossier, *, by: User | None) -> QuerySet[Entry]:
    """The entries of a dossier, its cases and certificates, and of its scanning; newest first.

    A batch holds many dossiers: of its entries only those that name this one, and its receipt.
    """
    subjects = [f"dossier:{dossier.uid}"]
    subjects += [f"case:{uid}" for uid in dossier.cases.values_list("uid", flat=True)]
    subjects += [f"certificate:{uid}" for uid in dossier.certificates.values_list("uid", flat=True)]
    wanted = Q(subject__in=subjects)
    for item in dossier.items.select_related("batch"):
        wanted |= Q(subject=f"batch:{item.batch.uid}") & (
            Q(action__in=("imaging.batch.received", "imaging.batch.processed"))
            | Q(disclosure__content__contains=f'"{item.uid}"')
        )
    found = ledger.entries().filter(wanted)
    if by is not None:
        found = found.filter(Q(stream="records") | Q(actor=by.username))
    return found


def _told(entries: Iterable[Entry], dossier: Dossier) -> list[dict[str, Any]]:
    listed = list(entries)
    facts = [_facts(entry) for entry in listed]
    users = {entry.actor for entry in listed} | {
        said["user"] for said in facts if said and isinstance(said.get("user"), str)
    }
    known = {
        user.username: user
        for user in people.accounts()
        .filter(username__in=users)
        .prefetch_related(None)
        .prefetch_related(Prefetch("posts"))
    }
    names = _names(dossier, known)
    sealed = {stream: _sealed_up_to(stream) for stream in STREAMS}
    return [
        {
            "entry": entry,
            "who": _who(entry, known),
            "what": sentence(entry.action, said, names=names),
            "technical": entry.action in TECHNICAL,
            "sealed": entry.index < sealed[entry.stream],
        }
        for entry, said in zip(listed, facts, strict=True)
    ]


def _grouped(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines in their order; a run of technical ones stands together, to be folded."""
    groups: list[dict[str, Any]] = []
    for line in lines:
        if groups and groups[-1]["technical"] and line["technical"]:
            groups[-1]["lines"].append(line)
        else:
            groups.append({"technical": line["technical"], "lines": [line]})
    return groups


def _names(dossier: Dossier, known: dict[str, User]) -> Names:
    pages = dossiers.pages_of(dossier=dossier)
    return Names(
        pages={page.uid: f"{page.material.shown_title} 第 {page.number} 页" for page in pages},
        materials={
            entry.uid: entry.shown_title for entry in dossier.materials.prefetch_related("secrecy")
        },
        cases=dict(dossier.cases.values_list("uid", "number")),
        people={username: user.name for username, user in known.items()},
    )


def _who(entry: Entry, known: dict[str, User]) -> str:
    """Name and post of whoever acted, as they were on the day; the program by its name."""
    user = known.get(entry.actor)
    if user is None:
        return f"系统（{entry.actor}）"
    day = identity.office_day(entry.at)
    roles = "、".join(dict.fromkeys(_roles(user, day)))
    return f"{user.name}（{roles}）" if roles else user.name


def _roles(user: User, day: date) -> list[str]:
    return [
        _short(ROLE_LABELS[Role(post.role)])
        for post in user.posts.all()
        if post.since_on <= day and (post.until_on is None or day <= post.until_on)
    ]


def _short(label: str) -> str:
    """初审员 acts as 初审; longer titles stay whole."""
    return label.removesuffix("员") if len(label) == len("初审员") else label


def _facts(entry: Entry) -> dict[str, Any] | None:
    try:
        return entry.facts
    except OpeningDestroyed:
        return None


def _sealed_up_to(stream: str) -> int:
    head = ledger.latest_head(stream=stream)
    return head.size if head else 0


def _proof(entry: Entry) -> dict[str, Any]:
    """The proof against the newest head with quorum, or why there is none."""
    try:
        return {"proof": ledger.sealed(entry).proof, "damage": ""}
    except ledger.NotYetSealed:
        return {"proof": "", "damage": ""}
    except ledger.LogDamaged as damage:
        return {"proof": "", "damage": str(damage)}


urlpatterns = [
    path("dossiers/<str:dossier_uid>/history/", history, name="dossier-history"),
    path(
        "dossiers/<str:dossier_uid>/history/<str:stream>/<int:index>/",
        history_entry,
        name="dossier-history-entry",
    ),
]
