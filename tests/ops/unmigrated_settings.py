"""The program's own settings with its tables made from the models as they are."""

from lantai.ops.backups import sealed
from lantai.settings import *  # noqa: F403

sealed._N = 2  # how long a guess at a passphrase takes is held by a test of its own


class _None(dict[str, None]):
    def __contains__(self, app: object) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


MIGRATION_MODULES = _None()
