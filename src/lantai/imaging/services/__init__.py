"""Paper to pages: the verbs of production."""

from lantai.imaging.services.cataloguing import (
    Described,
    NewLine,
    describe_item,
    place_scan,
    put_line,
    remove_line,
)
from lantai.imaging.services.clearing import Cleared, clear_inbox
from lantai.imaging.services.inspection import (
    accept_batch,
    judge_finding,
    look_at_item,
    look_at_scan,
    return_scan,
    scan_thumbnail,
    scan_tile,
    set_item_aside,
    set_scan_aside,
    take_item_up,
)
from lantai.imaging.services.paper import count_paper, hand_over
from lantai.imaging.services.processing import ClaimLost, Outcome, claim_next, process
from lantai.imaging.services.receiving import receive_folder
from lantai.imaging.services.rescanning import rescan, supply

__all__ = [
    "ClaimLost",
    "Cleared",
    "Described",
    "NewLine",
    "Outcome",
    "accept_batch",
    "claim_next",
    "clear_inbox",
    "count_paper",
    "describe_item",
    "hand_over",
    "judge_finding",
    "look_at_item",
    "look_at_scan",
    "place_scan",
    "process",
    "put_line",
    "receive_folder",
    "remove_line",
    "rescan",
    "return_scan",
    "scan_thumbnail",
    "scan_tile",
    "set_item_aside",
    "set_scan_aside",
    "supply",
    "take_item_up",
]
