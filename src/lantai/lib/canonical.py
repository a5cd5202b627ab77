"""Canonical JSON (RFC 8785), the one form under every digest.

Only what every program writes alike is taken: strings, whole numbers within ±(2^53 - 1), booleans,
None, sequences and mappings with string keys. A fraction, a moment or bytes must be put into
words by whoever knows what they mean.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import rfc8785

LARGEST: Final = 2**53 - 1


def plain(value: object) -> Any:
    """Return the value in plain dicts, lists, strings and numbers; raise TypeError or ValueError.

    Subclasses lose themselves: an enum member of str becomes the string it is.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value.encode()  # a lone surrogate is no text
        return str.__str__(value)
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError(f"a number beyond ±(2^53 - 1) must be written as text: {value}")
        return int(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a key must be text, not {type(key).__name__}: {key!r}")
        return {plain(key): plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    raise TypeError(
        f"canonical JSON holds text, whole numbers, booleans, None, lists and mappings; "
        f"not {type(value).__name__}: {value!r}"
    )


def dumps(value: object) -> bytes:
    """Return the one canonical form of a value. Raises TypeError or ValueError."""
    form: bytes = rfc8785.dumps(plain(value))
    return form


def loads(form: bytes) -> Any:
    """Read canonical JSON; raise ValueError if it is not in the one canonical form."""
    try:
        value = json.loads(form.decode(), parse_float=_no_fraction, parse_constant=_no_fraction)
        if dumps(value) != form:
            raise ValueError("not in canonical form")
    except (RecursionError, TypeError) as strange:
        raise ValueError("not canonical JSON") from strange
    return value


def _no_fraction(text: str) -> Any:
    raise ValueError(f"not a whole number: {text}")
