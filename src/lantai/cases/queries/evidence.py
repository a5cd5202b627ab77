"""What is frozen, and whether it still holds."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Q

from lantai.access import queries as access
from lantai.access import services as door
from lantai.cases.models import Case, Evidence
from lantai.cases.queries import lists, review, rows
from lantai.cases.queries.natures import Nature
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Page
from lantai.dossiers.rules import SECRET_TITLE
from lantai.identity.models import User
from lantai.ledger import queries as ledger
from lantai.ledger.models import Entry
from lantai.lib import bundle as bundles
from lantai.lib import canonical, idnumber
from lantai.lib.refusals import NotFound

FORMAT: Final = "lantai-evidence/1"
FIXED: Final = "cases.evidence.fixed"
EXPORTED: Final = "cases.evidence.exported"
_ENDINGS: Final = {"image/jpeg": "jpg", "image/tiff": "tif", "image/png": "png"}
_WRITTEN_ROWS: Final = ("claims", "marks", "adoptions")


def digests(text: str) -> tuple[str, str]:
    """SHA-256 and SM3 of a text, in hex."""
    content = text.encode()
    return hashlib.sha256(content).hexdigest(), hashlib.new("sm3", content).hexdigest()


def frozen_text(value: object) -> str:
    """The canonical JSON (RFC 8785) of what is frozen."""
    return canonical.dumps(value).decode()


def moment(at: datetime) -> str:
    """A moment as frozen texts give it: UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def written(*, case: Case) -> dict[str, list[dict[str, Any]]]:
    """The claims, marks and adoptions of a case that stand, each with who wrote it and when."""
    return {
        "claims": [
            {"uid": claim.uid, **rows.claim_row(claim), **_by(claim.by, claim.at)}
            for claim in lists.claims_of(case=case)
        ],
        "marks": [
            {"uid": mark.uid, **rows.mark_row(mark), **_by(mark.by, mark.at)}
            for mark in lists.marks_of(case=case)
        ],
        "adoptions": [
            {"uid": adoption.uid, **rows.adoption_row(adoption), **_by(adoption.by, adoption.at)}
            for adoption in lists.adoptions_of(case=case)
        ],
    }


def application(*, case: Case) -> dict[str, Any]:
    """What the person asked for, without the telephone number."""
    return {
        "kind": case.kind,
        "group": case.group,
        "mode": case.mode,
        "wished": case.wished,
        "paid_from": case.paid_from,
        "paid_months": case.paid_months,
        "cohort": case.cohort,
        "public_office": case.public_office,
    }


def statement(
    *, case: Case, version: int, tested: Iterable[Nature], at: datetime
) -> dict[str, Any]:
    """Everything an approver is to decide on, and how it came about."""
    dossier = case.dossier
    secret = dossiers.secret_materials(dossier=dossier)
    catalogue = [
        {
            "material": entry.uid,
            "class": entry.class_code,
            "sequence": entry.sequence,
            "title": SECRET_TITLE if entry.pk in secret else entry.title,
            "formed": entry.formed,
            "pages": entry.page_count,
        }
        for entry in dossiers.materials_of(dossier=dossier)
    ]
    head = ledger.latest_head(stream="records")
    images = dossiers.pages_of(dossier=dossier)
    return {
        "format": FORMAT,
        "case": {"uid": case.uid, "number": case.number, "version": version},
        "dossier": {
            "uid": dossier.uid,
            "number": dossier.number,
            "body": dossier.body.code,
            "body_name": dossier.body.name,
            "paper_sides": dossier.paper_sides,
        },
        "person": {
            "uid": dossier.person.uid,
            "name": dossier.person.name,
            "sex": dossier.person.sex,
            "id_masked": idnumber.mask(dossier.person.id_number),
        },
        "application": application(case=case),
        "policy": case.policy_version,
        "catalogue": catalogue,
        "catalogue_sha256": digests(frozen_text(catalogue))[0],
        "pages": dossiers.manifest(dossier=dossier),
        # Secret images do not go out with a bundle.
        "files": {
            _file_name(page): page.blob.sha256 for page in images if page.material_id not in secret
        },
        "scans": [
            {
                "page": page.uid,
                "width": page.width,
                "height": page.height,
                "dpi": page.dpi,
                "device": page.device,
                "norm": page.norm,
                "batch": page.batch,
                "by": page.scanned_by,
                "at": moment(page.scanned_at),
            }
            for page in images
        ],
        "natures": [nature.as_json() for nature in tested],
        **written(case=case),
        "assessment": review.assessment(case=case).as_json(),
        "route": {
            "route": case.route,
            "raised_by": case.raised_by.username if case.raised_by else None,
        },
        "officers": {
            seat: {"username": officer.username, "name": officer.name}
            for seat, officer in (
                ("clerk", case.clerk),
                ("first_reviewer", case.first_reviewer),
                ("second_reviewer", case.second_reviewer),
            )
            if officer is not None
        },
        "steps": [
            {**rows.step_row(step), **_by(step.by, step.at)} for step in lists.history(case=case)
        ],
        "papers": [rows.paper_row(call) for call in lists.paper_calls_of(case=case)],
        "openings": [
            {
                "page": opening.page.uid if opening.page else None,
                "purpose": opening.grant.purpose,
                **_by(opening.by, opening.at),
            }
            for opening in access.openings_of_case(case=case.uid)
        ],
        "log_head": {"size": head.size, "root": bytes(head.root).hex()} if head else None,
        "at": moment(at),
    }


