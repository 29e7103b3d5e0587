"""The command line `sojourn`. Exit 2: the way it was called or configured; 70: it gave up."""

from __future__ import annotations

import sys


def main() -> int:
    """Entry point of the script `sojourn`."""
    print("sojourn: not there yet", file=sys.stderr)
    return 2
