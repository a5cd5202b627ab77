"""What is local, dated or uncertain: versioned policy parameters, each with source and confidence.

A policy is a TOML file under ``policies/``, named by its version. A case keeps the version it was
decided under. Reading checks the whole file: a missing or illegal value is named, never defaulted.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

from lantai.cases.rules.facts import (
    COHORT_LABELS,
    FACT_LABELS,
    LEAVING_LABELS,
    STRETCH_LABELS,
    TRADE_LABELS,
    Cohort,
    Fact,
    Leaving,
    Stretch,
    Trade,
)
from lantai.cases.rules.workflow import STATE_LABELS, State
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month


class Counting(StrEnum):
    """Whether a kind of time is part of continuous service."""

    COUNTS = "counts"
    OUT = "out"
    ASK = "ask"


class Effect(StrEnum):
    """What a way of leaving does to the service before it."""

    LOSES = "loses"
    MERGES = "merges"
    NONE = "none"


class MinimumOf(StrEnum):
    """Whose year sets the minimum contribution of elastic retirement."""

    CHOSEN = "chosen"
    STATUTORY = "statutory"


class Confidence(StrEnum):
    LAW = "law"
    DOCUMENT = "document"
    CUSTOM = "custom"
    PROPOSAL = "proposal"


CONFIDENCE_LABELS: Final[dict[Confidence, str]] = {
    Confidence.LAW: "法律法规原文",
    Confidence.DOCUMENT: "文件（已见或有引用）",
    Confidence.CUSTOM: "通行做法，原文待核",
    Confidence.PROPOSAL: "本系统建议值",
}


class BadPolicy(ValueError):
    """A policy file that cannot be used; ``faults`` names every reason."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("；".join(self.faults))


@dataclass(frozen=True)
class Parameter:
    """One parameter as a screen shows it."""

    key: str
    label: str
    value: str
    source: str
    confidence: Confidence


