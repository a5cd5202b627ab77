"""Leave to look, and every look."""

from django.db import models
from django.db.models import F, Q

from lantai.access.rules import PURPOSE_LABELS, Purpose
from lantai.db import AppendOnly, Uid, both_or_neither
from lantai.dossiers.models import Dossier, Material, Page
from lantai.identity.models import User


class Grant(models.Model):
    """Leave for one person to open one dossier, or named materials of it, for one purpose."""

    uid = Uid()
    user = models.ForeignKey(User, models.PROTECT, related_name="grants")
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="grants")
    materials = models.ManyToManyField(Material, blank=True, related_name="grants")
    purpose = models.CharField(
        "用途", max_length=24, choices=[(p.value, PURPOSE_LABELS[p]) for p in Purpose]
    )
    case = models.CharField("业务标识", max_length=16, blank=True)
    reason = models.CharField("事由", max_length=120)
    opens_at = models.DateTimeField("生效时间")
    closes_at = models.DateTimeField("到期时间")
    given_by = models.CharField("授权人", max_length=60)
    given_at = models.DateTimeField("授权时间")
    revoked_by = models.CharField("收回人", max_length=60, null=True)  # noqa: DJ001 -- pairs with revoked_at
    revoked_at = models.DateTimeField("收回时间", null=True)

    class Meta:
        constraints = [
            both_or_neither("grant", "revoked_at", "revoked_by"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")), name="grant_closes_after_it_opens"
            ),
        ]

    def __str__(self) -> str:
        return self.uid


class Opening(AppendOnly):
    """One look: who opened which page, when, for what, from where."""

    uid = Uid()
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="openings")
    # Without a page it is the strip of thumbnails of the whole dossier.
    page = models.ForeignKey(Page, models.PROTECT, null=True, related_name="openings")
    by = models.ForeignKey(User, models.PROTECT, related_name="openings")
    at = models.DateTimeField("调阅时间")
    address = models.CharField("终端", max_length=45, blank=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="opening_by_time")]

    def __str__(self) -> str:
        return self.uid


class RefusedAttempt(AppendOnly):
    """An attempt that was refused: what was asked, and every reason it was not given."""

    by = models.CharField("人员", max_length=60)
    what = models.CharField("操作", max_length=120)
    reasons = models.TextField("理由")
    at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return f"{self.by} {self.what}"
