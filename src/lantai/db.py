"""The few model helpers that all apps share."""

import secrets
from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models
from django.db.models import Q


class Rewritten(RuntimeError):
    """The program tried to change or remove a fact that may only be added to: a defect."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise Rewritten(f"{self.model.__name__} rows are never rewritten")

    def delete(self) -> NoReturn:
        raise Rewritten(f"{self.model.__name__} rows are never removed")


class AppendOnly(models.Model):
    """A fact: written once, never changed, never removed."""

    objects = models.Manager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Rewritten(f"{type(self).__name__} {self.pk} is never rewritten")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Rewritten(f"{type(self).__name__} {self.pk} is never removed")


def both_or_neither(model: str, first: str, second: str) -> models.CheckConstraint:
    """Hold two columns to be filled together or not at all."""
    return models.CheckConstraint(
        condition=Q(**{f"{first}__isnull": True, f"{second}__isnull": True})
        | Q(**{f"{first}__isnull": False, f"{second}__isnull": False}),
        name=f"{model}_{first}_with_{second}",
    )


def new_uid() -> str:
    """Return a random permanent key, 16 characters, that says nothing of the person."""
    return secrets.token_hex(8)


if TYPE_CHECKING:
    _Text = models.CharField[str, str]
else:
    _Text = models.CharField  # takes no parameters at run time


class Uid(_Text):
    """The permanent public key of a row; what paths and URLs carry."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(max_length=16, unique=True, default=new_uid, editable=False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("max_length", "unique", "default", "editable"):
            kwargs.pop(fixed, None)
        return name, path, args, kwargs


__all__ = ["AppendOnly", "Rewritten", "Uid", "both_or_neither", "new_uid"]
