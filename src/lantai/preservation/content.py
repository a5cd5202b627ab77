"""What a package says of its dossier, in words a later reader needs nothing of ours for.

``catalogue.json``  person, dossier, bodies, materials, pages with their digests, custody
``events.json``     the dossier's entries of the log: leaf, salt and content
``images/``         each master as it was taken in, named <class>-<sequence>-<page>
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier, Page
from lantai.identity.models import Body
from lantai.ledger import queries as ledger
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.lib import canonical
from lantai.lib.catalogue import ScanName

FORMAT: Final = "lantai-dossier-1"
CATALOGUE: Final = "catalogue.json"
EVENTS: Final = "events.json"
OWN_ACTION: Final = "preservation.dossier.kept"
_ENDINGS: Final = {"image/jpeg": "jpg", "image/tiff": "tif", "image/png": "png"}

PERSON: Final = ("uid", "name", "sex", "ethnic", "id_number")
BODY: Final = ("code", "name", "kind")
DOSSIER: Final = (
    "uid",
    "number",
    "state",
    "employer",
    "paper_sides",
    "entered_at",
    "entered_by",
)
MATERIAL: Final = (
    "uid",
    "class_code",
    "sequence",
    "title",
    "formed",
    "formed_text",
    "page_count",
    "remark",
)
PAGE: Final = (
    "uid",
    "number",
    "width",
    "height",
    "dpi",
    "scanned_by",
    "scanned_at",
    "device",
    "norm",
    "batch",
)
BLOB: Final = ("sha256", "sm3", "size", "media_type", "stored_at", "stored_by")
CUSTODY: Final = ("way", "purpose", "sides", "by", "to", "at")
_MOMENTS: Final = frozenset({"entered_at", "scanned_at", "stored_at", "at"})


@dataclass(frozen=True)
class Described:
    """A dossier in words, and the master each image has to be."""

    catalogue: bytes
    events: bytes
    images: Mapping[str, str]  # path in the package → sha256


def describe(dossier: Dossier) -> Described:
    """Put a dossier into words. Call it in a transaction, so that all is of one moment."""
    materials = dossiers.materials_of(dossier=dossier)
    pages: dict[int, list[dict[str, Any]]] = {material.pk: [] for material in materials}
    images = {}
    for page in dossiers.pages_of(dossier=dossier):
        path = image_path(page)
        images[path] = page.blob.sha256
        pages[page.material_id].append(
            {**words(page, PAGE), "image": path, "master": words(page.blob, BLOB)}
        )
    catalogue = {
        "format": FORMAT,
        "bodies": _bodies(dossier.body),
        "person": words(dossier.person, PERSON),
        "dossier": words(dossier, DOSSIER),
        "materials": [
            {**words(material, MATERIAL), "pages": pages[material.pk]} for material in materials
        ],
        "custody": [words(custody, CUSTODY) for custody in dossier.custody.order_by("at", "pk")],
    }
    entries = ledger.entries(stream="records", subject=f"dossier:{dossier.uid}")
    events = [_event(entry) for entry in entries.exclude(action=OWN_ACTION).order_by("index")]
    return Described(canonical.dumps(catalogue), canonical.dumps(events), images)


def image_path(page: Page) -> str:
    """Where a page's master stands in the package."""
    material = page.material
    name = ScanName(material.class_code, material.sequence, page.number)
    return f"images/{name}.{_ENDINGS.get(page.blob.media_type, 'bin')}"


def words(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Some columns of a row; moments to the microsecond in UTC."""
    held = {name: getattr(row, name) for name in names}
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in held.items()
    }


def columns(said: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The columns again; the reverse of ``words``. Raises KeyError, ValueError."""
    return {
        name: datetime.fromisoformat(said[name]) if name in _MOMENTS else said[name]
        for name in names
    }


def images_of(catalogue: bytes) -> dict[str, str]:
    """The master each image of a package has to be, as its catalogue says."""
    return {
        page["image"]: page["master"]["sha256"]
        for material in canonical.loads(catalogue)["materials"]
        for page in material["pages"]
    }


def merged(older: bytes, newer: bytes) -> bytes:
    """The events a package had, as the log has them now, and behind them those it had not.

    What the log does not know any more, such as after a rebuild, stays as it was.
    """
    now = {event["leaf"]: event for event in canonical.loads(newer)}
    events = [now.pop(event["leaf"], event) for event in canonical.loads(older)]
    return canonical.dumps([*events, *now.values()])


def _bodies(body: Body) -> list[dict[str, Any]]:
    """The body that holds a dossier, after those above it."""
    said = {**words(body, BODY), "parent": body.parent.code if body.parent else None}
    return [*(_bodies(body.parent) if body.parent else ()), said]


def _event(entry: Entry) -> dict[str, Any]:
    try:
        opening = entry.opening
    except OpeningDestroyed:
        salt = content = None
    else:
        salt, content = _base64(opening.salt), opening.content
    return {
        **words(entry, ("index", "at", "action", "actor", "subject")),
        "leaf": _base64(entry.leaf),
        "salt": salt,
        "content": content,
    }


def _base64(held: bytes | memoryview) -> str:
    return base64.b64encode(bytes(held)).decode()
