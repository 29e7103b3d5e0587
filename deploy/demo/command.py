"""What `sojourn demo` takes, where it finds the installation and its keys, and how it ends."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from threading import Event as Flag
from urllib.parse import urlsplit

from deploy.demo.sender import Sender, Stopped, Target
from deploy.demo.shop import Demo, Wish
from deploy.opening import address, open_tenants
from deploy.refusal import CannotStart
from deploy.welcome import plain
from schemas.settings import Settings


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
    command.add_argument("--days", type=_whole(1, 365), default=Wish.days, help="days of history (default: 60)")
    command.add_argument(
        "--rate",
        type=_rate,
        default=None,
        help="least number of live events a second (default: 2, for the first minutes)",
    )
    command.add_argument(
        "--seed",
        type=_whole(0, 1 << 31),
        default=Wish.seed,
        help="seed of the made-up shop: another one is another shop (default: 1)",
    )
    command.add_argument("--once", action="store_true", help="end when the history is loaded")
    command.add_argument("--force", action="store_true", help="also fill a tenant that has other events already")
    command.add_argument(
        "--members",
        type=_whole(1, 10**6),
        default=Wish.members,
        help="how many members the shop has, which is its size",
    )


def run(settings: Settings, arguments: Namespace) -> None:
    """Until SIGINT or SIGTERM, which end it well. Raises `CannotStart`, `OSError`."""
    target = find(settings, arguments)
    stop = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    wish = Wish(
        days=arguments.days,
        seed=arguments.seed,
        rate=arguments.rate,
        once=arguments.once,
        force=arguments.force,
        members=arguments.members,
    )
    sender = Sender(target, stop)
    try:
        Demo(sender, wish).run()
    except Stopped:
        pass
    finally:
        stop.set()
        sender.close()


def find(settings: Settings, arguments: Namespace) -> Target:
    """The installation that is meant. Raises `CannotStart` where a key is missing."""
    url = (arguments.url or address(settings.host, settings.port)).rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise CannotStart(f"--url has to be like http://host:8080, not {url!r}")
    write, read = arguments.write_key, arguments.read_token
    if not (write and read):
        tenant = open_tenants(settings.tenants).all[0]
        write, read = write or plain(tenant.write_keys), read or plain(tenant.read_tokens)
    if not (write and read):
        raise CannotStart(
            f"the keys of the first tenant in {settings.tenants} are hashed or missing; "
            "give --write-key and --read-token"
        )
    return Target(url, write, read, (arguments.query_url or url).rstrip("/"))


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return read


def _rate(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1000:
        raise ValueError
    return number
