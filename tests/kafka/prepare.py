"""Makes a native Kafka ready for the tests, once: `python -m tests.kafka.prepare`, which `make test` calls.

Copies the jars, and runs a broker whose formatted log folder and loaded classes are kept for all that come later: they
start in half the time.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.kafka.broker import ARCHIVE, FORMATTED, Broker
from tests.kafka.jars import NoKafka, jars


def prepare() -> None:
    """Do what is not done. Raises `NoKafka`."""
    beside = jars()
    if (beside / ARCHIVE).exists():
        return
    with tempfile.TemporaryDirectory(dir=beside.parent, prefix="kafka-") as temporary:
        folder = Path(temporary)
        first = Broker(folder, flags=[f"-XX:ArchiveClassesAtExit={folder / ARCHIVE}", "-Xlog:disable"])
        first.format(folder / FORMATTED)
        try:
            first.start()
        finally:
            first.stop()
        for name in (FORMATTED, ARCHIVE):  # whoever finds the archive finds the folder
            if not (beside / name).exists():
                shutil.move(folder / name, beside / name)


def main() -> int:
    """Prepare, and say how long it took; a machine that cannot is no error, the tests say so themselves."""
    begun = time.monotonic()
    try:
        prepare()
    except NoKafka as reason:
        print(f"no Kafka for the tests: {reason}", file=sys.stderr)
    else:
        if time.monotonic() - begun > 0.5:
            print(f"Kafka: {jars().name} made ready in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
