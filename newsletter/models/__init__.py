"""Who follows what by e-mail, which issues there were, and who gets them."""

from newsletter.models.issues import Delivery, Issue, IssueEntry, Period
from newsletter.models.settings import NewsletterSettings
from newsletter.models.subscriptions import (
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionRequest,
    Suppression,
    Topic,
)

__all__ = ["Delivery", "Issue", "IssueEntry", "Period"]
__all__ += ["NewsletterSettings"]
__all__ += ["Frequency", "Subscriber", "Subscription", "SubscriptionRequest", "Suppression", "Topic"]
