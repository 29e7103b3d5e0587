"""The command line `sojourn`. Exit code 2: called or configured wrongly; 70: gave up, start it again."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from deploy import logs, owner_only
from deploy.refusal import CannotStart
from schemas import settings
from schemas.ports import LogUnavailable, StoreRejected, StoreUnavailable
from schemas.settings import Settings
from schemas.tables import FACTS

# Every command imports what it needs when it runs: `--help` and a broken setting answer at once, and no service loads
# another's engine.
# ruff: noqa: PLC0415

USAGE = 2
GAVE_UP = 70
LOST_ROWS = 1


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it does, how, and the options and the port that it has beside the settings."""

    text: str
    run: Callable[[Settings, Namespace], int | None]
    options: Callable[[ArgumentParser], None] = lambda _: None
    port: int = 8080


def _serve(read: Settings, _: Namespace) -> None:
    from deploy import embedded

    embedded.run(read)


def _ingest(read: Settings, _: Namespace) -> None:
    from deploy import ingest_service

    ingest_service.run(read)


def _query(read: Settings, _: Namespace) -> None:
    from deploy import query_service

    query_service.run(read)


def _processors(read: Settings, arguments: Namespace) -> None:
    from deploy import processors

    processors.run(read, workers=arguments.workers)


def _migrate(read: Settings, _: Namespace) -> None:
    from deploy.open_store import migrate_only

    print(f"{asyncio.run(migrate_only(read))} statements applied")


def _topics(read: Settings, _: Namespace) -> None:
    from deploy import setup

    print(asyncio.run(setup.topics(read)))


def _setup(read: Settings, arguments: Namespace) -> None:
    from deploy import setup

    print(asyncio.run(setup.everything(read, arguments.scrape or "")))


def _keys(read: Settings, _: Namespace) -> None:
    from datetime import UTC, datetime

    from deploy import keys

    print(keys.text(read, datetime.now(UTC)))


def _list_letters(read: Settings, arguments: Namespace) -> None:
    from deploy import dead_letters

    print(dead_letters.list_letters(read, arguments.tenant, arguments.reason, arguments.limit))


def _replay_letters(read: Settings, arguments: Namespace) -> None:
    from deploy import dead_letters

    print(dead_letters.replay(read, arguments.tenant, arguments.reason, arguments.limit))


def _dead_letters(read: Settings, arguments: Namespace) -> None:
    {"list": _list_letters, "replay": _replay_letters}[arguments.action](read, arguments)


def _sql(read: Settings, arguments: Namespace) -> None:
    from deploy import sql

    print(sql.show(read, arguments.metric, arguments.query, arguments.tenant))


def _rebuild(read: Settings, arguments: Namespace) -> None:
    from deploy import rebuild

    if arguments.layer == "windows" and arguments.again is not None:
        raise CannotStart("rebuild windows publishes all of them again; --again is for facts")
    print(rebuild.windows(read) if arguments.layer == "windows" else rebuild.facts(read, arguments.again))


def _check(read: Settings, arguments: Namespace) -> int:
    from deploy import check

    found = check.losses(read, accept=arguments.accept)
    print("\n".join(found) or "no table has lost rows")
    return LOST_ROWS if found and not arguments.accept else 0


def _demo(read: Settings, arguments: Namespace) -> None:
    from deploy.demo import command

    command.run(read, arguments)


def _demo_options(parser: ArgumentParser) -> None:
    from deploy.demo.options import options

    options(parser)


def _later(what: str) -> Callable[[Settings, Namespace], None]:
    def refuse(_: Settings, __: Namespace) -> None:
        raise CannotStart(f"{what}: not available yet")

    return refuse


def _positive(text: str) -> int:
    return settings.between(int, 1)(text)


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ArgumentTypeError(f"{text!r} is no host:port")
    return text


def _setup_options(command: ArgumentParser) -> None:
    meaning = "also write Prometheus's scrape configuration for every tenant; query has this address for Prometheus"
    command.add_argument("--scrape", type=_address, default=None, metavar="HOST:PORT", help=meaning)


