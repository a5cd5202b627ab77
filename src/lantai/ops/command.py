"""What a command is, and how every command answers."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

GOOD: Final = 0
BAD: Final = 1
WRONG_USE: Final = 2


@dataclass(frozen=True)
class Command:
    """One verb of the command line: its name, one sentence, its arguments, what it does."""

    name: str
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """For a command that takes none of its own."""


def answer(args: argparse.Namespace, row: Mapping[str, Any], sentence: str) -> None:
    """Print one row: JSON when asked for, else the sentence."""
    print(json.dumps(row, ensure_ascii=False) if args.json else sentence, flush=True)


class WrongUse(Exception):
    """The command was used wrongly; the text says how to use it rightly."""


def read_bytes(path: Path) -> bytes:
    """Read a file named on the command line. Raises WrongUse when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as failure:
        raise WrongUse(f"无法读取 {path}：{failure.strerror}；请检查路径和权限") from failure


def complain(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
