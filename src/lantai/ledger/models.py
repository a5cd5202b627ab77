"""What happened, in the order it happened: append-only, names as text, no foreign keys upwards.

The leaf of an entry holds salted commitments and codes only. What it commits to stands in the
disclosure, apart, and may be destroyed: the leaf, its proofs and the signed heads stay valid.
"""

import json
from typing import Any, Final, cast

from django.db import models

from lantai.db import AppendOnly
from lantai.lib.refusals import NotFound
from lantai.lib.tlog.leaf import SALT_BYTES

STREAMS: Final = ("records", "access")


class OpeningDestroyed(NotFound):
    """What an entry commits to was destroyed on purpose; its leaf and its proofs are still good."""

    silent_variable_failure = True


class Entry(AppendOnly):
    """One act, at its place in its stream."""

    stream = models.CharField("日志", max_length=16)
    index = models.PositiveBigIntegerField("序号")
    at = models.DateTimeField("时间")
    action = models.CharField("动作", max_length=80)
    actor = models.CharField("行为人", max_length=80)
    subject = models.CharField("对象", max_length=120)
    leaf = models.BinaryField("叶")
    leaf_hash = models.BinaryField("叶摘要", max_length=32)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=("stream", "index"), name="entry_place_once"),
            models.CheckConstraint(condition=models.Q(stream__in=STREAMS), name="entry_stream"),
        ]
        indexes = [
            models.Index(fields=("subject", "action", "index"), name="entry_subject"),
            models.Index(fields=("action", "index"), name="entry_action"),
            models.Index(fields=("actor", "index"), name="entry_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.stream}/{self.index} {self.action}"

    @property
    def facts(self) -> dict[str, Any]:
        """What was said of the act. Raises OpeningDestroyed."""
        return cast("dict[str, Any]", self.opening.body["facts"])

    @property
    def opening(self) -> "Disclosure":
        """The salt and the content the leaf commits to. Raises OpeningDestroyed."""
        try:
            return self.disclosure
        except Disclosure.DoesNotExist as gone:
            raise OpeningDestroyed(
                f"日志第 {self.index} 条的内容已按规定销毁，只能证明其存在，不能再显示"
            ) from gone


class Disclosure(models.Model):
    """The opening of an entry's commitments. Losing it loses provability; destroying it erases."""

    entry = models.OneToOneField(Entry, models.PROTECT, primary_key=True, related_name="disclosure")
    salt = models.BinaryField(max_length=SALT_BYTES)
    content = models.TextField("内容")

    def __str__(self) -> str:
        return f"opening of {self.entry_id}"

    @property
    def body(self) -> dict[str, Any]:
        """What the leaf's ``body`` commits to: the moment and the facts."""
        return cast("dict[str, Any]", json.loads(self.content))


class SigningIntent(AppendOnly):
    """The root that may be signed at a size: committed before anything is signed, never another.

    The twin's (SM3) stands beside it, or is None where no twin is kept.
    """

    stream = models.CharField("日志", max_length=16)
    size = models.PositiveBigIntegerField("条数")
    root = models.BinaryField("树根", max_length=32)
    frontier = models.BinaryField("前沿")
    twin_root = models.BinaryField("国密树根", max_length=32, null=True)
    twin_frontier = models.BinaryField("国密前沿", null=True)
    at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("stream", "size"), name="intent_one_root_a_size"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.size}"


class Head(AppendOnly):
    """A signed head: what the whole stream was at a size, and what its twin says of the same."""

    stream = models.CharField("日志", max_length=16)
    size = models.PositiveBigIntegerField("条数")
    root = models.BinaryField("树根", max_length=32)
    note = models.TextField("签名文本")
    twin_root = models.BinaryField("国密树根", max_length=32, null=True)
    twin_note = models.TextField("国密签名文本", blank=True, default="")
    at = models.DateTimeField("签署时间")

    class Meta:
        ordering = ("-size",)
        constraints = [
            models.UniqueConstraint(fields=("stream", "size"), name="head_once_a_size"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.size}"


class Cosigned(AppendOnly):
    """A witness's line under a head: verified when it came, and again whenever it is relied on."""

    stream = models.CharField("日志", max_length=16)
    size = models.PositiveBigIntegerField("条数")
    witness = models.CharField("见证方", max_length=200)
    line = models.TextField("见证签名")
    time = models.PositiveBigIntegerField("见证时间")
    at = models.DateTimeField("收到时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("stream", "size", "witness", "time"), name="cosigned_once_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.size} {self.witness}"
