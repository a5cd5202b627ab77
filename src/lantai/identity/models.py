"""Who: bodies, the people who work with the program, and the posts that give them rights."""

from typing import Any, ClassVar

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from lantai.db import Uid, both_or_neither
from lantai.identity.rules import ROLE_LABELS, Role


class Body(models.Model):
    """An organisation: city, district, street office, approval office or an outside unit."""

    class Kind(models.TextChoices):
        CITY = "city", "市级中心"
        DISTRICT = "district", "区级中心"
        STREET = "street", "街道（乡镇）社保所"
        APPROVAL = "approval", "行政审批部门"
        SHOP = "shop", "数字化加工单位"
        OUTSIDE = "outside", "外单位"

    code = models.CharField("机构代码", max_length=20, unique=True)
    name = models.CharField("机构名称", max_length=80)
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """One person's account. There is no superuser: rights come from posts."""

    username = models.CharField("用户名", max_length=40, unique=True)
    name = models.CharField("姓名", max_length=60)
    # The subject of a dossier sees the own cases; staff may not open the own dossier.
    person_uid = models.CharField("本人人员标识", max_length=16, blank=True)
    is_active = models.BooleanField("启用", default=True)
    joined_at = models.DateTimeField("开户时间", null=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.username

    def check_password(self, raw_password: str | None) -> bool:
        """Tell whether a password is right. Its stored form changes by a recorded act only."""
        return check_password(raw_password, self.password)

    def get_full_name(self) -> str:
        return self.name


class Post(models.Model):
    """A person's post in a body for a time. Both days count."""

    user = models.ForeignKey(User, models.PROTECT, related_name="posts")
    body = models.ForeignKey(Body, models.PROTECT, related_name="posts")
    role = models.CharField(
        "岗位", max_length=20, choices=[(role.value, ROLE_LABELS[role]) for role in Role]
    )
    since_on = models.DateField("任职日期")
    until_on = models.DateField("离任日期", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until_on__isnull=True) | Q(until_on__gte=F("since_on")),
                name="post_ends_after_it_begins",
            ),
            models.UniqueConstraint(
                fields=["user", "body", "role", "since_on"], name="post_is_given_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role}@{self.body.code}"


class PostRequest(models.Model):
    """A post one administrator asked for and another confirms or declines."""

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", "同意"
        DECLINED = "declined", "不同意"

    uid = Uid()
    user = models.ForeignKey(User, models.PROTECT, related_name="post_requests")
    body = models.ForeignKey(Body, models.PROTECT, related_name="post_requests")
    role = models.CharField(
        "岗位", max_length=20, choices=[(role.value, ROLE_LABELS[role]) for role in Role]
    )
    reason = models.CharField("任职理由", max_length=200)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="posts_asked_for")
    asked_at = models.DateTimeField("申请时间")
    outcome = models.CharField("审核结果", max_length=10, choices=Outcome.choices, blank=True)
    note = models.CharField("审核意见", max_length=200, blank=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="posts_settled")
    settled_at = models.DateTimeField("审核时间", null=True)

    class Meta:
        constraints = [
            both_or_neither("post_request", "settled_at", "settled_by"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, outcome="")
                | Q(settled_at__isnull=False, outcome__in=["confirmed", "declined"]),
                name="post_request_is_settled_with_an_outcome",
            ),
            models.UniqueConstraint(
                fields=["user", "body", "role"],
                condition=Q(settled_at__isnull=True),
                name="post_is_asked_for_once",
            ),
        ]

    def __str__(self) -> str:
        return self.uid
