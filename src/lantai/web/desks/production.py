"""The desks of the digitisation shop."""

from django.urls import reverse
from django.utils.translation import gettext as _

from lantai.identity.rules import Role
from lantai.imaging import queries as imaging
from lantai.imaging import rules
from lantai.imaging.models import Batch, Scan
from lantai.imaging.rules import BatchState
from lantai.web.desks.casework import case_section, waiting_cases
from lantai.web.desks.parts import SHOWN, Action, Desk, Seat, Section, Task, Tile, when


def operator(seat: Seat, desk: Desk) -> None:
    numbers = imaging.desk(user=seat.user, at=seat.at, on=seat.today)
    bodies = [post.body for post in seat.posts if post.role == Role.SCAN_OPERATOR.value]
    folders = sorted({name for body in bodies for name in imaging.folders_to_receive(body=body)})
    returned = imaging.returned_scans(user=seat.user, on=seat.today)
    batches = reverse("batches")
    desk.tiles += [
        Tile(_("待接收文件夹"), len(folders), _("个"), icon="folder", url=batches),
        Tile(
            _("处理中的批次"), numbers.receiving, _("批"), icon="loader", tone="gold", url=batches
        ),
        Tile(
            _("退回待重扫"),
            numbers.returned,
            _("页"),
            icon="arrow-back-up",
            tone="cinnabar" if numbers.returned else "bamboo",
            url=batches,
        ),
    ]
    desk.sections.append(
        Section(
            _("退回待重扫"),
            _("先退回的先重扫"),
            [
                Task(
                    _scan_title(scan),
                    scan.return_reason,
                    url=reverse("scan", args=[scan.uid]),
                    tone="risk",
                    due=when(scan.returned_at, seat),
                )
                for scan in returned[:SHOWN]
            ],
            _("没有退回的影像"),
        )
    )
    desk.sections.append(
        Section(
            _("待接收的扫描文件夹"),
            _("扫描仪存入收件夹的文件夹"),
            [Task(rules.shown_path(name), _("尚未接收"), url=batches) for name in folders[:SHOWN]],
            _("收件夹里没有新的文件夹"),
            more=batches if len(folders) > SHOWN else "",
        )
    )
    desk.waiting += len(folders) + numbers.returned
    desk.actions.append(Action(_("接收扫描批次"), batches, icon="scan"))


def inspector(seat: Seat, desk: Desk) -> None:
    numbers = imaging.desk(user=seat.user, at=seat.at, on=seat.today)
    waiting = imaging.batches(
        user=seat.user, on=seat.today, state=BatchState.INSPECTION.value
    ).order_by("received_at", "pk")
    batches = reverse("batches")
    desk.tiles += [
        Tile(_("待质检批次"), numbers.to_inspect, _("批"), icon="checklist", url=batches),
        Tile(
            _("超期未验收"),
            numbers.overdue,
            _("批"),
            icon="clock-exclamation",
            tone="cinnabar" if numbers.overdue else "bamboo",
            url=batches,
        ),
        Tile(
            _("退回待重扫"),
            numbers.returned,
            _("页"),
            icon="arrow-back-up",
            tone="gold",
            url=batches,
        ),
    ]
    desk.sections.append(
        Section(
            _("待质检"),
            _("先到的先检"),
            [_waiting(batch, seat) for batch in waiting[:SHOWN]],
            _("没有待质检的批次"),
            more=batches if numbers.to_inspect > SHOWN else "",
        )
    )
    desk.waiting += numbers.to_inspect


def archivist(seat: Seat, desk: Desk) -> None:
    numbers = imaging.desk(user=seat.user, at=seat.at, on=seat.today)
    rows = waiting_cases(seat, {"实体出库", "实体归还", "审批表归档"})
    papers = [row for row in rows if row.task != "审批表归档"]
    batches = reverse("batches")
    desk.tiles += [
        Tile(_("待清点实体"), numbers.to_count, _("份"), icon="stack-2", url=batches),
        Tile(
            _("实体交接"), len(papers), _("件"), icon="transfer", tone="gold", url=reverse("cases")
        ),
        Tile(
            _("待归档业务"),
            len(rows) - len(papers),
            _("件"),
            icon="archive",
            tone="bamboo",
            url=reverse("cases"),
        ),
    ]
    uncounted = [batch for batch in numbers.oldest if getattr(batch, "uncounted_count", 0)]
    desk.sections.append(case_section(_("业务交办"), rows, seat, _("没有待交接或归档的业务")))
    desk.sections.append(
        Section(
            _("待清点实体"),
            _("清点纸质页数后才能验收"),
            [
                Task(
                    batch.name,
                    _("还有 %(n)s 份未清点") % {"n": getattr(batch, "uncounted_count", 0)},
                    url=reverse("batch", args=[batch.uid]),
                    tone="warn",
                    due=when(batch.received_at, seat),
                )
                for batch in uncounted
            ],
            _("没有待清点的实体档案"),
        )
    )
    desk.waiting += len(rows) + numbers.to_count
    desk.actions.append(Action(_("查档案"), reverse("dossiers"), icon="search"))


def _waiting(batch: Batch, seat: Seat) -> Task:
    blocking = getattr(batch, "blocking_count", 0)
    return Task(
        batch.name,
        _("%(dossiers)s 份 %(scans)s 页")
        % {
            "dossiers": getattr(batch, "item_count", 0),
            "scans": getattr(batch, "scan_count", 0),
        }
        + (_("，%(n)s 项阻断问题") % {"n": blocking} if blocking else ""),
        url=reverse("batch", args=[batch.uid]),
        tone="risk" if blocking else "info",
        due=when(batch.received_at, seat),
    )


def _scan_title(scan: Scan) -> str:
    """Whose scan it is and its file; names of folders and files may hide an ID number."""
    whose = scan.item.name or rules.shown_path(scan.item.folder)
    return f"{whose}　{rules.shown_path(scan.file_name)}"
