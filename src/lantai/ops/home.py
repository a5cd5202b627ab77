"""The data directory made ready: settings read, tables in place."""

import os
from datetime import datetime
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from lantai.ops.command import WrongUse


def ready(*, migrate: bool = True) -> Path:
    """Set Django up for LANTAI_HOME, bring its tables up to date, and return the directory.

    Raises WrongUse where a setting cannot be worked by.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lantai.settings")
    try:
        django.setup()
    except ImproperlyConfigured as unusable:
        raise WrongUse(str(unusable)) from unusable
    home: Path = settings.LANTAI_HOME
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if migrate:
        call_command("migrate", verbosity=0, interactive=False)
    return home


def holds_records() -> bool:
    """Tell whether the data directory has been used before."""
    return "identity_user" in connection.introspection.table_names() and _any_body()


def clock() -> datetime:
    """The moment it is; the command line is one of the three places that may ask."""
    from django.utils import timezone  # noqa: PLC0415 -- only once Django is set up

    return timezone.now()


def _any_body() -> bool:
    from lantai.identity.queries import bodies  # noqa: PLC0415 -- models load after set-up

    return bodies().exists()
