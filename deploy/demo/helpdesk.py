"""The help desk: tickets, which wait for Monday if they come at the weekend, telephone calls with a menu, and chats."""

from __future__ import annotations

from datetime import date
from random import Random
from zoneinfo import ZoneInfo

from deploy.demo import opinions
from deploy.demo.journey import Journey, Person
from deploy.demo.rhythm import SATURDAY, working_after

AGENTS = ("anna", "ben", "clara", "david", "emil", "fatma")
TOPICS = (("delivery", "refund", "product", "login", "invoice"), (40, 22, 18, 12, 8))
HOUR, DAY = 3600.0, 86_400.0
AFTER_A_WEEKEND = 3.5
"""So much longer does it take to come to a ticket that was waiting over the weekend."""


def ticket(random: Random, name: str, person: Person, at: float, *, day: date, zone: ZoneInfo) -> Journey:
    """From the first word to the last; agents work in office hours only."""
    journey = Journey(name, person, at)
    told = {"ticket_id": f"t-{name}", "priority": random.choices(("normal", "high", "low"), (70, 18, 12))[0]}
    agent = random.choice(AGENTS)
    (topic,) = random.choices(*TOPICS)
    crowd = AFTER_A_WEEKEND if day.weekday() >= SATURDAY else 1.0

    def work(median: float) -> None:
        journey.at = working_after(journey.at, random.lognormvariate(0.0, 0.9) * median, zone)

    channel = random.choices(("email", "web_form", "chat"), (55, 33, 12))[0]
    journey.answer("ticket_created", 0, **told, channel=channel, category=topic, topic=topic)
    if random.random() < 0.4:
        journey.told("ticket_replied", 4, **told, author_type="bot", public=True)
    work(0.2 * HOUR * crowd)
    journey.told("ticket_assigned", 0, **told, agent_id=agent)
    work(0.35 * HOUR * crowd)
    journey.told("ticket_replied", 0, **told, author_type="agent", public=True, agent_id=agent)
    if random.random() < 0.1:
        agent = random.choice(AGENTS)
        journey.told("ticket_transferred", 200, **told, agent_id=agent)
    if random.random() < 0.3:
        journey.answer("ticket_replied", HOUR * (0.3 + 4 * random.random()), **told, author_type="customer")
        work(0.7 * HOUR)
        journey.told("ticket_replied", 0, **told, author_type="agent", public=True, agent_id=agent)
    work(2.0 * HOUR)
    journey.told("ticket_solved", 0, **told, agent_id=agent)
    if random.random() < 0.07:
        journey.answer("ticket_replied", DAY * random.random(), **told, author_type="customer")
        journey.told("ticket_reopened", 1, **told, reason="customer reply")
        work(1.0 * HOUR)
        journey.told("ticket_replied", 0, **told, author_type="agent", public=True, agent_id=agent)
        journey.told("ticket_solved", 60, **told, agent_id=agent)
    if random.random() < 0.32:
        score = opinions.stars(random)
        journey.answer(
            "ticket_rated",
            HOUR * (0.2 + 5 * random.random()),
            **told,
            agent_id=agent,
            score=score,
            scale_min=1,
            scale_max=5,
        )
    return journey


def call(random: Random, name: str, person: Person, at: float) -> Journey:
    """A call: a menu that is enough for some, else the queue and an agent; some have to call again."""
    journey = Journey(name, person, at)
    (topic,) = random.choices(*TOPICS)
    for leg in range(2):
        if leg:
            journey.at += DAY * (0.3 + 3 * random.random())
        reached = _leg(random, journey, f"k-{name}-{leg}", topic)
        if not reached or random.random() > 0.24:
            break
    if journey.events[-1].item["event"] == "call_wrap_up_ended":
        opinions.invite(journey, random, "csat", after=600, rate=0.22, related=f"k-{name}-0")
    return journey


def _leg(random: Random, journey: Journey, call_id: str, topic: str) -> bool:
    """One call; whether an agent was reached."""
    told = {"call_id": call_id, "channel": "voice"}
    about = {**told, "intent": topic, "topic": topic}
    journey.answer("call_started", 0, **told)
    journey.answer("ivr_menu_entered", 4, **told, menu_id="main", depth=1)
    journey.answer("ivr_option_selected", 12, **about, menu_id="main", depth=1)
    drawn = random.random()
    if drawn < 0.34:
        journey.told("ivr_goal_reached", 25, **about)
        journey.told("call_ended", 8, **about, ended_in="ivr", disconnect_by="customer")
        return False
    if drawn < 0.4:
        journey.told("call_ended", 15, **about, ended_in="ivr", disconnect_by="customer")
        return False
    journey.told("call_queued", 5, **about, queue="service")
    if random.random() < 0.06:
        journey.told("call_ended", 150, **about, ended_in="queue", disconnect_by="customer")
        return False
    agent = random.choice(AGENTS)
    journey.told("call_answered", random.expovariate(1 / 70), **about, agent_id=agent, queue="service")
    talk, hold = random.lognormvariate(0.0, 0.5) * 240, random.choice((0.0, 0.0, 45.0))
    if random.random() < 0.11:
        other = random.choice([each for each in AGENTS if each != agent])
        journey.told("call_transferred", 90, **about, **{"from": agent, "to": other})
        agent = other
        journey.told("call_answered", 15, **about, agent_id=agent)
    tone = round(random.uniform(-0.6, 0.3), 2)
    journey.told(
        "call_ended",
        talk + hold,
        **about,
        agent_id=agent,
        ended_in="agent",
        disconnect_by="customer",
        talk_s=round(talk),
        hold_s=round(hold),
        tone_start=tone,
        tone_end=round(min(1.0, tone + random.uniform(-0.1, 0.8)), 2),
    )
    after = round(20 + random.random() * 60)
    journey.told("call_wrap_up_ended", after, **about, agent_id=agent, acw_s=after)
    return True


def chat(random: Random, name: str, person: Person, at: float) -> Journey:
    """A chat with an agent, a few lines long."""
    journey = Journey(name, person, at)
    (topic,) = random.choices(*TOPICS)
    agent = random.choice(AGENTS)
    told = {"conversation_id": f"l-{name}", "agent_id": agent, "channel": "chat", "topic": topic}
    journey.answer("live_chat_conversation_started", 0, **told)
    for _ in range(random.randint(1, 4)):
        journey.answer("live_chat_message_sent", 20, **told)
        journey.told("live_chat_message_received", 35, **told)
    journey.told("live_chat_conversation_ended", 30, **told, conversation_duration=round(journey.at - at))
    if random.random() < 0.5:
        opinions.invite(journey, random, "csat", after=300, rate=0.3, related=f"l-{name}")
    return journey
