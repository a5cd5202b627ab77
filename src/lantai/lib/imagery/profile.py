"""The norm a scan is checked against: limits that can be read and changed, each with its source.

A norm is a TOML file in ``profiles/``; its name and version are kept with every batch, so that a
verdict can be judged later by the limits of its day.
"""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, Final, Generic, TypeVar, get_type_hints

Value = TypeVar("Value")
_OWN: Final = "own"


@dataclass(frozen=True)
class Limit(Generic[Value]):
    """One limit: its value and unit, whether going beyond it blocks, and where it comes from."""

    value: Value
    unit: str
    blocks: bool
    source: str

    @property
    def own(self) -> bool:
        """Whether the value is Lantai's own and not that of a norm."""
        return self.source.startswith(_OWN)

    def __str__(self) -> str:
        return (
            f"{self.value:g} {self.unit}".strip()
            if isinstance(self.value, float)
            else f"{self.value}"
        )


@dataclass(frozen=True)
class Profile:
    """The limits of one norm; see the TOML file for the meaning and source of each."""

    name: str
    version: str
    title: str
    dpi_min: Limit[float]
    colour: Limit[str]
    skew_max: Limit[float]
    direction: Limit[float]
    edge_width_max: Limit[float]
    paper_level_min: Limit[float]
    ink_contrast_min: Limit[float]
    burnt_max: Limit[float]
    cut_marks_max: Limit[float]
    open_sides: Limit[float]
    blank: Limit[float]
    side_min: Limit[float]
    quality_min: Limit[float]
    editors: Limit[tuple[str, ...]]


@cache
def load(name: str = "gbt33870-2017") -> Profile:
    """Return a norm by the name of its file; ValueError when there is none or it is faulty."""
    folder = resources.files("lantai.lib.imagery") / "profiles"
    known = sorted(file.name.removesuffix(".toml") for file in folder.iterdir())
    if name not in known:
        raise ValueError(f"no such norm: {name!r}; there are {', '.join(known)}")
    return parse((folder / f"{name}.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Profile:
    """Read the text of a norm file. Raises ValueError, naming what is missing, unknown or wrong."""
    table = tomllib.loads(text)
    expected = get_type_hints(Profile)
    if table.keys() != expected.keys():
        missing, unknown = expected.keys() - table.keys(), table.keys() - expected.keys()
        raise ValueError(f"missing limits: {sorted(missing)}; unknown limits: {sorted(unknown)}")
    values: dict[str, Any] = {
        field.name: table[field.name]
        if expected[field.name] is str
        else _limit(field.name, table[field.name], expected[field.name])
        for field in fields(Profile)
    }
    return Profile(**values)


def _limit(name: str, entry: Any, kind: Any) -> Limit[Any]:
    try:
        value, source = entry["value"], entry["source"]
        unit, blocks = entry["unit"], entry["blocks"]
    except (KeyError, TypeError) as lacking:
        raise ValueError(f"{name}: needs value, unit, blocks and source") from lacking
    if isinstance(value, list):
        value = tuple(value)
    elif isinstance(value, int):
        value = float(value)
    (wanted,) = kind.__args__
    if not isinstance(value, getattr(wanted, "__origin__", wanted)) or not source:
        raise ValueError(f"{name}: {value!r} from {source!r} is no limit of this kind")
    return Limit(value=value, unit=unit, blocks=bool(blocks), source=source)
