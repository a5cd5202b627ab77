"""What the review desk and the case page show of a case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from lantai.cases import queries as cases
from lantai.cases.models import Case, Claim, Decision, Mark
from lantai.cases.rules.conflicts import Conflict
from lantai.cases.rules.facts import (
    FACT_LABELS,
    LEAVING_LABELS,
    STRETCH_LABELS,
    TRADE_LABELS,
    Route,
)
from lantai.cases.rules.route import ROUTE_LABELS
from lantai.cases.rules.workflow import State
from lantai.certificates.rules import KIND_LABELS, Kind
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Page
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import finality
from lantai.ledger import queries as ledger
from lantai.lib import canonical, catalogue
from lantai.lib.refusals import NotFound
from lantai.web.views import deeds
from lantai.web.views.cards import Card, Reading, cards_of

TONES: Final = {Mark.Kind.KEY: "key", Mark.Kind.DOUBT: "risk", Mark.Kind.NOTE: "note"}
DESK_LABELS: Final = {
    "review": "退休初审",
    "confirm": "退休复核",
    "decide": "退休审批",
    "read": "查看业务",
}
KINDS: Final = (
    ("经历", list(STRETCH_LABELS.items())),
    ("离职", list(LEAVING_LABELS.items())),
    ("特殊工种", list(TRADE_LABELS.items())),
)


@dataclass(frozen=True)
class Past:
    """A step of a case, in words."""

    label: str
    who: str
    at: datetime
    opinion: str


def case_of(*, uid: str, user: User, at: datetime) -> Case:
    """The case a person's posts reach; one elsewhere is answered as if there were none."""
    case = cases.by_uid(uid=uid, user=user, at=at)
    if case is None:
        raise NotFound(_("没有这项业务，请核对业务编号后重新查找"))
    return case


def desk(*, case: Case, user: User, at: datetime, strip: str) -> dict[str, Any]:
    """The whole desk: strip of pages, stage and panel. ``strip`` is the thumbnails' token."""
    shown = panel(case=case, user=user, at=at)
    doubted = {box["page"] for box in shown["overlays"] if box["tone"] == "risk"}
    token = urlencode({"token": strip})
    for page in shown["pages"]:
        page["thumb"] = f"{reverse('page-thumb', args=[page['id']])}?{token}"
        page["doubted"] = page["id"] in doubted
    left, right = _first_pages(shown["pages"], shown["cards"])
    return shown | {
        "desk_label": DESK_LABELS[shown["mode"]],
        "steps": deeds.steps(case),
        "materials": len({page["material"] for page in shown["pages"]}),
        "payload": {
            "pages": [
                {name: page[name] for name in ("id", "title", "numeral", "number", "date", "key")}
                for page in shown["pages"]
            ],
            "addresses": {
                "open": reverse("page-open", args=["PAGE"]),
                "acts": reverse("case-acts", args=[case.uid]),
                # Filled in by the viewer, tile by tile.
                "tile": "/tiles/{level}/{column}/{row}/?token={token}",
            },
            "left": left,
            "right": right,
        },
    }


def panel(*, case: Case, user: User, at: datetime) -> dict[str, Any]:
    """The right side of the desk: facts, conflicts, marks, what was done and may be done."""
    mode = deeds.mode(case, user=user)
    shown = _findings(case, user=user, mode=mode)
    pages = dossiers.pages_of(dossier=case.dossier)
    key = cases.key_pages(case=case)
    marks = cases.marks_of(case=case)
    deviating = {source.id for card in shown["cards"] for source in card.sources if source.bad}
    return shown | {
        "case": case,
        "person": case.dossier.person,
        "user": user,
        "mode": mode,
        "pages": [_strip_page(page, key=page.uid in key) for page in pages],
        "marks": marks,
        "overlays": [
            *(_claim_box(claim, bad=claim.uid in deviating) for claim in shown["claims"]),
            *(_mark_box(mark) for mark in marks),
        ],
        "history": _history(case),
        "frozen": _frozen(case, user=user, at=at),
        "deeds": deeds.deeds_of(case, user=user, at=at),
        "may_mark": mode != "read" and not cases.objections_to_mark(case=case, user=user, at=at),
        "may_claim": mode == "review",
        "facts": list(FACT_LABELS.items()),
        "kinds": KINDS,
        "mark_kinds": Mark.Kind.choices,
        "outcomes": deeds.outcomes(case, user=user, at=at),
        "return_codes": Decision.Code.choices,
    }