def changed_pages(*, evidence: Evidence) -> tuple[str, ...]:
    """Paths of frozen pages whose image is another now, or gone. Pages added since do not count."""
    now = {page["page"]: page for page in dossiers.manifest(dossier=evidence.case.dossier)}
    return tuple(
        str(frozen["path"])
        for frozen in canonical.loads(evidence.manifest.encode())
        if _digests_of(now.get(frozen["page"])) != _digests_of(frozen)
    )


def changes_since_fixed(*, case: Case) -> tuple[str, ...]:
    """Sentences on what is no longer as it was frozen; for the approver's screen."""
    evidence = lists.evidence_of(case=case)
    if evidence is None:
        return ()
    changed = (f"第 {path} 页影像在固定之后有变化" for path in changed_pages(evidence=evidence))
    return (*changed, *faults_of(evidence=evidence))


def added_since_fixed(*, case: Case) -> int:
    """How many pages joined the dossier after the freeze; no fault, but no ground of the decision.

    The approval form that is filed at the end is always among them.
    """
    evidence = lists.evidence_of(case=case)
    if evidence is None:
        return 0
    known = {page["page"] for page in canonical.loads(evidence.manifest.encode())}
    return sum(page["page"] not in known for page in dossiers.manifest(dossier=case.dossier))


def faults_of(*, evidence: Evidence) -> tuple[str, ...]:
    """Return why the frozen evidence does not verify; none means it does.

    1. The digests are those of the statement, and the manifest is the one it holds.
    2. The log's entry names the same digests.
    3. The claims, marks, adoptions and the application are still as they were frozen.
    """
    faults = []
    if digests(evidence.statement) != (evidence.sha256, evidence.sm3):
        return ("固定内容与登记的摘要不符",)
    held = canonical.loads(evidence.statement.encode())
    if frozen_text(held["pages"]) != evidence.manifest:
        faults.append("影像清单与固定内容不符")
    entry = entry_of(evidence=evidence)
    logged = entry.facts if entry else {}
    if (logged.get("statement_sha256"), logged.get("statement_sm3")) != (
        evidence.sha256,
        evidence.sm3,
    ):
        faults.append("存证日志中没有相同摘要的固定记录")
    now = written(case=evidence.case)
    labels = {"claims": "记载", "marks": "标记", "adoptions": "采信结论"}
    faults += [f"{labels[part]}与固定时不一致" for part in _WRITTEN_ROWS if now[part] != held[part]]
    if application(case=evidence.case) != held["application"]:
        faults.append("申请内容与固定时不一致")
    return tuple(faults)


def entry_of(*, evidence: Evidence) -> Entry | None:
    """The log's entry that fixed the evidence, or None if the log has none there."""
    return (
        ledger.entries(stream="records", subject=f"case:{evidence.case.uid}", action=FIXED)
        .filter(index=evidence.entry)
        .first()
    )


def bundle(*, case: Case) -> bytes:
    """The frozen evidence with its images and proofs, to be checked by anyone without access.

    Holds the entries of the case and of the dossier's images, up to the newest. Raises NotFound
    while nothing is frozen, Conflict (NotYetSealed) while no signed head covers an entry, and
    ``vault.queries.Damaged`` for a master that is no longer what was stored.
    """
    evidence = lists.evidence_of(case=case)
    if evidence is None:
        raise NotFound("本业务尚未固定影像证据，请在复核通过后再导出")
    held = canonical.loads(evidence.statement.encode())
    pages = {_file_name(page): page for page in dossiers.pages_of(dossier=case.dossier)}
    return bundles.build(
        statement=held,
        entries=ledger.sealed_together(_entries(case)),
        files={name: door.master_for_evidence(page=pages[name]) for name in held["files"]},
    )


def exports_of(*, case: Case) -> list[Entry]:
    """What the log says of evidence of a case that left the house, the newest first."""
    return list(ledger.entries(stream="access", subject=f"case:{case.uid}", action=EXPORTED))


def _entries(case: Case) -> list[Entry]:
    """What the log says of a case, and of how the images of its dossier came in."""
    images = Q(
        subject=f"dossier:{case.dossier.uid}",
        action__in=["dossiers.dossier.entered", "dossiers.material.added"],
    )
    found = ledger.entries(stream="records").filter(Q(subject=f"case:{case.uid}") | images)
    return sorted(found, key=lambda entry: entry.index)


def _file_name(page: Page) -> str:
    """How the image of a page is called in a bundle."""
    ending = _ENDINGS.get(page.blob.media_type, "bin")
    return f"images/{page.material}-{page.number:03d}.{ending}"


def _by(officer: User, at: datetime) -> dict[str, str]:
    return {"by": officer.username, "by_name": officer.name, "at": moment(at)}


def _digests_of(page: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    return (page["path"], page["sha256"], page["sm3"], page["bytes"]) if page else None
