"""The verbs of a case, by noun."""

from lantai.cases.services.decision import decide
from lantai.cases.services.evidence import confirm, export_evidence
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
from lantai.cases.services.standstill import resume_case, suspend_case, withdraw_case

__all__ = [
    "Application",
    "NewClaim",
    "adopt",
    "call_paper",
    "confirm",
    "decide",
    "export_evidence",
    "file_case",
    "hand_paper_back",
    "hand_paper_out",
    "mark_page",
    "open_case",
    "raise_route",
    "resume_case",
    "return_to_reviewer",
    "see_paper",
    "state_claim",
    "submit_review",
    "suspend_case",
    "take_case",
    "withdraw_case",
    "withdraw_claim",
    "withdraw_mark",
]
