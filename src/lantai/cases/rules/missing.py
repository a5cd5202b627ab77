"""Which deciding materials a case lacks (domain digest §4.7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lantai.cases.rules.facts import FACT_LABELS, STRETCH_LABELS, CaseFacts, Fact, Group
from lantai.cases.rules.policy import Policy
from lantai.lib.catalogue import KIND_LABELS, MaterialKind


@dataclass(frozen=True)
class Missing:
    """A fact whose deciding material is not in the dossier; ``copies`` are those held as copies."""

    fact: Fact
    wanted: tuple[str, ...]
    copies: tuple[str, ...]
    sentence: str

    def as_json(self) -> dict[str, object]:
        return {
            "fact": self.fact.value,
            "wanted": list(self.wanted),
            "copies": list(self.copies),
            "sentence": self.sentence,
        }


def missing_materials(facts: CaseFacts, policy: Policy) -> tuple[Missing, ...]:
    """The facts of a case that no A material proves, each with the kinds that would.

    A fact is wanted if the policy requires it or somebody claimed it; the post of a woman always
    is, since 50 or 55 rests on it.
    """
    held = held_kinds(facts)
    copied = {material.kind for material in facts.materials if material.copy}
    copied |= {claim.material_kind for claim in facts.claims if claim.copy}
    claimed = {claim.fact for claim in facts.claims}
    out = []
    for fact, evidence in policy.evidence.items():
        wanted = evidence.required or fact in claimed & _PROVED
        if fact is Fact.POST:
            wanted = facts.group in _WOMEN
        if not wanted or any(together <= held for together in evidence.a):
            continue
        labels = tuple(
            "和".join(KIND_LABELS[kind] for kind in MaterialKind if kind in together)
            for together in evidence.a
        )
        copies = tuple(
            sorted(kind for kind in copied if evidence.weight(kind) == "A" and kind not in held)
        )
        only = "只有复印件，" if copies else ""
        sentence = (
            f"{FACT_LABELS[fact]}：{only}缺少关键材料（{'、'.join(labels)}之一），"
            "请补充或调阅实体档案"
        )
        out.append(Missing(fact, labels, copies, sentence))
    return (*out, *_unproved_stretches(facts, held, policy))


def held_kinds(facts: CaseFacts) -> set[MaterialKind]:
    """The kinds of material there are as originals."""
    held = {material.kind for material in facts.materials if not material.copy}
    return held | {claim.material_kind for claim in facts.claims if not claim.copy}


def _unproved_stretches(
    facts: CaseFacts, held: set[MaterialKind], policy: Policy
) -> Iterator[Missing]:
    """Kinds of time that need a material of their own, such as an apprenticeship."""
    claimed = {claim.kind for claim in facts.of(Fact.SERVICE)}
    for kind, proofs in policy.proofs.items():
        if kind in claimed and not proofs & held:
            labels = tuple(KIND_LABELS[proof] for proof in MaterialKind if proof in proofs)
            sentence = f"{STRETCH_LABELS[kind]}：缺少{'、'.join(labels)}，请补充或调阅实体档案"
            yield Missing(Fact.SERVICE, labels, (), sentence)


# Facts that, once claimed, need a deciding material of their own.
_PROVED: Final = frozenset(
    {Fact.SERVICE, Fact.ARMY, Fact.COUNTRYSIDE, Fact.SPECIAL_WORK, Fact.BREAK}
)
_WOMEN: Final = frozenset({Group.F50, Group.F55})
