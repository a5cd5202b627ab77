"""Every test has a data directory of its own.

Django's settings are read before this file: what they touch is the session key in LANTAI_HOME,
which the Makefile points to ``var/test-home``. From here on each test has its own directory, and
processes that tests start inherit a throw-away one.
"""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_HOME = tempfile.TemporaryDirectory(prefix="lantai-test-")
os.environ["LANTAI_HOME"] = _HOME.name
os.environ.setdefault("LANTAI_SECRET", "only-for-tests-0123456789-0123456789-0123456789")
os.environ.setdefault("LANTAI_DEBUG", "0")

settings.register_profile(
    "quick",
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # twelve o'clock in the office


@pytest.fixture(autouse=True)
def quick_passwords(settings: object) -> None:
    """Hash passwords fast: the strength of the hash is Django's to test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def home(settings: object, tmp_path: Path) -> Path:
    """Give every test a data directory of its own."""
    fresh = tmp_path / "home"
    fresh.mkdir()
    settings.LANTAI_HOME = fresh  # type: ignore[attr-defined]
    settings.CACHES = {  # type: ignore[attr-defined]
        "default": {**settings.CACHES["default"], "LOCATION": fresh / "cache"}  # type: ignore[attr-defined]
    }
    settings.STATICFILES_DIRS = []  # type: ignore[attr-defined]
    return fresh


@pytest.fixture
def noon() -> datetime:
    return NOON
