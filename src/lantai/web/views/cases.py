"""The case desk: find, open, follow and finish a retirement case."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from lantai.cases import queries as cases
from lantai.cases import services as work
from lantai.cases.rules.age import retirement_age
from lantai.cases.rules.facts import COHORT_LABELS, GROUP_LABELS, MODE_LABELS, Cohort, Group
from lantai.cases.rules.workflow import STATE_LABELS
from lantai.cases.services import Application
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier, Person
from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.lib import idnumber
from lantai.lib.dates import Month
from lantai.lib.refusals import NotFound, NotPermitted
from lantai.web.http import SignedIn, address_of, may_any, onward, part_of
from lantai.web.views import bench, deeds
from lantai.web.views.case_forms import (
    ApplicationForm,
    DecisionForm,
    FindingsForm,
    HandOverForm,
    ReasonForm,
    read,
)

STAFF: Final = (
    Act.OPEN_CASE,
    Act.REVIEW_CASE,
    Act.CONFIRM_CASE,
    Act.DECIDE_CASE,
    Act.HAND_PAPER,
    Act.FILE_CASE,
    Act.VIEW_FIGURES,
)
FOUND_AT_ONCE: Final = 8  # dossiers offered below the search box


@require_safe
def case_list(request: SignedIn) -> HttpResponse:
    """The cases a person may know of, filtered and paged."""
    _require_staff(request)
    at = now()
    chosen: dict[str, Any] = {
        "state": request.GET.get("state", ""),
        "text": request.GET.get("text", "").strip(),
        "mine": request.GET.get("mine") == "1",
        "overdue": request.GET.get("overdue") == "1",
    }
    found = cases.listed(user=request.user, at=at, **chosen)
    page = part_of(found, request, rows=cases.PAGE_ROWS)
    shown = {
        "page": page,
        "range": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "rows": [deeds.row(case, on=identity.office_day(at)) for case in page],
        "states": [(state.value, label) for state, label in STATE_LABELS.items()],
        "chosen": chosen,
        "may_open": identity.may(Act.OPEN_CASE, by=request.user, at=at),
    }
    part = "pages/cases/_results.html" if request.htmx else "pages/cases/cases.html"
    return render(request, part, shown)


@require_safe
def case_new(request: SignedIn) -> HttpResponse:
    """Find the dossier, then take down the application."""
    at = now()
    identity.require(Act.OPEN_CASE, by=request.user, at=at)
    text = request.GET.get("text", "").strip()
    day = identity.office_day(at)
    shown: dict[str, Any] = {"text": text}
    if text:
        found = dossiers.find(text=text, user=request.user, on=day)[: FOUND_AT_ONCE + 1]
        shown |= {"found": list(found[:FOUND_AT_ONCE]), "more": len(found) > FOUND_AT_ONCE}
    if request.htmx:
        return render(request, "pages/cases/_found.html", shown)
    if uid := request.GET.get("dossier", ""):
        dossier = _dossier(request, uid)
        shown |= _application(request, dossier)
    return render(request, "pages/cases/new.html", shown)


@require_safe
def case_preview(request: SignedIn) -> HttpResponse:
    """The statutory month by the ID number, before anything is reviewed."""
    identity.require(Act.OPEN_CASE, by=request.user, at=now())
    dossier = _dossier(request, request.GET.get("dossier", ""))
    group = request.GET.get("group", "")
    return render(request, "pages/cases/_preview.html", _expected(dossier.person, group))


@require_POST
def case_open(request: SignedIn) -> HttpResponse:
    filled = read(ApplicationForm, request)
    dossier = _dossier(request, filled.pop("dossier"))
    case = work.open_case(
        dossier=dossier, application=Application(**filled), by=request.user, at=now()
    )
    messages.success(request, _("已受理，业务编号 %(number)s") % {"number": case.number})
    return onward(request, "case", case.uid)


@require_safe
def case_page(request: SignedIn, uid: str) -> HttpResponse:
    """Where a case stands, what was found, frozen and decided, and what the person may do."""
    _require_staff(request)
    at = now()
    case = bench.case_of(uid=uid, user=request.user, at=at)
    shown = bench.summary(case=case, user=request.user, at=at)
    return render(request, "pages/cases/case.html", shown)


@require_POST
def case_take(request: SignedIn, uid: str) -> HttpResponse:
    work.take_case(case_uid=uid, by=request.user, at=now())
    return onward(request, "case-review", uid)


@require_POST
def case_withdraw(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    work.withdraw_case(case_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("申请已撤回，本件办结"))
    return onward(request, "case", uid)


@require_POST
def case_suspend(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    work.suspend_case(case_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("已中止办理"))
    return onward(request, "case", uid)


@require_POST
def case_resume(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    work.resume_case(case_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("已恢复办理，请初审人员领取"))
    return onward(request, "case", uid)


@require_POST
def paper_call(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    work.call_paper(case_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("已申请调阅实体档案"))
    return onward(request, "case", uid)


@require_POST
def paper_out(request: SignedIn, uid: str) -> HttpResponse:
    work.hand_paper_out(case_uid=uid, by=request.user, at=now(), **read(HandOverForm, request))
    messages.success(request, _("实体档案已出库"))
    return onward(request, "case", uid)


@require_POST
def paper_seen(request: SignedIn, uid: str) -> HttpResponse:
    findings = read(FindingsForm, request)["findings"]
    work.see_paper(case_uid=uid, findings=findings, by=request.user, at=now())
    messages.success(request, _("已登记实体核对结果"))
    return onward(request, "case", uid)


@require_POST
def paper_back(request: SignedIn, uid: str) -> HttpResponse:
    work.hand_paper_back(case_uid=uid, by=request.user, at=now(), **read(HandOverForm, request))
    messages.success(request, _("实体档案已归还"))
    return onward(request, "case", uid)


@require_POST
def case_decide(request: SignedIn, uid: str) -> HttpResponse:
    decision = work.decide(case_uid=uid, by=request.user, at=now(), **read(DecisionForm, request))
    messages.success(
        request, _("已作出决定：%(outcome)s") % {"outcome": decision.get_outcome_display()}
    )
    return onward(request, "case", uid)


@require_POST
def case_file(request: SignedIn, uid: str) -> HttpResponse:
    material = work.file_case(case_uid=uid, by=request.user, at=now())
    messages.success(
        request,
        _("审批表已归入档案：%(place)s %(title)s") % {"place": material, "title": material.title},
    )
    return onward(request, "case", uid)


@require_POST
def evidence_bundle(request: SignedIn, uid: str) -> HttpResponse:
    """The frozen evidence as one file, to be checked anywhere without this system."""
    at = now()
    reason = read(ReasonForm, request)["reason"]
    content = work.export_evidence(
        case_uid=uid, reason=reason, by=request.user, at=at, address=address_of(request)
    )
    case = bench.case_of(uid=uid, user=request.user, at=at)
    answer = HttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{case.number}-evidence.zip"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
def decision_pdf(request: SignedIn, uid: str) -> HttpResponse:
    """The approval form as it is filed."""
    _require_staff(request)
    case = bench.case_of(uid=uid, user=request.user, at=now())
    answer = HttpResponse(cases.approval_pdf(case=case), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{case.number}.pdf"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _require_staff(request: SignedIn) -> None:
    if not may_any(*STAFF, by=request.user, at=now()):
        raise NotPermitted(_("您的岗位不办理退休业务，如需了解本人业务请到“我的业务”查看"))


def _dossier(request: SignedIn, uid: str) -> Dossier:
    dossier = dossiers.by_uid(uid=uid, user=request.user, on=identity.office_day(now()))
    if dossier is None:
        raise NotFound(_("没有这份档案，请重新查找后选择"))
    return dossier


def _application(request: SignedIn, dossier: Dossier) -> dict[str, Any]:
    """What the application form of a dossier shows."""
    # Which group a woman belongs to follows from her papers, so none is chosen for her.
    group = Group.M60 if dossier.person.sex == Person.Sex.MALE else ""
    return {
        "dossier": dossier,
        "objections": cases.objections_to_open(dossier=dossier, user=request.user, at=now()),
        "groups": GROUP_LABELS.items(),
        "modes": MODE_LABELS.items(),
        "cohorts": COHORT_LABELS.items(),
        "group": group,
        "cohort": Cohort.FREELANCE,
        **_expected(dossier.person, group),
    }


def _expected(person: Person, group: str) -> dict[str, Any]:
    born = idnumber.birth(person.id_number)
    if born is None or group not in set(Group):
        return {"born": born}
    return {
        "born": born,
        "expected": retirement_age(Group(group), Month(born.year, born.month)),
    }


urlpatterns = [
    path("cases/", case_list, name="cases"),
    path("cases/new/", case_new, name="case-new"),
    path("cases/new/preview/", case_preview, name="case-preview"),
    path("cases/open/", case_open, name="case-open"),
    path("cases/<str:uid>/", case_page, name="case"),
    path("cases/<str:uid>/take/", case_take, name="case-take"),
    path("cases/<str:uid>/withdraw/", case_withdraw, name="case-withdraw"),
    path("cases/<str:uid>/suspend/", case_suspend, name="case-suspend"),
    path("cases/<str:uid>/resume/", case_resume, name="case-resume"),
    path("cases/<str:uid>/paper/call/", paper_call, name="case-call-paper"),
    path("cases/<str:uid>/paper/out/", paper_out, name="case-paper-out"),
    path("cases/<str:uid>/paper/seen/", paper_seen, name="case-paper-seen"),
    path("cases/<str:uid>/paper/back/", paper_back, name="case-paper-back"),
    path("cases/<str:uid>/decide/", case_decide, name="case-decide"),
    path("cases/<str:uid>/file/", case_file, name="case-file"),
    path("cases/<str:uid>/evidence/", evidence_bundle, name="evidence-bundle"),
    path("cases/<str:uid>/decision.pdf", decision_pdf, name="decision-pdf"),
]
