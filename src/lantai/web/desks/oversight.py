"""The desks of those who oversee: supervisor, the three administrators, and the visitor."""

from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from lantai.access import queries as access
from lantai.cases import queries as cases
from lantai.cases.rules.workflow import CLOCK_STANDS, STATE_LABELS, State
from lantai.identity import queries as people
from lantai.identity.services import office_clock
from lantai.ledger import finality
from lantai.ledger import queries as ledger
from lantai.ledger.models import STREAMS
from lantai.preservation import queries as preservation
from lantai.preservation import watching
from lantai.preservation.models import Watched
from lantai.web.desks.parts import SHOWN, Action, Desk, Seat, Section, Task, Tile, due, when
from lantai.web.labels import STREAM_LABELS, action_label

UNWITNESSED_ALARM: Final = timedelta(hours=24)
UNUSED_AFTER: Final = timedelta(days=90)  # an account nobody used for so long is looked into


def consultant(seat: Seat, desk: Desk) -> None:
    leave = list(access.grants_of(user=seat.user, at=seat.at)[:SHOWN])
    desk.tiles.append(Tile(_("有效的查阅授权"), len(leave), _("项"), icon="lock-open"))
    desk.sections.append(
        Section(
            _("我的查阅授权"),
            _("只限所列档案、材料和期限，每次查阅留痕"),
            [
                Task(
                    grant.dossier.person.name,
                    f"{_(grant.get_purpose_display())}　{grant.reason}",
                    due=_("至 %(until)s") % {"until": office_clock(grant.closes_at)},
                )
                for grant in leave
            ],
            _("没有有效的查阅授权；请由存档机构按查阅审批表办理"),
        )
    )


def supervisor(seat: Seat, desk: Desk) -> None:
    began = seat.day_began
    looks, refused = access.latest_openings(), access.latest_refusals()
    running = cases.in_scope(user=seat.user, at=seat.at).filter(closed_at=None)
    late = running.filter(due_on__lt=seat.today).exclude(state__in=CLOCK_STANDS)
    overdue = late.count()
    desk.tiles += [
        Tile(
            _("今日调阅"),
            looks.filter(at__gte=began).count(),
            _("人次"),
            icon="eye-check",
            url=reverse("openings"),
        ),
        Tile(
            _("今日拒绝"),
            refused.filter(at__gte=began).count(),
            _("次"),
            icon="hand-stop",
            tone="gold",
            url=reverse("refusals"),
        ),
        Tile(_("在办业务"), running.count(), _("件"), icon="folders", url=reverse("figures")),
        Tile(
            _("超期业务"),
            overdue,
            _("件"),
            icon="clock-exclamation",
            tone="cinnabar" if overdue else "bamboo",
            url=reverse("figures"),
        ),
    ]
    desk.sections.append(
        Section(
            _("超期业务"),
            _("按到期日排列"),
            [
                Task(
                    f"{case.dossier.person.name}　{case.number}",
                    _(STATE_LABELS[State(case.state)]),
                    tone="risk",
                    due=due(case.due_on, seat.today),
                    late=True,
                )
                for case in late.order_by("due_on", "pk")[:SHOWN]
            ],
            _("没有超期的业务"),
        )
    )
    _witnesses(seat, desk)
    _store(seat, desk)
    _watch(seat, desk)
    desk.actions.append(Action(_("统计"), reverse("figures"), icon="chart-bar"))


def security_admin(seat: Seat, desk: Desk) -> None:
    leave = access.grants_in_force(at=seat.at)
    desk.tiles.append(
        Tile(_("有效授权"), leave.count(), _("项"), icon="lock-open", url=reverse("grants"))
    )
    desk.sections.append(
        Section(
            _("有效授权"),
            _("先到期的在前"),
            [
                Task(
                    f"{grant.user.name} → {grant.dossier.person.name}",
                    f"{_(grant.get_purpose_display())}　{grant.reason}",
                    url=reverse("grants"),
                    due=_("至 %(until)s") % {"until": office_clock(grant.closes_at)},
                )
                for grant in leave[:SHOWN]
            ],
            _("没有有效的授权"),
            more=reverse("grants"),
        )
    )
    _destructions(seat, desk)
    _watch(seat, desk)


def _destructions(seat: Seat, desk: Desk) -> None:
    """Keys somebody asked to be destroyed and nobody settled, first on the desk; else nothing."""
    asked = preservation.destructions(user=seat.user, on=seat.today).filter(settled_at=None)
    count = asked.count()
    if not count:
        return
    tasks = [
        Task(
            f"{one.dossier.person.name}　{one.dossier.number}",
            one.reason,
            url=reverse("keys"),
            tone="warn",
            due=when(one.asked_at, seat),
        )
        for one in asked[:SHOWN]
    ]
    desk.waiting += count
    desk.sections.insert(
        0,
        Section(
            _("待审核的密钥销毁"),
            _("同意后影像任何人不能再读"),
            tasks,
            "",
            more=reverse("keys"),
        ),
    )


