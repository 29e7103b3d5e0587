"""A second long random journey: surveys, calls, menus, chats, tickets, reviews and purposes, delivered as the first is.

`experience(seed, size)` goes through the same lateness, copies, wrong clocks and batches as `stream`, which it leaves
byte for byte what it was. Answers are edited (also in disorder), off their scale, on other scales, of several surveys,
with and without an invitation; the same people come back for the same and for other things.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.reference.stream import DAY, HOUR, MINUTE, Delivery, Event, Journeys, stream

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"survey": "s1", "question": "q1", "metric": "nps", "min": 0, "max": 10, "good": "high"},
    {"survey": "s1", "question": "q2", "metric": "csat", "min": 1, "max": 5, "good": "high"},
    {"survey": "s2", "question": "q1", "metric": "nps", "min": 0, "max": 10, "good": "high"},
    {"survey": "s3", "question": "q1", "metric": "csat", "min": 1, "max": 10, "good": "high", "satisfied_from": 8},
    {"survey": "s4", "question": "q1", "metric": "csat", "min": 1, "max": 5, "good": "low"},
    {"survey": "s5", "question": "q1", "metric": "ces", "min": 1, "max": 7, "good": "high"},
    {"survey": "s6", "question": "q1", "metric": "ces", "min": 1, "max": 7, "good": "low"},
    {"survey": "s7", "question": "q1", "metric": "ces", "min": 1, "max": 5, "good": "high", "satisfied_from": 4},
)
TOPICS = ("billing", "login", "parcel", "")
PURPOSES = ("buy", "Just browsing", "get help", "compare prices", "")
SOURCES = (("google", 1, 5), ("google", 1, 5), ("trustpilot", 1, 10), ("appstore", 1, 5))


class Experiences(Journeys):
    def draw(self) -> list[tuple[Event, int]]:
        makers: tuple[Callable[[], None], ...] = (
            self.survey, self.survey, self.survey, self.asked_on_site, self.case, self.case, self.case, self.chat,
            self.review, self.purpose, self.purpose, self.browsing, self.ticket, self.identity,
        )  # fmt: skip
        while len(self.events) < self.size:
            self.random.choice(makers)()
        del self.events[self.size :]
        return self.events

    def answer(self, time: int, client: dict[str, Any], question: dict[str, Any], **more: Any) -> None:
        """One answer, one in eight edited, a few of those in disorder or off the scale."""
        low, high = question["min"], question["max"]
        told = {"survey_id": question["survey"], "survey_question_id": question["question"], **more}
        if self.chance(0.9):
            told["response_id"] = f"r{self.number()}"
        if self.chance(0.06):
            told |= {"scale_min": low, "scale_max": high + self.random.choice((0, 3))}
        self.add(time, "survey_question_answered", client, **told, score=self.score(low, high))
        if "response_id" in told and self.chance(0.12):
            version = self.random.choice((1, 1, 2))
            later = time + self.random.choice((MINUTE, HOUR, 3 * DAY, 16 * DAY))
            name = self.random.choice(("survey_answer_edited", "survey_question_answered"))
            # An edit says some of what an answer is; whether it is completed may come as a second part.
            dropped = self.random.choice(((), (), ("survey_type", "scale_min", "polarity"), ("score",), ("completed",)))
            edited = {**told, "score": self.score(low, high), "version": version}
            if self.chance(0.2):
                edited["completed"] = True
            self.add(later, name, client, **{key: value for key, value in edited.items() if key not in dropped})
            if version == 2:
                edit = {**told, "score": self.score(low, high), "version": 1}
                self.add(later + MINUTE, "survey_answer_edited", client, **edit)

    def score(self, low: int, high: int) -> Any:
        if self.chance(0.03):
            return self.random.choice((high + 1, low - 1, low + 0.5, "great"))
        found = self.random.randrange(low, high + 1)
        return str(found) if self.chance(0.1) else found

    def survey(self) -> None:
        client, time, question = self.client(), self.moment(), self.random.choice(QUESTIONS)
        more: dict[str, Any] = {}
        if self.chance(0.5):
            invite = f"i{self.number()}"
            sent = {
                "survey_id": question["survey"],
                "invite_id": invite,
                "channel": self.random.choice(("email", "sms")),
            }
            self.add(time, "survey_invited", client, **sent)
            if self.chance(0.2):
                self.add(time + 2 * DAY, "survey_invited", client, **sent)
            if self.chance(0.4):
                self.add(time + MINUTE, "survey_delivered", {}, survey_id=question["survey"], invite_id=invite)
            if self.chance(0.06):
                self.add(time + MINUTE, "survey_bounced", {}, survey_id=question["survey"], invite_id=invite)
            if self.chance(0.5):
                return
            more["invite_id"] = invite if self.chance(0.95) else "lost"
            time += self.random.choice((10 * MINUTE, HOUR, DAY, 13 * DAY, 14 * DAY, 15 * DAY))
        if self.chance(0.3):
            more["related_id"] = self.random.choice((f"o{self.random.randrange(9)}", f"t{self.random.randrange(2000)}"))
        if self.chance(0.05):
            more["completed"] = False
        if self.chance(0.1):
            question = {"survey": "s9", "question": "q1", "min": 1, "max": 7}
            kind = self.random.choice((("CES", 1, 7), ("nps", 0, 10), ("CSAT", 1, 5), ("csat", 1, 10)))
            more |= {"survey_type": kind[0], "scale_min": kind[1], "scale_max": kind[2]}
            question |= {"min": kind[1], "max": kind[2]}
            if self.chance(0.3):
                more["polarity"] = "low"
        for _ in range(self.random.choice((1, 1, 1, 2))):
            self.answer(time, client, question, **more)
            time += self.random.choice((MINUTE, DAY, 9 * DAY))

    def asked_on_site(self) -> None:
        client, time = self.client(), self.moment()
        self.add(time, "survey_shown", client, survey_id="s2")
        if self.chance(0.2):
            self.add(time + MINUTE, "survey_shown", client, survey_id="s2")
        if self.chance(0.4):
            self.add(time + 2 * MINUTE, "survey_dismissed", client, survey_id="s2")
        if self.chance(0.4):
            self.answer(time + self.random.choice((1, 5)) * MINUTE, client, QUESTIONS[2])

    def case(self) -> None:
        """Somebody calls, and some call again: soon, at the edge of a week, or by another channel."""
        client, time = self.client(), self.moment()
        topic = self.random.choice(TOPICS)
        about = {"ticket_id": f"t{self.number()}"} if self.chance(0.15) else {}
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            self.call(time, client, topic if self.chance(0.8) else self.random.choice(TOPICS), about)
            time += self.random.choice((2 * HOUR, DAY, DAY - 1000, 3 * DAY, 7 * DAY, 8 * DAY))

    def call(self, time: int, client: dict[str, Any], topic: str, about: dict[str, str]) -> None:
        call = {"call_id": f"k{self.number()}"}
        agent, system = f"ag{self.random.randrange(5)}", {"skew": 0}
        started = {**call, **about, "channel": self.random.choice(("voice", "voice", "chat", ""))}
        if self.chance(0.05):
            started["direction"] = "outbound"
        self.add(time, "call_started", client, **started)
        if self.chance(0.6):
            time = self.menu(time, client, call)
            if self.chance(0.5):
                return
        if self.chance(0.6):
            self.add(time, "call_queued", system, **call, queue="q1")
            time += self.random.randrange(1, 9) * MINUTE
        if self.chance(0.15):
            self.add(time, "call_ended", system, **call, ended_in="queue", disconnect_by="customer")
            return
        self.add(time, "call_answered", {**client, "skew": 0}, **call, topic=topic, agent_id=agent)
        time = self.talk(time, system, call, agent)
        if self.chance(0.08):
            leg = {"call_id": f"k{self.number()}", "initial_call_id": call["call_id"]}
            time += self.random.choice((10 * MINUTE, 5 * HOUR))
            self.add(time, "call_answered", system, **leg, agent_id=agent)
            self.talk(time, system, leg, agent)

    def menu(self, time: int, client: dict[str, Any], call: dict[str, str]) -> int:
        system = {"skew": 0}
        for depth in range(1, self.random.choice((2, 2, 3, 4))):
            hours = {"out_of_hours": True} if self.chance(0.04) else {}
            self.add(time, "ivr_menu_entered", system, **call, depth=depth, menu_id=f"m{depth}", **hours)
            time += self.random.choice((3, 12, 40)) * 1000
            if self.chance(0.8):
                self.add(time, "ivr_option_selected", client, **call, intent=self.random.choice(TOPICS))
        if self.chance(0.4):
            self.add(time, "ivr_goal_reached", system, **call)
        if self.chance(0.7):
            by = self.random.choice(("customer", "customer", "system", "error"))
            self.add(time + 4000, "call_ended", system, **call, ended_in="ivr", disconnect_by=by)
        return time + 5000

    def talk(self, time: int, system: dict[str, Any], call: dict[str, str], agent: str) -> int:
        told = self.chance(0.6)
        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            time += self.random.randrange(1, 20) * MINUTE
            spoke = {"talk_s": self.random.randrange(30, 900)} if told else {}
            kind = self.random.choice(("", "blind", "warm", "consult", "conference"))
            self.add(time, "call_transferred", system, **call, **spoke, transfer_type=kind)
            agent = f"ag{self.random.randrange(5)}"
            self.add(time + MINUTE, "call_answered", system, **call, agent_id=agent)
        time += self.random.randrange(1, 40) * MINUTE
        if self.chance(0.04):
            return time
        end: dict[str, Any] = {"ended_in": "agent", "disconnect_by": self.random.choice(("customer", "agent", "error"))}
        if told:
            end |= {"talk_s": self.random.randrange(30, 3000), "hold_s": self.random.choice(("", "30", 12.5))}
        if self.chance(0.3):
            end["resolved"] = self.chance(0.7)
        if self.chance(0.05):
            end["solvable"] = False
        self.add(time, "call_ended", system, **call, **end)
        if self.chance(0.6):
            after = {"acw_s": self.random.randrange(300)} if self.chance(0.7) else {}
            self.add(time + MINUTE, "call_wrap_up_ended", system, **call, **after, agent_id=agent)
        return time

    def chat(self) -> None:
        client, time = self.client(), self.moment()
        about, system = {"conversation_id": f"v{self.number()}"}, {"skew": 0}
        if self.chance(0.8):
            self.add(time, "live_chat_conversation_started", client, **about, channel="chat")
        if self.chance(0.7):
            intent = self.random.choice(TOPICS)
            word = {"author_type": "bot", "intent": intent}
            self.add(time + 2000, "live_chat_message_received", system, **about, **word)
            if self.chance(0.4):
                self.add(time + MINUTE, "ivr_goal_reached", system, **about)
        self.add(time + 2 * MINUTE, "live_chat_message_sent", client, **about)
        if self.chance(0.5):
            word = {"agent_id": f"ag{self.random.randrange(5)}"} if self.chance(0.8) else {"author_type": "agent"}
            self.add(time + 3 * MINUTE, "live_chat_message_received", system, **about, **word)
        if self.chance(0.8):
            self.add(time + self.random.randrange(4, 60) * MINUTE, "live_chat_conversation_ended", system, **about)

    def review(self) -> None:
        client, time, number = self.client(), self.moment(), self.number()
        source, low, high = self.random.choice(SOURCES)
        about: dict[str, Any] = {"review_id": f"w{number}", "source": source}
        if (low, high) != (1, 5):
            about |= {"scale_min": low, "scale_max": high}
        stars = self.score(low, high)
        if self.chance(0.15):
            self.add(time, "product_reviewed", client, review_id=f"w{number}", product_id="p", rating=stars)
            return
        self.add(time, "review_posted", client, **about, rating=stars, verified=self.chance(0.5))
        if self.chance(0.15):
            later = time + self.random.choice((HOUR, 5 * DAY, 15 * DAY))
            told = self.random.choice(({**about, "rating": self.score(low, high)}, about))
            self.add(later, "review_edited", client, **told)
        if self.chance(0.07):
            self.add(
                time + self.random.choice((2, 20)) * DAY, "review_deleted", {}, review_id=f"w{number}", source=source
            )

    def purpose(self) -> None:
        client, time = self.client(), self.moment()
        if self.chance(0.5):
            self.add(time, "page_viewed", client)
        for _ in range(self.random.choice((1, 1, 2))):
            time += self.random.choice((MINUTE, 29 * MINUTE, 31 * MINUTE))
            more: dict[str, Any] = {"inferred": True} if self.chance(0.2) else {}
            if self.chance(0.3):
                more["taxonomy"] = "v2"
            if self.chance(0.1):
                more["purposes"] = self.random.sample(PURPOSES, 2)
            else:
                more["purpose"] = self.random.choice(PURPOSES)
            self.add(time, "visit_purpose_answered", client, **more)


def experience(seed: int, size: int) -> list[Delivery]:
    return stream(seed, size, Experiences)
