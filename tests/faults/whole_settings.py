"""Settings of a process under test that needs the whole program."""

import json
import os
from pathlib import Path

from lantai.settings import *  # noqa: F403 -- all but what follows

LANTAI_HOME = Path(os.environ["KILLED_HOME"])
DATABASES = {"default": json.loads(os.environ["KILLED_DATABASE"])}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


class _NoMigrations(dict[str, None]):
    def __contains__(self, app: object) -> bool:
        return True

    def __missing__(self, app: str) -> None:
        return None


MIGRATION_MODULES = _NoMigrations()
