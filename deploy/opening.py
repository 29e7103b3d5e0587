"""What every command opens before it does anything: its folder and its tenants; each failure one clear line.

What a service serves with is in deploy/serving.py, the store in deploy/open_store.py: not every command loads them.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy import owner_only
from deploy.folder_lock import FolderInUse, FolderLock
from deploy.refusal import CannotStart
from schemas import settings as declared
from schemas.settings import Settings
from schemas.tenants import InvalidTenants, Tenants, create_default


def address(host: str, port: int) -> str:
    """Where a service that listens on `host` is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def lock_folder(settings: Settings, stack: AsyncExitStack) -> None:
    """Own the data folder until `stack` closes. Raises `CannotStart`."""
    lock = FolderLock(settings.data)
    try:
        lock.acquire()
    except FolderInUse as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        raise CannotStart(f"the data folder {settings.data}: {error.strerror or error}") from error
    stack.callback(lock.release)
    owner_only.close(settings.data)


def without_password(dsn: str) -> str:
    """A DSN that may be shown."""
    parts = urlsplit(dsn)
    *secret, address = parts.netloc.rpartition("@")
    return str(urlunsplit(parts._replace(netloc=address))) if any(secret) else dsn


def is_embedded(settings: Settings) -> bool:
    """Whether the store is chDB, inside the process that opens it."""
    return urlsplit(settings.store_dsn).scheme == "chdb"


def need_kafka(settings: Settings) -> str:
    """Kafka's address. Raises `CannotStart` if there is none."""
    if not settings.kafka:
        raise CannotStart(f"{declared.KAFKA.variable} is not set; without Kafka, `sojourn serve` runs everything")
    return settings.kafka


def need_server(settings: Settings) -> str:
    """The store's DSN. Raises `CannotStart` unless it is a server's."""
    if urlsplit(settings.store_dsn).scheme not in ("http", "https"):
        raise CannotStart(
            f"{declared.STORE_DSN.variable} has to name a ClickHouse server (http://user:password@host:8123/database): "
            f"a chDB folder ({without_password(settings.store_dsn)}) belongs to one process, which is `sojourn serve`"
        )
    return settings.store_dsn


def open_tenants(path: Path) -> Tenants:
    """The tenants of a file that exists. Raises `CannotStart`."""
    if not path.exists():
        raise CannotStart(f"there is no tenants file {path}; `sojourn setup` makes one with new keys")
    try:
        return Tenants(path)
    except InvalidTenants as error:
        raise CannotStart(f"the tenants file {error}") from error


def make_tenants(path: Path) -> bool:
    """Make a tenants file with new keys if there is none; answers whether it did. Raises `CannotStart`."""
    try:
        if path.exists():
            return False
        create_default(path)
    except FileExistsError:  # another process was faster: its keys count
        return False
    except OSError as error:
        raise CannotStart(f"the tenants file {path}: {error.strerror or error}") from error
    return True
