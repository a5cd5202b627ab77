"""What may be known of certificates."""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from lantai.cases import queries as cases
from lantai.cases.models import Case
from lantai.certificates import rules
from lantai.certificates.models import Certificate
from lantai.certificates.rules import Fact
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier
from lantai.identity import queries as identity
from lantai.identity import services as identity_services
from lantai.identity.models import Body, User
from lantai.ledger import queries as ledger
from lantai.ledger.audit import Difference
from lantai.ledger.statements import plain
from lantai.lib import catalogue
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import PartialDate

_TABLE: Final = "certificates_certificate"


def next_number(*, body: Body, year: int) -> str:
    """The number the next certificate of a body takes; the caller holds the body's row."""
    series = rules.number(year=year, body=body.code, running=0).removesuffix("000000")
    last = (
        Certificate.objects.filter(number__startswith=series)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    running = int(last.removeprefix(series)) + 1 if last else 1
    return rules.number(year=year, body=body.code, running=running)


def facts_of_deposit(*, dossier: Dossier) -> list[Fact]:
    """What the dossier says of its being kept: since when by the deposit contract, and where."""
    facts = [
        Fact(
            "委托存档",
            str(PartialDate.parse(material.formed)).replace("-??", ""),
            f"{material.title} {material.class_code}-{material.sequence}",
        )
        for material in dossiers.materials_of(dossier=dossier)
        if catalogue.kind_of(material.title) is MaterialKind.DEPOSIT_FORM and material.formed
    ]
    facts.append(Fact("档案在库", f"{dossier.paper_sides} 页，影像一一对应", "入库清点与影像清单"))
    return facts


def facts_of_case(*, case: Case) -> list[Fact]:
    """What was established in an approved retirement case, with the images it rests on."""
    form = cases.approval_form(case=case)
    return [
        Fact("出生时间", form["birth"]["value"], form["birth"]["source"]),
        Fact("参加工作时间", form["first_work"]["value"], form["first_work"]["source"]),
        *(Fact(f"工作经历 {row['span']}", row["unit"], row["source"]) for row in form["service"]),
    ]


def is_approved(*, case: Case) -> bool:
    """Tell whether the last decision on a case approved it."""
    last = case.decisions.order_by("-at", "-pk").first()
    return last is not None and last.outcome == "approve"


def in_scope(*, user: User, at: datetime) -> QuerySet[Certificate]:
    """The certificates of the bodies a person works for, the newest first."""
    reach = identity.bodies_in_scope(user=user, on=identity_services.office_day(at))
    return (
        Certificate.objects.filter(body__in=reach)
        .select_related("dossier__person", "issued_by", "body")
        .order_by("-issued_at", "-pk")
    )


def matching(found: QuerySet[Certificate], *, text: str) -> QuerySet[Certificate]:
    """Narrow certificates to a number, a dossier's number or a person's name."""
    return found.filter(
        Q(number__startswith=text.upper())
        | Q(dossier__number=text.upper())
        | Q(dossier__person__name__contains=text)
    )


def by_number(*, number: str, user: User, at: datetime) -> Certificate | None:
    return in_scope(user=user, at=at).select_related("paper", "case").filter(number=number).first()


def by_code(*, number: str, code: str) -> Certificate | None:
    """Find a certificate by what stands on it, for anyone who holds it.

    A wrong code and an unknown number are not told apart.
    """
    found = (
        Certificate.objects.select_related("body", "paper")
        .filter(number=number.strip().upper())
        .first()
    )
    if found is None or not hmac.compare_digest(found.code, rules.typed_code(code)):
        return None
    return found


def state(*, certificate: Certificate, on: date) -> str:
    """Tell how a certificate stands on a day: revoked, expired or valid."""
    if certificate.revoked_at is not None:
        return "revoked"
    return "expired" if on > certificate.valid_until else "valid"


def code_digest(certificate: Certificate) -> str:
    """The SHA-256 of the code a paper is checked with; the log does not hold the code itself."""
    return hashlib.sha256(certificate.code.encode()).hexdigest()


def check_rows() -> Iterator[Difference]:
    """Compare every certificate with what the log says of it, for ``lantai audit``."""
    issued = ledger.last_by_subject(action="certificates.certificate.issued")
    revoked = ledger.last_by_subject(action="certificates.certificate.revoked")
    rows = Certificate.objects.select_related(
        "paper", "body", "dossier", "case", "issued_by", "revoked_by"
    )
    for row in rows.order_by("pk").iterator(2000):
        subject = f"certificate:{row.uid}"
        columns = {
            "number": row.number,
            "kind": row.kind,
            "digest": row.digest,
            "paper": row.paper.sha256,
            "valid_until": f"{row.valid_until:%Y-%m-%d}",
            "body": row.body.code,
            "dossier": row.dossier.uid,
            "case": row.case.uid if row.case else None,
            "purpose": row.purpose,
            "code_sha256": code_digest(row),
            "issued_by": row.issued_by.username,
            "issued_at": plain(row.issued_at),
        }
        face = hashlib.sha256(row.face.encode()).hexdigest()
        if face != row.digest:
            since = issued[subject].at.isoformat() if subject in issued else ""
            yield Difference(_TABLE, row.number, "face", row.digest, face, since)
        yield from _told(row, columns, issued.pop(subject, None))
        if row.revoked_at is not None or subject in revoked:
            yield from _told(
                row,
                {
                    "reason": row.revoke_reason,
                    "revoked_by": row.revoked_by.username if row.revoked_by else None,
                    "revoked_at": plain(row.revoked_at),
                },
                revoked.get(subject),
            )
    for subject, said in issued.items():
        yield Difference(
            table=_TABLE,
            key=subject,
            field="",
            expected="日志记有这份证明",
            found="表中没有这一行",
            since=said.at.isoformat(),
        )


def _told(
    row: Certificate, columns: dict[str, Any], said: ledger.Logged | None
) -> Iterator[Difference]:
    yield from ledger.differing(table=_TABLE, key=row.number, row=columns, said=said)
