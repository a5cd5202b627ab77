"""What may be known of dossiers."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Count, QuerySet

from lantai.dossiers import audit
from lantai.dossiers.audit import check_rows
from lantai.dossiers.models import Dossier, Material, Page, Secrecy
from lantai.identity import queries as identity
from lantai.identity.models import Body, User
from lantai.lib import catalogue, search

__all__ = [
    "COUNT_CAP",
    "PAGE_ROWS",
    "by_uid",
    "check_rows",
    "find",
    "in_scope",
    "is_secret",
    "known",
    "manifest",
    "materials_of",
    "next_number",
    "of_id_number",
    "pages_of",
    "secrecies",
    "secret_blobs",
    "secret_materials",
]

PAGE_ROWS = 30
COUNT_CAP = 1000


def of_id_number(*, body: Body, id_number: str) -> Dossier | None:
    """The dossier a body holds for an ID number."""
    return Dossier.objects.filter(body=body, person__id_number=id_number).first()


def next_number(*, body: Body, year: int) -> str:
    """The number a new dossier of a body takes; the caller holds the body's row."""
    series = f"{body.code.upper()}-{year}-"
    last = (
        Dossier.objects.filter(body=body, number__startswith=series)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    return f"{series}{int(last.removeprefix(series)) + 1 if last else 1:06d}"


def manifest(*, dossier: Dossier) -> list[dict[str, str | int]]:
    """Every page of a dossier in the order of the catalogue, with its digests."""
    return [audit.said_of_page(page) for page in pages_of(dossier=dossier)]


def pages_of(*, dossier: Dossier) -> list[Page]:
    """The pages of a dossier in the order of the catalogue."""
    pages = (
        Page.objects.filter(material__dossier=dossier)
        .select_related("blob", "material__dossier__person")
        .prefetch_related("material__secrecy")
    )
    return sorted(
        pages,
        key=lambda page: (
            catalogue.sort_key(page.material.class_code),
            page.material.sequence,
            page.number,
        ),
    )


def materials_of(*, dossier: Dossier) -> list[Material]:
    """The catalogue of a dossier in its order, each with the number of its images."""
    materials = dossier.materials.annotate(images=Count("pages")).prefetch_related("secrecy")
    return sorted(
        materials, key=lambda entry: (catalogue.sort_key(entry.class_code), entry.sequence)
    )


def is_secret(*, material: Material) -> bool:
    return Secrecy.objects.filter(material=material, lifted_at=None).exists()


def secret_materials(*, dossier: Dossier) -> frozenset[int]:
    """The keys of the materials of a dossier that are secret now."""
    marked = Secrecy.objects.filter(material__dossier=dossier, lifted_at=None)
    return frozenset(marked.values_list("material", flat=True))


def secret_blobs(*, sha256s: Iterable[str]) -> frozenset[str]:
    """Which of these masters are an image of secret material."""
    marked = Secrecy.objects.filter(lifted_at=None).values("material")
    pages = Page.objects.filter(blob__sha256__in=list(sha256s), material__in=marked)
    return frozenset(pages.values_list("blob__sha256", flat=True))


def secrecies(*, user: User, on: date) -> QuerySet[Secrecy]:
    """What is secret now of dossiers a person's posts reach, the newest first."""
    return (
        Secrecy.objects.filter(lifted_at=None, material__dossier__in=in_scope(user=user, on=on))
        .select_related("material__dossier__body", "material__dossier__person")
        .order_by("-marked_at", "-pk")
    )


def in_scope(*, user: User, on: date) -> QuerySet[Dossier]:
    """The dossiers a person's posts reach."""
    return Dossier.objects.filter(
        body__in=identity.bodies_in_scope(user=user, on=on)
    ).select_related("person", "body")


def find(*, text: str, user: User, on: date, state: str = "") -> QuerySet[Dossier]:
    """Dossiers in a person's reach found by name, pinyin, ID number, dossier number or material.

    An empty text finds all of them. Ordered by number; the caller takes pages of PAGE_ROWS.
    """
    found = in_scope(user=user, on=on)
    if state:
        found = found.filter(state=state)
    for token in search.tokens_of_query(text).tokens if text.strip() else ():
        found = found.filter(search_tokens__token=token)
    return found.order_by("number", "pk")


def known(*, uid: str) -> Dossier | None:
    """A dossier wherever it is; for those whose act reaches all of them, as the log's does."""
    return Dossier.objects.select_related("person", "body").filter(uid=uid).first()


def by_uid(*, uid: str, user: User, on: date) -> Dossier | None:
    """A dossier in a person's reach; None also for one that exists elsewhere."""
    return in_scope(user=user, on=on).filter(uid=uid).first()
