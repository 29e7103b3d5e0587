"""Finds the parts that the engine has and cannot read, and takes them out of their tables."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from deploy.store import ClickHouseStore
from schemas.damage import Damage
from schemas.ports import StoreRejected
from schemas.tables import TABLES, Source

logger = logging.getLogger(__name__)
UNREADABLE = "cannot be read: its bytes have changed"
"""Why a part is lost that the engine still has. What the engine itself says of it is for the log."""
_NAMES = """SELECT name FROM system.parts WHERE database = currentDatabase() AND active AND table = {table:String}
AND NOT startsWith(engine, 'Replicated')"""
_MERGED = "NO_SUCH_DATA_PART"
"""The engine's word for a part that a merge has replaced since it was listed."""


async def unreadable(store: ClickHouseStore, tables: Sequence[str], at: int, *, deep: bool) -> dict[Damage, str]:
    """Tables that do not load, and with `deep` the parts whose sums do not fit, each with what the engine says. Raises
    what the store raises.
    """
    found = {}
    for name in tables:
        try:
            await store.query(f"SELECT count() FROM {name}")
        except StoreRejected as error:
            found[Damage(name, "", at, "cannot be loaded")] = str(error)
            continue
        for (part,) in await store.query(_NAMES, {"table": name}) if deep else ():
            if said := await _said(store, name, part):
                found[Damage(name, part, at, UNREADABLE)] = said
    return found


async def _said(store: ClickHouseStore, table: str, part: str) -> str:
    """What the engine says of a part that it cannot read, else "". One statement a part, so that each ends in time."""
    try:
        checked = await store.query(f"CHECK TABLE {table} PART '{part}' SETTINGS check_query_single_value_result = 0")
    except StoreRejected as error:
        if _MERGED in str(error):
            return ""
        raise
    # The client may take it for a statement without rows, and splits the text of its answer at tabs alone.
    _, is_sound, *message = "\t".join(str(cell) for row in checked for cell in row).split("\t")
    return "" if is_sound == "1" else " ".join(message) or UNREADABLE


async def set_aside(store: ClickHouseStore, damage: Damage) -> None:
    """Take the part out of its table; the engine keeps what there is of its files [also tried with none]. Raises what
    the store raises.
    """
    try:
        await store.command(f"ALTER TABLE {damage.table} DETACH PART '{damage.part}'")
    except StoreRejected as error:
        if _MERGED not in str(error):
            raise


async def free_own_tables(store: ClickHouseStore) -> None:
    """Set aside what cannot be read of the tables whose writers go on without: starts and looks read them first.
    Raises what the store raises.
    """
    own = [name for name, table in TABLES.items() if table.source is Source.ITSELF]
    for damage, said in (await unreadable(store, own, 0, deep=True)).items():
        if damage.part:
            logger.error("part %s of table %s is set aside: %s", damage.part, damage.table, said)
            await set_aside(store, damage)
