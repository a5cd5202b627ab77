"""ocfl-py looks at a storage root with all its objects: {"root"} → {"accepted", "objects", "why"}."""

import json
import sys

from ocfl import StorageRoot

for line in sys.stdin:
    root = StorageRoot(root=json.loads(line)["root"])
    valid = root.validate(log_warnings=True)
    whole = valid and root.good_objects == root.num_objects
    why = [str(error) for error in root.errors] + [str(entry) for entry in root.log.messages]
    told = {"accepted": whole and not why, "objects": root.num_objects, "why": why[:5]}
    print(json.dumps(told), flush=True)
