"""The desks of those who do a case: clerk, reviewers, approver; and the person it is for."""

from collections.abc import Callable, Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from lantai.access import queries as access
from lantai.cases import queries as cases
from lantai.cases.queries import DeskRow
from lantai.cases.rules.workflow import STATE_LABELS, State
from lantai.certificates import queries as certificates
from lantai.web.desks.parts import SHOWN, Action, Desk, Seat, Section, Task, Tile, due, when


def clerk(seat: Seat, desk: Desk) -> None:
    rows = waiting_cases(seat, {"跟进"})
    issued = certificates.in_scope(user=seat.user, at=seat.at)
    month = seat.day_began.replace(day=1)
    desk.tiles += [
        Tile(_("我受理的在办业务"), len(rows), _("件"), icon="folders", url=reverse("cases")),
        Tile(
            _("其中超期"),
            sum(row.overdue for row in rows),
            _("件"),
            icon="clock-exclamation",
            tone="cinnabar" if any(row.overdue for row in rows) else "bamboo",
            url=reverse("cases"),
        ),
        Tile(
            _("本月出具证明"),
            issued.filter(issued_at__gte=month).count(),
            _("份"),
            icon="certificate",
            tone="gold",
            url=reverse("certificates"),
        ),
    ]
    desk.sections.append(case_section(_("在办业务"), rows, seat, _("没有在办的业务")))
    desk.notes.append(
        Section(
            _("最近出具的证明"),
            "",
            [
                Task(
                    certificate.dossier.person.name,
                    f"{_(certificate.get_kind_display())} {certificate.number}",
                    url=reverse("certificate", args=[certificate.number]),
                    tone="plain" if certificate.revoked_at else "ok",
                    due=when(certificate.issued_at, seat),
                )
                for certificate in issued[:SHOWN]
            ],
            _("还没有出具过证明"),
        )
    )
    desk.actions += [
        Action(_("查档案"), reverse("dossiers"), icon="search"),
        Action(_("受理退休业务"), reverse("case-new"), icon="file-plus"),
    ]


def reviewing(task: str) -> Callable[[Seat, Desk], None]:
    def lay(seat: Seat, desk: Desk) -> None:
        rows = waiting_cases(seat, {task})
        mine = [row for row in rows if row.mine]
        free = [row for row in rows if not row.mine]
        late = sum(row.overdue for row in rows)
        url = reverse("cases")
        desk.tiles += [
            Tile(
                _("我承办的%(task)s") % {"task": _(task)},
                len(mine),
                _("件"),
                icon="writing-sign",
                url=url,
            ),
            Tile(
                _("可领取的%(task)s") % {"task": _(task)},
                len(free),
                _("件"),
                icon="inbox",
                tone="gold",
                url=url,
            ),
            Tile(
                _("超期"),
                late,
                _("件"),
                icon="clock-exclamation",
                tone="cinnabar" if late else "bamboo",
                url=url,
            ),
        ]
        held = case_section(
            _("我承办的%(task)s") % {"task": _(task)}, mine, seat, _("手上没有业务，可领取一件")
        )
        pool = case_section(_("可领取"), free, seat, _("没有可领取的业务"))
        if mine or not free:
            desk.sections.append(held)
            desk.notes.append(pool)
        else:
            desk.sections += [pool, held]
        desk.notes.append(_latest_looks(seat))
        desk.waiting += len(rows)
        if mine:
            desk.actions.append(
                Action(
                    _("继续%(task)s") % {"task": _(task)},
                    reverse("case-review", args=[mine[0].case.uid]),
                    icon="writing-sign",
                )
            )
        elif free:
            desk.actions.append(
                Action(
                    _("领取%(task)s") % {"task": _(task)},
                    reverse("case", args=[free[0].case.uid]),
                    icon="writing-sign",
                )
            )

    return lay


def _latest_looks(seat: Seat) -> Section:
    """What the person opened last: everybody sees what is on record of them."""
    looks = access.latest_openings().filter(by=seat.user)
    return Section(
        _("我最近的调阅"),
        _("每次调阅留痕"),
        [
            Task(
                look.grant.dossier.person.name,
                look.page.material.shown_title if look.page else _("缩略图"),
                tone="plain",
                due=when(look.at, seat),
            )
            for look in looks[:5]
        ],
        _("还没有调阅过影像"),
    )


def subject(seat: Seat, desk: Desk) -> None:
    rows = waiting_cases(seat, {"本人业务"})
    desk.sections.append(
        Section(
            _("我的业务"),
            "",
            [
                Task(
                    _(row.case.get_kind_display()),
                    _(STATE_LABELS[State(row.case.state)]),
                    url=reverse("own"),
                )
                for row in rows
            ],
            _("没有在办的业务"),
            more=reverse("own"),
        )
    )


def waiting_cases(seat: Seat, tasks: set[str]) -> list[DeskRow]:
    return [row for row in cases.desk(user=seat.user, at=seat.at) if row.task in tasks]


def case_section(title: str, rows: Iterable[DeskRow], seat: Seat, empty: str) -> Section:
    listed = list(rows)
    return Section(
        title,
        _("按时限排列"),
        [_case_task(row, seat) for row in listed[:SHOWN]],
        empty,
        more=reverse("cases") if len(listed) > SHOWN else "",
    )


def _case_task(row: DeskRow, seat: Seat) -> Task:
    state = _(STATE_LABELS[State(row.case.state)])
    return Task(
        row.case.dossier.person.name,
        f"{row.case.number} · {state if row.task == '跟进' else _(row.task)}",
        url=reverse("case", args=[row.case.uid]),
        tone="risk" if row.overdue else "warn" if row.due_on == seat.today else "info",
        due=due(row.due_on, seat.today),
        late=row.overdue,
    )
