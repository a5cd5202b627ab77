"""A database of its own for a process under test: of the kind the run uses."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql


@contextmanager
def fresh_database(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield Django's settings of an empty database: on DATABASE_URL's server, else SQLite."""
    address = os.environ.get("DATABASE_URL")
    if not address:
        yield {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(folder / "killed.db"),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "PRAGMA foreign_keys=ON;",
            },
        }
        return
    name = f"killed_{secrets.token_hex(4)}"
    parts = urlsplit(address)
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                "USER": unquote(parts.username or ""),
                "PASSWORD": unquote(parts.password or ""),
                "HOST": unquote(parts.hostname or ""),
                "PORT": str(parts.port or ""),
            }
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
