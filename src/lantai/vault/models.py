"""What bytes there are. The vault knows digests, not meanings."""

from django.db import models

from lantai.db import AppendOnly
from lantai.vault.keys import Ring


class Blob(AppendOnly):
    """One file kept byte for byte, named by its own SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    sm3 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField("字节数")
    media_type = models.CharField("媒体类型", max_length=40)
    stored_at = models.DateTimeField("入库时间")
    stored_by = models.CharField("入库人", max_length=60)

    def __str__(self) -> str:
        return self.sha256[:12]


class Placement(AppendOnly):
    """Where in the packages a master stands: read when the vault has no file of its own."""

    blob = models.ForeignKey(
        Blob, on_delete=models.PROTECT, related_name="placements", verbose_name="母本"
    )
    ring = models.CharField("密钥环", max_length=16, default=Ring.PRESERVATION.value)
    object_id = models.CharField("归档对象", max_length=60)
    content_path = models.CharField("对象内路径", max_length=200)
    at = models.DateTimeField("登记时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["object_id", "content_path", "ring"], name="placement_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.object_id}/{self.content_path}"

    @property
    def version(self) -> int:
        """The version of the package that brought the file."""
        return int(self.content_path.partition("/")[0].removeprefix("v"))


class Movement(AppendOnly):
    """A master's own file left the vault, or came back; the last one says how it stands."""

    class Way(models.TextChoices):
        RELEASED = "released", "已在归档包中，撤出影像库"
        SHREDDED = "shredded", "随档案密钥一并销毁"
        RETURNED = "returned", "重新入库"

    blob = models.ForeignKey(
        Blob, on_delete=models.PROTECT, related_name="movements", verbose_name="母本"
    )
    way = models.CharField("去留", max_length=10, choices=Way)
    by = models.CharField("经手", max_length=60)
    at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return f"{self.blob} {self.way}"
