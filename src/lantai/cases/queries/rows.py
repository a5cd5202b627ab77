"""Rows of a case in plain values: what the log keeps of them and the evidence freezes."""

from typing import Any

from lantai.cases.models import Adoption, Claim, Mark, PaperCall, Step


def mark_row(mark: Mark) -> dict[str, Any]:
    """A mark as it was made."""
    return {
        "page": mark.page.uid,
        "region": [mark.x, mark.y, mark.w, mark.h],
        "kind": mark.kind,
        "note": mark.note,
    }


def claim_row(claim: Claim) -> dict[str, Any]:
    """A claim as it was stated."""
    return {
        "fact": claim.fact,
        "written": claim.written,
        "since": claim.since,
        "until": claim.until,
        "text": claim.text,
        "unit": claim.unit,
        "kind": claim.kind,
        "altered": claim.altered,
        "copy": claim.copy,
        "lunar": claim.lunar,
        "self_made": claim.self_made,
        "page": claim.page.uid,
        "region": [claim.x, claim.y, claim.w, claim.h],
    }


def adoption_row(adoption: Adoption) -> dict[str, Any]:
    """A settled fact as it was settled."""
    return {
        "fact": adoption.fact,
        "value": adoption.value,
        "proposed": adoption.proposed,
        "reason": adoption.reason,
        "rule": adoption.rule,
    }


def step_row(step: Step) -> dict[str, Any]:
    """A step as it was taken."""
    return {
        "verb": step.verb,
        "from_state": step.from_state,
        "to_state": step.to_state,
        "opinion": step.opinion,
    }


def paper_row(call: PaperCall) -> dict[str, Any]:
    """A paper call as far as it has come; moments in UTC."""
    return {
        "call": call.uid,
        "reason": call.reason,
        "called_by": call.called_by.username,
        "called_at": call.called_at.isoformat(),
        "out_at": call.out_at.isoformat() if call.out_at else None,
        "out_sides": call.out_sides,
        "findings": call.findings,
        "seen_by": call.seen_by.username if call.seen_by else None,
        "back_at": call.back_at.isoformat() if call.back_at else None,
        "back_sides": call.back_sides,
    }
