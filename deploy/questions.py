"""How questions reach the store: in fair turns, bounded as the settings say, on threads that nothing else uses."""

from __future__ import annotations

from threading import Timer

from deploy.store import ClickHouseStore
from query_api import statistics
from query_api.admission import Admission, FairStore, Limits, statement_turns
from schemas.ports import Store
from schemas.quotas import Meters
from schemas.settings import Settings

REST_SECONDS = 5.0
"""How long a service answers before `Rest` takes time from it."""
REST = "the rest of the imports"


def open_for_questions(settings: Settings) -> ClickHouseStore:
    """The store of a service that answers questions, not opened yet."""
    return ClickHouseStore(
        settings.store_dsn,
        query_seconds=settings.query_seconds,
        query_threads=settings.query_threads,
        statement_bytes=settings.statement_bytes,
    )


class Rest:
    """Imports, some seconds after a service has begun to answer, what its first question would otherwise wait for."""

    def __init__(self) -> None:
        self._timer = Timer(REST_SECONDS, statistics.distributions)
        self._timer.name = REST

    def begin(self) -> None:
        """From now on the seconds pass."""
        self._timer.start()

    def end(self) -> None:
        """Do not import any more, or wait until an import that has begun is over."""
        self._timer.cancel()
        if self._timer.ident is not None:
            self._timer.join()


def fair(engine: ClickHouseStore, rows: Store, settings: Settings) -> FairStore:
    """What every question of a process asks; `rows` takes what is written in its name."""
    return FairStore(engine.questions, rows, statement_turns(settings.query_threads))


def admission(settings: Settings, meters: Meters) -> Admission:
    """The turns and quotas of whole questions."""
    return Admission(
        Limits(
            running=settings.questions_running,
            waiting=settings.questions_waiting,
            seconds=settings.question_seconds,
        ),
        meters,
    )
