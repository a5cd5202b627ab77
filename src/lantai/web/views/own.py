"""The window of the person a dossier is about: own cases, own certificates, on a phone."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from lantai.cases import queries as cases
from lantai.cases.models import Case
from lantai.cases.rules.workflow import CLOCK_STANDS, STATE_LABELS, State
from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.web.http import SignedIn

# What the person is told of the way a case goes; the office's own states are finer.
STAGES = (
    (_("受理"), frozenset({State.ACCEPTED})),
    (_("初审"), frozenset({State.IN_REVIEW, State.RETURNED, State.SUSPENDED})),
    (_("复核"), frozenset({State.IN_CONFIRMATION})),
    (_("审批"), frozenset({State.FROZEN, State.PAPER_CALLED, State.PAPER_BACK})),
    (_("办结"), frozenset({State.APPROVED, State.REJECTED, State.FILED, State.WITHDRAWN})),
)


@require_safe
def own(request: SignedIn) -> HttpResponse:
    at = now()
    identity.require(Act.FOLLOW_OWN_CASE, by=request.user, at=at)
    mine = cases.in_scope(user=request.user, at=at).filter(
        dossier__person__uid=request.user.person_uid or None
    )
    today = identity.office_day(at)
    shown = {"cases": [_told(case, today=today) for case in mine.order_by("-opened_at", "-pk")]}
    return render(request, "pages/own.html", shown)


def _told(case: Case, *, today: date) -> dict[str, Any]:
    state = State(case.state)
    at = next(place for place, (_label, states) in enumerate(STAGES) if state in states)
    done = at == len(STAGES) - 1
    decided = done and state is not State.WITHDRAWN
    decision = cases.decision_of(case=case) if decided else None
    return {
        "case": case,
        "state": STATE_LABELS[state],
        "stages": [
            (label, "done" if place < at or done else "now" if place == at else "")
            for place, (label, _states) in enumerate(STAGES)
        ],
        "stage": STAGES[at][0],
        "late": not done and case.due_on < today and state not in CLOCK_STANDS,
        "decision": decision,
        "approved": decision is not None and decision.outcome == "approve",
    }


urlpatterns = [path("own/", own, name="own")]
