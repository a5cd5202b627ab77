"""The witnesses of the log, as those who oversee it see them."""

from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.ledger import finality, quorum
from lantai.ledger import queries as ledger
from lantai.ledger.finality import WitnessState
from lantai.ledger.incidents import Incident
from lantai.ledger.models import STREAMS
from lantai.web.http import SignedIn
from lantai.web.labels import STREAM_LABELS

SHOWN: Final = 50


@require_safe
def witnesses(request: SignedIn) -> HttpResponse:
    """Who witnesses, how far each is, what went wrong, and the evidence that was kept."""
    identity.require(Act.VIEW_LOG, by=request.user, at=now())
    policy = quorum.in_force()
    states = finality.witness_state()
    refused = finality.refusals()
    shown = {
        "rule": quorum.in_words(policy),
        "required": policy is not None and policy.quorum is not None,
        "count": len(policy.witnesses) if policy else 0,
        "spare": policy.spare if policy and policy.quorum else 0,
        "states": [_row(state) for state in states],
        "heads": [_head(stream) for stream in STREAMS],
        "stops": [(STREAM_LABELS[stream], stopped) for stream, stopped in finality.stops()],
        "since": finality.provisional_since(),
        "refused": [_kept(each) for each in refused[:SHOWN]],
        "refusals": len(refused),
    }
    return render(request, "pages/witnesses.html", shown)


def _row(state: WitnessState) -> dict[str, Any]:
    tone, said = "ok", "正常"
    if state.error:
        tone, said = "risk", "未见证"
    elif not state.address:
        tone, said = "info", "未设地址"
    elif state.time is None:
        tone, said = "warn", "尚未见证"
    elif state.behind:
        tone, said = "warn", "落后"
    return {"state": state, "stream": STREAM_LABELS[state.stream], "tone": tone, "said": said}


def _head(stream: str) -> dict[str, Any]:
    size = ledger.size_of(stream=stream)
    final = finality.final_up_to(stream=stream)
    return {"label": STREAM_LABELS[stream], "size": size, "final": final, "waiting": size - final}


def _kept(incident: Incident) -> dict[str, Any]:
    return {
        "incident": incident,
        "stream": STREAM_LABELS[incident.stream],
        "at": datetime.fromisoformat(incident.at),
    }


urlpatterns = [
    path("oversight/witnesses/", witnesses, name="witnesses"),
]
