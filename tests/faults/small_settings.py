"""Settings of a process under test: the ledger and the vault need nothing of what stands above."""

import json
import os
from pathlib import Path

LANTAI_HOME = Path(os.environ["KILLED_HOME"])
LANTAI_ORG = "yuntai"
LANTAI_ORIGIN = "lantai.example/yuntai"
INSTALLED_APPS = ["lantai.ledger", "lantai.vault"]
DATABASES = {"default": json.loads(os.environ["KILLED_DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIGRATION_MODULES = {"ledger": None, "vault": None}
USE_TZ = True
