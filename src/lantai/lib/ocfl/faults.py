"""What may be wrong with a store, by the codes of OCFL 1.1."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One breach: the specification's code, where (below the store's root), and a sentence."""

    path: str
    code: str
    what: str

    def __str__(self) -> str:
        return f"{self.path or '.'}：{self.what}（{self.code}）"


class Unsound(RuntimeError):
    """An object or root that is not what OCFL says it must be: an incident, not a refusal."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("；".join(str(fault) for fault in faults))


class Unreachable(RuntimeError):
    """A store does not answer, or does not let this program in; its contents are not judged.

    Neither a fault nor a refusal: the text says what to look after. Nothing half-made is visible.
    """
