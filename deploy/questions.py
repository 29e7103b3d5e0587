"""How questions reach the store: in fair turns, bounded as the settings say, on threads that nothing else uses."""

from __future__ import annotations

from threading import Thread

from deploy.store import ClickHouseStore
from query_api import statistics
from query_api.admission import Admission, FairStore, Limits, statement_turns
from schemas.ports import Store
from schemas.quotas import Meters
from schemas.settings import Settings


def open_for_questions(settings: Settings) -> ClickHouseStore:
    """The store of a service that answers questions, not opened yet."""
    return ClickHouseStore(
        settings.store_dsn,
        query_seconds=settings.query_seconds,
        query_threads=settings.query_threads,
        statement_bytes=settings.statement_bytes,
    )


def import_the_rest() -> None:
    """Import, once a service answers, what the first question would otherwise wait for."""
    Thread(target=statistics.distributions, name="imports", daemon=True).start()


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
