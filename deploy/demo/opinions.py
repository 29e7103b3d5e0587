"""What people say when asked, and unasked: scores, effort, reviews; Austria is a little less pleased."""

from __future__ import annotations

from random import Random
from typing import Any

from deploy.demo.journey import Journey, Person

DAY = 86_400.0
NPS = (
    (1.0, 0.5, 0.8, 1.0, 1.5, 3.0, 4.0, 13.0, 22.0, 26.0, 27.0),
    (2.0, 1.0, 1.5, 2.0, 3.0, 6.0, 7.0, 17.0, 23.0, 21.0, 16.0),
)
"""Weights of the scores 0 to 10: in general, and in Austria."""
STARS = (5.0, 5.0, 10.0, 34.0, 46.0)
EFFORT = (2.0, 3.0, 6.0, 11.0, 24.0, 32.0, 22.0)
SAID = {
    1: ("The parcel came late and broken, nobody answered.", -0.7),
    2: ("Disappointing, the size was wrong and the refund slow.", -0.5),
    3: ("It is okay, nothing special.", 0.1),
    4: ("Good quality and fast delivery.", 0.6),
    5: ("Excellent! I love it, great service.", 0.9),
}
SOURCES = (("google", "trustpilot", "shop"), (50, 30, 20))


def nps(random: Random, person: Person) -> int:
    """A score from 0 to 10."""
    (score,) = random.choices(range(11), NPS[person.country == "AT"])
    return score


def stars(random: Random) -> int:
    """A score from 1 to 5."""
    (score,) = random.choices(range(1, 6), STARS)
    return score


def invite(journey: Journey, random: Random, kind: str, *, after: float, rate: float, related: str) -> None:
    """An invitation by e-mail, which arrives nearly always, and an answer now and then."""
    survey, question, low, high = {
        "nps": ("after-order", "recommend", 0, 10),
        "csat": ("after-contact", "satisfied", 1, 5),
    }[kind]
    asked: dict[str, Any] = {"survey_id": survey, "invite_id": f"{journey.name}-{kind}", "channel": "email"}
    journey.answer("survey_invited", after, **asked)
    if random.random() < 0.03:
        journey.answer("survey_bounced", 20, **asked)
        return
    journey.answer("survey_delivered", 15, **asked)
    if random.random() < rate:
        score = nps(random, journey.person) if kind == "nps" else stars(random)
        about = {} if kind == "nps" else {"related_id": related}  # whether to recommend is asked of the shop as a whole
        journey.answer(
            "survey_question_answered",
            random.expovariate(1 / (0.5 * DAY)) % (3 * DAY),
            **asked,
            survey_question_id=question,
            survey_type=kind,
            score=score,
            scale_min=low,
            scale_max=high,
            **about,
        )


def effort(journey: Journey, random: Random, related: str) -> None:
    """The question on the page after a purchase: how easy was it."""
    asked = {"survey_id": "after-checkout", "invite_id": f"{journey.name}-ces"}
    journey.say("survey_shown", 2, **asked)
    drawn = random.random()
    if drawn < 0.3:
        (score,) = random.choices(range(1, 8), EFFORT)
        journey.say(
            "survey_question_answered",
            12,
            **asked,
            survey_question_id="effort",
            survey_type="ces",
            score=score,
            scale_min=1,
            scale_max=7,
            related_id=related,
        )
    elif drawn < 0.5:
        journey.say("survey_dismissed", 3, **asked)


def review(journey: Journey, random: Random, after: float) -> None:
    """A public word about the shop; some think better of it."""
    rating = stars(random)
    words, sentiment = SAID[rating]
    (source,) = random.choices(*SOURCES)
    told = {"source": source, "review_id": f"{journey.name}-review", "scale_min": 1, "scale_max": 5, "verified": True}
    journey.answer("review_posted", after, **told, rating=rating, text=words, sentiment=sentiment)
    if random.random() < 0.04:
        journey.answer("review_edited", DAY, **told, rating=min(5, rating + 1), version=1)
