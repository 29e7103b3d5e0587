"""One file a client family. A family is found by being here: its module holds a `PROTOCOL`."""

from __future__ import annotations

import importlib
import pkgutil

from ingest.protocols.protocol import Lookup, Protocol, Route


def _discovered() -> dict[str, Protocol]:
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    protocols = [module.PROTOCOL for module in modules if hasattr(module, "PROTOCOL")]
    return {protocol.name: protocol for protocol in protocols}


PROTOCOLS = _discovered()

__all__ = ["PROTOCOLS", "Lookup", "Protocol", "Route"]