@dataclass(frozen=True)
class Evidence:
    """Which materials prove a fact.

    Each set of ``a`` proves it whole; ``b`` supports, ``c`` is a clue. ``required`` facts are
    wanted in every case.
    """

    a: tuple[frozenset[MaterialKind], ...]
    b: frozenset[MaterialKind]
    c: frozenset[MaterialKind]
    required: bool

    def weight(self, kind: MaterialKind) -> str:
        """``A``, ``B``, ``C``, or blank for a kind that proves nothing of the fact."""
        if any(kind in together for together in self.a):
            return "A"
        if kind in self.b:
            return "B"
        return "C" if kind in self.c else ""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All parameters of a version."""

    version: str
    title: str
    valid_from: date
    cutover: Mapping[Cohort, Month]
    work_age: int
    young_work_age: int
    young_until: Month
    first_work_tolerance: int
    gap_tolerance: int
    placement_months: int
    lunar_days: tuple[int, int]
    early_notice_months: int
    late_notice_months: int
    early_minimum_of: MinimumOf
    late_minimum_of: MinimumOf
    days: Mapping[State, int]
    counting: Mapping[Stretch, Counting]
    effects: Mapping[Leaving, Effect]
    proofs: Mapping[Stretch, frozenset[MaterialKind]]
    trade_years: Mapping[Trade, int]
    special_ages: Mapping[str, int]
    kin_barred: bool
    evidence: Mapping[Fact, Evidence]
    parameters: tuple[Parameter, ...]

    def weight(self, fact: Fact, kind: MaterialKind) -> str:
        """How much a kind of material says of a fact: ``A``, ``B``, ``C`` or blank."""
        return self.evidence[fact].weight(kind)

    def source(self, key: str) -> str:
        """The source of a parameter, named ``table.entry`` as in the file."""
        return next(one.source for one in self.parameters if one.key == key)

    def is_key(self, kind: MaterialKind) -> bool:
        """Tell whether a kind decides any fact: such pages must be opened by a reviewer."""
        return any(evidence.weight(kind) == "A" for evidence in self.evidence.values())


@cache
def load(version: str) -> Policy:
    """The policy of a version; LookupError if there is none, BadPolicy if its file is at fault."""
    for candidate in _all():
        if candidate.version == version:
            return candidate
    raise LookupError(f"没有版本为“{version}”的政策参数")


def latest(on: date) -> Policy:
    """The policy in force on a day; LookupError if none was yet."""
    return choose(_all(), on=on)


def choose(policies: Iterable[Policy], *, on: date) -> Policy:
    """The one of several policies in force on a day: the last that began by then."""
    begun = [policy for policy in policies if policy.valid_from <= on]
    if not begun:
        raise LookupError(f"{on} 尚无生效的政策参数")
    last = max(policy.valid_from for policy in begun)
    found = [policy for policy in begun if policy.valid_from == last]
    if len(found) > 1:
        versions = "、".join(sorted(policy.version for policy in found))
        raise BadPolicy([f"政策参数 {versions} 的生效日期相同（{last}），请改正其中之一"])
    return found[0]


@cache
def _all() -> tuple[Policy, ...]:
    folder = files("lantai.cases.rules").joinpath("policies")
    texts = {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }
    return tuple(read(text, name=name) for name, text in sorted(texts.items()))


def read(text: str, *, name: str) -> Policy:
    """Read a policy file; raise BadPolicy naming every fault of it."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadPolicy([f"政策文件 {name} 不是合格的 TOML：{fault}"]) from fault
    sheet = _Sheet(tables)
    policy = Policy(
        version=sheet.plain("version", str, ""),
        title=sheet.plain("title", str, ""),
        valid_from=sheet.plain("valid_from", date, date.min),
        cutover=sheet.each("cutover", COHORT_LABELS, Month.parse, Month(1, 1)),
        work_age=sheet.one("first_work", "age", _count, 0),
        young_work_age=sheet.one("first_work", "young_age", _count, 0),
        young_until=sheet.one("first_work", "young_until", Month.parse, Month(1, 1)),
        first_work_tolerance=sheet.one("tolerance", "first_work_months", _count, 0),
        gap_tolerance=sheet.one("tolerance", "gap_months", _count, 0),
        placement_months=sheet.one("tolerance", "placement_months", _count, 0),
        lunar_days=sheet.one("tolerance", "lunar_days", _range, (0, 0)),
        early_notice_months=sheet.one("elastic", "early_notice_months", _count, 0),
        late_notice_months=sheet.one("elastic", "late_notice_months", _count, 0),
        early_minimum_of=sheet.one("elastic", "early_minimum_of", MinimumOf, MinimumOf.CHOSEN),
        late_minimum_of=sheet.one("elastic", "late_minimum_of", MinimumOf, MinimumOf.CHOSEN),
        days=sheet.each("days", _TIMED, _count, 0),
        counting=sheet.each("stretch", STRETCH_LABELS, Counting, Counting.ASK),
        effects=sheet.each("leaving", LEAVING_LABELS, Effect, Effect.NONE),
        proofs=sheet.each("proof", _PROVED_APART, _kinds_of, frozenset()),
        trade_years=sheet.each("trade", TRADE_LABELS, _count, 0),
        special_ages={who: sheet.one("special_age", who, _count, 0) for who in ("men", "women")},
        kin_barred=sheet.one("kin", "barred", _yes_or_no, True),
        evidence={fact: sheet.evidence(fact) for fact in Fact},
        parameters=tuple(sheet.parameters),
    )
    if sheet.found("version") and policy.version != name:
        sheet.faults.append(f"文件名 {name} 与版本 {policy.version} 不一致")
    sheet.faults += [f"多出无法识别的参数 {key}" for key in sheet.unread()]
    if sheet.faults:
        raise BadPolicy(f"政策文件 {name}：{fault}" for fault in sheet.faults)
    return policy


_TIMED: Final[dict[State, str]] = {
    state: STATE_LABELS[state]
    for state in (
        State.ACCEPTED,
        State.IN_REVIEW,
        State.IN_CONFIRMATION,
        State.FROZEN,
        State.PAPER_CALLED,
        State.RETURNED,
    )
}

_PROVED_APART: Final[dict[Stretch, str]] = {
    kind: STRETCH_LABELS[kind] for kind in (Stretch.APPRENTICE, Stretch.PROBATION)
}

_Key = TypeVar("_Key", bound=StrEnum)
_Value = TypeVar("_Value")


