"""Who comes: members with an account, of whom some come nearly every day, and newcomers, of whom some stay."""

from __future__ import annotations

from datetime import date
from random import Random

from deploy.demo.journey import Person

COUNTRIES = (("DE", "AT", "CH"), (68, 24, 8))
DEVICES = (("mobile", "desktop", "tablet"), (56, 38, 6))
HABITS = ((0.46, 0.13, 0.03), (26, 34, 40))
"""The chances of coming on a day, and of how many in a hundred members each is true."""
APP_SHARE = 0.35
MEMBERS = 2600
NEWCOMERS = 0.01
"""New visitors on a day of middling traffic, for each member."""
CODES = 400
"""How many of the members invite others, each with a code of their own."""
SIGN_UP = {"mobile": 0.12, "tablet": 0.14, "desktop": 0.2}
STAYS = 0.16
COMES_BACK = 0.02
REFERRED = 0.14


def person(random: Random, name: str, *, has_account: bool, activity: float) -> Person:
    """Somebody: where from, with which device, and on which plan."""
    (country,) = random.choices(*COUNTRIES)
    (device,) = random.choices(*DEVICES)
    channel = "app" if device == "mobile" and has_account and random.random() < APP_SHARE else "web"
    (plan,) = random.choices(("free", "plus"), (82, 18))
    traits = {"plan": plan if has_account else "free"}
    return Person(f"u{name}" if has_account else "", f"a{name}", country, device, channel, traits, activity)


def members(seed: int, count: int) -> tuple[Person, ...]:
    """All who had an account from the beginning."""
    random = Random(f"{seed}/members")
    return tuple(
        person(random, f"{number}", has_account=True, activity=random.choices(*HABITS)[0]) for number in range(count)
    )


def newcomers(seed: int, day: date, count: int) -> tuple[tuple[Person, bool, str], ...]:
    """Who comes for the first time on a day; whether an account is made then; by whose referral code."""
    random = Random(f"{seed}/newcomers/{day}")
    found = []
    for number in range(count):
        name = f"{day:%y%m%d}.{number}"
        someone = person(random, name, has_account=True, activity=0.0)
        signs_up = random.random() < SIGN_UP[someone.device]
        code = f"R{random.randrange(CODES)}" if random.random() < REFERRED else ""
        found.append(
            (
                Person(
                    someone.user if signs_up else "",
                    someone.anonymous,
                    someone.country,
                    someone.device,
                    "web",
                    {"plan": "free"},
                    STAYS if signs_up else COMES_BACK,
                ),
                signs_up,
                code,
            )
        )
    return tuple(found)
