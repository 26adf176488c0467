"""The name of `restoration` in states of stacks that were deployed before it was a package of its own.

A delete text comes from the state: until the next `up` of such a stack, and in its `destroy`, Pulumi runs
`python -m operations.restore`.
"""

from __future__ import annotations

import sys

from restoration.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
