"""The state of what is kept, as those who oversee it see it: copies, patrol, damage."""

from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.preservation import watching
from lantai.preservation.models import Damage, Watched
from lantai.preservation.watching import PlaceState
from lantai.web.http import SignedIn

SHOWN: Final = 50


@require_safe
def preservation(request: SignedIn) -> HttpResponse:
    """How much is kept, how far the copy is, what was read when, what was damaged and mended."""
    at = now()
    identity.require(Act.VIEW_LOG, by=request.user, at=at)
    state = watching.state(at=at)
    broken = list(watching.open_damages()[:SHOWN])
    mended = list(watching.mended_damages()[:SHOWN])
    numbers = watching.numbers_of(damage.name for damage in (*broken, *mended))
    late = [row for row in state.places if row.overdue]
    shown = {
        "state": state,
        "places": [_row(row) for row in state.places if row.count or row.place in _ALWAYS],
        "oldest": min((row.oldest for row in state.places if row.oldest), default=None),
        "late": sum(row.overdue for row in late),
        "share": _share(state.places),
        "broken": [_damage(damage, numbers) for damage in broken],
        "mended": [_damage(damage, numbers) for damage in mended],
        "since": at - timedelta(days=state.days),
    }
    return render(request, "pages/preservation.html", shown)


_ALWAYS: Final = (Watched.STORE, Watched.COPY)


def _share(rows: tuple[PlaceState, ...]) -> int:
    """Of a hundred objects in all places, how many were seen in time; rounded down."""
    count = sum(row.count for row in rows)
    return sum(row.recent for row in rows) * 100 // count if count else 100


def _row(state: PlaceState) -> dict[str, Any]:
    tone, said = "ok", "正常"
    if state.away:
        tone, said = "risk", "无法核对"
    elif state.faulty:
        tone, said = "risk", "有损坏"
    elif state.overdue:
        tone, said = "warn", "核对逾期"
    elif not state.count:
        tone, said = "info", "尚无内容"
    return {"state": state, "label": state.place.label, "tone": tone, "said": said}


def _damage(damage: Damage, numbers: dict[str, str]) -> dict[str, Any]:
    place = Watched(damage.place)
    return {
        "damage": damage,
        "place": place.label,
        "object": numbers.get(damage.name, damage.name[:16]) if damage.name else _("整个存储"),
        "source": Watched(damage.mended.source).label if _mended_from(damage) else "",
        "foreign": damage.what.startswith("外来"),
    }


def _mended_from(damage: Damage) -> str:
    mended = getattr(damage, "mended", None)
    return mended.source if mended else ""


urlpatterns = [
    path("oversight/preservation/", preservation, name="preservation"),
]
