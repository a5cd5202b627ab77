"""Paper to pages: batches, the dossiers in them, their catalogue lines, scans and findings."""

from django.db import models
from django.db.models import Q

from lantai.db import AppendOnly, Uid, both_or_neither
from lantai.dossiers.models import Dossier
from lantai.identity.models import Body, User
from lantai.imaging.rules import (
    BATCH_LABELS,
    FAULT_LABELS,
    SCAN_LABELS,
    BatchState,
    ScanState,
)
from lantai.vault.models import Blob


class Batch(models.Model):
    """What one scanner folder brought in, until it is accepted."""

    uid = Uid()
    name = models.CharField("批次名称", max_length=80)
    body = models.ForeignKey(Body, models.PROTECT, related_name="batches")
    # The folder's name in the operators' inbox, or its whole path when it stands elsewhere.
    folder = models.CharField("扫描文件夹", max_length=500)
    device = models.CharField("扫描设备", max_length=60, blank=True)
    norm = models.CharField("规范版本", max_length=40)
    state = models.CharField(
        "状态", max_length=12, choices=[(state.value, BATCH_LABELS[state]) for state in BatchState]
    )
    operator = models.ForeignKey(User, models.PROTECT, related_name="batches_scanned")
    received_at = models.DateTimeField("接收时间")
    files_total = models.PositiveIntegerField("文件数", default=0)
    files_done = models.PositiveIntegerField("已处理", default=0)
    # Whoever works through the batch; a new claim shuts the holder of the old one out.
    claim = models.CharField(max_length=16, blank=True)
    claimed_at = models.DateTimeField("处理开始", null=True)
    accepted_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="batches_accepted"
    )
    accepted_at = models.DateTimeField("验收时间", null=True)

    class Meta:
        constraints = [
            both_or_neither("batch", "accepted_at", "accepted_by"),
            models.UniqueConstraint(fields=["body", "folder"], name="batch_folder_once"),
        ]
        indexes = [models.Index(fields=["state", "received_at"], name="batch_by_state")]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """One dossier in a batch."""

    uid = Uid()
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="items")
    folder = models.CharField("文件夹", max_length=255, blank=True)
    name = models.CharField("姓名", max_length=60, blank=True)
    id_number = models.CharField("公民身份号码", max_length=40, blank=True)
    sex = models.CharField("性别", max_length=4, blank=True)
    ethnic = models.CharField("民族", max_length=20, blank=True)
    employer = models.CharField("原工作单位", max_length=120, blank=True)
    paper_sides = models.PositiveIntegerField("纸质页数", null=True)
    counted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="papers_counted")
    counted_at = models.DateTimeField("清点时间", null=True)
    catalogue = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField("核对时间", null=True)
    aside_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    aside_at = models.DateTimeField("搁置时间", null=True)
    aside_reason = models.CharField("搁置理由", max_length=120, blank=True)
    dossier = models.ForeignKey(Dossier, models.PROTECT, null=True, related_name="items")

    class Meta:
        constraints = [
            both_or_neither("item", "counted_at", "counted_by"),
            both_or_neither("item_sides", "paper_sides", "counted_at"),
            both_or_neither("item_aside", "aside_at", "aside_by"),
            models.UniqueConstraint(fields=["batch", "folder"], name="item_folder_in_batch"),
        ]

    def __str__(self) -> str:
        return self.uid


class Line(models.Model):
    """One line of the catalogue that came with the scans."""

    uid = Uid()
    item = models.ForeignKey(Item, models.PROTECT, related_name="lines")
    class_code = models.CharField("类号", max_length=4)
    sequence = models.PositiveIntegerField("序号")
    title = models.CharField("材料名称", max_length=120)
    formed = models.CharField("材料形成时间", max_length=10, blank=True)
    formed_text = models.CharField("形成时间原文", max_length=40, blank=True)
    page_count = models.PositiveIntegerField("页数")
    remark = models.CharField("备注", max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "class_code", "sequence"], name="line_place_in_catalogue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.class_code}-{self.sequence}"


class Incoming(models.Model):
    """A file the folder held when it was received, and when it was dealt with.

    ``path`` is relative to the batch's folder, as found there; ``shown`` may go on a screen and
    into the log. ``odd`` says why the file cannot be a page whatever it holds.
    """

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="incoming")
    item = models.ForeignKey(Item, models.PROTECT, null=True, related_name="incoming")
    line = models.ForeignKey(Line, models.PROTECT, null=True, related_name="incoming")
    number = models.PositiveIntegerField("页序", null=True)
    is_catalogue = models.BooleanField("目录文件", default=False)
    path = models.CharField("文件", max_length=1300)
    shown = models.CharField("文件", max_length=1300)
    odd = models.CharField("不能接收的原因", max_length=500, blank=True)
    odd_code = models.CharField("代码", max_length=8, blank=True)
    done_at = models.DateTimeField("处理时间", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "path"], name="incoming_file_in_batch"),
        ]

    def __str__(self) -> str:
        return self.shown