class _Sheet:
    """A file being read: what was asked of it, what was wrong with it."""

    def __init__(self, tables: dict[str, object]) -> None:
        self._tables = tables
        self._read: set[str] = set()
        self.faults: list[str] = []
        self.parameters: list[Parameter] = []

    def found(self, key: str) -> bool:
        return key in self._tables

    def plain(self, key: str, kind: type[_Value], missing: _Value) -> _Value:
        """A bare value at the top."""
        self._read.add(key)
        value = self._tables.get(key)
        if isinstance(value, kind):
            return value
        self.faults.append(f"缺少 {key} 或其值不合要求")
        return missing

    def one(
        self,
        table: str,
        entry: str,
        reads: Callable[[str], _Value],
        missing: _Value,
        *,
        label: str = "",
    ) -> _Value:
        """The value of ``[table.entry]``, noted as a parameter."""
        found = self._entry(table, entry)
        if found is None:
            return missing
        try:
            value = reads(_text(found.get("value")))
        except ValueError:
            self.faults.append(f"{table}.{entry} 的值“{_text(found.get('value'))}”不合要求")
            return missing
        self._note(table, entry, found, _text(found.get("value")), label)
        return value

    def each(
        self,
        table: str,
        labels: Mapping[_Key, str],
        reads: Callable[[str], _Value],
        missing: _Value,
    ) -> dict[_Key, _Value]:
        """One value for each member of an enumeration."""
        return {
            member: self.one(table, member.value, reads, missing, label=label)
            for member, label in labels.items()
        }

    def evidence(self, fact: Fact) -> Evidence:
        """The weights of ``[evidence.<fact>]``."""
        empty = Evidence((), frozenset(), frozenset(), required=False)
        found = self._entry("evidence", fact.value)
        if found is None:
            return empty
        try:
            evidence = Evidence(
                a=tuple(_kinds(*together.split("+")) for together in _list(found.get("a"))),
                b=_kinds(*_list(found.get("b"))),
                c=_kinds(*_list(found.get("c"))),
                required=_yes_or_no(_text(found.get("required"))),
            )
        except ValueError as fault:
            self.faults.append(f"evidence.{fact.value}：{fault}")
            return empty
        shown = "；".join(
            f"{letter.upper()}：{'、'.join(_list(found.get(letter)))}" for letter in "abc"
        )
        self._note("evidence", fact.value, found, shown, FACT_LABELS[fact])
        return evidence

    def unread(self) -> list[str]:
        """The keys of the file nobody asked for."""
        keys = []
        for key, value in self._tables.items():
            inner = value if isinstance(value, dict) and key not in self._read else {"": value}
            names = [f"{key}.{entry}" if entry else key for entry in inner]
            keys += [name for name in names if name not in self._read]
        return keys

    def _entry(self, table: str, entry: str) -> dict[str, object] | None:
        key = f"{table}.{entry}"
        self._read.add(key)
        within = self._tables.get(table)
        found = within.get(entry) if isinstance(within, dict) else None
        if not isinstance(found, dict):
            self.faults.append(f"缺少参数 {key}")
            return None
        return found

    def _note(
        self, table: str, entry: str, found: dict[str, object], value: str, label: str
    ) -> None:
        source = found.get("source")
        if not isinstance(source, str) or not source:
            self.faults.append(f"{table}.{entry} 没有注明来源")
            source = ""
        try:
            confidence = Confidence(_text(found.get("confidence")))
        except ValueError:
            self.faults.append(f"{table}.{entry} 没有注明可信程度")
            confidence = Confidence.PROPOSAL
        shown = _text(found.get("label")) or label
        self.parameters.append(Parameter(f"{table}.{entry}", shown, value, source, confidence))


def _text(value: object) -> str:
    if isinstance(value, list):
        return "–".join(str(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _list(value: object) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("应为清单")  # noqa: TRY004 - a fault of the file, named with the others
    return [str(part) for part in value]


def _kinds(*names: str) -> frozenset[MaterialKind]:
    return frozenset(MaterialKind(name) for name in names)


def _kinds_of(text: str) -> frozenset[MaterialKind]:
    return _kinds(*text.split("–"))


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("negative")
    return value


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("–")
    if int(low) >= int(high):
        raise ValueError("empty range")
    return int(low), int(high)


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"“{text}”应为 true 或 false")
    return text == "true"
