"""A package that holds masters, made of the writer and the seal alone."""

import hashlib
import io
from datetime import UTC, datetime

from django.conf import settings

from lantai.lib import sealing
from lantai.lib.ocfl import writer
from lantai.lib.ocfl.layout import Store
from lantai.lib.sealing import Place
from lantai.vault import keys, packages, services
from lantai.vault.models import Blob

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def stored(content: bytes) -> Blob:
    return services.store(content=content, media_type="image/jpeg", by="scanner", at=NOON)


def packed(uid: str, *contents: bytes, into: Store | None = None) -> dict[str, str]:
    """Put masters into the next version of a dossier's package: content path → SHA-256."""
    home = settings.LANTAI_HOME
    key = keys.dossier_key(home, uid, may_make=True, suite=settings.LANTAI_SEALING)
    images = {}
    with writer.writing(into or packages.store_in(home), packages.object_id(uid)) as draft:
        for number, content in enumerate(contents, 1):
            path = f"images/1-{draft.number}-{number}.jpg"
            with draft.file(path) as stream:
                sealing.seal(
                    io.BytesIO(content),
                    stream,
                    size=len(content),
                    under=key,
                    place=Place(uid, draft.number, path),
                )
            images[f"v{draft.number}/content/{path}"] = hashlib.sha256(content).hexdigest()
        draft.commit(at=NOON, message="归档", user="ops", address="urn:lantai:user:6f7073")
    return images


def placed(uid: str, *contents: bytes) -> dict[str, str]:
    images = packed(uid, *contents)
    services.place(object_id=packages.object_id(uid), images=images, at=NOON)
    return images
