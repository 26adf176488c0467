"""The old name of `restoration`, kept for states that still run `python -m operations.restore`.

Pulumi takes the delete command from the state: a stack that an older version deployed has the old name there until its
next `pulumi up`.
"""

from __future__ import annotations

import sys

from restoration.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
