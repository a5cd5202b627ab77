"""Which versions of a dossier are kept as packages."""

from django.db import models

from lantai.db import AppendOnly
from lantai.dossiers.models import Dossier


class Kept(AppendOnly):
    """One version of a dossier's package that was acknowledged: on disk, and whole."""

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="kept")
    version = models.PositiveIntegerField("版本")
    inventory_sha512 = models.CharField("清单摘要", max_length=128)
    at = models.DateTimeField("归档时间")
    by = models.CharField("归档人", max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dossier", "version"], name="kept_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.dossier} v{self.version}"
