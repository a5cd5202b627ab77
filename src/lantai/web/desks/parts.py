"""What a desk is made of: numbers, work waiting, and the next thing to do."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.utils.translation import gettext as _

from lantai.identity.models import Post, User
from lantai.identity.services import OFFICE_TIME, office_day

SHOWN: Final = 8


@dataclass(frozen=True)
class Tile:
    """A number with its word."""

    label: str
    value: int
    unit: str
    icon: str
    tone: str = "azure"
    note: str = ""
    url: str = ""


@dataclass(frozen=True)
class Task:
    """One thing waiting: what, for whom, until when."""

    title: str
    sub: str
    url: str = ""
    tone: str = "info"
    due: str = ""
    late: bool = False


@dataclass(frozen=True)
class Section:
    """A list of things waiting; ``empty`` is said when there are none."""

    title: str
    sub: str
    tasks: list[Task]
    empty: str
    more: str = ""


@dataclass(frozen=True)
class Action:
    label: str
    url: str
    icon: str


@dataclass
class Desk:
    """One person's desk; the work of several posts lies side by side."""

    tiles: list[Tile] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    notes: list[Section] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    waiting: int = 0


@dataclass(frozen=True)
class Seat:
    """Who sits at the desk, when."""

    user: User
    posts: tuple[Post, ...]
    at: datetime

    @property
    def today(self) -> date:
        return office_day(self.at)

    @property
    def day_began(self) -> datetime:
        """Midnight in the office."""
        return self.at.astimezone(OFFICE_TIME).replace(hour=0, minute=0, second=0, microsecond=0)


def due(due_on: date, today: date) -> str:
    """How long there is left, in a word."""
    days = (due_on - today).days
    if days < 0:
        return str(_("超期 %(n)s 天") % {"n": -days})
    if days == 0:
        return str(_("今日到期"))
    if days == 1:
        return str(_("明日到期"))
    return f"{due_on:%m-%d}"


def when(moment: datetime | None, seat: Seat) -> str:
    """A moment as short as it can be said: the time today, else the day."""
    if moment is None:
        return ""
    local = moment.astimezone(OFFICE_TIME)
    return f"{local:%H:%M}" if local.date() == seat.today else f"{local:%m-%d}"
