"""Closes the data folder to every other user of the machine: it holds keys, and every event with what is in it.

New files are closed by the process's umask; an existing folder, and what stands directly in it, is closed here. What
lies deeper cannot be reached through a closed folder, and a store may have very many files.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

logger = logging.getLogger(__name__)
UMASK = 0o077
_FOLDER, _FILE = 0o700, 0o600
SHARED = "prometheus"
"""Folder within the data folder that `sojourn setup --scrape` makes for a group."""
_PASSED_THROUGH = 0o710
"""With it, for that group: the way to it is open, the data folder cannot be listed."""


def new_files() -> None:
    """From now on, whatever this process or a child of it makes is its user's alone."""
    os.umask(UMASK)


def close(data: Path) -> None:
    """Close an existing data folder; log it if others could reach what is in it, or still can."""
    shared = (data / SHARED).is_dir()
    was = _mode(data)
    try:
        opened = _set(data, _PASSED_THROUGH if shared else _FOLDER)
        for each in data.iterdir():
            if each.is_symlink() or each == data / SHARED:
                continue
            if _mode(each) & UMASK:
                each.chmod(_FOLDER if each.is_dir() else _FILE)
    except OSError as error:
        logger.warning(
            "the data folder %s cannot be closed to other users of this machine: %s", data, error.strerror or error
        )
        return
    if opened:
        logger.warning("the data folder %s was open to other users of this machine (%04o) and is closed now", data, was)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _set(path: Path, mode: int) -> bool:
    """Whether it was more open before."""
    was = _mode(path)
    if was != mode:
        path.chmod(mode)
    return bool(was & ~mode)
