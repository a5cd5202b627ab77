"""The pages of a "no" and of a failure; a part of a page gets a notice instead."""

from collections.abc import Sequence
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

HEADINGS: Final = {
    400: gettext_lazy("请求无法识别"),
    403: gettext_lazy("不能办理"),
    404: gettext_lazy("没有找到"),
    409: gettext_lazy("情况已经变化"),
    410: gettext_lazy("已经销毁"),
    422: gettext_lazy("提交的内容需要改正"),
    429: gettext_lazy("操作过于频繁"),
    500: gettext_lazy("系统出错"),
    503: gettext_lazy("存储暂时不可用"),
}


def answer(
    request: HttpRequest, *, status: int, reasons: Sequence[str], detail: str = ""
) -> HttpResponse:
    """Say no with every reason and a way back; ``detail`` is for those who run the system."""
    shown = {"status": status, "heading": HEADINGS[status], "reasons": reasons, "detail": detail}
    if getattr(request, "htmx", False):
        response = render(request, "errors/_notice.html", shown, status=status)
        response["HX-Retarget"] = "#notices"
        response["HX-Reswap"] = "beforeend"
        response["HX-Push-Url"] = "false"
        return response
    shown["back"] = _page_before(request)
    return render(request, "errors/refusal.html", shown, status=status)


@login_not_required
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, status=400, reasons=[_("请求不完整或已损坏，请返回后重新操作")])


@login_not_required
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(
        request, status=403, reasons=[_("您没有办理此项的权限，如工作需要请联系系统管理员")]
    )


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(
        request, status=403, reasons=[_("页面停留过久或登录状态已变化，请返回、刷新页面后重新提交")]
    )


@login_not_required
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, status=404, reasons=[_("没有这个页面，请核对地址或从工作台进入")])


@login_not_required
def failure(request: HttpRequest) -> HttpResponse:
    """Answer a defect with a page that asks nothing of the database."""
    if getattr(request, "htmx", False):
        reasons = [_("本次操作没有完成，请稍后重试；如仍出错请联系系统管理员")]
        shown = {"status": 500, "heading": HEADINGS[500], "reasons": reasons}
        response = HttpResponse(render_to_string("errors/_notice.html", shown), status=500)
        response["HX-Retarget"] = "#notices"
        response["HX-Reswap"] = "beforeend"
        return response
    return HttpResponse(render_to_string("errors/failure.html"), status=500)


def _page_before(request: HttpRequest) -> str:
    """The page of this site from which the request came, if it was another one."""
    before = request.headers.get("Referer", "")
    here = request.build_absolute_uri()
    ours = url_has_allowed_host_and_scheme(before, allowed_hosts={request.get_host()})
    return before if ours and before != here else ""
