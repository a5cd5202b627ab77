"""Issue and revoke certificates."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from lantai.cases import queries as cases
from lantai.cases.models import Case
from lantai.certificates import queries, rules, sealing
from lantai.certificates.models import Certificate
from lantai.certificates.rules import KIND_LABELS, Fact, Kind
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Act
from lantai.ledger import quorum
from lantai.ledger import services as ledger
from lantai.ledger.statements import plain
from lantai.lib import canonical, paper
from lantai.lib.refusals import Conflict, NotFound, Unacceptable
from lantai.vault import queries as kept
from lantai.vault import services as vault

ISSUED: Final = "certificates.certificate.issued"


@transaction.atomic
def issue(*, case_uid: str, kind: Kind, purpose: str, by: User, at: datetime) -> Certificate:
    """Issue a certificate of what the dossier of a case records."""
    identity.require(Act.ISSUE_CERTIFICATE, by=by, at=at)
    case = cases.by_uid(uid=case_uid, user=by, at=at)
    if case is None:
        raise NotFound("没有这件业务，或不属于您所在机构")
    if kind is Kind.DEPOSIT:
        facts = queries.facts_of_deposit(dossier=case.dossier)
    else:
        facts = queries.facts_of_case(case=case)
    return _issue(case.dossier, case, kind, facts, purpose=purpose, by=by, at=at)


@transaction.atomic
def issue_deposit(*, dossier_uid: str, purpose: str, by: User, at: datetime) -> Certificate:
    """Issue a certificate that the dossier is kept here; it needs no case."""
    identity.require(Act.ISSUE_CERTIFICATE, by=by, at=at)
    dossier = dossiers.by_uid(uid=dossier_uid, user=by, on=identity.office_day(at))
    if dossier is None:
        raise NotFound("没有这份档案，或不属于您所在机构")
    facts = queries.facts_of_deposit(dossier=dossier)
    return _issue(dossier, None, Kind.DEPOSIT, facts, purpose=purpose, by=by, at=at)


@transaction.atomic
def revoke(*, number: str, reason: str, by: User, at: datetime) -> Certificate:
    """Take a certificate back; whoever checks it from now on is told so."""
    identity.require(Act.REVOKE_CERTIFICATE, by=by, at=at)
    found = (
        Certificate.objects.select_for_update(of=("self",))
        .select_related("body")
        .filter(number=number)
        .first()
    )
    if found is None:
        raise NotFound("没有这份证明，请核对证明编号")
    identity.require(Act.REVOKE_CERTIFICATE, by=by, at=at, body=found.body)
    objections = rules.objections_to_revoke(already=found.revoked_at is not None, reason=reason)
    if objections:
        raise Conflict(*objections)
    found.revoked_at, found.revoked_by, found.revoke_reason = at, by, reason.strip()
    found.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
    ledger.record(
        at=at,
        action="certificates.certificate.revoked",
        actor=by.username,
        subject=f"certificate:{found.uid}",
        facts={
            "number": found.number,
            "reason": found.revoke_reason,
            "revoked_by": by.username,
            "revoked_at": plain(at),
        },
    )
    return found


@transaction.atomic
def hand_out(*, number: str, by: User, at: datetime) -> bytes:
    """Return a certificate's PDF for printing or handing over; each time is recorded."""
    identity.require(Act.ISSUE_CERTIFICATE, by=by, at=at)
    found = queries.by_number(number=number, user=by, at=at)
    if found is None:
        raise NotFound("没有这份证明，或不属于您所在机构")
    content = kept.read(found.paper.sha256)
    ledger.record(
        at=at,
        action="certificates.certificate.handed-out",
        actor=by.username,
        subject=f"certificate:{found.uid}",
        facts={"number": found.number},
        stream="access",
    )
    return content


def _issue(
    dossier: Dossier,
    case: Case | None,
    kind: Kind,
    facts: Sequence[Fact],
    *,
    purpose: str,
    by: User,
    at: datetime,
) -> Certificate:
    objections = rules.objections_to_issue(
        kind=kind,
        case_approved=queries.is_approved(case=case) if case else None,
        purpose=purpose,
        facts=facts,
    )
    if objections:
        raise Unacceptable(*objections)
    body = Body.objects.select_for_update().get(pk=dossier.body_id)
    day = identity.office_day(at)
    number = queries.next_number(body=body, year=day.year)
    code = rules.grouped(
        "".join(secrets.choice(rules.CODE_SIGNS) for _ in range(rules.CODE_LENGTH))
    )
    until = rules.valid_until(day)
    face = {
        "title": KIND_LABELS[kind],
        "number": number,
        "name": dossier.person.name,
        "sex": dossier.person.get_sex_display(),
        "id_number": dossier.person.id_number,
        "dossier_number": dossier.number,
        "issuer": body.name,
        "facts": [
            {"label": fact.label, "value": fact.value, "source": fact.source} for fact in facts
        ],
        "purpose": purpose.strip(),
        "valid_until": f"{until:%Y-%m-%d}",
        "date": f"{day.year} 年 {day.month} 月 {day.day} 日",
    }
    text = canonical.dumps(face)
    digest = hashlib.sha256(text).hexdigest()
    pdf = paper.render(
        "certificate",
        {
            **face,
            "code": code,
            "digest": digest[:32],
            "watermark": settings.LANTAI_WATERMARK,
            "witnessing": "未达法定见证数之前为暂定，以核验页所示为准"
            if quorum.required()
            else None,
            "check_address": f"{settings.LANTAI_ADDRESS}/verify/?number={number}",
        },
        kind="pdf",
        fonts=settings.LANTAI_FONT_DIR,
        at=at,
    )[0]
    stored = vault.store(
        content=sealing.signed(pdf, home=settings.LANTAI_HOME, issuer=body.name, at=at),
        media_type="application/pdf",
        by=by.username,
        at=at,
    )
    issued = Certificate.objects.create(
        number=number,
        code=code,
        kind=kind,
        body=body,
        dossier=dossier,
        case=case,
        purpose=purpose.strip(),
        face=text.decode(),
        digest=digest,
        paper=stored,
        issued_by=by,
        issued_at=at,
        valid_until=until,
    )
    ledger.record(
        at=at,
        action=ISSUED,
        actor=by.username,
        subject=f"certificate:{issued.uid}",
        facts={
            "number": number,
            "kind": kind.value,
            "dossier": dossier.uid,
            "case": case.uid if case else None,
            "digest": digest,
            "paper": stored.sha256,
            "valid_until": f"{until:%Y-%m-%d}",
            "body": body.code,
            "purpose": issued.purpose,
            "code_sha256": queries.code_digest(issued),
            "issued_by": by.username,
            "issued_at": plain(at),
        },
    )
    return issued
