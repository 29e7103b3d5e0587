"""Loads chDB's library, without pyarrow.

chDB can do without pyarrow and imports it where it is installed, as its own requirements see to: with numpy half a
second of every start, for results as Arrow tables. Rows come and go here in the engine's own format.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Any, cast

_ARROW = "pyarrow"
_loading = threading.Lock()


def load() -> None:
    """Import chDB, which finds no pyarrow meanwhile. Raises `ImportError` where chDB is not installed."""
    with _loading:
        if "chdb" in sys.modules or _ARROW in sys.modules:
            return
        sys.modules[_ARROW] = cast("Any", None)  # what Python has for a module that must not be imported
        try:
            importlib.import_module("chdb")
        finally:
            del sys.modules[_ARROW]
