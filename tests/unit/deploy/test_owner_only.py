"""The data folder is its user's alone."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from deploy import owner_only


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as an earlier version left it."""
    folder = tmp_path / "data"
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o755)
    for name in ("tenants.json", "lock"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    folder.chmod(0o755)
    return folder


def test_an_open_folder_is_closed_and_that_is_logged_once(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    owner_only.close(data)
    assert mode(data) == 0o700
    assert {each.name: mode(each) for each in data.iterdir()} == {"store": 0o700, "tenants.json": 0o600, "lock": 0o600}
    (record,) = caplog.records
    assert (record.levelno, str(data) in record.message, "0755" in record.message) == (logging.WARNING, True, True)
    owner_only.close(data)
    assert len(caplog.records) == 1


def test_what_prometheus_reads_stays_open_to_its_group_and_nothing_else(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    owner_only.close(data)
    caplog.clear()
    (data / owner_only.SHARED).mkdir()
    (data / owner_only.SHARED).chmod(0o750)
    owner_only.close(data)
    assert (mode(data), mode(data / owner_only.SHARED), mode(data / "tenants.json")) == (0o710, 0o750, 0o600)
    assert not caplog.records, "that way was asked for"


def test_a_folder_that_cannot_be_closed_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("no folder")
    owner_only.close(tmp_path / "data")
    assert "cannot be closed" in caplog.text
