"""One process owns a data folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.folder_lock import FolderInUse, FolderLock


def test_the_second_owner_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "data"), FolderLock(tmp_path / "data")
    first.acquire()
    with pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_file_left_behind_by_a_dead_process_locks_nothing(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1\n")
    lock = FolderLock(tmp_path)
    lock.acquire()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()
