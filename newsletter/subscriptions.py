"""Following the blog by e-mail: requested, confirmed by the owner of the address, changed and ended with one click.

The response on the site is the same for every address, and so is the work: one row is stored. The link to confirm works
for a week, or for a month if the address was imported, and the others work for as long as the subscriber exists.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, Final

from django.core.signing import Signer
from django.db import transaction
from django.db.models import Min, Model, Q
from django.urls import reverse
from django.utils import timezone

from blog.models import Category
from comments.rules import rate_limit
from core.clock import correct_future_times
from mail.tasks import wake_worker
from newsletter.models import Subscriber, Subscription, SubscriptionRequest, Suppression
from tags.models import Tag

# No one gets two confirmation e-mails for the same topic within this time, nor more than MAX_INVITATIONS in all.
REPEAT_AFTER: Final = dt.timedelta(days=1)
MAX_INVITATIONS: Final = 3
# After this time, an address that was refused may be asked again, because it may have a mailbox again.
ASK_AGAIN_AFTER: Final = dt.timedelta(days=30)
_BATCH: Final = 500
_CONFIRM_SIGNER: Final = Signer(salt="newsletter.confirm")


def request(topic: Mapping[str, Any], frequency: str, email: str, *, sender: str) -> None:
    """Request an e-mail that asks the owner of `email` whether they want to follow the topic.

    `sender` comes from core.sender. Too many requests from one sender, for one address or on the whole site are
    ignored.
    """
    email = email.strip().lower()
    if rate_limit.requests_too_often(sender, email):
        return
    with transaction.atomic():
        SubscriptionRequest.objects.create(**topic, frequency=frequency, email=email)
        wake_worker(timezone.now())


def may_be_invited(request: SubscriptionRequest) -> bool:
    """Whether the owner of the address may be asked to confirm this request."""
    now = timezone.now()
    is_suppressed = Q(suppression=Suppression.COMPLAINED) | Q(suppressed_at__gt=now - ASK_AGAIN_AFTER)
    if Subscriber.objects.filter(is_suppressed, email=request.email).exists():
        return False
    if request.consent_stated_on:
        return not Subscription.objects.filter(subscriber__email=request.email).exists()
    # Other workers may be sending the earlier ones right now.
    is_earlier = Q(invited_at=None, consent_stated_on=None, pk__lt=request.pk)
    others = SubscriptionRequest.objects.filter(Q(invited_at__gt=now - REPEAT_AFTER) | is_earlier, email=request.email)
    same = others.filter(**request.topic, frequency=request.frequency)
    return others.count() < MAX_INVITATIONS and not same.exists()


def find_to_confirm(signed: str) -> SubscriptionRequest | None:
    """Return the request that a URL confirms; None if it has expired or was deleted. Raises BadSignature."""
    in_time = SubscriptionRequest.objects.filter(SubscriptionRequest.in_time())
    return in_time.filter(pk=int(_CONFIRM_SIGNER.unsign(signed))).select_related("category", "tag", "author").first()


def confirm(request: SubscriptionRequest) -> Subscriber:
    """Subscribe the address as requested, and return the subscriber. Idempotent, and ends a suppression.

    Raises DoesNotExist if the request has been deleted.
    """
    with transaction.atomic():
        # Before the subscriber, because a merge has locked its tags or categories when it moves their subscriptions.
        for model, pk in ((Category, request.category_id), (Tag, request.tag_id)):
            if pk is not None:
                list(model._default_manager.select_for_update(no_key=True).filter(pk=pk))
        # What it was for may have been merged or deleted in the meantime.
        request.refresh_from_db()
        works = {"suppression": "", "suppressed_at": None}
        subscriber, _is_new = Subscriber.objects.update_or_create(email=request.email, defaults=works)
        Subscription.objects.update_or_create(
            subscriber=subscriber,
            category=request.category,
            tag=request.tag,
            author=request.author,
            language=request.language,
            defaults={"frequency": request.frequency},
        )
        SubscriptionRequest.objects.filter(pk=request.pk, confirmed_at=None).update(confirmed_at=timezone.now())
    return subscriber


def change(subscriber: Subscriber, frequencies: Mapping[int, str]) -> None:
    """Change the frequencies of subscriptions, by ID. Empty ones end them; the address is deleted with the last."""
    with transaction.atomic():
        _lock(subscriber)
        for subscription in subscriber.subscriptions.select_for_update():
            frequency = frequencies.get(subscription.pk, subscription.frequency)
            if not frequency:
                subscription.delete()
            elif frequency != subscription.frequency:
                subscription.frequency = frequency
                subscription.save(update_fields=["frequency"])
        if not subscriber.subscriptions.exists():
            end(subscriber)
        # Links in earlier e-mails would only seem to confirm something.
        SubscriptionRequest.objects.filter(email=subscriber.email).exclude(confirmed_at=None).delete()


def end(subscriber: Subscriber) -> None:
    """Delete the address with all of its subscriptions and requests."""
    with transaction.atomic():
        _lock(subscriber)
        SubscriptionRequest.objects.filter(email=subscriber.email).delete()
        Subscriber.objects.filter(pk=subscriber.pk).delete()


def _lock(subscriber: Subscriber) -> None:
    """Lock the subscriber, so that a concurrent confirmation, for example, waits until the transaction ends."""
    Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()


def follow_merged(model: type[Model], ids: Collection[int], target: int) -> None:
    """Move subscriptions to merged tags or categories to the target (core.changes.merge_handlers)."""
    fields: dict[type[Model], str] = {Tag: "tag_id", Category: "category_id"}
    field = fields.get(model)
    if field is None:
        return
    moved = Subscription.objects.filter(**{f"{field}__in": ids})
    # Each subscriber follows the target once, with the frequency of their first subscription.
    present = Subscription.objects.filter(**{field: target}).values("subscriber")
    first = moved.exclude(subscriber__in=present).order_by().values("subscriber").annotate(first=Min("pk"))
    Subscription.objects.filter(pk__in=list(first.values_list("first", flat=True))).update(**{field: target})
    SubscriptionRequest.objects.filter(**{f"{field}__in": ids}).update(**{field: target})


def delete_unused() -> None:
    """Delete subscribers without subscriptions, because what they followed was deleted."""
    unused = Subscriber.objects.filter(subscriptions=None).order_by("pk")
    while pks := list(unused.values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            list(Subscriber.objects.select_for_update().filter(pk__in=pks).order_by("pk").values_list("pk"))
            # Queried again, because they may have confirmed something else until they were locked.
            Subscriber.objects.filter(pk__in=pks, subscriptions=None).delete()


def delete_old_requests() -> int:
    """Delete requests that are too old to be confirmed, and return how many."""
    for field in ("requested_at", "invited_at"):
        correct_future_times(SubscriptionRequest.objects.all(), field)
    return SubscriptionRequest.objects.exclude(SubscriptionRequest.in_time()).delete()[0]


def confirm_url(request: SubscriptionRequest) -> str:
    return reverse("newsletter:confirm", args=[_CONFIRM_SIGNER.sign(str(request.pk))])


def manage_url(subscriber: Subscriber) -> str:
    return reverse("newsletter:manage", args=[subscriber.token])


def unsubscribe_url(subscriber: Subscriber) -> str:
    return reverse("newsletter:unsubscribe", args=[subscriber.token])
