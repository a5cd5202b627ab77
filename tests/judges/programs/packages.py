"""ocfl-py looks at a storage root with all its objects: {"root"} → {"accepted", "objects", "why"}.

Warnings refuse too, but for W004: new objects are addressed by sha256 on purpose.
"""

import json
import re
import sys

from ocfl import StorageRoot

for line in sys.stdin:
    root = StorageRoot(root=json.loads(line)["root"])
    valid = root.validate(log_warnings=True)
    whole = valid and root.good_objects == root.num_objects
    said = [str(entry) for entry in (*root.errors, *root.log.messages)]
    why = [text for text in said if set(re.findall(r"\]\[([EW]\d+\w*)\]", text)) != {"W004"}]
    told = {"accepted": whole and not why, "objects": root.num_objects, "why": why[:5]}
    print(json.dumps(told), flush=True)
