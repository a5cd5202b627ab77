"""What ends a backup or a restore, and how a person is told."""

import errno
import sqlite3
from typing import Final

import psycopg
from django.db import Error

from lantai.lib.ocfl.faults import Unreachable
from lantai.ops.backups.manifest import Unfit

# Beside refusals, which the command line tells as it does everywhere.
FAILURES: Final = (Unfit, Unreachable, OSError, Error, sqlite3.Error, psycopg.Error)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_SAID_OF_FULL: Final = ("database or disk is full", "No space left on device")


def said_of(failure: BaseException, *, doing: str = "备份") -> str:
    """Why it failed, and what to do."""
    told = str(failure).strip()
    where = getattr(failure, "filename", None) or "数据目录或备份目标所在的磁盘"
    if getattr(failure, "errno", None) in _FULL or any(words in told for words in _SAID_OF_FULL):
        return f"磁盘已满（{where}），没有{doing}成；请清理或换更大的盘后重试"
    if not isinstance(failure, OSError):
        return told
    return f"{where}：{failure.strerror}，没有{doing}成；请检查后重试"