def _check_options(command: ArgumentParser) -> None:
    command.add_argument("--accept", action="store_true", help="accept what is lost: report it no longer")


def _worker_options(command: ArgumentParser) -> None:
    command.add_argument("--workers", type=_positive, default=1, help="number of worker processes (default: 1)")


def _letter_options(command: ArgumentParser) -> None:
    command.add_argument(
        "action", choices=("list", "replay"), help="list shows them, replay sends them to the log again"
    )
    command.add_argument("--tenant", default="", help="only of this tenant")
    command.add_argument("--reason", default="", help="only with this reason")
    command.add_argument("--limit", type=_positive, default=100, help="how many at most (default: 100)")


def _sql_options(command: ArgumentParser) -> None:
    command.add_argument("metric", help="the name of a metric")
    command.add_argument("query", nargs="*", metavar="NAME=VALUE", help="parameters as in its URL, such as window=P28D")
    command.add_argument("--tenant", default="", help="whose numbers (default: the first tenant of the file)")


def _rebuild_options(command: ArgumentParser) -> None:
    command.add_argument(
        "layer", choices=("facts", "windows"), nargs="?", default="facts", help="what to build (default: facts)"
    )
    names = [table.name for table in FACTS]
    meaning = f"from the beginning, even if complete; all facts if none is named: {', '.join(names)}"
    command.add_argument("--again", nargs="*", choices=names, metavar="FACT", help=meaning)


COMMANDS: dict[str, Command] = {
    "serve": Command("run everything in one process, with the store in the data folder", _serve),
    "ingest": Command("run the service that takes events (HTTP to log)", _ingest),
    "processors": Command(
        "run the service that counts events (log to store)", _processors, _worker_options, port=settings.PROCESSORS_PORT
    ),
    "query": Command("run the service that answers questions (store to HTTP)", _query, port=settings.QUERY_PORT),
    "setup": Command(
        "create topics and tables, and a tenants file with new keys if there is none", _setup, _setup_options
    ),
    "topics": Command("create the topics", _topics),
    "migrate": Command("bring the store's tables to this version", _migrate),
    "rebuild": Command(
        "build missing facts from the archive, or publish the rolling windows again, while serving",
        _rebuild,
        _rebuild_options,
    ),
    "check": Command("look for rows that tables have lost; exit code 1 if there are any", _check, _check_options),
    "sql": Command("print the statement that counts a metric, with its bound values", _sql, _sql_options),
    "dead-letters": Command("list, or send again, events that could not be counted", _dead_letters, _letter_options),
    "keys": Command("show the keys of the tenants file, a link to the page, and commands to try", _keys),
    "demo": Command("send a made-up shop: 60 days of history, then live events until stopped", _demo, _demo_options),
    "import": Command("read events from files (not available yet)", _later("import")),
}


def parser() -> ArgumentParser:
    """Commands and their help; settings come from the environment."""
    top = ArgumentParser(prog="sojourn", epilog="Settings are environment variables: see deploy/.env.example.")
    top.add_argument("--version", action="version", version=f"sojourn {version('sojourn')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        command.options(commands.add_parser(name, help=command.text, description=command.text))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the script `sojourn`; answers the exit code."""
    chosen = parser().parse_args(arguments)
    command = COMMANDS[chosen.command]
    try:
        read = settings.read(os.environ, port=command.port)
        logs.configure(chosen.command, read.log_format)
        owner_only.new_files()
        return command.run(read, chosen) or 0
    except (CannotStart, settings.InvalidSetting) as error:
        print(f"sojourn: {error}", file=sys.stderr)
        return USAGE
    except (LogUnavailable, StoreUnavailable, StoreRejected, OSError) as error:
        print(f"sojourn: gave up: {error}", file=sys.stderr)
        return GAVE_UP


if __name__ == "__main__":
    sys.exit(main())
