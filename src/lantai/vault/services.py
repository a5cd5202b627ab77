"""Keep bytes. Storing is open to all above; reading is not (``vault.queries``)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from lantai.ledger import services as ledger
from lantai.vault import files
from lantai.vault.models import Blob


@transaction.atomic
def store(*, content: bytes, media_type: str, by: str, at: datetime) -> Blob:
    """Keep a master byte for byte and return its row; storing the same bytes again is harmless.

    The file is durable before the row commits: a crash between the two leaves a file without a
    row, which ``fsck`` reports and the next storing of the same bytes takes up. The caller's
    ledger entry names the digest; storing by itself is not an act of anyone.

    Raises files.Damaged if something else stands in the master's place; nothing is overwritten.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    known: Blob | None = Blob.objects.filter(sha256=sha256).first()
    if known and files.master_path(settings.LANTAI_HOME, sha256).exists():
        return known
    files.write_master(settings.LANTAI_HOME, sha256, content)
    if known:
        return known
    # Two writers may come with the same bytes; the second takes the first one's row.
    kept: Blob
    kept, _ = Blob.objects.get_or_create(
        sha256=sha256,
        defaults={
            "sm3": hashlib.new("sm3", content).hexdigest(),
            "size": len(content),
            "media_type": media_type,
            "stored_at": at,
            "stored_by": by,
        },
    )
    return kept


def keep_derivative(*, sha256: str, kind: str, content: bytes) -> None:
    """Keep what was made from a master for showing. It can always be made again."""
    files.write_derivative(settings.LANTAI_HOME, sha256, kind, content)


@dataclass(frozen=True)
class Repaired:
    """What a repair did: paths below the data directory."""

    swept: tuple[str, ...]
    made_read_only: tuple[str, ...]


@transaction.atomic
def repair(*, by: str, at: datetime) -> Repaired:
    """Sweep what stopped writers left, and make every master read-only again; record it if any.

    Neither a master nor a file of unknown origin is removed, and no content is changed.
    """
    home = settings.LANTAI_HOME
    swept, reset = [], []
    for path in list(files.leftovers(home)):
        path.unlink(missing_ok=True)
        swept.append(str(path.relative_to(home)))
    for path in files.masters(home):
        if path.stat().st_mode & 0o777 != files.MASTER_MODE:
            path.chmod(files.MASTER_MODE)
            reset.append(str(path.relative_to(home)))
    if swept or reset:
        ledger.record(
            at=at,
            action="vault.store.repaired",
            actor=by,
            subject="store:masters",
            facts={"swept": swept, "made_read_only": reset},
        )
    return Repaired(tuple(swept), tuple(reset))
