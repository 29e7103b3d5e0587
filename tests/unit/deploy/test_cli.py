"""The command line: every promised command exists, and what is not there yet says so with exit code 2."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from deploy import cli

PROMISED = {"serve", "ingest", "processors", "query", "migrate", "topics", "demo", "import"}
ADDED = {"sql", "check", "keys", "setup", "dead-letters", "rebuild"}


def test_every_promised_command_exists() -> None:
    assert set(cli.COMMANDS) == PROMISED | ADDED


@pytest.mark.parametrize("command", ["import"])
def test_a_command_that_is_not_there_yet_says_so(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command]) == 2
    assert capsys.readouterr().err == f"sojourn: {command}: not available yet\n"


@pytest.mark.parametrize("arguments", [[], ["brew"], ["serve", "--fast"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 2


def test_a_broken_setting_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOJOURN_PORT", "eighty")
    assert cli.main(["serve"]) == 2
    assert capsys.readouterr().err.startswith("sojourn: SOJOURN_PORT='eighty'")


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert (left.value.code, capsys.readouterr().out) == (0, f"sojourn {project['version']}\n")
