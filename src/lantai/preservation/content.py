"""What a package says of its dossier, in words a later reader needs nothing of ours for.

``catalogue.json``    person, dossier, bodies, materials, pages with their digests, custody
``production.json``   how the pages were scanned, what the checks found, what was judged
``events.json``       the dossier's entries of the log, with proofs
``derivatives.json``  what is shown of each page, and how it is made from its master
``images/``           each master as it was taken in, named <class>-<sequence>-<page>

Secret material stands in a package of its own, in a store of its own under keys of its own: its
catalogue has the secret materials only, and whatever names them is told there and not here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier, Material, Page, Secrecy
from lantai.identity.models import Body
from lantai.ledger.models import Entry
from lantai.lib import canonical
from lantai.lib.catalogue import ScanName
from lantai.preservation import derivatives, events, production
from lantai.preservation.models import Watched
from lantai.preservation.wording import words

FORMAT: Final = "lantai-dossier-1"
CATALOGUE: Final = "catalogue.json"
OWN_ACTION: Final = "preservation.dossier.kept"
IMAGES: Final = "images/"
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
SECRECY: Final = (
    "uid",
    "reason",
    "marked_by",
    "marked_at",
    "lift_reason",
    "lifted_by",
    "lifted_at",
)
_SECRET_LINE: Final = ("uid", "class_code", "sequence")


@dataclass(frozen=True)
class Described:
    """What one package of a dossier has to say, and the master each of its images has to be.

    ``entries`` of the log are told in it, those that name one of ``withheld`` without content.
    """

    catalogue: bytes
    production: bytes
    images: Mapping[str, str]  # path in the package → sha256
    entries: Sequence[Entry]
    withheld: tuple[str, ...]

    @property
    def derivatives(self) -> bytes:
        return derivatives.stated(self.images)


def describe(dossier: Dossier) -> dict[Watched, Described]:
    """Put a dossier into words, in a number of queries that does not grow with it.

    One description a package, that of secret material first, which has all that ever was secret:
    so what leaves one package stands in the other before. Call it in a transaction, so that all
    is of one moment.
    """
    materials = dossiers.materials_of(dossier=dossier)
    pages = dossiers.pages_of(dossier=dossier)
    secrecy = list(Secrecy.objects.filter(material__dossier=dossier).order_by("pk"))
    ever = {row.material_id for row in secrecy}
    secret = {row.material_id for row in secrecy if row.lifted_at is None}
    entries = events.entries_of(dossier)
    open_pages = [page for page in pages if page.material_id not in secret]
    shut = _apart(dossier, materials, pages, of=secret)
    whole = Described(
        catalogue=canonical.dumps(
            {
                **_whose(dossier),
                "dossier": words(dossier, DOSSIER),
                "materials": _materials(materials, pages, secrecy, apart=secret),
                "custody": [
                    words(custody, CUSTODY) for custody in dossier.custody.order_by("at", "pk")
                ],
            }
        ),
        production=production.stated(dossier, open_pages, without=shut.scans),
        images=_images(open_pages),
        entries=entries,
        withheld=shut.names,
    )
    if not ever:
        return {Watched.STORE: whole}
    apart_pages = [page for page in pages if page.material_id in ever]
    lines = [material for material in materials if material.pk in ever]
    told = _apart(dossier, materials, pages, of=ever)
    apart = Described(
        catalogue=canonical.dumps(
            {
                **_whose(dossier),
                "dossier": words(dossier, ("uid", "number")),
                "materials": _materials(lines, apart_pages, secrecy, apart=set()),
            }
        ),
        production=production.stated(dossier, apart_pages, only=told.scans),
        images=_images(apart_pages),
        entries=[entry for entry in entries if events.names_any(entry, told.names)],
        withheld=(),
    )
    return {Watched.SECRET: apart, Watched.STORE: whole}


@dataclass(frozen=True)
class _Apart:
    """What belongs to materials: their scans, and what the log and a package call all that."""

    scans: frozenset[int]
    names: tuple[str, ...]


def _apart(
    dossier: Dossier, materials: Sequence[Material], pages: Sequence[Page], *, of: set[int]
) -> _Apart:
    if not of:
        return _Apart(frozenset(), ())
    own = [material for material in materials if material.pk in of]
    theirs = [page for page in pages if page.material_id in of]
    scans = production.scans_of(dossier, own)
    names = (
        *(material.uid for material in own),
        *(page.uid for page in theirs),
        *{page.blob.sha256 for page in theirs},
        *scans.values(),
    )
    return _Apart(frozenset(scans), names)


def image_path(page: Page) -> str:
    """Where a page's master stands in the package."""
    material = page.material
    name = ScanName(material.class_code, material.sequence, page.number)
    return f"{IMAGES}{name}.{_ENDINGS.get(page.blob.media_type, 'bin')}"


def images_of(catalogue: bytes) -> dict[str, str]:
    """The master each image of a package has to be, as its catalogue says."""
    return {
        page["image"]: page["master"]["sha256"]
        for material in canonical.loads(catalogue)["materials"]
        for page in material.get("pages", ())
    }


def _whose(dossier: Dossier) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "bodies": _bodies(dossier.body),
        "person": words(dossier.person, PERSON),
    }


def _materials(
    materials: Iterable[Material],
    pages: Iterable[Page],
    secrecy: Iterable[Secrecy],
    *,
    apart: set[int],
) -> list[dict[str, Any]]:
    """The lines of a catalogue; of those kept apart only that they are, and their place."""
    under: dict[int, list[dict[str, Any]]] = {}
    for page in pages:
        said = {
            **words(page, PAGE),
            "image": image_path(page),
            "master": words(page.blob, BLOB),
        }
        under.setdefault(page.material_id, []).append(said)
    marks: dict[int, list[dict[str, Any]]] = {}
    for row in secrecy:
        marks.setdefault(row.material_id, []).append(words(row, SECRECY))
    return [
        {**words(material, _SECRET_LINE), "secret": True}
        if material.pk in apart
        else {
            **words(material, MATERIAL),
            "pages": under.get(material.pk, []),
            "secrecy": marks.get(material.pk, []),
        }
        for material in materials
    ]


def _images(pages: Iterable[Page]) -> dict[str, str]:
    return {image_path(page): page.blob.sha256 for page in pages}


def _bodies(body: Body) -> list[dict[str, Any]]:
    """The body that holds a dossier, after those above it."""
    said = {**words(body, BODY), "parent": body.parent.code if body.parent else None}
    return [*(_bodies(body.parent) if body.parent else ()), said]
