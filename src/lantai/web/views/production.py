"""The production desk: batches received, dossiers counted and inspected, batches accepted."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lantai.identity import queries as people
from lantai.identity import services as identity
from lantai.identity.models import Body
from lantai.identity.rules import Act
from lantai.imaging import queries as production
from lantai.imaging import rules, services
from lantai.imaging.models import Batch, Item
from lantai.imaging.queries import NumberedItem
from lantai.imaging.rules import BATCH_LABELS, BatchState
from lantai.lib import catalogue
from lantai.lib.refusals import NotFound, Unacceptable
from lantai.web.http import SignedIn, onward
from lantai.web.views import production_scans
from lantai.web.views.case_forms import read
from lantai.web.views.production_forms import (
    CountForm,
    HandoverForm,
    LineForm,
    PersonForm,
    ReasonForm,
    ReceiveForm,
)

TONES: Final = {
    BatchState.RECEIVING: "info",
    BatchState.INSPECTION: "warn",
    BatchState.ACCEPTED: "ok",
}
MOST_LISTED: Final = 20  # dossiers whose objections are spelled out on the page of a batch
NO_BATCH: Final = "没有这个批次，或它不在您的办理范围；请核对后从批次列表进入"
NO_ITEM: Final = "批次中没有这份档案，或它不在您的办理范围；请核对后从批次列表进入"


@require_safe
def batches(request: SignedIn) -> HttpResponse:
    """List the batches in reach, the newest first, and the folders that can be received."""
    at = now()
    identity.require(Act.VIEW_BATCH, by=request.user, at=at)
    day = identity.office_day(at)
    state = request.GET.get("state", "")
    state = state if state in set(BatchState) else ""
    found = production.batches(user=request.user, on=day, state=state)
    pages = Paginator(found, production.PAGE_ROWS)
    page = pages.get_page(request.GET.get("page"))
    may_receive = identity.may(Act.RECEIVE_BATCH, by=request.user, at=at)
    shown: dict[str, Any] = {
        "page": page,
        "range": pages.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "rows": [_row(batch, at=at) for batch in page],
        "state": state,
        "states": [(each.value, label, TONES[each]) for each, label in BATCH_LABELS.items()],
        "desk": production.desk(user=request.user, at=at, on=day),
        "returned": production.returned_scans(user=request.user, on=day)[:8],
        "may_receive": may_receive,
        "may_rescan": identity.may(Act.RESCAN, by=request.user, at=at),
    }
    if may_receive:
        shown["bodies"] = _bodies(request)
        shown["folders"] = [
            {"name": name, "shown": rules.shown_path(name)} for name in _folders(shown["bodies"])
        ]
    return render(request, "pages/production/batches.html", shown)


@require_POST
def batch_receive(request: SignedIn) -> HttpResponse:
    """Enter a folder of the inbox as a batch; the worker goes through its files."""
    at = now()
    identity.require(Act.RECEIVE_BATCH, by=request.user, at=at)
    filled = read(ReceiveForm, request)
    bodies = {body.code: body for body in _bodies(request)}
    if filled["body"] not in bodies:
        raise Unacceptable("请从列表中选择存档机构")
    if filled["folder"] not in production.folders_to_receive(body=bodies[filled["body"]]):
        raise Unacceptable("收件箱中没有这个文件夹，或已经接收；请刷新后从列表中选择")
    batch = services.receive_folder(
        folder=production.inbox() / filled["folder"],
        name=filled["name"],
        body=bodies[filled["body"]],
        device=filled["device"],
        by=request.user,
        at=at,
    )
    messages.success(request, _("批次已接收，正在逐个文件处理"))
    return onward(request, "batch", batch.uid)


@require_safe
def batch(request: SignedIn, uid: str) -> HttpResponse:
    """Show the dossiers of a batch with their numbers, what was kept apart, and acceptance."""
    at = now()
    identity.require(Act.VIEW_BATCH, by=request.user, at=at)
    found = _batch(request, uid)
    may_accept = identity.may(Act.ACCEPT_BATCH, by=request.user, at=at)
    may_count = identity.may(Act.COUNT_PAPER, by=request.user, at=at)
    pages = Paginator(production.items_of(batch=found), production.PAGE_ROWS)
    page = pages.get_page(request.GET.get("page"))
    quarantined = Paginator(production.quarantined_of(batch=found), production.PAGE_ROWS)
    shown = {
        **_row(found, at=at),
        "page": page,
        "range": pages.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "items": [_item_row(item, may_count=may_count) for item in page],
        "quarantined": quarantined.get_page(request.GET.get("apart")),
        "may_accept": may_accept and found.state != BatchState.ACCEPTED,
        "may_count": may_count,
    }
    if shown["may_accept"]:
        acceptance = production.acceptance(batch=found, by=request.user)
        against = [one for one in acceptance.dossiers if one.objections]
        shown |= {
            "whole": acceptance.whole,
            "against": [
                # Under the name of the dossier its objections need not repeat it.
                {"item": one.item, "said": [said.partition("：")[2] for said in one.objections]}
                for one in against[:MOST_LISTED]
            ],
            "against_count": len(against),
            "ready": len(acceptance.dossiers) - len(against),
            "objected": bool(acceptance.objections),
        }
    return render(request, "pages/production/batch.html", shown)


@require_safe
def batch_progress(request: SignedIn, uid: str) -> HttpResponse:
    """The progress bar of a batch, asked for while it is being received."""
    at = now()
    identity.require(Act.VIEW_BATCH, by=request.user, at=at)
    found = _batch(request, uid)
    whole = bool(request.GET.get("whole"))  # asked for by the batch's own page, and asked on
    shown = {**_row(found, at=at), "whole": whole}
    answer = render(request, "pages/production/_progress.html", shown)
    if found.state != BatchState.RECEIVING and whole:
        answer["HX-Refresh"] = "true"  # the page shows the dossiers, now that they are there
    return answer


@require_POST
def batch_accept(request: SignedIn, uid: str) -> HttpResponse:
    entered = services.accept_batch(batch_uid=uid, by=request.user, at=now())
    messages.success(request, _("批次已验收，%(n)s 份档案入库") % {"n": len(entered)})
    return onward(request, "batch", uid)


@require_safe
def item(request: SignedIn, uid: str) -> HttpResponse:
    """Show a dossier of a batch: thumbnails, catalogue, findings; the look is recorded.

    Whoever is to count its paper sees no image and no number of images before the count.
    """
    at = now()
    identity.require(Act.VIEW_BATCH, by=request.user, at=at)
    found = _item(request, uid)
    may_count = identity.may(Act.COUNT_PAPER, by=request.user, at=at)
    blind = may_count and found.counted_at is None
    may_look = not blind and identity.may(Act.VIEW_SCAN, by=request.user, at=at)
    shown: dict[str, Any] = {
        **_item_row(found, may_count=may_count),
        "batch": found.batch,
        "may_count": may_count and found.batch.state != BatchState.ACCEPTED,
        "may_hand": identity.may(Act.HAND_PAPER, by=request.user, at=at),
        "may_catalogue": _may(Act.EDIT_CATALOGUE, request, found, at) and not blind,
        "may_judge": _may(Act.JUDGE_FINDING, request, found, at),
        "may_rescan": _may(Act.RESCAN, request, found, at),
        "may_set_aside": identity.may(Act.ACCEPT_BATCH, by=request.user, at=at)
        and found.batch.state == BatchState.INSPECTION,
        "handovers": found.handovers.select_related("by").order_by("-pk"),
        "blind": blind,
        "leaves": catalogue.LEAVES,
    }
    if not blind:
        shown |= _looked_over(request, found, may_look=may_look)
    return render(request, "pages/production/item.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def item_count(request: SignedIn, uid: str) -> HttpResponse:
    """The form of the paper count, and the count."""
    at = now()
    identity.require(Act.COUNT_PAPER, by=request.user, at=at)
    found = _item(request, uid)
    if request.method == "POST":
        services.count_paper(
            item_uid=uid, sides=read(CountForm, request)["sides"], by=request.user, at=at
        )
        messages.success(request, _("纸质页数已录入"))
        return onward(request, "item", uid)
    return render(request, "pages/production/count.html", {"item": found, "batch": found.batch})


@require_POST
def item_hand(request: SignedIn, uid: str) -> HttpResponse:
    filled = read(HandoverForm, request)
    handed = services.hand_over(item_uid=uid, by=request.user, at=now(), **filled)
    messages.success(request, _("已登记：%(way)s") % {"way": handed.get_way_display()})
    return onward(request, "item", uid)


@require_POST
def item_person(request: SignedIn, uid: str) -> HttpResponse:
    filled = read(PersonForm, request)
    # The number is shown masked only: left empty it stays as it is.
    filled["id_number"] = filled["id_number"] or _item(request, uid).id_number
    services.describe_item(
        item_uid=uid,
        person=services.Described(**filled),
        by=request.user,
        at=now(),
    )
    messages.success(request, _("基本信息已保存，已重新核对"))
    return onward(request, "item", uid)


@require_POST
def item_line(request: SignedIn, uid: str) -> HttpResponse:
    line = services.put_line(
        item_uid=uid,
        line=services.NewLine(**read(LineForm, request)),
        by=request.user,
        at=now(),
    )
    messages.success(request, _("目录 %(place)s 已保存，已重新核对") % {"place": line})
    return onward(request, "item", uid)


@require_POST
def item_line_remove(request: SignedIn, uid: str, line_uid: str) -> HttpResponse:
    services.remove_line(line_uid=line_uid, by=request.user, at=now())
    messages.success(request, _("目录行已删除，已重新核对"))
    return onward(request, "item", uid)


@require_POST
def item_aside(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    services.set_item_aside(item_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("该份档案已整份搁置，批次其余档案可以继续验收"))
    return onward(request, "item", uid)


@require_POST
def item_up(request: SignedIn, uid: str) -> HttpResponse:
    services.take_item_up(item_uid=uid, by=request.user, at=now())
    messages.success(request, _("该份档案已恢复"))
    return onward(request, "item", uid)


@require_POST
def item_supply(request: SignedIn, uid: str) -> HttpResponse:
    """Take the images of pages that never came; each file's name says which page it is."""
    files = request.FILES.getlist("file")
    if not files:
        raise Unacceptable("请选择要补交的影像文件")
    for file in files:
        services.supply(
            item_uid=uid,
            content=file.read(),
            file_name=file.name or "",
            by=request.user,
            at=now(),
        )
    messages.success(request, _("已补交 %(n)s 页") % {"n": len(files)})
    return onward(request, "item", uid)


