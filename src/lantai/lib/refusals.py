"""The kinds of "no".

    Refusal
    ├── NotPermitted   the person may not do this            403
    ├── NotFound       there is no such thing, or none to be told of   404
    ├── Conflict       the thing is in another state by now  409
    ├── Gone           it was destroyed, for good and on purpose       410
    └── Unacceptable   what was handed in cannot be taken    422

A refusal is an answer, not a defect: it carries every reason at once, each a sentence in Chinese
that may be shown to the person and says what to do next.
"""


class Refusal(Exception):
    """A "no" with all its reasons."""

    status = 422

    def __init__(self, *reasons: str) -> None:
        if not reasons:
            raise ValueError("a refusal needs a reason")
        self.reasons = reasons
        super().__init__("；".join(reasons))


class NotPermitted(Refusal):
    status = 403


class NotFound(Refusal):
    status = 404


class Conflict(Refusal):
    status = 409


class Gone(Refusal):
    status = 410


class Unacceptable(Refusal):
    status = 422
