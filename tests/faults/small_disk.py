"""A file system of its own for one folder, so that it can be filled up."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.store import KEEP_FREE


class SmallDisk:
    """A tmpfs of so many megabytes; needs the right to mount, without which `mounted` is false."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self.mounted = False
        self._size = megabytes
        self._libc = ctypes.CDLL(None, use_errno=True)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = f"size={self._size}m".encode()
        self.mounted = self._libc.mount(b"tmpfs", str(self.folder).encode(), b"tmpfs", 0, options) == 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.mounted:
            self._libc.umount2(str(self.folder).encode(), 2)

    def fill(self) -> None:
        """Until half of what the store keeps free is left: no insert is taken, and what it merges can end."""
        assert self.mounted, "without the right to mount there is no disk to fill"
        left = self._size * 1_048_576 * KEEP_FREE / 2
        with (self.folder / "ballast").open("wb") as file:
            while (free := os.statvfs(self.folder)).f_bavail * free.f_frsize > left:
                file.write(b"\0" * 65_536)
                file.flush()

    def empty(self) -> None:
        (self.folder / "ballast").unlink()
