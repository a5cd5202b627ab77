"""C2SP tlog-policy: which logs are believed, and whose cosignatures are enough.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>…
    quorum <name>|none

Names are octets without meaning outside the file; a key may stand once only, under any name.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from lantai.lib.tlog import cosignature, note, sm2
from lantai.lib.tlog.note import NoteFault, VerifierKey

MAX_LINES: Final = 4096
_ALLOWED: Final = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_COUNT: Final = re.compile(r"[1-9][0-9]{0,4}")
_LOG_TYPES: Final = (note.ED25519, cosignature.ML_DSA_44, sm2.TYPE)
_WITNESS_TYPES: Final = (cosignature.ED25519, cosignature.ML_DSA_44)


class PolicyFault(ValueError):
    """A policy file is not of this format; says the line."""


@dataclass(frozen=True)
class Group:
    """At least ``least`` of the members."""

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Believed logs and witnesses, and the quorum: a name, or None where none is needed.

    ``addresses`` has the URL of each witness that the file gives one for.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: dict[str, VerifierKey]
    groups: dict[str, Group]
    quorum: str | None
    addresses: dict[str, str] = field(default_factory=dict)

    def satisfied_by(self, cosigners: Iterable[VerifierKey]) -> bool:
        """Tell whether the cosignatures of these keys make the quorum."""
        if self.quorum is None:
            return True
        have = {key.material for key in cosigners}
        said: dict[str, bool] = {name: key.material in have for name, key in self.witnesses.items()}
        for name, group in self.groups.items():  # defined before it is named, so in order
            said[name] = sum(said[member] for member in group.members) >= group.least
        return said[self.quorum]

    @property
    def needed(self) -> int:
        """The smallest number of witnesses that can make the quorum."""
        return self._cost(lambda group: group.least)

    @property
    def overlap(self) -> int:
        """The smallest number of witnesses that two quorums have in common.

        Exact, and quick for any policy: a name is a member once, so groups form a tree, and two
        choices of k of m members share at least 2k - m, at best the cheapest ones.
        """
        return self._cost(lambda group: max(0, 2 * group.least - len(group.members)))

    @property
    def spare(self) -> int:
        """How many witnesses may fail, whichever they are, and the quorum still be made."""
        blocking = self._cost(lambda group: len(group.members) - group.least + 1)
        return max(0, blocking - 1)

    def _cost(self, chosen: Callable[[Group], int]) -> int:
        """The least number of witnesses, where so many of a group's members must be taken."""
        if self.quorum is None:
            return 0
        cost = dict.fromkeys(self.witnesses, 1)
        for name, group in self.groups.items():
            members = sorted(cost[member] for member in group.members)
            cost[name] = sum(members[: chosen(group)])
        return cost[self.quorum]


def weak_against(policy: Policy, dishonest: int) -> bool:
    """Tell whether so many dishonest witnesses could give two different histories a quorum each.

    They can if two quorums have no more than them in common. Where no quorum is needed, always.
    """
    return policy.overlap <= dishonest


def parse(content: bytes) -> Policy:
    """Read a policy file. Raises PolicyFault with the number of the line."""
    if not _ALLOWED.fullmatch(content):
        raise PolicyFault("a policy has no control characters but tab and line feed")
    if content and not content.endswith(b"\n"):
        raise PolicyFault("the last line of a policy ends in a line feed, too")
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    if len(lines) > MAX_LINES:
        raise PolicyFault(f"a policy has at most {MAX_LINES} lines")
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except (PolicyFault, NoteFault) as wrong:
            raise PolicyFault(f"line {number}: {wrong}") from wrong
    return reader.policy()


class _Reader:
    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.groups: dict[str, Group] = {}
        self.used: set[str] = set()
        self.quorum: str | None = None
        self.addresses: dict[str, str] = {}

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._take_log(vkey)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._take_witness(name, vkey)
                self.addresses.update((name, each) for each in url)
            case ["group", name, least, *members] if members:
                self._take_group(name, least, members)
            case ["quorum", name]:
                self._take_quorum(name)
            case _:
                raise PolicyFault(f"not a line of a policy: {words[0]}")

    def policy(self) -> Policy:
        if self.quorum is None:
            raise PolicyFault("a policy has one quorum line")
        quorum = None if self.quorum == "none" else self.quorum
        return Policy(tuple(self.logs), self.witnesses, self.groups, quorum, self.addresses)

    def _take_log(self, vkey: str) -> None:
        key = _key(vkey, _LOG_TYPES)
        if key.type == sm2.TYPE:
            sm2.point_of(key)
        if any(key.public == known.public for known in self.logs):
            raise PolicyFault(f"the key of log {key.name} stands twice")
        self.logs.append(key)

    def _take_witness(self, name: str, vkey: str) -> None:
        self._check_new(name)
        key = _key(vkey, _WITNESS_TYPES)
        if any(key.public == known.public for known in self.witnesses.values()):
            raise PolicyFault(f"the key of witness {name} stands twice")
        self.witnesses[name] = key

    def _take_group(self, name: str, least: str, members: list[str]) -> None:
        self._check_new(name)
        for member in members:
            self._check_known(member)
            if member in self.used:
                raise PolicyFault(f"{member} is a member already")
            self.used.add(member)
        if least not in ("all", "any") and not _COUNT.fullmatch(least):
            raise PolicyFault(f"not a number of members: {least}")
        count = {"all": len(members), "any": 1}.get(least) or int(least)
        if count > len(members):
            raise PolicyFault(f"{count} of {len(members)} members cannot be")
        self.groups[name] = Group(count, tuple(members))

    def _take_quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise PolicyFault("a policy has one quorum line")
        if name != "none":
            self._check_known(name)
        self.quorum = name

    def _check_new(self, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise PolicyFault(f"the name is taken: {name}")

    def _check_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise PolicyFault(f"there is no witness or group above called {name}")


def _key(vkey: str, types: tuple[int, ...]) -> VerifierKey:
    key = VerifierKey.parse(vkey)
    if key.type not in types:
        raise PolicyFault(f"a key of type {key.type:02x} has no place here: {key.name}")
    return key
