"""States of a dossier and the shape of its catalogue."""

from enum import StrEnum
from typing import Final

from lantai.lib import catalogue

CLASS_LABELS: Final[dict[str, str]] = {leaf.code: leaf.short_name for leaf in catalogue.LEAVES}


# What the catalogue says in place of the title.
SECRET_TITLE: Final = "涉密材料（另库保存）"  # noqa: S105 -- no password


class State(StrEnum):
    """Where a dossier stands (domain digest §1.4, as far as it is dealt with here)."""

    IN_STORE = "in_store"
    OUT_REVIEW = "out_review"
    RETIRED = "retired"


STATE_LABELS: Final[dict[State, str]] = {
    State.IN_STORE: "在库",
    State.OUT_REVIEW: "出库送审",
    State.RETIRED: "退休存档",
}

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.IN_STORE: frozenset({State.OUT_REVIEW, State.RETIRED}),
    State.OUT_REVIEW: frozenset({State.IN_STORE}),
    State.RETIRED: frozenset(),
}


def objections_to_state(old: State, new: State) -> tuple[str, ...]:
    """Return why a dossier may not pass from one state to the other; none means it may."""
    if new in TRANSITIONS[old]:
        return ()
    return (f"档案现为“{STATE_LABELS[old]}”，不能转为“{STATE_LABELS[new]}”，请先核对档案状态",)
