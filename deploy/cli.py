"""The command line `sojourn`. Exit 2: how it was called or configured; 70: it gave up."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence

from schemas import settings
from schemas.ports import StoreRejected, StoreUnavailable

USAGE = 2
GAVE_UP = 70


class Refused(Exception):
    """What a person can put right: told in one line, exit 2."""


def _serve(read: settings.Settings) -> None:
    from deploy import embedded  # noqa: PLC0415 -- the engine takes a second to import; `--help` should not

    try:
        embedded.run(read)
    except embedded.CannotStart as error:
        raise Refused(str(error)) from error


def _migrate(read: settings.Settings) -> None:
    from deploy import embedded  # noqa: PLC0415 -- as above

    try:
        applied = asyncio.run(embedded.migrate_only(read))
    except embedded.CannotStart as error:
        raise Refused(str(error)) from error
    print(f"{applied} statements applied")


def _later(what: str) -> Callable[[settings.Settings], None]:
    def refuse(_: settings.Settings) -> None:
        raise Refused(f"{what}: not there yet")

    return refuse


COMMANDS: dict[str, tuple[str, Callable[[settings.Settings], None]]] = {
    "serve": ("everything in one process, with the store in the data folder", _serve),
    "migrate": ("bring the store to the tables of this version", _migrate),
    "ingest": ("HTTP to log, as a service of its own (not there yet)", _later("ingest")),
    "processors": ("log to store, as a service of its own (not there yet)", _later("processors")),
    "query": ("store to HTTP, as a service of its own (not there yet)", _later("query")),
    "topics": ("create the topics (not there yet)", _later("topics")),
    "demo": ("send made-up journeys (not there yet)", _later("demo")),
    "import": ("read events from files (not there yet)", _later("import")),
}


def parser() -> argparse.ArgumentParser:
    """Commands and their help; settings come from the environment."""
    top = argparse.ArgumentParser(prog="sojourn", epilog="Settings: SOJOURN_* variables, see deploy/.env.example.")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for name, (text, _) in COMMANDS.items():
        commands.add_parser(name, help=text, description=text)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the script `sojourn`; answers the exit code."""
    chosen = parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    try:
        COMMANDS[chosen.command][1](settings.read(os.environ))
    except (Refused, settings.InvalidSetting) as error:
        print(f"sojourn: {error}", file=sys.stderr)
        return USAGE
    except (StoreUnavailable, StoreRejected, OSError) as error:
        print(f"sojourn: gave up: {error}", file=sys.stderr)
        return GAVE_UP
    return 0


if __name__ == "__main__":
    sys.exit(main())
