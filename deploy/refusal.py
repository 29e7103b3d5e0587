"""That a command will not start: the one exception of ours whose text is meant for the person who typed it."""

from __future__ import annotations


class CannotStart(Exception):
    """What a person has to put right first, in one line; the command line exits with 2."""
