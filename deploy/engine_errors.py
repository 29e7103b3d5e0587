"""Engine errors by their codes: which of them pass, which a person can repair, which come of a damaged part, and what
the port calls them.
"""

from __future__ import annotations

import urllib3.exceptions
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, ProgrammingError

from schemas.ports import QuestionTooLarge, StoreRejected, StoreUnavailable

PASSING = {
    74: "cannot read from file",
    75: "cannot write to file",
    76: "cannot open file",
    159: "timeout exceeded",
    160: "too slow",
    193: "wrong password",
    194: "password required",
    198: "DNS",
    202: "too many simultaneous queries",
    203: "no free connection",
    209: "socket timeout",
    210: "network",
    225: "no keeper",
    236: "aborted",
    241: "memory limit",
    242: "table is read-only",
    243: "no space on disk",
    252: "too many parts",
    279: "all connections failed",
    285: "too few live replicas",
    286: "quorum not met",
    307: "too many bytes",
    319: "unknown status of insert",
    394: "query was cancelled",
    396: "result too large",
    516: "authentication failed",
    999: "keeper",
    1000: "network or file system",
    1001: "file system",
}
"""Engine errors after which the same call may succeed: nothing is wrong with the rows."""
REPAIRABLE = {
    16: "no such column",
    60: "unknown table",
    81: "unknown database",
    115: "unknown setting",
    164: "read only",
    192: "unknown user",
    201: "quota exceeded",
    218: "table is dropped",
    452: "setting constraint",
    497: "access denied",
}
"""Engine errors of an insert that a migration or a person can repair: the rows wait and are never given up for them."""
TOO_LARGE = {
    158: "too many rows",
    159: "timeout exceeded",
    160: "too slow",
    241: "memory limit",
    307: "too many bytes",
    396: "result too large",
}
"""Engine errors of a question that needs more than one statement may; memory only where the limit was the query's."""
OF_THE_QUERY = "Query memory limit"
FILE_MISSING = 107
UNREADABLE = {
    33: "file ends early",
    40: "checksum does not match",
    FILE_MISSING: "no such file",
    226: "no file in part",
    228: "file of another size",
    246: "corrupted data",
    271: "cannot decompress",
    432: "unknown codec",
}
"""Engine errors that come of a part whose bytes have changed or whose files are gone [measured with a changed byte, a
cut and a removed file, of values and of marks, in wide and in compact parts]. The engine counts them in
`system.errors`, whichever statement of whichever process came upon them.
"""
BROKEN = (OSError, EOFError, RuntimeError, urllib3.exceptions.HTTPError)
"""How an answer that breaks off shows itself, beside the client's own exceptions (RuntimeError: what unpacks it)."""


def translate(error: Exception, *, inserting: bool = False, asking: bool = False) -> Exception:
    """The port's exception for one of the client's or the engine's."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    code = getattr(error, "code", None)
    if asking and code in TOO_LARGE and (code != 241 or OF_THE_QUERY in text):
        return QuestionTooLarge(text)
    if code in PASSING or "No space left on device" in str(error) or (inserting and code in REPAIRABLE):
        return StoreUnavailable(text)
    if isinstance(error, BROKEN):
        return StoreUnavailable(text)
    if code is not None or isinstance(error, (DataError, ProgrammingError, TypeError, ValueError, OverflowError)):
        return StoreRejected(text)
    if isinstance(error, ClickHouseError):  # no code: the transport failed, not the statement
        return StoreUnavailable(text)
    return error
