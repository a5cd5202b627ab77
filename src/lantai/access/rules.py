"""When a page may be opened: every objection at once, deny by default."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """What somebody may look for. Nothing is seen without one."""

    CATALOGUING = "cataloguing"
    RETIREMENT_REVIEW = "retirement_review"
    RETIREMENT_CONFIRMATION = "retirement_confirmation"
    RETIREMENT_APPROVAL = "retirement_approval"
    CONSULTATION = "consultation"


PURPOSE_LABELS: Final[dict[Purpose, str]] = {
    Purpose.CATALOGUING: "档案整理",
    Purpose.RETIREMENT_REVIEW: "退休初审",
    Purpose.RETIREMENT_CONFIRMATION: "退休复核",
    Purpose.RETIREMENT_APPROVAL: "退休审批",
    Purpose.CONSULTATION: "外单位查阅",
}

SECRET: Final = "这是涉密材料，须在授权中逐件指明并经他人批准才能查阅；请按涉密材料单独申请"  # noqa: S105 -- a sentence

# How long an opened page can be looked at before it must be opened, and so recorded, again.
OPENING_LASTS: Final = timedelta(minutes=15)
# How long the thumbnails of an opened dossier answer.
STRIP_LASTS: Final = timedelta(hours=2)


@dataclass(frozen=True)
class Leave:
    """A grant in plain values. ``materials`` empty means the whole dossier."""

    user: int
    dossier: int
    materials: frozenset[int]
    opens_at: datetime
    closes_at: datetime
    revoked: bool
    given_by_another: bool


def objections_to_opening(
    *,
    leave: Leave | None,
    user: int,
    user_is_subject: bool,
    dossier: int,
    material: int | None,
    secret: bool,
    at: datetime,
) -> tuple[str, ...]:
    """Return every reason not to open a page of a dossier; none means it may be opened.

    Nobody reads the own dossier (domain digest §3.4). ``material`` None asks for the dossier's
    thumbnails, which need leave for the dossier only. ``secret`` material is opened only by leave
    that names it and that somebody else gave.
    """
    if user_is_subject:
        return ("不得查阅本人档案；如需证明，请到窗口申请出具",)
    if leave is None or leave.user != user or leave.dossier != dossier:
        return ("没有查阅这份档案的授权；请先由业务经办人按用途申请授权",)
    reasons = []
    if leave.revoked:
        reasons.append("授权已经收回；如仍需查阅，请重新申请授权")
    if at < leave.opens_at:
        reasons.append(f"授权从 {_day(leave.opens_at)} 起才有效，请届时再查阅")
    if at >= leave.closes_at:
        reasons.append(f"授权已于 {_day(leave.closes_at)} 到期，请重新申请授权")
    if material is not None and leave.materials and material not in leave.materials:
        reasons.append("授权范围不包括这份材料；如确需查阅，请申请扩大范围")
    elif secret and (material not in leave.materials or not leave.given_by_another):
        reasons.append(SECRET)
    return tuple(reasons)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
