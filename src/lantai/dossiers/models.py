"""What the paper is: person, dossier, material, page."""

from django.db import models
from django.db.models import Q

from lantai.db import AppendOnly, Uid, both_or_neither
from lantai.dossiers.rules import CLASS_LABELS, SECRET_TITLE, STATE_LABELS, State
from lantai.identity.models import Body
from lantai.vault.models import Blob


class Person(models.Model):
    """Whom a dossier is about. The ID number is shown masked and is never a key or a path."""

    class Sex(models.TextChoices):
        MALE = "1", "男"
        FEMALE = "2", "女"
        UNKNOWN = "0", "未知"

    uid = Uid()
    name = models.CharField("姓名", max_length=60)
    sex = models.CharField("性别", max_length=1, choices=Sex.choices, default=Sex.UNKNOWN)
    ethnic = models.CharField("民族", max_length=20, blank=True)
    id_number = models.CharField("公民身份号码", max_length=18, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.uid


class Dossier(models.Model):
    """One person's dossier, held by one body."""

    uid = Uid()
    person = models.ForeignKey(Person, models.PROTECT, related_name="dossiers")
    body = models.ForeignKey(Body, models.PROTECT, related_name="dossiers")
    number = models.CharField("档案编号", max_length=40)
    state = models.CharField(
        "状态", max_length=12, choices=[(state.value, STATE_LABELS[state]) for state in State]
    )
    employer = models.CharField("原工作单位", max_length=120, blank=True)
    paper_sides = models.PositiveIntegerField("纸质页数")
    entered_at = models.DateTimeField("入库时间")
    entered_by = models.CharField("入库人", max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["body", "number"], name="dossier_number_in_body"),
        ]

    def __str__(self) -> str:
        return self.number


class Material(models.Model):
    """One entry of the catalogue. The date stays as partial as the paper has it."""

    uid = Uid()
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="materials")
    class_code = models.CharField("类号", max_length=4, choices=list(CLASS_LABELS.items()))
    sequence = models.PositiveIntegerField("序号")
    title = models.CharField("材料名称", max_length=120)
    formed = models.CharField("材料形成时间", max_length=10, blank=True)  # 1978-12-??
    formed_text = models.CharField("形成时间原文", max_length=40, blank=True)
    page_count = models.PositiveIntegerField("页数")
    remark = models.CharField("备注", max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dossier", "class_code", "sequence"], name="material_place_in_catalogue"
            ),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="material_sequence_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.class_code}-{self.sequence}"

    @property
    def shown_title(self) -> str:
        """The title for whoever has no leave that names the material: a secret one is not told."""
        marked = any(mark.lifted_at is None for mark in self.secrecy.all())
        return SECRET_TITLE if marked else self.title


class Page(AppendOnly):
    """One written side and its master image. A page exists only from an accepted scan."""

    uid = Uid()
    material = models.ForeignKey(Material, models.PROTECT, related_name="pages")
    number = models.PositiveIntegerField("页序")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    width = models.PositiveIntegerField("宽（像素）")
    height = models.PositiveIntegerField("高（像素）")
    dpi = models.PositiveIntegerField("分辨率", null=True)
    scanned_by = models.CharField("扫描人", max_length=60)
    scanned_at = models.DateTimeField("扫描时间")
    device = models.CharField("设备", max_length=60, blank=True)
    norm = models.CharField("规范版本", max_length=40)
    batch = models.CharField("批次", max_length=16, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["material", "number"], name="page_number_in_material"),
        ]

    def __str__(self) -> str:
        return f"{self.material}-{self.number:03d}"


class Secrecy(models.Model):
    """That a material is secret: since when, by whom and why, and until when.

    Secret material is kept in a store of its own, and opened only by leave that names it.
    """

    uid = Uid()
    material = models.ForeignKey(Material, models.PROTECT, related_name="secrecy")
    reason = models.CharField("定密依据", max_length=200)
    marked_by = models.CharField("标密人", max_length=60)
    marked_at = models.DateTimeField("标密时间")
    lift_reason = models.CharField("解密依据", max_length=200, blank=True)
    lifted_by = models.CharField("解密人", max_length=60, null=True)  # noqa: DJ001 -- pairs with lifted_at
    lifted_at = models.DateTimeField("解密时间", null=True)

    class Meta:
        constraints = [
            both_or_neither("secrecy", "lifted_at", "lifted_by"),
            models.UniqueConstraint(
                fields=["material"],
                condition=Q(lifted_at__isnull=True),
                name="material_is_secret_once",
            ),
        ]

    def __str__(self) -> str:
        return self.uid


class SearchToken(models.Model):
    """A word under which a dossier is found (``lib.search``)."""

    token = models.CharField(max_length=60)
    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="search_tokens")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "dossier"], name="search_token_once"),
        ]

    def __str__(self) -> str:
        return self.token


class Custody(AppendOnly):
    """A hand-over of the paper dossier: out of the store, and back, with the counted sides."""

    class Way(models.TextChoices):
        OUT = "out", "出库"
        BACK = "back", "归还"

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="custody")
    way = models.CharField("方向", max_length=4, choices=Way.choices)
    purpose = models.CharField("用途", max_length=80)
    sides = models.PositiveIntegerField("清点页数")
    by = models.CharField("经办人", max_length=60)
    to = models.CharField("交接对方", max_length=60)
    at = models.DateTimeField("交接时间")

    def __str__(self) -> str:
        return f"{self.dossier} {self.way} {self.at:%Y-%m-%d}"
