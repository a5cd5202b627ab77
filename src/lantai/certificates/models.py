"""Certificates drawn from dossiers: numbered, checkable by anyone who holds one, revocable."""

from django.db import models
from django.db.models import Q

from lantai.cases.models import Case
from lantai.certificates.rules import KIND_LABELS, Kind
from lantai.db import Uid, both_or_neither
from lantai.dossiers.models import Dossier
from lantai.identity.models import Body, User
from lantai.vault.models import Blob


class Certificate(models.Model):
    """One certificate as issued. Only its revocation is ever added to it."""

    uid = Uid()
    number = models.CharField("证明编号", max_length=40, unique=True)
    code = models.CharField("核验码", max_length=19, unique=True)
    kind = models.CharField(
        "种类", max_length=12, choices=[(kind.value, KIND_LABELS[kind]) for kind in Kind]
    )
    body = models.ForeignKey(Body, models.PROTECT, related_name="certificates")
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="certificates")
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="certificates")
    purpose = models.CharField("用途", max_length=60)
    # What stands on the paper, as canonical JSON; its digest is printed and logged.
    face = models.TextField("证明内容")
    digest = models.CharField("内容摘要", max_length=64)
    paper = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="certificates_issued")
    issued_at = models.DateTimeField("出具时间")
    valid_until = models.DateField("有效期至")
    revoked_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="certificates_revoked"
    )
    revoked_at = models.DateTimeField("撤销时间", null=True)
    revoke_reason = models.CharField("撤销理由", max_length=120, blank=True)

    class Meta:
        constraints = [
            both_or_neither("certificate", "revoked_at", "revoked_by"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | ~Q(revoke_reason=""),
                name="certificate_revoked_with_reason",
            ),
        ]
        indexes = [models.Index(fields=["body", "issued_at"], name="certificate_by_time")]

    def __str__(self) -> str:
        return self.number
