"""Runs `sojourn demo`: finds the installation and its keys, and ends well."""

from __future__ import annotations

import signal
from argparse import Namespace
from threading import Event as Flag
from urllib.parse import urlsplit

from deploy.demo.options import Wish
from deploy.demo.sender import Sender, Stopped, Target
from deploy.demo.shop import Demo
from deploy.opening import address, open_tenants
from deploy.refusal import CannotStart
from deploy.welcome import plain
from schemas.settings import Settings


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