def summary(*, case: Case, user: User, at: datetime) -> dict[str, Any]:
    """The case page: all of it without an image."""
    mode = deeds.mode(case, user=user)
    decision = cases.decision_of(case=case)
    final = decision is not None and decision.outcome != Decision.Outcome.RETURN
    return _findings(case, user=user, mode="read") | {
        "case": case,
        "person": case.dossier.person,
        "mode": mode,
        "row": deeds.row(case, on=identity.office_day(at)),
        "steps": deeds.steps(case),
        "take": deeds.taking(case, user=user, at=at),
        "deeds": deeds.deeds_of(case, user=user, at=at),
        "outcomes": deeds.outcomes(case, user=user, at=at),
        "return_codes": Decision.Code.choices,
        "decision": decision,
        "decision_final": final,
        "decision_standing": finality.standing_of_act(
            subject=f"case:{case.uid}", action="cases.decision.made"
        ),
        "may_issue": final
        and case.state in {State.APPROVED, State.FILED}
        and identity.may(Act.ISSUE_CERTIFICATE, by=user, at=at),
        "certificate_kinds": [
            (Kind.RECORDED, KIND_LABELS[Kind.RECORDED]),
            (Kind.DEPOSIT, KIND_LABELS[Kind.DEPOSIT]),
        ],
        "frozen": _frozen(case, user=user, at=at),
        "export": deeds.exporting(case, user=user, at=at),
        "exports": cases.exports_of(case=case),
        "papers": cases.paper_calls_of(case=case),
        "history": _history(case),
        "policy": case.policy_version,
    }


def _findings(case: Case, *, user: User, mode: str) -> dict[str, Any]:
    """What the rules make of the claims, as cards, conflicts and the route."""
    claims = cases.claims_of(case=case)
    found = cases.assessment(case=case)
    latest = {adoption.fact: adoption for adoption in cases.adoptions_of(case=case)}
    reading = Reading(
        case=case, claims=claims, adopted=latest, user=user, writable=mode == "review"
    )
    raised = case.route == Route.COMPLEX
    complex_ = raised or found.route.route is Route.COMPLEX
    return {
        "claims": claims,
        "cards": cards_of(found, reading),
        "conflicts": [_conflict(one) for one in found.conflicts],
        "route": {
            "complex": complex_,
            "label": ROUTE_LABELS[Route.COMPLEX] if raised else found.route.ground,
            "reasons": [reason.sentence for reason in found.route.reasons],
        },
    }


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "code": conflict.code,
        "title": conflict.title,
        "sentence": conflict.sentence,
        "pair": " ".join(conflict.claims[:2]) if len(conflict.claims) > 1 else "",
        "sources": conflict.claims[:1],
        "pages": conflict.pages[:2] if not conflict.claims else (),
    }


def _strip_page(page: Page, *, key: bool) -> dict[str, Any]:
    """A page in the strip of thumbnails."""
    material = page.material
    return {
        "id": page.uid,
        "material": material.uid,
        "title": material.shown_title,
        "numeral": catalogue.heading(material.class_code),
        "number": page.number,
        "date": material.formed.replace("-??", ""),
        "key": key,
    }


def _claim_box(claim: Claim, *, bad: bool) -> dict[str, Any]:
    doubtful = bad or claim.altered
    label = f"{claim.get_fact_display()} {claim.written}"
    return {
        "id": claim.uid,
        "page": claim.page.uid,
        "region": [claim.x, claim.y, claim.w, claim.h],
        "tone": "risk" if doubtful else "claim",
        "label": f"{label} · {_('疑涂改')}" if claim.altered else label,
    }


def _mark_box(mark: Mark) -> dict[str, Any]:
    kind = mark.get_kind_display()
    return {
        "id": mark.uid,
        "page": mark.page.uid,
        "region": [mark.x, mark.y, mark.w, mark.h],
        "tone": TONES[Mark.Kind(mark.kind)],
        "label": f"{kind}：{mark.note}" if mark.note else kind,
    }


def _first_pages(pages: list[dict[str, Any]], cards: list[Card]) -> tuple[str | None, str | None]:
    """The pages to begin with: two that differ on a fact, else the first key page alone."""
    for card in cards:
        bad = next((source for source in card.sources if source.bad), None)
        good = next((source for source in card.sources if not source.bad), None)
        if bad and good and bad.page != good.page:
            return good.page, bad.page
    first = next((page["id"] for page in pages if page["key"]), None)
    return first or (pages[0]["id"] if pages else None), None


def _frozen(case: Case, *, user: User, at: datetime) -> dict[str, Any] | None:
    """The frozen evidence, whether a signed head covers it, and what is different now."""
    evidence = cases.evidence_of(case=case)
    if evidence is None or case.state in {State.IN_REVIEW, State.RETURNED}:
        return None
    head = ledger.latest_head(stream="records")
    return {
        "may_export": identity.may(Act.EXPORT_EVIDENCE, by=user, at=at),
        "evidence": evidence,
        "pages": len(canonical.loads(evidence.manifest.encode())),
        "head": head,
        "sealed": head is not None and head.size > evidence.entry,
        "standing": finality.standing_at(stream="records", index=evidence.entry),
        "changes": cases.changes_since_fixed(case=case),
        "added": cases.added_since_fixed(case=case),
    }


def _history(case: Case) -> list[Past]:
    return [
        Past(
            label=step.get_verb_display(),
            who=step.by.name,
            at=step.at,
            opinion=step.opinion,
        )
        for step in cases.history(case=case)
    ]
