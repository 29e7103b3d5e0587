"""Enumerated words are read in one place: any case, blanks, synonyms; what is not listed is known to be unknown."""

from __future__ import annotations

import pytest

from schemas.events import words
from schemas.events.fields import word
from schemas.words import Vocabulary

VOCABULARIES = [each for each in vars(words).values() if isinstance(each, Vocabulary)]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda each: str(each.name))
def test_every_word_and_every_synonym_is_read_in_any_spelling(vocabulary: Vocabulary) -> None:
    for spelling, meant in vocabulary.spellings.items():
        for written in (spelling, f" {spelling.upper()}\t", spelling.replace("_", " - "), spelling.title()):
            assert vocabulary.known(written) == vocabulary.read(written) == meant


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda each: str(each.name))
def test_a_word_means_itself_and_an_unlisted_one_is_unknown_and_in_one_case(vocabulary: Vocabulary) -> None:
    assert [vocabulary.read(each) for each in vocabulary.words] == list(vocabulary.words)
    assert vocabulary.known(" Never Heard-of ") == ""
    assert vocabulary.read(" Never Heard-of ").lower() == "never heard-of"
    assert vocabulary.read(" never heard-of ") == vocabulary.read("NEVER HEARD-OF")


@pytest.mark.parametrize(
    ("vocabulary", "written", "meant"),
    [
        (words.TICKET_STATUSES, "Solved ", "solved"),
        (words.TICKET_STATUSES, "resolved", "solved"),
        (words.TICKET_STATUSES, "on-hold", "pending"),
        (words.TICKET_STATUSES, "In Progress", "open"),
        (words.SUBSCRIPTION_STATUSES, "canceled", "cancelled"),
        (words.SUBSCRIPTION_STATUSES, "Past Due", "past_due"),
        (words.SUBSCRIPTION_STATUSES, "inactive", "ended"),
        (words.INTERVALS, "yearly", "year"),
        (words.SURVEY_TYPES, "NPS ", "nps"),
        (words.AUTHORS, "end-user", "customer"),
        (words.COUNTRIES, " de ", "DE"),
        (words.NAMES, "google ", "google"),
    ],
)
def test_words_that_producers_write(vocabulary: Vocabulary, written: str, meant: str) -> None:
    assert word({"key": written}, "key", vocabulary) == meant


def test_no_spelling_means_two_words() -> None:
    with pytest.raises(ValueError, match="would mean both a and b"):
        Vocabulary("x", {"a": ("c d",), "b": ("C-D",)})