def _witnesses(seat: Seat, desk: Desk) -> None:
    """What is wrong with the witnessing of the log, first on the desk; else nothing."""
    alarms = [
        Task(
            _("日志已停签"),
            f"{_(STREAM_LABELS[stream])}　{stopped.why}",
            url=reverse("witnesses"),
            tone="risk",
            late=True,
        )
        for stream, stopped in finality.stops()
    ]
    since = finality.provisional_since()
    if since is not None and seat.at - since >= UNWITNESSED_ALARM:
        alarms.append(
            Task(
                _("超过 24 小时未达到法定见证数"),
                _("其间的固定影像、决定和证明均为暂定"),
                url=reverse("witnesses"),
                tone="risk",
                due=_("自 %(since)s") % {"since": office_clock(since)},
                late=True,
            )
        )
    if alarms:
        desk.waiting += len(alarms)
        desk.sections.insert(0, Section(_("见证告警"), "", alarms, "", more=reverse("witnesses")))


def _store(seat: Seat, desk: Desk) -> None:
    """Damage to what is kept that nobody could put right, first on the desk; else nothing."""
    broken = watching.open_damages()
    count = broken.count()
    if not count:
        return
    shown = list(broken[:SHOWN])
    numbers = watching.numbers_of(damage.name for damage in shown)
    alarms = [
        Task(
            f"{_(Watched(damage.place).label)}　{numbers.get(damage.name, '')}".strip(),
            damage.what,
            url=reverse("preservation"),
            tone="risk",
            due=_("自 %(since)s") % {"since": office_clock(damage.found_at)},
            late=True,
        )
        for damage in shown
    ]
    desk.waiting += count
    desk.sections.insert(
        0,
        Section(
            _("保存告警"),
            _("未能自动修复，请通知系统运维人员"),
            alarms,
            "",
            more=reverse("preservation"),
        ),
    )


def _watch(seat: Seat, desk: Desk) -> None:
    """The latest looks and refusals, for those who oversee them."""
    desk.notes += [
        Section(
            _("最近拒绝"),
            _("未生效，已留痕"),
            [
                Task(
                    attempt.by,
                    attempt.reasons.splitlines()[0],
                    url=reverse("refusals"),
                    tone="warn",
                    due=when(attempt.at, seat),
                )
                for attempt in access.latest_refusals()[:SHOWN]
            ],
            _("没有被拒绝的操作"),
            more=reverse("refusals"),
        ),
        Section(
            _("最近调阅"),
            "",
            [
                Task(
                    look.by.name,
                    f"{look.grant.dossier.person.name}　"
                    + (look.page.material.shown_title if look.page else _("缩略图")),
                    url=reverse("openings"),
                    due=when(look.at, seat),
                )
                for look in access.latest_openings()[:SHOWN]
            ],
            _("还没有调阅"),
            more=reverse("openings"),
        ),
    ]


def system_admin(seat: Seat, desk: Desk) -> None:
    accounts = people.accounts()
    unused = accounts.filter(is_active=True).exclude(last_login__gte=seat.at - UNUSED_AFTER)
    number = unused.count()
    desk.tiles += [
        Tile(_("账户"), accounts.count(), _("个"), icon="users", url=reverse("accounts")),
        Tile(
            _("90 天未使用"),
            number,
            _("个"),
            icon="user-off",
            tone="gold" if number else "bamboo",
            url=reverse("accounts"),
        ),
    ]
    desk.sections.append(
        Section(
            _("久未使用的账户"),
            _("请核实是否仍需保留"),
            [
                Task(
                    user.name,
                    user.username,
                    url=reverse("accounts"),
                    tone="warn",
                    due=when(user.last_login, seat) or _("从未登录"),
                )
                for user in unused[:SHOWN]
            ],
            _("没有久未使用的账户"),
            more=reverse("accounts"),
        )
    )


def audit_admin(seat: Seat, desk: Desk) -> None:
    _witnesses(seat, desk)
    _store(seat, desk)
    for stream in STREAMS:
        size, head = ledger.size_of(stream=stream), ledger.latest_head(stream=stream)
        waiting = size - (head.size if head else 0)
        note = _("均已封存") if not waiting else _("%(n)s 条待封存") % {"n": waiting}
        desk.tiles.append(
            Tile(
                _(STREAM_LABELS[stream]),
                size,
                _("条"),
                icon="list-check",
                note=note,
                url=reverse("log"),
            )
        )
    desk.sections.append(
        Section(
            _("最新记录"),
            _("业务与调阅两条日志"),
            [
                Task(
                    _(action_label(entry.action)),
                    f"{entry.actor}　{entry.subject}",
                    url=reverse("log-entry", args=[entry.stream, entry.index]),
                    due=when(entry.at, seat),
                )
                for entry in ledger.entries()[:SHOWN]
            ],
            _("日志还没有记录"),
            more=reverse("log"),
        )
    )
    desk.actions.append(Action(_("查存证日志"), reverse("log"), icon="list-search"))