def _looked_over(request: SignedIn, found: Item, *, may_look: bool) -> dict[str, Any]:
    """What an item page shows of images: recorded first, when there is anything to see."""
    scans = production.scans_of(item=found)
    wanted = request.GET.get("show", "")
    if wanted == "faulty":
        scans = [scan for scan in scans if scan.open_findings or scan.state == "returned"]
    pages = Paginator(scans, production.PAGE_SCANS)
    page = pages.get_page(request.GET.get("page"))
    if may_look and scans:
        services.look_at_item(item_uid=found.uid, by=request.user, at=now())
    return {
        "scans": page,
        "range": pages.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "show": wanted,
        "may_look": may_look,
        "lines": production.lines_of(item=found),
        "findings": production.findings_of_item(item=found),
        "codes": Counter(
            finding.code for scan in page for finding in scan.open_findings
        ).most_common(),
        "kept_apart": production.quarantined_of(batch=found.batch).filter(item=found)[:20],
    }


def _row(batch: Batch, *, at: datetime) -> dict[str, Any]:
    """A batch with what the list and its page say about it."""
    state = BatchState(batch.state)
    return {
        "batch": batch,
        "tone": TONES[state],
        "receiving": state is BatchState.RECEIVING,
        "late": rules.overdue_days(received_at=batch.received_at, at=at)
        if state is not BatchState.ACCEPTED
        else 0,
    }


