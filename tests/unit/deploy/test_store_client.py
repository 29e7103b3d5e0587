"""The client of the store: what it loads."""

from __future__ import annotations

import subprocess
import sys

from tests.service import ROOT

INSERTING = """
import sys
import deploy.store
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.insert import InsertContext

InsertContext("t", ["x"], [get_from_name("UInt8")], [[1]], column_oriented=True)
print("pandas" in sys.modules)
"""


def test_rows_are_inserted_without_loading_pandas() -> None:
    command = [sys.executable, "-c", INSERTING]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "False\n"
