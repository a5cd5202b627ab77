"""The trust policy in force: who witnesses the log, and whose word together is enough.

A C2SP tlog-policy at LANTAI_POLICY, or ``witnesses.policy`` in the data directory. It is read once
in the life of a process, so that one process never judges by two policies. Without the file no
witness is asked and none is needed.
"""

from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from lantai.lib.tlog.policy import Policy, PolicyFault, parse, weak_against

NAME: Final = "witnesses.policy"


class PolicyUnusable(ImproperlyConfigured):
    """The policy cannot be worked by: the program does not start, and says why."""


def in_force() -> Policy | None:
    """The policy, or None where no witness is named. Raises PolicyUnusable."""
    policy = _read(place(), needed=settings.LANTAI_POLICY is not None)
    return policy if policy is not None and policy.witnesses else None


def required() -> bool:
    """Whether anything is provisional until witnesses have spoken. Raises PolicyUnusable."""
    policy = in_force()
    return policy is not None and policy.quorum is not None


def place() -> Path:
    """Where the policy is looked for."""
    return Path(settings.LANTAI_POLICY or settings.LANTAI_HOME / NAME)


def judge(content: bytes, *, name: str) -> Policy:
    """Read a policy, and hold it against what makes it worth anything. Raises PolicyUnusable."""
    try:
        policy = parse(content)
    except PolicyFault as wrong:
        raise PolicyUnusable(
            f"见证策略 {name} 不能用（{wrong}）；请按 C2SP tlog-policy 格式改正后再启动"
        ) from wrong
    for witness, address in policy.addresses.items():
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PolicyUnusable(
                f"见证策略 {name} 中 {witness} 的地址不是 http 或 https 地址；请改正后再启动"
            )
    if policy.quorum is not None and weak_against(policy, policy.spare):
        raise PolicyUnusable(_weakness(policy, name=name))
    return policy


def in_words(policy: Policy | None) -> str:
    """The rule as a person reads it."""
    if policy is None:
        return "未设见证：日志仅由本机构签名"
    if policy.quorum is None:
        return "见证签名仅供参考，不设法定数"
    return _rule(policy, policy.quorum, within=False)


def _rule(policy: Policy, name: str, *, within: bool) -> str:
    group = policy.groups.get(name)
    if group is None:
        return name
    members = "、".join(_rule(policy, member, within=True) for member in group.members)
    if len(group.members) == 1:
        return members
    all_of = group.least == len(group.members)
    said = f"{members} 全部" if all_of else f"{members} 中至少 {group.least} 个"
    return f"（{said}）" if within else said


def _weakness(policy: Policy, *, name: str) -> str:
    if policy.overlap == 0:
        return (
            f"见证策略 {name} 的法定数太低：两批互不相同的见证方可以各自凑够法定数，"
            "两份互相矛盾的日志就都能通过。请提高法定数（3 个取 3，4 个取 3，7 个取 5）后再启动"
        )
    return (
        f"见证策略 {name} 的法定数太低：允许 {policy.spare} 个见证方缺席，而两批各够法定数的见证方"
        f"可能只有 {policy.overlap} 个相同；这 {policy.overlap} 个若不诚实，"
        "两份互相矛盾的日志就都能通过。请提高法定数（3 个取 3，4 个取 3，7 个取 5）后再启动"
    )


@cache
def _read(path: Path, *, needed: bool) -> Policy | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError as missing:
        if not needed:
            return None
        raise PolicyUnusable(
            f"LANTAI_POLICY 所指的见证策略 {path} 不存在；请放好文件，或取消这项设置"
        ) from missing
    except OSError as failure:
        raise PolicyUnusable(f"见证策略 {path} 无法读取：{failure.strerror}") from failure
    return judge(content, name=path.name)