def _item_row(item: NumberedItem, *, may_count: bool) -> dict[str, Any]:
    """A dossier of a batch; its image numbers are hidden from whoever still has to count it."""
    return {
        "item": item,
        "shown_folder": rules.shown_path(item.folder),
        "hidden": may_count and item.counted_at is None,
        "matched": item.paper_sides == item.image_count == item.catalogue_pages,
    }


def _may(act: Act, request: SignedIn, item: Item, at: datetime) -> bool:
    """Whether a button of an item shows: the post allows it and the item can still change."""
    return identity.may(act, by=request.user, at=at) and not rules.objections_to_change(
        state=BatchState(item.batch.state), aside=item.aside_at is not None
    )


def _bodies(request: SignedIn) -> list[Body]:
    return list(people.keepers_in_scope(user=request.user, on=identity.office_day(now())))


def _folders(bodies: list[Body]) -> list[str]:
    """The folders that none of the bodies has received."""
    waiting = [set(production.folders_to_receive(body=body)) for body in bodies]
    return sorted(set.intersection(*waiting)) if waiting else []


def _batch(request: SignedIn, uid: str) -> Batch:
    found = production.batch_by_uid(uid=uid, user=request.user, on=identity.office_day(now()))
    if found is None:
        raise NotFound(NO_BATCH)
    return found


def _item(request: SignedIn, uid: str) -> NumberedItem:
    found = production.item_by_uid(uid=uid, user=request.user, on=identity.office_day(now()))
    if found is None:
        raise NotFound(NO_ITEM)
    return found


urlpatterns = [
    path("batches/", batches, name="batches"),
    path("batches/receive/", batch_receive, name="batch-receive"),
    path("batches/<str:uid>/", batch, name="batch"),
    path("batches/<str:uid>/progress/", batch_progress, name="batch-progress"),
    path("batches/<str:uid>/accept/", batch_accept, name="batch-accept"),
    path("items/<str:uid>/", item, name="item"),
    path("items/<str:uid>/count/", item_count, name="item-count"),
    path("items/<str:uid>/hand/", item_hand, name="item-hand"),
    path("items/<str:uid>/person/", item_person, name="item-person"),
    path("items/<str:uid>/lines/", item_line, name="item-line"),
    path("items/<str:uid>/lines/<str:line_uid>/remove/", item_line_remove, name="item-line-remove"),
    path("items/<str:uid>/aside/", item_aside, name="item-aside"),
    path("items/<str:uid>/up/", item_up, name="item-up"),
    path("items/<str:uid>/supply/", item_supply, name="item-supply"),
    *production_scans.urlpatterns,
]
