"""The judges: programs nobody here wrote, asked by lines of JSON, and which of them are here.

A judge that is not on this machine is named as absent at the end of the run, with the reason.
``LANTAI_JUDGES`` names those that must be here, by comma, or ``all``.
"""

import base64
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PLACE: Final = HERE.parents[1] / "var" / "judges"
GO: Final = {
    "GO111MODULE": "off",
    "GOPATH": "/usr/share/gocode",
    "GOCACHE": str(PLACE / "go-cache"),
    "GOFLAGS": "",
}
PATIENCE: Final = 300  # seconds

Question = Mapping[str, Any]


@dataclass
class Judge:
    """A program and what it can be asked. ``language`` says how it is brought to run."""

    name: str
    program: str
    language: str  # go · venv · ocfl · debian · own
    asked: frozenset[str]
    in_range_only: bool = False  # it leaves to its callers that an index lies below the size
    told: Counter[str] = field(default_factory=Counter)

    @cached_property
    def absent(self) -> str:
        """Why it is not here; empty where it is."""
        try:
            self._command  # noqa: B018 -- building it is the question
            self.ask([])
        except (OSError, subprocess.SubprocessError) as missing:
            said = getattr(missing, "stderr", None) or str(missing)
            return str(said).strip().splitlines()[-1][:160]
        return ""

    def takes(self, asked: Question) -> bool:
        """Whether a question is within what this judge takes upon itself."""
        return not self.in_range_only or asked["index"] < asked["size"]

    def ask(self, questions: Sequence[Question]) -> list[dict[str, Any]]:
        """Put questions and return the answers, in order. Raises if the program itself fails."""
        done = subprocess.run(
            self._command,
            input="".join(f"{json.dumps(asked, default=_base64)}\n" for asked in questions),
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
            cwd=HERE / "programs",
            env={**os.environ, "PYTHONWARNINGS": ""},
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        if len(answers) != len(questions):
            raise subprocess.SubprocessError(
                f"{self.name}: {len(answers)} answers to {len(questions)} questions"
            )
        for answer in answers:
            self.told["accepted" if answer["accepted"] else "refused"] += 1
        return answers

    @cached_property
    def _command(self) -> list[str]:
        script = str(HERE / "programs" / f"{self.program}.py")
        match self.language:
            case "go":
                built = PLACE / "bin" / self.program
                built.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(
                    ["go", "build", "-o", str(built), f"./{self.program}"],
                    cwd=HERE,
                    env={**os.environ, **GO},
                    check=True,
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                )
                return [str(built)]
            case "venv":
                return [str(PLACE / "venv" / "bin" / "python"), script]
            case "ocfl":
                return [str(PLACE / "ocfl" / "bin" / "python"), script]
            case "debian":
                return ["/usr/bin/python3", script]
            case _:
                return [sys.executable, script]


JUDGES: Final = (
    Judge(
        "golang.org/x/mod",
        "xmod",
        "go",
        frozenset({"note", "inclusion", "consistency", "tiles"}),
    ),
    Judge(
        "tlog-scales",
        "scales",
        "venv",
        frozenset({"note", "ml-dsa note", "inclusion", "consistency", "tiles"}),
    ),
    Judge("sigstore", "rekor", "venv", frozenset({"inclusion"}), in_range_only=True),
    Judge("tjfoc/gmsm", "gmsm", "go", frozenset({"sm2", "sm3-tree", "sm3-inclusion"})),
    Judge("botan", "botan", "debian", frozenset({"sm2", "sm3-tree", "sm3-inclusion"})),
    Judge("openssl", "openssl", "own", frozenset({"sm2"})),
    Judge("softhsm", "softhsm", "own", frozenset({"token signature", "token gives out"})),
    Judge("ocfl-py", "packages", "ocfl", frozenset({"ocfl"})),
    Judge("OCFL/fixtures", "fixtures", "own", frozenset({"ocfl fixtures"})),
)


def here(kind: str) -> list[Judge]:
    """The judges on this machine that can be asked a kind of question."""
    return [judge for judge in JUDGES if kind in judge.asked and not judge.absent]


def called_for() -> set[str]:
    """The names of the judges that must be here."""
    wanted = {name.strip() for name in os.environ.get("LANTAI_JUDGES", "").split(",")} - {""}
    return {judge.name for judge in JUDGES} if wanted == {"all"} else wanted


def summary() -> Iterable[str]:
    """One line a judge, for the end of the run."""
    for judge in JUDGES:
        if judge.absent:
            yield f"JUDGE ABSENT: {judge.name} — {judge.absent}"
        else:
            yield (
                f"judge {judge.name}: {judge.told['accepted']} accepted, "
                f"{judge.told['refused']} refused"
            )
    missing = [judge.name for judge in JUDGES if judge.absent]
    if missing:
        yield (
            f"JUDGED WITHOUT {', '.join(missing)}: what only they can say was not asked. "
            "Bring them in with tests/judges/install, as root, with apt at hand."
        )


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64_of(value)
    raise TypeError(f"not for JSON: {value!r}")
