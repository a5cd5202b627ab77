"""Where a page comes from: the batch that brought it, what the checks found on its scan."""

from dataclasses import dataclass

from lantai.dossiers.models import Page
from lantai.imaging.models import Batch, Finding, Scan


@dataclass(frozen=True)
class Origin:
    """``scan`` is None for a page that no batch brought, such as an approval form."""

    batch: Batch | None
    scan: Scan | None
    findings: tuple[Finding, ...]


def origin_of(*, page: Page) -> Origin:
    """The batch, the scan and the findings on it, the worst first."""
    batch = Batch.objects.select_related("accepted_by", "operator").filter(uid=page.batch).first()
    if batch is None:
        return Origin(None, None, ())
    scan = (
        Scan.objects.filter(item__batch=batch, item__dossier=page.material.dossier, blob=page.blob)
        .select_related("scanned_by", "item__counted_by")
        .order_by("-pk")
        .first()
    )
    if scan is None:
        return Origin(batch, None, ())
    found = scan.findings.select_related("judged_by").order_by("-blocks", "code", "pk")
    return Origin(batch, scan, tuple(found))
