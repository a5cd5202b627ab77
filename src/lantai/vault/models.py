"""What bytes there are. The vault knows digests, not meanings."""

from django.db import models

from lantai.db import AppendOnly


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
