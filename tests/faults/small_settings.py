"""Settings of a process under test: the ledger and the vault need nothing of what stands above."""

import json
import os
from pathlib import Path

from lantai.lib.sealing import Suite
from lantai.lib.tlog.suite import SUITES

LANTAI_HOME = Path(os.environ["KILLED_HOME"])
LANTAI_ORG = "yuntai"
LANTAI_ORIGIN = "lantai.example/yuntai"
LANTAI_SUITES = SUITES
LANTAI_POLICY = None
LANTAI_STORE = LANTAI_COPY = LANTAI_SECRET_STORE = LANTAI_SECRET_COPY = ""
LANTAI_SEALING = Suite.AES
INSTALLED_APPS = ["lantai.ledger", "lantai.vault"]
DATABASES = {"default": json.loads(os.environ["KILLED_DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIGRATION_MODULES = {"ledger": None, "vault": None}
USE_TZ = True
