"""The names of a backup's files, and of what is entered in the log about backups."""

from typing import Final

DATABASE: Final = "database.sealed"
LOG: Final = "log.tar"
KEYS: Final = "keys"
OTHERS: Final = "others"
POSITION: Final = "position.jsonl"
INCOMING: Final = "incoming.jsonl"

MADE: Final = "ops.backup.made"
FAILED: Final = "ops.backup.failed"
DRILLED: Final = "ops.backup.drilled"
RESTORED: Final = "ops.backup.restored"
