"""One distribution with general package names: each must be ours, and what is not Python must travel with it."""

from __future__ import annotations

import importlib
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
    "wheel"
]["packages"]


@pytest.mark.parametrize("name", PACKAGES)
def test_each_top_level_name_resolves_to_this_tree(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None, "a folder without __init__.py would be shared with anybody"
    assert Path(module.__file__).parent == ROOT / name


def test_the_wheel_carries_every_file_of_the_packages(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    carried = set(zipfile.ZipFile(wheel).namelist())
    kinds = {".py", ".sql", ".json", ".html", ".js", ".css", ".svg"}
    wanted = {
        str(file.relative_to(ROOT))
        for name in PACKAGES
        for file in (ROOT / name).rglob("*")
        if file.suffix in kinds or file.name == "py.typed"
    }
    assert wanted <= carried, f"missing: {sorted(wanted - carried)[:5]}"
    assert any(name.endswith("migrations/0001_archive_and_facts.sql") for name in carried)
    assert {f"{name}/py.typed" for name in PACKAGES} <= carried, "the packages are typed and say so"
    assert not any(name.startswith("tests/") for name in carried)


def test_no_lock_names_a_registry() -> None:
    for lock in (ROOT / "deploy/locks").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert "--index" not in text, lock.name
        assert "--find-links" not in text, lock.name
        assert text.count("--hash=sha256:") > 100, lock.name


def test_no_folder_under_tests_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
