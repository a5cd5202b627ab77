"""The finished case goes back into the dossier."""

import io
from datetime import datetime
from typing import Final

from django.db import transaction
from PIL import Image

from lantai.cases import queries
from lantai.cases.models import Case, Decision, Filing
from lantai.cases.rules.workflow import Verb
from lantai.cases.services.acts import close_leave, hold, refuse_for, step, subject
from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Material
from lantai.dossiers.services import NewMaterial, NewPage
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.lib import paper
from lantai.lib.dates import PartialDate
from lantai.lib.imagery import examine, profile
from lantai.lib.refusals import Conflict
from lantai.vault import services as vault

FORM_CLASS: Final = "9-2"
FORM_TITLE: Final = "退休审批表"
FORM_DPI: Final = 300
DEVICE: Final = "系统生成"


@transaction.atomic
def file_case(*, case_uid: str, by: User, at: datetime) -> Material:
    """File the approval form as a material of the dossier and close the case.

    An approved person's dossier passes into keeping as a retired person's. All leave given for
    the case is taken back.
    """
    case = hold(case_uid=case_uid, acts=(Act.FILE_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_file_case(case=case, user=by, at=at))
    decision = queries.decision_of(case=case)
    if decision is None or decision.outcome == Decision.Outcome.RETURN:
        raise Conflict("本业务还没有最终决定，不能归档；请先完成审批")
    day = identity.office_day(at)
    material = dossiers.add_material(
        dossier=case.dossier,
        material=NewMaterial(
            class_code=FORM_CLASS,
            sequence=dossiers.next_sequence(dossier=case.dossier, class_code=FORM_CLASS),
            title=FORM_TITLE,
            formed=PartialDate(day.year, day.month, day.day),
            formed_text="",
            remark=f"业务 {case.number}",
            pages=_pages(case, by=by, at=at),
        ),
        by=by.username,
        at=at,
    )
    if decision.outcome == Decision.Outcome.APPROVE:
        dossiers.retire(dossier=case.dossier, case=case.uid, by=by.username, at=at)
    filing = Filing.objects.create(case=case, decision=decision, material=material, by=by, at=at)
    case.closed_at = at
    case.save(update_fields=["closed_at"])
    moved = step(case, verb=Verb.FILE, opinion="", by=by, at=at)
    close_leave(case, reason="业务已归档", by=by, at=at)
    ledger.record(
        at=at,
        action="cases.case.filed",
        actor=by.username,
        subject=subject(case),
        facts={
            "decision": decision.uid,
            "material": filing.material.uid,
            **queries.step_row(moved),
        },
    )
    return material


def _pages(case: Case, *, by: User, at: datetime) -> list[NewPage]:
    """Set the form, keep its pages as masters and make what the viewer shows of them."""
    norm = profile.load()
    pages = []
    for picture in paper.render(
        "approval", queries.approval_form(case=case), kind="png", dpi=FORM_DPI
    ):
        content = _as_jpeg(picture)
        blob = vault.store(content=content, media_type="image/jpeg", by=by.username, at=at)
        seen = examine.examine(content, name=f"{case.number}.jpg", profile=norm)
        vault.keep_derivative(sha256=blob.sha256, kind="thumbnail.jpg", content=seen.thumbnail)
        vault.keep_derivative(sha256=blob.sha256, kind="tiles.pack", content=seen.pack)
        pages.append(
            NewPage(
                blob=blob,
                width=seen.width,
                height=seen.height,
                dpi=seen.dpi,
                scanned_by=by.username,
                scanned_at=at,
                device=DEVICE,
                norm=norm.version,
                batch="",
            )
        )
    return pages


def _as_jpeg(picture: bytes) -> bytes:
    """A PNG page as the JPEG a dossier holds, at the resolution it was set for."""
    made = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as opened:
        opened.convert("RGB").save(
            made, "JPEG", quality=92, subsampling=0, dpi=(FORM_DPI, FORM_DPI)
        )
    return made.getvalue()
