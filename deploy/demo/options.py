"""Options of `sojourn demo`; every command parses its line with them, so they load nothing of the shop."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass

from deploy.demo.people import MEMBERS
from schemas.settings import between


@dataclass(frozen=True)
class Wish:
    """What was asked for. `rate`: that many live events a second at least, as long as it runs; None: the usual."""

    days: int = 60
    seed: int = 1
    rate: float | None = None
    once: bool = False
    force: bool = False
    members: int = MEMBERS


def options(command: ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument("--url", default="", help="where events go (default: this machine, SOJOURN_PORT)")
    command.add_argument("--query-url", default="", help="where questions go, if that is another service")
    command.add_argument(
        "--write-key", default="", help="key to send with (default: that of the first tenant of the tenants file)"
    )
    command.add_argument(
        "--read-token", default="", help="token to read with (default: that of the first tenant of the tenants file)"
    )
    command.add_argument("--days", type=between(int, 1, 365), default=Wish.days, help="days of history (default: 60)")
    command.add_argument(
        "--rate",
        type=_rate,
        default=None,
        help="least number of live events a second (default: 2, for the first minutes)",
    )
    command.add_argument(
        "--seed",
        type=between(int, 0, 1 << 31),
        default=Wish.seed,
        help="seed of the made-up shop: another one is another shop (default: 1)",
    )
    command.add_argument("--once", action="store_true", help="end when the history is loaded")
    command.add_argument("--force", action="store_true", help="also fill a tenant that has other events already")
    command.add_argument(
        "--members",
        type=between(int, 1, 10**6),
        default=Wish.members,
        help="how many members the shop has, which is its size",
    )


def _rate(text: str) -> float:
    return between(float, 0.0, 1000.0)(text)
