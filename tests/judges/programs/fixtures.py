"""The OCFL community's own objects, good and bad, judge a verdict: {"object", "codes"} → {"accepted"}.

``LANTAI_OCFL_FIXTURES`` names a checkout of github.com/OCFL/fixtures. A bad object must be refused
under a code its name bears, a good one not at all; one that only deserves a warning may be refused
under that warning. {"ask": "list"} → {"objects"}.
"""

import json
import os
import re
import sys
from pathlib import Path

place = os.environ.get("LANTAI_OCFL_FIXTURES", "")
root = Path(place or ".", "1.1")
kinds = ("good-objects", "warn-objects", "bad-objects")
if not place or not all((root / kind).is_dir() for kind in kinds):
    sys.exit("LANTAI_OCFL_FIXTURES names no checkout of github.com/OCFL/fixtures")

for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("ask") == "list":
        listed = [str(path) for kind in kinds for path in sorted((root / kind).iterdir())]
        print(json.dumps({"accepted": True, "objects": listed}), flush=True)
        continue
    path, codes = Path(asked["object"]), set(asked["codes"])
    borne = set(re.findall(r"[EW][0-9]{3}", path.name))
    if path.parent.name == "bad-objects":
        right = bool(codes & borne)
    else:
        right = codes <= {code for code in borne if code.startswith("W")}
    print(json.dumps({"accepted": right}), flush=True)
