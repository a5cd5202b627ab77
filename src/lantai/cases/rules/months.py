"""Stretches of whole months, first and last both counted, and no month ever counted twice."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from lantai.lib.dates import Month, PartialDate


@dataclass(frozen=True, order=True)
class Span:
    """From the first month to the last, both within. ValueError if it ends before it begins."""

    first: Month
    last: Month

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} lies before {self.first}")

    @property
    def months(self) -> int:
        return self.last.ordinal - self.first.ordinal + 1

    def as_json(self) -> dict[str, str | int]:
        return {"first": str(self.first), "last": str(self.last), "months": self.months}

    def __str__(self) -> str:
        return f"{self.first}至{self.last}"


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same months as disjoint stretches in order; those that touch become one."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.first.ordinal <= out[-1].last.ordinal + 1:
            out[-1] = Span(out[-1].first, max(out[-1].last, span.last))
        else:
            out.append(span)
    return tuple(out)


def count(spans: Iterable[Span]) -> int:
    """How many months there are, each once."""
    return sum(span.months for span in merged(spans))


def until(spans: Iterable[Span], last: Month) -> tuple[Span, ...]:
    """What lies no later than a month."""
    return merged(Span(span.first, min(span.last, last)) for span in spans if span.first <= last)


def since(spans: Iterable[Span], first: Month) -> tuple[Span, ...]:
    """What lies no earlier than a month."""
    return merged(Span(max(span.first, first), span.last) for span in spans if span.last >= first)


def without(spans: Iterable[Span], others: Iterable[Span]) -> tuple[Span, ...]:
    """The months of the first that are not among the second."""
    rest = merged(spans)
    for other in merged(others):
        rest = until(rest, other.first.plus(-1)) + since(rest, other.last.plus(1))
    return merged(rest)


def between(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The holes: stretches between the first month and the last that nothing covers."""
    parts = merged(spans)
    return tuple(
        Span(earlier.last.plus(1), later.first.plus(-1)) for earlier, later in pairwise(parts)
    )


def earliest(date: PartialDate) -> Month:
    """The first month a partial date may mean."""
    return Month(date.year, date.month or 1)


def latest(date: PartialDate) -> Month:
    """The last month a partial date may mean."""
    return Month(date.year, date.month or 12)
