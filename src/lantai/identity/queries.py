"""What may be known of people and bodies."""

from collections.abc import Iterable
from datetime import date

from django.db.models import F, Q, QuerySet

from lantai.identity.models import Body, Post, PostRequest, User
from lantai.identity.rules import Role


def posts_of(*, user: User, on: date) -> QuerySet[Post]:
    """The posts a person holds on a day, the first given first."""
    return (
        Post.objects.filter(user=user, user__is_active=True, since_on__lte=on)
        .filter(Q(until_on__isnull=True) | Q(until_on__gte=on))
        .select_related("body__parent")
        .order_by("since_on", "pk")
    )


def roles_of(*, user: User, on: date) -> frozenset[Role]:
    return frozenset(Role(post.role) for post in posts_of(user=user, on=on))


def body_and_below(*, body: Body) -> list[int]:
    """Keys of a body and of all bodies under it, level by level."""
    found = [body.pk]
    level: Iterable[int] = found
    while level := list(Body.objects.filter(parent__in=level).values_list("pk", flat=True)):
        found.extend(level)
    return found


def bodies_in_scope(*, user: User, on: date) -> frozenset[int]:
    """Keys of the bodies whose dossiers a person may deal with: the own ones and those below.

    A street office works for its district, so its posts reach the district's dossiers too; an
    approval office decides for the body it is attached to.
    """
    posts = posts_of(user=user, on=on)
    return frozenset(pk for post in posts for pk in _reach(post))


def roles_for(*, user: User, body: Body, on: date) -> frozenset[Role]:
    """The roles a person has towards one body: those of the posts that reach it."""
    posts = posts_of(user=user, on=on)
    return frozenset(Role(post.role) for post in posts if body.pk in _reach(post))


def _reach(post: Post) -> list[int]:
    """Keys of the bodies a post deals with."""
    base = post.body
    if base.kind in {Body.Kind.STREET, Body.Kind.APPROVAL, Body.Kind.SHOP} and base.parent:
        base = base.parent
    return body_and_below(body=base)


def keepers_in_scope(*, user: User, on: date) -> QuerySet[Body]:
    """The centres in a person's reach, which keep dossiers; other bodies only deal with them."""
    kinds = (Body.Kind.CITY, Body.Kind.DISTRICT)
    return Body.objects.filter(pk__in=bodies_in_scope(user=user, on=on), kind__in=kinds).order_by(
        "code"
    )


def accounts() -> QuerySet[User]:
    """All accounts with their posts."""
    return User.objects.prefetch_related("posts__body").order_by("username")


def account(*, username: str) -> User | None:
    return User.objects.filter(username=username).first()


def bodies() -> QuerySet[Body]:
    """All organisations, the first founded first."""
    return Body.objects.order_by("pk")


def post_requests(*, user: User | None = None) -> QuerySet[PostRequest]:
    """What posts were asked for, the open ones first, then the newest."""
    found = PostRequest.objects.select_related("user", "body", "asked_by", "settled_by")
    if user is not None:
        found = found.filter(user=user)
    return found.order_by(F("settled_at").desc(nulls_first=True), "-pk")
