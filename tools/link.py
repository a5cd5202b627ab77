"""Make the checkout's package and its command ``lantai`` known to the interpreter that runs this.

The lock installs what Lantai needs, not Lantai: a line in the environment points to ``src``, so
that no build tool has to be installed for it.
"""

import sys
import sysconfig
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
(Path(sysconfig.get_path("purelib")) / "lantai.pth").write_text(f"{SOURCE}\n")
command = Path(sys.executable).parent / "lantai"
command.write_text(
    f"#!{sys.executable}\nimport sys\n\nfrom lantai.ops.main import main\n\n"
    # Processes that draw pages import this file again; only the first of them is the command.
    'if __name__ == "__main__":\n    sys.exit(main())\n'
)
command.chmod(0o755)
