"""Keys and secret material: the key of a dossier destroyed by two persons, a material shut."""

from datetime import datetime, time
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lantai.access import services as access
from lantai.access.rules import PURPOSE_LABELS, Purpose
from lantai.dossiers import queries as dossiers
from lantai.dossiers import services as dossier_services
from lantai.dossiers.models import Dossier
from lantai.identity import queries as people
from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.lib.refusals import NotFound
from lantai.preservation import destruction
from lantai.preservation import queries as preservation
from lantai.preservation.models import KeyDestruction
from lantai.web.http import SignedIn, onward, part_of
from lantai.web.views.case_forms import ReasonForm, read

ROWS: Final = 20


class LeaveForm(forms.Form):
    username = forms.CharField(label=_lazy("用户名"), max_length=40)
    purpose = forms.ChoiceField(
        label=_lazy("用途"), choices=[(purpose.value, purpose.value) for purpose in Purpose]
    )
    reason = forms.CharField(label=_lazy("批准依据和事由"), max_length=120)
    until = forms.DateField(label=_lazy("有效期至"))


OUTCOMES: Final = (KeyDestruction.Outcome.CONFIRMED, KeyDestruction.Outcome.DECLINED)


@require_safe
def keys(request: SignedIn) -> HttpResponse:
    """What was asked for of keys, what waits first; and what is secret."""
    at = now()
    identity.require(Act.VIEW_KEYS, by=request.user, at=at)
    day = identity.office_day(at)
    page = part_of(preservation.destructions(user=request.user, on=day), request, rows=ROWS)
    marks = list(dossiers.secrecies(user=request.user, on=day))
    markers = people.accounts().filter(username__in={mark.marked_by for mark in marks})
    names = dict(markers.values_list("username", "name"))
    shown: dict[str, Any] = {
        "page": page,
        "range": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "may_settle": identity.may(Act.CONFIRM_KEY_DESTROYED, by=request.user, at=at),
        "may_grant": identity.may(Act.GRANT_ACCESS, by=request.user, at=at),
        "may_lift": identity.may(Act.LIFT_SECRECY, by=request.user, at=at),
        "outcomes": [(outcome.value, outcome.label) for outcome in OUTCOMES],
        "secrecies": [(mark, names.get(mark.marked_by, mark.marked_by)) for mark in marks],
    }
    return render(request, "pages/keys.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def key_destruction_ask(request: SignedIn, dossier_uid: str) -> HttpResponse:
    """Tell plainly what would be destroyed, and take the request."""
    at = now()
    identity.require(Act.ASK_KEY_DESTROYED, by=request.user, at=at)
    found = _dossier(request, dossier_uid)
    if request.method == "POST":
        destruction.ask(
            dossier_uid=found.uid,
            reason=read(ReasonForm, request)["reason"],
            by=request.user,
            at=at,
        )
        messages.success(request, _("已提交销毁申请，待安全保密员审核；审核前可以撤回"))
        return onward(request, "keys")
    shown = {
        "dossier": found,
        "images": len(dossiers.pages_of(dossier=found)),
        "asked": preservation.destruction_of(dossier=found),
    }
    return render(request, "pages/key_destruction.html", shown)


@require_POST
def key_destruction_withdraw(request: SignedIn, uid: str) -> HttpResponse:
    destruction.withdraw(request=uid, by=request.user, at=now())
    messages.success(request, _("已撤回销毁申请，密钥没有改动"))
    return onward(request, "keys")


@require_POST
def key_destruction_settle(request: SignedIn, uid: str) -> HttpResponse:
    settled = destruction.settle(
        request=uid,
        outcome=request.POST.get("outcome", ""),
        note=request.POST.get("note", ""),
        by=request.user,
        at=now(),
    )
    if settled.outcome == KeyDestruction.Outcome.CONFIRMED:
        done = preservation.destruction_of(dossier=settled.dossier)
        if done is not None and done.destroyed_at:
            messages.success(request, _("已同意，档案密钥已经销毁，影像任何人不能再读"))
        else:
            messages.warning(request, _("已同意；销毁还没有做完，由后台继续，请稍后查看"))
    else:
        messages.success(
            request, _("已审核：%(outcome)s") % {"outcome": settled.get_outcome_display()}
        )
    return onward(request, "keys")


@require_POST
def material_secret(request: SignedIn, dossier_uid: str, material_uid: str) -> HttpResponse:
    """Mark a material secret."""
    found = _dossier(request, dossier_uid)
    if not found.materials.filter(uid=material_uid).exists():
        raise NotFound(_("目录中没有这份材料，请刷新目录后重试"))
    dossier_services.mark_secret(
        material_uid=material_uid,
        reason=read(ReasonForm, request)["reason"],
        by=request.user,
        at=now(),
    )
    messages.success(request, _("已标为涉密材料：只有逐件指明的授权可以查阅，解密由安全保密员办理"))
    return onward(request, "dossier", found.uid)


@require_http_methods(["GET", "HEAD", "POST"])
def secret_leave(request: SignedIn, dossier_uid: str, material_uid: str) -> HttpResponse:
    """Give a colleague leave that names one secret material."""
    at = now()
    identity.require(Act.GRANT_ACCESS, by=request.user, at=at)
    found = _dossier(request, dossier_uid)
    material = found.materials.filter(uid=material_uid).first()
    if material is None or not dossiers.is_secret(material=material):
        raise NotFound(_("没有这份涉密材料，请从密钥与涉密材料中重新选择"))
    if request.method == "POST":
        said = read(LeaveForm, request)
        user = people.account(username=said["username"].strip())
        if user is None:
            raise NotFound(_("没有这个账户，请核对用户名"))
        ends = datetime.combine(said["until"], time.max, identity.OFFICE_TIME)
        access.give_leave(
            user=user,
            dossier=found,
            purpose=Purpose(said["purpose"]),
            reason=said["reason"],
            opens_at=at,
            closes_at=ends,
            materials=[material],
            by=request.user,
            at=at,
        )
        messages.success(request, _("已授权 %(name)s 查阅这份涉密材料") % {"name": user.name})
        return onward(request, "keys")
    shown = {
        "dossier": found,
        "material": material,
        "today": identity.office_day(at),
        "purposes": [(purpose.value, label) for purpose, label in PURPOSE_LABELS.items()],
    }
    return render(request, "pages/secret_leave.html", shown)


@require_POST
def secrecy_lift(request: SignedIn, material_uid: str) -> HttpResponse:
    """End the secrecy of a material."""
    dossier_services.lift_secrecy(
        material_uid=material_uid,
        reason=read(ReasonForm, request)["reason"],
        by=request.user,
        at=now(),
    )
    messages.success(request, _("已解密，材料按普通授权查阅"))
    return onward(request, "keys")


def _dossier(request: SignedIn, uid: str) -> Dossier:
    found = dossiers.by_uid(uid=uid, user=request.user, on=identity.office_day(now()))
    if found is None:
        raise NotFound(_("没有这份档案，或它不在您的办理范围；请核对后从档案查询进入"))
    return found


urlpatterns = [
    path("keys/", keys, name="keys"),
    path("keys/requests/<str:uid>/withdraw/", key_destruction_withdraw, name="key-withdraw"),
    path("keys/requests/<str:uid>/settle/", key_destruction_settle, name="key-settle"),
    path("keys/secret/<str:material_uid>/lift/", secrecy_lift, name="secrecy-lift"),
    path("dossiers/<str:dossier_uid>/key/", key_destruction_ask, name="key-destruction"),
    path(
        "dossiers/<str:dossier_uid>/materials/<str:material_uid>/leave/",
        secret_leave,
        name="secret-leave",
    ),
    path(
        "dossiers/<str:dossier_uid>/materials/<str:material_uid>/secret/",
        material_secret,
        name="material-secret",
    ),
]
