"""Runs the benches one after another: `python -m tests.bench [name ...] [--out file] [options]`.

Each bench is a program of its own. An option goes to every chosen bench that knows it, so that one list of arguments
serves all; one that none of them knows is a mistake. `--out` gathers what each has written under its name.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NAMES = ("latency", "reading", "ingest", "processing", "freshness", "stream", "soak")


def known(name: str) -> set[str]:
    """The options of a bench, from its own help."""
    told = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{name}", "--help"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", told.stdout))


def parted(arguments: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Names of benches, and options with their values."""
    names: list[str] = []
    options: dict[str, list[str]] = {}
    values = names
    for argument in arguments:
        if argument.startswith("--"):
            option, _, value = argument.partition("=")
            values = options[option] = [value] if value else []
        elif argument in NAMES or (values is not names and values):
            names.append(argument)
        else:
            values.append(argument)
    return names, options


def main(arguments: list[str]) -> int:
    """0, or 1 if a bench failed, or 2 if the arguments make no sense."""
    names, options = parted(arguments)
    out = options.pop("--out", None)
    chosen = {name: known(name) for name in names or NAMES if name in NAMES}
    strange = set(names).difference(NAMES) | set(options).difference(*chosen.values())
    if strange or out == []:
        print(f"not understood: {' '.join(sorted(strange)) or '--out'} (benches: {', '.join(NAMES)})", file=sys.stderr)
        return 2
    results: dict[str, Any] = {}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, understood in chosen.items():
            written = Path(folder) / f"{name}.json"
            own = [each for option, values in options.items() if option in understood for each in (option, *values)]
            print(f"== {name}", flush=True)
            command = [sys.executable, "-m", f"tests.bench.{name}", *own, "--out", str(written)]
            failed |= subprocess.run(command, check=False).returncode != 0
            if written.exists():
                results[name] = json.loads(written.read_text())
    if out:
        Path(out[0]).write_text(json.dumps(results, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
