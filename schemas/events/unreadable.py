"""The error of every reading of a value that somebody else wrote."""

from __future__ import annotations


class Unreadable(ValueError):
    """A field holds something that it cannot mean."""
