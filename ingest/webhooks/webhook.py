"""What a kind of webhook has to say about itself; one file a kind declares one value of this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Webhook:
    """A kind of webhook: how its signature is checked on the raw bytes, and what native events it stands for.

    `signed(headers, body)` is what the signature covers: it also names a delivery that has no id, so that a retry of it
    is the same event. `verify(secret, headers, body)`; `translate(payload)` gives items in the native format.
    """

    kind: str
    signed: Callable[[Mapping[str, str], bytes], bytes]
    verify: Callable[[str, Mapping[str, str], bytes], bool]
    translate: Callable[[dict[str, Any]], Iterable[dict[str, Any]]]
