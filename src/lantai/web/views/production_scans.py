"""One scan before it is a page: looked at, judged, sent back, scanned again."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.imaging import queries as production
from lantai.imaging import rules, services
from lantai.imaging.models import Finding, Scan
from lantai.imaging.rules import BatchState, ScanState
from lantai.lib.imagery.tiles import TILE, TilePack
from lantai.lib.refusals import NotFound, Unacceptable
from lantai.web.http import SignedIn, onward
from lantai.web.views.case_forms import read
from lantai.web.views.production_forms import PlaceForm, ReasonForm, VerdictForm
from lantai.web.views.review import refusals_in_json

NO_SCAN: Final = "没有这一页影像，或它不在您的办理范围；请从批次列表进入"
NEVER_KEPT: Final = "private, no-store"
# What inspectors write most, one key each.
REASONS: Final = ("影像模糊", "内容被裁切", "页面倾斜", "漏扫或错页", "颜色失真", "有遮挡或折角")


@require_safe
def scan(request: SignedIn, uid: str) -> HttpResponse:
    """Show one scan large with its findings; the look is recorded first."""
    at = now()
    found = _scan(request, uid)
    pack = services.look_at_scan(scan_uid=uid, by=request.user, at=at)
    findings = list(production.findings_of_scan(scan=found))
    batch_state = BatchState(found.item.batch.state)
    shown: dict[str, Any] = {
        "scan": found,
        "item": found.item,
        "batch": found.item.batch,
        "shown_name": rules.shown_path(found.file_name),
        "neighbours": production.neighbours(scan=found),
        "findings": findings,
        "facts": _facts(request, pack, findings),
        "reasons": REASONS,
        "own": found.scanned_by_id == request.user.pk,
        "open": batch_state is BatchState.INSPECTION and found.item.aside_at is None,
        "may_judge": identity.may(Act.JUDGE_FINDING, by=request.user, at=at),
        "may_return": identity.may(Act.RETURN_SCAN, by=request.user, at=at)
        and found.state == ScanState.CURRENT,
        "may_rescan": identity.may(Act.RESCAN, by=request.user, at=at)
        and found.state == ScanState.RETURNED,
        "may_place": identity.may(Act.EDIT_CATALOGUE, by=request.user, at=at)
        and found.state in {ScanState.CURRENT, ScanState.RETURNED},
        "lines": production.lines_of(item=found.item),
    }
    answer = render(request, "pages/production/scan.html", shown)
    answer["Cache-Control"] = NEVER_KEPT
    return answer


@require_POST
@refusals_in_json
def scan_open(request: SignedIn, uid: str) -> HttpResponse:
    """Open a scan again after its look ran out: the facts its viewer needs."""
    found = _scan(request, uid)
    pack = services.look_at_scan(scan_uid=uid, by=request.user, at=now())
    answer = JsonResponse(_facts(request, pack, production.findings_of_scan(scan=found)))
    answer["Cache-Control"] = NEVER_KEPT
    return answer


@require_safe
@refusals_in_json
def scan_image(request: SignedIn, uid: str, level: int, column: int, row: int) -> HttpResponse:
    """One tile of a scan that the person opened not long ago."""
    return _image(
        services.scan_tile(
            scan_uid=uid, level=level, column=column, row=row, by=request.user, at=now()
        )
    )


@require_safe
@refusals_in_json
def scan_thumb(request: SignedIn, uid: str) -> HttpResponse:
    """The thumbnail of a scan whose dossier the person opened not long ago."""
    return _image(services.scan_thumbnail(scan_uid=uid, by=request.user, at=now()))


@require_POST
def finding_judge(request: SignedIn, uid: str) -> HttpResponse:
    filled = read(VerdictForm, request)
    finding = services.judge_finding(finding_uid=uid, by=request.user, at=now(), **filled)
    messages.success(
        request,
        _("%(code)s 已判为“%(verdict)s”")
        % {"code": finding.code, "verdict": finding.get_verdict_display()},
    )
    if finding.scan:
        return onward(request, "scan", finding.scan.uid)
    return onward(request, "item", finding.item.uid)


@require_POST
def scan_return(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    services.return_scan(scan_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("影像已退回，等待重扫"))
    return onward(request, "scan", uid)


@require_POST
def scan_replace(request: SignedIn, uid: str) -> HttpResponse:
    file = request.FILES.get("file")
    if file is None:
        raise Unacceptable("请选择重扫的影像文件")
    fresh = services.rescan(
        scan_uid=uid, content=file.read(), file_name=file.name or "", by=request.user, at=now()
    )
    messages.success(request, _("重扫影像已补交，原影像保留备查"))
    return onward(request, "scan", fresh.uid)


@require_POST
def scan_aside(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    aside = services.set_scan_aside(scan_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("影像已剔除，保留备查，不再入档"))
    return onward(request, "item", aside.item.uid)


@require_POST
def scan_place(request: SignedIn, uid: str) -> HttpResponse:
    filled = read(PlaceForm, request)
    class_code, _dash, sequence = filled["place"].rpartition("-")
    placed = services.place_scan(
        scan_uid=uid,
        class_code=class_code,
        sequence=int(sequence),
        number=filled["number"],
        by=request.user,
        at=now(),
    )
    messages.success(
        request,
        _("已归入 %(place)s 第 %(number)s 页") % {"place": placed.line, "number": placed.number},
    )
    return onward(request, "scan", uid)


def _scan(request: SignedIn, uid: str) -> Scan:
    found = production.scan_by_uid(uid=uid, user=request.user, on=identity.office_day(now()))
    if found is None:
        raise NotFound(NO_SCAN)
    return found


def _facts(request: SignedIn, pack: TilePack, findings: Any) -> dict[str, Any]:
    """What the viewer needs: sizes, who looks and when, and where the findings are."""
    at = now()
    person = request.user
    return {
        "width": pack.width,
        "height": pack.height,
        "levels": pack.levels,
        "tile_size": TILE,
        "watermark": f"{person.name} {person.username} {identity.office_clock(at)}",
        "closes_in": int(rules.LOOK_LASTS.total_seconds()),
        "regions": [_region(finding) for finding in findings if finding.x is not None],
    }


def _region(finding: Finding) -> dict[str, Any]:
    return {
        "uid": finding.uid,
        "label": finding.code,
        "sentence": finding.sentence,
        "blocks": finding.blocks,
        "open": finding.verdict in {Finding.Verdict.OPEN, Finding.Verdict.CONFIRMED},
        "box": [finding.x, finding.y, finding.width, finding.height],
    }


def _image(content: bytes) -> HttpResponse:
    answer = HttpResponse(content, content_type="image/jpeg")
    answer["Cache-Control"] = NEVER_KEPT
    return answer


urlpatterns = [
    path("scans/<str:uid>/", scan, name="scan"),
    path("scans/<str:uid>/open/", scan_open, name="scan-open"),
    path(
        "scans/<str:uid>/image/<int:level>/<int:column>/<int:row>/", scan_image, name="scan-image"
    ),
    path("scans/<str:uid>/thumb/", scan_thumb, name="scan-thumb"),
    path("scans/<str:uid>/return/", scan_return, name="scan-return"),
    path("scans/<str:uid>/replace/", scan_replace, name="scan-replace"),
    path("scans/<str:uid>/aside/", scan_aside, name="scan-aside"),
    path("scans/<str:uid>/place/", scan_place, name="scan-place"),
    path("findings/<str:uid>/judge/", finding_judge, name="finding-judge"),
]
