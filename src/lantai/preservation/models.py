"""Which versions of a dossier are kept as packages, which have a second copy; what was damaged."""

from django.db import models
from django.db.models import Q

from lantai.db import AppendOnly, Uid, both_or_neither
from lantai.dossiers.models import Dossier
from lantai.identity.models import User


class Watched(models.TextChoices):
    """The places whose bytes the patrol reads."""

    STORE = "store", "保存库"
    COPY = "copy", "第二副本"
    SECRET = "secret", "涉密库"
    SECRET_COPY = "secret-copy", "涉密库第二副本"
    VAULT = "vault", "影像库"


class Kept(AppendOnly):
    """One version of a dossier's package that was acknowledged: on disk, and whole.

    ``store`` tells in which of the two stores: secret material has packages of its own.
    """

    store = models.CharField("所在", max_length=12, choices=Watched, default=Watched.STORE)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="kept")
    version = models.PositiveIntegerField("版本")
    inventory_sha512 = models.CharField("清单摘要", max_length=128)
    at = models.DateTimeField("归档时间")
    by = models.CharField("归档人", max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "dossier", "version"], name="kept_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dossier} v{self.version}"


class Copied(AppendOnly):
    """One kept version that the second copy has: on its disk, and compared with the first."""

    kept = models.ForeignKey(Kept, models.PROTECT, related_name="copied")
    address = models.CharField("副本所在", max_length=255)
    inventory_sha512 = models.CharField("清单摘要", max_length=128)
    at = models.DateTimeField("复制时间")
    by = models.CharField("复制人", max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kept", "address"], name="copied_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kept} @ {self.address}"


class Patrolled(models.Model):
    """When the bytes of one thing were last known to be whole: where the patrol goes on from.

    ``name`` is a dossier's uid, or a master's digest in the vault. ``seen_at`` begins as the
    moment the bytes were written and compared; ``checks`` counts the patrol's own visits.
    """

    place = models.CharField("所在", max_length=12, choices=Watched)
    name = models.CharField("对象", max_length=64)
    seen_at = models.DateTimeField("最近核对")
    checks = models.PositiveIntegerField("核对次数", default=0)
    size = models.PositiveBigIntegerField("字节数", default=0)
    faulty = models.BooleanField("有损坏", default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["place", "name"], name="patrolled_once"),
        ]
        indexes = [
            models.Index(
                fields=["place", "seen_at", "id"], condition=Q(faulty=False), name="patrolled_whole"
            ),
            models.Index(
                fields=["place", "seen_at", "id"], condition=Q(faulty=True), name="patrolled_faulty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.name}"


class Damage(AppendOnly):
    """One file that was found damaged, missing or foreign: what, where, and when first seen."""

    place = models.CharField("所在", max_length=12, choices=Watched)
    name = models.CharField("对象", max_length=64)
    path = models.CharField("文件", max_length=400)
    code = models.CharField("代码", max_length=12)
    what = models.CharField("情形", max_length=300)
    before = models.CharField("发现时的摘要", max_length=64)
    found_at = models.DateTimeField("发现时间")
    found_by = models.CharField("发现人", max_length=60)

    class Meta:
        indexes = [models.Index(fields=["place", "name"], name="damage_of")]

    def __str__(self) -> str:
        return f"{self.place} {self.name} {self.path}"


class Mended(AppendOnly):
    """How a damage ended: put back from a good copy, or found whole again."""

    damage = models.OneToOneField(Damage, models.PROTECT, related_name="mended")
    source = models.CharField("取自", max_length=12, choices=Watched, blank=True)
    after = models.CharField("修复后的摘要", max_length=64)
    at = models.DateTimeField("修复时间")
    by = models.CharField("修复人", max_length=60)

    def __str__(self) -> str:
        return f"{self.damage}: {self.at:%Y-%m-%d}"


class KeyDestruction(models.Model):
    """That a dossier's key be destroyed: one person asks, another confirms; then it is done.

    ``destroyed_at`` is set when no key file and no image of the vault is left.
    """

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", "同意"
        DECLINED = "declined", "不同意"
        WITHDRAWN = "withdrawn", "申请人撤回"

    uid = Uid()
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="key_destructions")
    reason = models.CharField("销毁依据", max_length=200)
    images = models.PositiveIntegerField("影像页数")
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="key_destructions_asked")
    asked_at = models.DateTimeField("申请时间")
    outcome = models.CharField("审核结果", max_length=10, choices=Outcome.choices, blank=True)
    note = models.CharField("审核意见", max_length=200, blank=True)
    settled_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="key_destructions_settled"
    )
    settled_at = models.DateTimeField("审核时间", null=True)
    destroyed_at = models.DateTimeField("销毁时间", null=True)

    class Meta:
        constraints = [
            both_or_neither("key_destruction", "settled_at", "settled_by"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, outcome="")
                | Q(settled_at__isnull=False, outcome__in=["confirmed", "declined", "withdrawn"]),
                name="key_destruction_is_settled_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(destroyed_at__isnull=True) | Q(outcome="confirmed"),
                name="only_a_confirmed_key_is_destroyed",
            ),
            models.UniqueConstraint(
                fields=["dossier"],
                condition=Q(outcome__in=["", "confirmed"]),
                name="key_is_destroyed_once",
            ),
        ]

    def __str__(self) -> str:
        return self.uid
