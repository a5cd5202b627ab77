"""The certificates desk: issue, print, revoke."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from lantai.certificates import queries
from lantai.certificates import services as certificates
from lantai.certificates.rules import KIND_LABELS, Kind
from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.ledger import finality
from lantai.lib.refusals import NotFound
from lantai.web.http import SignedIn

ROWS = 30
PURPOSES = ("办理退休手续", "核定养老待遇", "求职应聘", "其他")
STATES = {
    "valid": (gettext_lazy("有效"), "ok"),
    "expired": (gettext_lazy("已过期"), "warn"),
    "revoked": (gettext_lazy("已撤销"), "risk"),
}


class IssueForm(forms.Form):
    kind = forms.ChoiceField(choices=[(kind.value, KIND_LABELS[kind]) for kind in Kind])
    case = forms.CharField(required=False, max_length=16)
    dossier = forms.CharField(required=False, max_length=16)
    purpose = forms.CharField(max_length=60)


@require_GET
def listing(request: SignedIn) -> HttpResponse:
    at = now()
    identity.require(Act.ISSUE_CERTIFICATE, by=request.user, at=at)
    text = request.GET.get("q", "").strip()
    found = queries.in_scope(user=request.user, at=at)
    if text:
        found = queries.matching(found, text=text)
    page = Paginator(found, ROWS).get_page(request.GET.get("page"))
    day = identity.office_day(at)
    rows = [(row, *STATES[queries.state(certificate=row, on=day)]) for row in page]
    return render(
        request, "pages/certificates/list.html", {"page": page, "rows": rows, "text": text}
    )


@require_POST
def issue(request: SignedIn) -> HttpResponse:
    form = IssueForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("请选择证明种类并填写用途（不超过 60 字）"))
        return redirect(request.headers.get("Referer", "certificates"))
    asked: dict[str, Any] = form.cleaned_data
    if asked["case"]:
        issued = certificates.issue(
            case_uid=asked["case"],
            kind=Kind(asked["kind"]),
            purpose=asked["purpose"],
            by=request.user,
            at=now(),
        )
    else:
        issued = certificates.issue_deposit(
            dossier_uid=asked["dossier"], purpose=asked["purpose"], by=request.user, at=now()
        )
    messages.success(request, _("已出具证明 %(number)s") % {"number": issued.number})
    return redirect("certificate", issued.number)


@require_GET
def show(request: SignedIn, number: str) -> HttpResponse:
    at = now()
    identity.require(Act.ISSUE_CERTIFICATE, by=request.user, at=at)
    found = queries.by_number(number=number, user=request.user, at=at)
    if found is None:
        raise NotFound(_("没有这份证明，或不属于您所在机构"))
    label, tone = STATES[queries.state(certificate=found, on=identity.office_day(at))]
    return render(
        request,
        "pages/certificates/certificate.html",
        {
            "certificate": found,
            "face": json.loads(found.face),
            "standing": finality.standing_of_act(
                subject=f"certificate:{found.uid}", action=certificates.ISSUED
            ),
            "state": label,
            "tone": tone,
            "purposes": PURPOSES,
        },
    )


@require_POST
def pdf(request: SignedIn, number: str) -> HttpResponse:
    content = certificates.hand_out(number=number, by=request.user, at=now())
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{number}.pdf"',
            "Cache-Control": "private, no-store",
        },
    )


@require_POST
def revoke(request: SignedIn, number: str) -> HttpResponse:
    certificates.revoke(
        number=number, reason=request.POST.get("reason", ""), by=request.user, at=now()
    )
    messages.success(request, _("证明 %(number)s 已撤销") % {"number": number})
    return redirect("certificate", number)


urlpatterns: list[URLPattern] = [
    path("certificates/", listing, name="certificates"),
    path("certificates/issue/", issue, name="certificate-issue"),
    path("certificates/<str:number>/", show, name="certificate"),
    path("certificates/<str:number>/pdf/", pdf, name="certificate-pdf"),
    path("certificates/<str:number>/revoke/", revoke, name="certificate-revoke"),
]
