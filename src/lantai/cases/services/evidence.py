"""The second review freezes what the approver will decide on; later it may be taken out."""

import hashlib
from datetime import datetime

from django.db import transaction

from lantai.cases import queries
from lantai.cases.models import Evidence
from lantai.cases.rules.workflow import Verb
from lantai.cases.services.acts import close_leave, hold, refuse_for, step, subject
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.lib import canonical
from lantai.lib.refusals import Conflict


@transaction.atomic
def confirm(*, case_uid: str, opinion: str, by: User, at: datetime) -> Evidence:
    """Confirm a review and freeze its evidence: all or nothing, in one transaction.

    The images are put to the test of the four natures first. A damaged master raises
    ``vault.queries.Damaged``, which is an incident, and nothing is frozen.
    """
    case = hold(case_uid=case_uid, acts=(Act.CONFIRM_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_confirm(case=case, user=by, at=at, reason=opinion))
    tested = queries.four_natures(dossier=case.dossier)
    refuse_for(queries.vetoes(tested))
    if case.raised_at is None:
        case.route = queries.assessment(case=case).route.route
        case.save(update_fields=["route"])
    moved = step(case, verb=Verb.CONFIRM, opinion=opinion.strip(), by=by, at=at)
    close_leave(case, reason="复核已通过", by=by, at=at)
    version = case.evidence.count() + 1
    frozen = queries.statement(case=case, version=version, tested=tested, at=at)
    text = queries.frozen_text(frozen)
    sha256, sm3 = queries.digests(text)
    entry = ledger.record(
        at=at,
        action=queries.FIXED,
        actor=by.username,
        subject=subject(case),
        facts={
            "version": version,
            "statement_sha256": sha256,
            "statement_sm3": sm3,
            "pages": len(frozen["pages"]),
            "policy": case.policy_version,
            "route": case.route,
            "natures": {nature.code: nature.result for nature in tested},
            **queries.step_row(moved),
        },
    )
    return Evidence.objects.create(
        case=case,
        version=version,
        manifest=queries.frozen_text(frozen["pages"]),
        statement=text,
        sha256=sha256,
        sm3=sm3,
        entry=entry.index,
        by=by,
        at=at,
    )


@transaction.atomic
def export_evidence(
    *, case_uid: str, reason: str, by: User, at: datetime, address: str = ""
) -> bytes:
    """Return the frozen evidence as one file, for a petition or a court; why is on record.

    It holds the image of every frozen page and needs no leave to look, so each page stands in the
    entry. Raises what ``queries.bundle`` raises; nothing is recorded then, as nothing goes out.
    """
    case = hold(case_uid=case_uid, acts=(Act.EXPORT_EVIDENCE,), by=by, at=at)
    refuse_for(queries.objections_to_export_evidence(case=case, user=by, at=at, reason=reason))
    evidence = queries.evidence_of(case=case)
    if evidence is None:
        raise Conflict("本业务尚未固定影像证据，请在复核通过后再导出")
    content = queries.bundle(case=case)
    ledger.record(
        at=at,
        action=queries.EXPORTED,
        actor=by.username,
        subject=subject(case),
        facts={
            "version": evidence.version,
            "evidence_sha256": evidence.sha256,
            "bundle_sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "pages": [page["page"] for page in canonical.loads(evidence.manifest.encode())],
            "reason": reason.strip(),
            "address": address,
        },
        stream="access",
    )
    return content
