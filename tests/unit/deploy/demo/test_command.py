"""What `sojourn demo` is told: where an installation is, its keys, and what it says when it cannot know them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy import cli
from deploy.demo.command import find
from schemas import settings


def tenants(folder: Path, key: str = "wk_1", token: str = "rt_1") -> None:
    every = [
        {"id": "first", "write_keys": [key], "read_tokens": [token]},
        {"id": "second", "write_keys": ["wk_2"], "read_tokens": ["rt_2"]},
    ]
    (folder / "tenants.json").write_text(json.dumps({"tenants": every}))


def test_the_first_tenant_of_the_file_is_filled(tmp_path: Path) -> None:
    tenants(tmp_path)
    read = settings.read({"SOJOURN_DATA": str(tmp_path), "SOJOURN_HOST": "0.0.0.0", "SOJOURN_PORT": "9000"})
    target = find(read, cli.parser().parse_args(["demo"]))
    assert (target.url, target.write_key, target.read_token) == ("http://127.0.0.1:9000", "wk_1", "rt_1")
    assert target.query_url == target.url


def test_what_is_given_needs_no_file(tmp_path: Path) -> None:
    read = settings.read({"SOJOURN_DATA": str(tmp_path)})
    given = [
        "--url",
        "https://in.example/",
        "--query-url",
        "https://q.example",
        "--write-key",
        "w",
        "--read-token",
        "r",
    ]
    target = find(read, cli.parser().parse_args(["demo", *given]))
    assert (target.url, target.query_url, target.write_key) == ("https://in.example", "https://q.example", "w")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "no tenants file"), (["--url", "shop"], "--url has to be like")],
)
def test_what_is_missing_is_said_with_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.setenv("SOJOURN_DATA", str(tmp_path))
    assert cli.main(["demo", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_hashed_keys_have_to_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tenants(tmp_path, key="sha256:" + "0" * 64)
    monkeypatch.setenv("SOJOURN_DATA", str(tmp_path))
    assert cli.main(["demo"]) == 2
    assert "give --write-key and --read-token" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--days", "0"], ["--rate", "-1"], ["--rate", "nan"], ["--seed", "x"]])
def test_a_number_that_makes_no_sense_is_wrong_usage(option: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["demo", *option])
    assert left.value.code == 2
