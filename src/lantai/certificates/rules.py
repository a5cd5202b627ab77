"""Kinds of certificates, their numbers and codes, and when one may be issued or revoked.

A certificate states only what the dossier records, each fact with the image it rests on (domain
digest §3.6; 人社部发〔2014〕90号).
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Without 0 O 1 I L U: what is read from paper and typed by hand must not be mistaken.
CODE_SIGNS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = 16  # 30 signs: 78 bits, beyond guessing
VALID_MONTHS: Final = 6  # the office's own rule; a parameter, not a law
_GROUPED: Final = 4


class Kind(StrEnum):
    DEPOSIT = "deposit"
    RECORDED = "recorded"


KIND_LABELS: Final[dict[Kind, str]] = {
    Kind.DEPOSIT: "存档证明",
    Kind.RECORDED: "档案记载证明",
}


@dataclass(frozen=True)
class Fact:
    """One line of a certificate: what, as the dossier records it, on which image."""

    label: str
    value: str
    source: str


def number(*, year: int, body: str, running: int) -> str:
    """Return a certificate's number: year, body, running number (domain digest §3.6)."""
    return f"{year}-{body.upper()}-{running:06d}"


def grouped(signs: str) -> str:
    """Write a code in groups of four, as it stands on paper."""
    return "-".join(signs[at : at + _GROUPED] for at in range(0, len(signs), _GROUPED))


def typed_code(text: str) -> str:
    """Return a code as a person typed it in the form it is kept: upper case, grouped."""
    return grouped(re.sub(r"[^0-9A-Z]", "", text.upper()))


def valid_until(issued: dt.date) -> dt.date:
    """Return the last day a certificate is good for."""
    month = issued.month - 1 + VALID_MONTHS
    year, month = issued.year + month // 12, month % 12 + 1
    return dt.date(year, month, min(issued.day, 28))


def objections_to_issue(
    *, kind: Kind, case_approved: bool | None, purpose: str, facts: Sequence[Fact]
) -> tuple[str, ...]:
    """Return every reason not to issue; none means it may be issued.

    ``case_approved`` is None when no case is named.
    """
    reasons = []
    if kind is Kind.RECORDED and not case_approved:
        reasons.append("档案记载证明须依据已核准的退休业务，请先办结审批")
    if not purpose.strip():
        reasons.append("请填写证明用途")
    if not facts:
        reasons.append("没有可以证明的事项，请核对档案记载")
    reasons.extend(
        f"“{fact.label}”没有影像依据，请先在档案影像上核对并标注出处"
        for fact in facts
        if not fact.source
    )
    return tuple(reasons)


def objections_to_revoke(*, already: bool, reason: str) -> tuple[str, ...]:
    reasons = []
    if already:
        reasons.append("证明已经撤销，无需重复操作")
    if not reason.strip():
        reasons.append("请填写撤销理由")
    return tuple(reasons)