class Scan(models.Model):
    """One image of one written side, measured; the master is never touched."""

    open_findings: "list[Finding]"  # what ``queries.scans_of`` adds

    uid = Uid()
    item = models.ForeignKey(Item, models.PROTECT, related_name="scans")
    # Without a line and a number it waits to be given its place in the catalogue.
    line = models.ForeignKey(Line, models.PROTECT, null=True, related_name="scans")
    number = models.PositiveIntegerField("页序", null=True)
    file_name = models.CharField("文件名", max_length=255)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    width = models.PositiveIntegerField("宽")
    height = models.PositiveIntegerField("高")
    dpi = models.PositiveIntegerField("分辨率", null=True)
    colour = models.CharField("色彩", max_length=10)
    skew_degrees = models.FloatField("倾斜角度")
    turned = models.PositiveIntegerField("方向")
    blank = models.BooleanField("空白页")
    dhash = models.CharField("影像指纹", max_length=64)
    state = models.CharField(
        "状态", max_length=10, choices=[(state.value, SCAN_LABELS[state]) for state in ScanState]
    )
    scanned_by = models.ForeignKey(User, models.PROTECT, related_name="scans")
    scanned_at = models.DateTimeField("扫描时间")
    returned_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    returned_at = models.DateTimeField("退回时间", null=True)
    return_reason = models.CharField("退回理由", max_length=120, blank=True)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")

    class Meta:
        constraints = [
            both_or_neither("scan", "returned_at", "returned_by"),
            both_or_neither("scan_place", "line", "number"),
            models.UniqueConstraint(
                fields=["line", "number"],
                condition=Q(state__in=["current", "returned"]),
                name="scan_one_for_a_side",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class Finding(models.Model):
    """Something a check found. A person's verdict on it is kept.

    What comes from comparing a dossier with its catalogue is ``compared`` anew after each change
    and settled when it is true no longer; what was measured on a scan stays as measured.
    """

    class Verdict(models.TextChoices):
        OPEN = "open", "待判"
        CONFIRMED = "confirmed", "属实"
        DISMISSED = "dismissed", "不属实"
        SETTLED = "settled", "已解决"

    uid = Uid()
    item = models.ForeignKey(Item, models.PROTECT, related_name="findings")
    scan = models.ForeignKey(Scan, models.PROTECT, null=True, related_name="findings")
    # The earlier scan that shows the same sheet, where that is what was found.
    like = models.ForeignKey(Scan, models.PROTECT, null=True, related_name="+")
    code = models.CharField("代码", max_length=8)
    path = models.CharField("位置", max_length=1300, blank=True)
    sentence = models.CharField("说明", max_length=500)
    measure = models.CharField("测得", max_length=60, blank=True)
    threshold = models.CharField("限值", max_length=60, blank=True)
    x = models.PositiveIntegerField(null=True)
    y = models.PositiveIntegerField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    blocks = models.BooleanField("阻断验收")
    compared = models.BooleanField("由比对得出", default=False)
    verdict = models.CharField("判定", max_length=10, choices=Verdict.choices, default=Verdict.OPEN)
    judged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    judged_at = models.DateTimeField("判定时间", null=True)
    judgement = models.CharField("判定理由", max_length=120, blank=True)

    class Meta:
        constraints = [both_or_neither("finding", "judged_at", "judged_by")]
        indexes = [models.Index(fields=["item", "verdict"], name="finding_by_verdict")]

    def __str__(self) -> str:
        return f"{self.code} {self.path}"

    @property
    def label(self) -> str:
        """The fault in a word."""
        return FAULT_LABELS.get(self.code, self.code)


class Quarantined(AppendOnly):
    """A file that could not become a page: kept as it came, with the sentence why."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="quarantined")
    item = models.ForeignKey(Item, models.PROTECT, null=True, related_name="quarantined")
    path = models.CharField("文件", max_length=1300)
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    code = models.CharField("代码", max_length=8)
    sentence = models.CharField("原因", max_length=500)
    at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return self.path


class ScanLook(AppendOnly):
    """A look at a scan before it is a page; without a scan, at the thumbnails of the item."""

    item = models.ForeignKey(Item, models.PROTECT, related_name="looks")
    scan = models.ForeignKey(Scan, models.PROTECT, null=True, related_name="looks")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField("查看时间")

    class Meta:
        indexes = [
            models.Index(fields=["by", "scan", "at"], name="look_of_person"),
            models.Index(fields=["by", "item", "at"], name="look_at_item"),
        ]

    def __str__(self) -> str:
        return f"{self.scan_id or self.item_id} {self.by_id}"


class Handover(AppendOnly):
    """The paper of an item from hand to hand, with the sides counted by both."""

    class Way(models.TextChoices):
        TO_SHOP = "to_shop", "交付扫描"
        BACK = "back", "扫描后归还"

    item = models.ForeignKey(Item, models.PROTECT, related_name="handovers")
    way = models.CharField("方向", max_length=8, choices=Way.choices)
    sides = models.PositiveIntegerField("清点页数")
    condition = models.CharField("纸张状况", max_length=120, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    to = models.CharField("交接对方", max_length=60)
    at = models.DateTimeField("交接时间")

    def __str__(self) -> str:
        return f"{self.item} {self.way} {self.at:%Y-%m-%d}"
