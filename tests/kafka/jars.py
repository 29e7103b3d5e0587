"""The jars of Apache Kafka, copied once by Maven beside the Python packages."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
POM = Path(__file__).with_name("pom.xml")
JAVA = 17
NEEDED = f"Java {JAVA} or newer and Maven (Debian: openjdk-17-jre-headless, maven)"


class NoKafka(Exception):
    """A native Kafka cannot run here; the text says what to install."""


def version() -> str:
    """The Kafka that the pom names."""
    found = re.search(r"<kafka.version>(.*?)</kafka.version>", POM.read_text())
    assert found is not None
    return found[1]


def java() -> str:
    """The path of a Java that is new enough. Raises `NoKafka`."""
    path = shutil.which("java")
    if path is None:
        raise NoKafka(f"no java; install {NEEDED}")
    told = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < JAVA:
        first = (told.strip().splitlines() or ["nothing"])[0]
        raise NoKafka(f"java answers {first}; install {NEEDED}")
    return path


def jars() -> Path:
    """The folder with the jars, copied now if they are not there. Raises `NoKafka`."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]  # another pom, another folder
    folder = ROOT / ".venv" / f"kafka-{version()}-{digest}"
    if folder.is_dir():
        return folder
    java()
    maven = shutil.which("mvn")
    if maven is None:
        raise NoKafka(f"no mvn; install {NEEDED}")
    folder.parent.mkdir(exist_ok=True)
    # Renamed at the end: a copy that was interrupted is never taken for a whole one, and of two at once one wins.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="kafka-") as temporary:
        copied = Path(temporary) / "jars"
        copy = ["dependency:copy-dependencies", f"-DoutputDirectory={copied}"]
        done = subprocess.run(
            [maven, "--quiet", "--batch-mode", f"--file={POM}", *copy], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NoKafka(f"mvn could not copy the jars of Kafka: {(done.stdout + done.stderr).strip()[:500]}")
        try:
            copied.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    return folder
