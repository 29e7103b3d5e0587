"""Trials, their ends as told so far, and the first charge that stands.

Decided in tests/logs/README-growth.md. Payments and trials of bots are nobody's, and a trial without any id is known
by its account, else by its raw actor, so that two names of a person have two trials, of which the later is a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.reference.asking import Asked
from tests.reference.copies import Copy, amount, instant
from tests.reference.counting import Known
from tests.reference.outcome import FOREVER
from tests.reference.subscriptions import ON, status_of
from tests.reference.unit import Unit, first_of

EVENTS = ("trial_started", "trial_extended", "trial_ended")


def holder(known: Known, copies: list[Copy]) -> str:
    """The account, else the person."""
    account = first_of(copies, lambda copy: copy.account)
    return f"g:{account}" if account else known.people.person(first_of(copies, lambda copy: copy.actor))


@dataclass(slots=True)
class Trial:
    id: str
    copies: list[Copy]
    holder: str
    start: int
    end: int

    @property
    def bot(self) -> bool:
        return min(self.copies, key=lambda copy: copy.order).bot

    @property
    def kind(self) -> str:
        told = first_of(self.copies, lambda copy: copy.text("payment_method_required").lower())
        return "opt_out" if told == "true" else "opt_in"


def trials_of(known: Known, length: int) -> list[Trial]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in known.copies:
        if copy.name in EVENTS:
            own = f"g:{copy.account}" if copy.account else copy.actor
            by_id[copy.text("trial_id") or copy.text("subscription_id") or own].append(copy)
    found = []
    for key, copies in by_id.items():
        begun = [copy for copy in copies if copy.name == "trial_started"]
        if key and begun:
            told = [told for copy in begun if (told := instant(copy.properties.get("trial_start_date"))) is not None]
            start = min(told) if told else min(copy.time for copy in begun)
            found.append(Trial(key, copies, holder(known, copies), start, _end(copies, start + length)))
    return found


def _end(copies: list[Copy], default: int) -> int:
    told: list[tuple[int, int, str, int]] = []
    for copy in copies:
        end = instant(copy.properties.get("trial_end_date"))
        if end is None and copy.name == "trial_ended":
            end = copy.time
        if copy.canonical and end is not None:
            told.append((copy.time, copy.sequence, copy.event_id, end))
    return max(told)[-1] if told else default


class Charges:
    """Successful payments and what was given back of them."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.payments = self._by_key(copy for copy in known.canonical if _pays(copy))
        self.refunds = self._by_key(copy for copy in known.canonical if copy.name == "payment_refunded")

    def _by_key(self, copies: Iterable[Copy]) -> dict[str, list[Copy]]:
        """Under the holder and under each id, so that a long stream can be judged."""
        found: dict[str, list[Copy]] = defaultdict(list)
        for copy in copies:
            for key in {f"of {holder(self.known, [copy])}", copy.text("trial_id"), copy.text("subscription_id")}:
                found[key].append(copy)
        return found

    @staticmethod
    def _either(index: dict[str, list[Copy]], whose: str, *ids: str) -> list[Copy]:
        """Of a holder, or with one of these ids, by time."""
        keys = {*([f"of {whose}"] if whose else []), *(key for key in ids if key)}
        found = {copy.event_id: copy for key in keys for copy in index.get(key, ())}
        return sorted(found.values(), key=lambda copy: copy.order)

    def first(self, trial: Trial, grace: int) -> Copy | None:
        """The first charge of a trial."""
        fitting = self._either(self.payments, trial.holder, trial.id)
        return next((copy for copy in fitting if trial.start <= copy.time < trial.end + grace), None)

    def back(self, charge: Copy, window: int, default: str) -> tuple[bool, bool]:
        """Whether a charge was given back, and whether something was in another currency, which is set aside."""
        refunds = self._either(self.refunds, holder(self.known, [charge]), charge.text("subscription_id"))
        soon = [copy for copy in refunds if charge.time <= copy.time < charge.time + window]
        own = charge.text("currency").upper() or default
        same = [
            copy for copy in soon
            if amount(copy.properties, "amount") is None or (copy.text("currency").upper() or own) == own
        ]  # fmt: skip
        parts = [amount(copy.properties, "amount") for copy in same]
        charged = amount(charge.properties, "amount") or Decimal(0)
        is_back = bool(parts) and (None in parts or sum((abs(part) for part in parts if part), Decimal(0)) >= charged)
        return is_back, len(same) < len(soon)


def _pays(copy: Copy) -> bool:
    if copy.name not in ("subscription_started", "subscription_renewed") or copy.bot:
        return False
    paid = amount(copy.properties, "amount")
    return status_of(copy) in {"", *ON} and (paid is None or paid > 0)


def trial_to_paid(known: Known, asked: Asked) -> Iterator[Unit]:
    grace, refunds = int(asked.parameters["grace"]), int(asked.parameters["refund_window"])
    counting = asked.definition == "articles"
    attribution = "completion" if counting else asked.parameters["attribution"]
    trials, charges = trials_of(known, int(asked.parameters["length"])), Charges(known)
    earliest: dict[str, tuple[int, str]] = {}
    for trial in trials:
        if not trial.bot and trial.holder:
            earliest[trial.holder] = min(earliest.get(trial.holder, (FOREVER, "")), (trial.start, trial.id))
    for trial in trials:
        charge = charges.first(trial, grace)
        is_back, aside = charges.back(charge, refunds, asked.currency) if charge else (False, False)
        paid = charge.time if charge and not is_back else None
        entry = trial.end if attribution == "end" else trial.start
        began = asked.start <= entry < asked.until
        ended_well = attribution == "completion" and paid is not None and asked.start <= paid < asked.until
        if not began and not ended_well:
            continue
        unit = Unit(trial.id, trial.start, known.dimensions(trial.copies), trial.holder)
        if trial.bot:
            unit.reason = "bot"
        elif not trial.holder:
            unit.reason = "no_actor"
        elif earliest[trial.holder] != (trial.start, trial.id):
            unit.reason = "second_trial"
        elif trial.kind != asked.parameters["kind"]:
            unit.reason = "other_kind"
        elif aside:
            unit.flags = ("refund_currency",)
        if (unit.reason and not began) or (counting and (unit.reason or not ended_well)):
            continue
        age, horizon = known.at - trial.start, trial.end + grace - trial.start
        unit.n, unit.success = int(began), ended_well if attribution == "completion" else paid is not None
        unit.mature = age >= horizon or attribution == "completion"
        unit.died = paid - trial.start if paid is not None else None
        unit.survived = None if paid is not None else FOREVER if age >= horizon else age
        yield unit
