"""What may be known of grants and openings."""

from datetime import datetime

from django.db.models import QuerySet

from lantai.access.models import Grant, Opening, RefusedAttempt
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier, Material
from lantai.identity.models import User


def leave_for(
    *, user: User, dossier: Dossier, material: Material | None, at: datetime
) -> Grant | None:
    """Return the grant that opens most: one in force that covers the material, else the newest.

    A grant not in force is returned too, so that the refusal can say why it does not open.
    """
    found = list(Grant.objects.filter(user=user, dossier=dossier).order_by("-given_at", "-pk"))
    secret = material is not None and dossiers.is_secret(material=material)
    for leave in found:
        if leave.revoked_at is None and leave.opens_at <= at < leave.closes_at:
            named = set(leave.materials.values_list("pk", flat=True))
            if material is None or material.pk in named or not (named or secret):
                return leave
    return found[0] if found else None


def secrets_seen(*, user: User, dossier: Dossier, at: datetime) -> frozenset[int]:
    """The keys of secret materials that leave in force, given by another, names to a person."""
    given = Grant.objects.filter(
        user=user, dossier=dossier, revoked_at=None, opens_at__lte=at, closes_at__gt=at
    ).exclude(given_by=user.username)
    named = given.filter(materials__in=dossiers.secret_materials(dossier=dossier))
    return frozenset(named.values_list("materials", flat=True))


def grants_of(*, user: User, at: datetime) -> QuerySet[Grant]:
    """The grants a person can use now."""
    return (
        Grant.objects.filter(user=user, revoked_at=None, opens_at__lte=at, closes_at__gt=at)
        .select_related("dossier__person", "dossier__body")
        .order_by("closes_at", "pk")
    )


def grants_in_force(*, at: datetime) -> QuerySet[Grant]:
    return (
        Grant.objects.filter(revoked_at=None, closes_at__gt=at)
        .select_related("user", "dossier__person")
        .order_by("closes_at", "pk")
    )


def openings_of_case(*, case: str) -> QuerySet[Opening]:
    return (
        Opening.objects.filter(grant__case=case)
        .select_related("by", "page__material", "grant")
        .prefetch_related("page__material__secrecy")
        .order_by("at", "pk")
    )


def latest_openings() -> QuerySet[Opening]:
    return (
        Opening.objects.select_related("by", "page__material", "grant__dossier__person")
        .prefetch_related("page__material__secrecy")
        .order_by("-pk")
    )


def latest_refusals() -> QuerySet[RefusedAttempt]:
    return RefusedAttempt.objects.order_by("-pk")
