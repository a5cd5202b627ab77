"""The verbs of a case, by noun."""

from lantai.cases.services.decision import decide
from lantai.cases.services.evidence import confirm
from lantai.cases.services.filing import file_case
from lantai.cases.services.intake import Application, open_case, raise_route, take_case
from lantai.cases.services.paper import call_paper, hand_paper_back, hand_paper_out, see_paper
from lantai.cases.services.review import (
    NewClaim,
    adopt,
    mark_page,
    return_to_reviewer,
    state_claim,
    submit_review,
    withdraw_claim,
    withdraw_mark,
)

__all__ = [
    "Application",
    "NewClaim",
    "adopt",
    "call_paper",
    "confirm",
    "decide",
    "file_case",
    "hand_paper_back",
    "hand_paper_out",
    "mark_page",
    "open_case",
    "raise_route",
    "return_to_reviewer",
    "see_paper",
    "state_claim",
    "submit_review",
    "take_case",
    "withdraw_claim",
    "withdraw_mark",
]
