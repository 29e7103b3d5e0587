"""Events of belonging: who is who, accounts, trials, subscriptions, and the e-mails that people get."""

from __future__ import annotations

from schemas.events.declared import Declared
from schemas.events.types import (
    Currency,
    Flag,
    Id,
    Instant,
    Interval,
    IntervalCount,
    Number,
    SignUpType,
    SubscriptionStatus,
    Text,
)


class OfIdentity:
    """The ids of an event that says who is who, where they do not stand beside its properties."""

    user_id: Id
    anonymous_id: Id
    previous_id: Id


class OfContract:
    """The fields of trials, subscriptions and payments."""

    subscription_id: Id
    trial_id: Id
    account_id: Id
    parent_account_id: Id
    plan: Text
    status: SubscriptionStatus
    amount: Number
    currency: Currency
    interval: Interval
    interval_count: IntervalCount
    canceled_at: Instant
    ends_at: Instant
    trial_start_date: Instant
    trial_end_date: Instant
    payment_method_required: Flag


class Identify(OfIdentity, Declared, family="identity", actor="system", aliases=("identified",)):
    """Says who somebody is; it is no activity."""


class Alias(OfIdentity, Declared, family="identity", actor="system", aliases=("create_alias", "aliased")):
    """Says that two ids are one person."""


class Unalias(OfIdentity, Declared, family="identity", actor="system", aliases=("unaliased",)):
    """Takes back what an alias or an identify said."""


class Group(Declared, family="identity", actor="system", aliases=("groupidentify", "group_identify")):
    """Says which company somebody belongs to."""


class AccountCreated(Declared, family="account"):
    """An account was created."""

    account_name: Text


class AccountDeleted(Declared, family="account"):
    """An account was deleted."""

    account_name: Text


class SignedUp(Declared, family="account", aliases=("sign_up", "signup", "user_signed_up")):
    """Somebody became a user."""

    type: SignUpType
    username: Text


class SignedIn(Declared, family="account", aliases=("sign_in", "login", "log_in", "logged_in", "user_signed_in")):
    """Somebody came in."""

    username: Text


class SignedOut(Declared, family="account", aliases=("sign_out", "logout", "log_out", "logged_out")):
    """Somebody went out."""

    username: Text


class InviteSent(Declared, family="account"):
    """Somebody was invited."""

    invitee_email: Text


class AccountAddedUser(Declared, family="account"):
    """A user joined an account."""


class AccountRemovedUser(Declared, family="account"):
    """A user left an account."""


class TrialStarted(OfContract, Declared, family="account"):
    """A trial began."""

    trial_plan_name: Text


class TrialExtended(OfContract, Declared, family="account"):
    """A trial got another end (our own event)."""


class TrialEnded(OfContract, Declared, family="account"):
    """A trial ended."""

    trial_plan_name: Text


class LeadGenerated(Declared, family="account", aliases=("generate_lead",)):
    """Somebody showed interest (GA4's generate_lead)."""

    value: Number
    currency: Currency


class SubscriptionStarted(OfContract, Declared, family="subscription", aliases=("subscription_created",)):
    """Somebody began to pay regularly."""


class SubscriptionUpdated(OfContract, Declared, family="subscription", actor="system"):
    """A subscription changed."""


class SubscriptionCancelled(OfContract, Declared, family="subscription", actor="system"):
    """A subscription will end."""

    cancel_reason: Text


class SubscriptionRenewed(OfContract, Declared, family="subscription", actor="system"):
    """A subscription went into its next term."""


class PaymentFailed(OfContract, Declared, family="subscription", actor="system"):
    """A payment did not go through."""


class PaymentRefunded(OfContract, Declared, family="subscription", actor="system"):
    """A charge of a subscription was given back (our own event)."""


class EmailDelivered(Declared, family="email", actor="system"):
    """An e-mail arrived."""

    email_id: Id
    campaign_id: Id


class EmailOpened(Declared, family="email", actor="system"):
    """An e-mail was opened (often by a machine, hence no activity)."""

    email_id: Id
    campaign_id: Id


class EmailLinkClicked(Declared, family="email", actor="system"):
    """A link of an e-mail was followed (often by a machine, hence no activity)."""

    email_id: Id
    campaign_id: Id
    link_url: Text


class EmailBounced(Declared, family="email", actor="system"):
    """An e-mail did not arrive."""

    email_id: Id
    campaign_id: Id


class EmailMarkedAsSpam(Declared, family="email", actor="system"):
    """An e-mail was called spam."""

    email_id: Id
    campaign_id: Id


class Unsubscribed(Declared, family="email", actor="system", aliases=("unsubscribe", "email_unsubscribed")):
    """Somebody wants no more e-mails."""

    email_id: Id
    campaign_id: Id
