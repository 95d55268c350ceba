"""The e-mails: the request to confirm, and new posts. They load nothing from elsewhere, and don't track readers."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from blog.models import Entry, Post
from core.database import update_without_sync
from core.models import SiteSettings
from core.site import absolute_url
from mail import messages
from newsletter import returns, subscriptions
from newsletter.models import Delivery, Issue, IssueEntry, NewsletterSettings, SubscriptionRequest
from newsletter.topics import followed

LIST_NAME: Final = "newsletter"
# The length of a post's summary, in words.
_MAX_SUMMARY: Final = 100


def for_request(request: SubscriptionRequest) -> Iterator[EmailMessage]:
    """Yield the e-mail that asks to confirm a request, or delete the request if its address must not get one."""
    if not NewsletterSettings.current().is_available or not subscriptions.may_be_invited(request):
        request.delete()
        return
    context = {
        "topic": request,
        "confirm_url": absolute_url(subscriptions.confirm_url(request)),
        "days": request.confirm_within.days,
    }
    if request.consent_stated_on:
        template = "newsletter/mail/permission.txt"
        subject = gettext("Do you want to keep following the blog by e-mail?")
    else:
        template = "newsletter/mail/confirm.txt"
        subject = gettext("Please confirm that you want to follow the blog by e-mail")
    yield messages.write(
        template,
        request.email,
        subject,
        context,
        list_name=LIST_NAME,
        message_id=f"newsletter-confirm-{request.pk}",
    )
    update_without_sync(SubscriptionRequest.objects.filter(pk=request.pk), invited_at=timezone.now())


def for_delivery(delivery: Delivery) -> Iterator[EmailMessage]:
    """Yield the e-mail with an issue, or delete the delivery if no post is for this subscriber any more."""
    subscriber = delivery.subscriber
    entries = _entries_for(delivery)
    if subscriber.suppression or not entries or not NewsletterSettings.current().is_available:
        delivery.delete()
        return
    unsubscribe_url = absolute_url(subscriptions.unsubscribe_url(subscriber))
    context = {
        "posts": [_post_context(entry) for entry in entries],
        "manage_url": absolute_url(subscriptions.manage_url(subscriber)),
        "unsubscribe_url": unsubscribe_url,
    }
    yield messages.write(
        "newsletter/mail/posts.txt",
        subscriber.email,
        _subject(entries),
        context,
        list_name=LIST_NAME,
        message_id=f"newsletter-{delivery.issue_id}-{subscriber.pk}",
        unsubscribe_url=unsubscribe_url,
        html_template="newsletter/mail/posts.html",
        is_bulk=True,
        unsubscribe_address=returns.address(delivery, returns.Purpose.UNSUBSCRIBE),
        return_path=returns.address(delivery, returns.Purpose.BOUNCE),
    )
    # Stored immediately and separately, because until then a crash would cause the e-mail to be sent again.
    update_without_sync(Delivery.objects.filter(pk=delivery.pk), sent_at=timezone.now())
    Issue.objects.filter(pk=delivery.issue_id).update(sent_count=F("sent_count") + 1)


def _entries_for(delivery: Delivery) -> Sequence[Entry]:
    """Return the posts of the issue that this subscriber follows and that everyone may read now."""
    mine = list(delivery.subscriber.subscriptions.all())
    rows = Post.objects.published().filter(password="", pk__in=delivery.issue.rows.values("entry"))
    if len({each.frequency for each in mine}) == 1:
        # They may have changed it, so posts of a digest may have been in earlier e-mails.
        sent = delivery.subscriber.deliveries.filter(sent_at__isnull=False)
        rows = rows.exclude(pk__in=IssueEntry.objects.filter(issue__in=sent.values("issue")).values("entry"))
    entries = list(rows.select_related("author").defer("source", "lead_html", "body_html").newest_first())
    return followed(entries, [each for each in mine if each.frequency == delivery.issue.frequency])


def _subject(entries: Sequence[Entry]) -> str:
    if len(entries) == 1:
        return messages.isolated(entries[0])
    return ngettext("%(n)d new post", "%(n)d new posts", len(entries)) % {"n": len(entries)}


def _post_context(entry: Entry) -> dict[str, Any]:
    site = SiteSettings.remembered()
    return {
        "title": messages.isolated(entry),
        "url": absolute_url(entry.get_absolute_url()),
        "author": messages.isolated(entry.byline) if site.show_author else "",
        "published_at": entry.published_at,
        "summary": Truncator(" ".join(entry.summary.split())).words(_MAX_SUMMARY),
        "language": entry.language,
        "direction": entry.direction or "auto",
    }
