"""The pages for following the blog by e-mail. None needs a cookie, and those that e-mails link to have secret URLs.

Mail programs open links to scan them, so a GET changes nothing: these pages ask for a click on a button.
"""

from contextlib import suppress

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext

from blog.secret_pages import message, secret_page
from core.languages import activate_language
from core.origin import comes_from_here
from core.sender import sender
from core.site import SiteRequest
from newsletter import subscriptions
from newsletter.forms import FollowForm, ManageForm
from newsletter.models import NewsletterSettings, Subscriber, SubscriptionRequest
from newsletter.models.subscriptions import CONFIRM_WITHIN
from newsletter.topics import find_topic, languages, page_of


@secret_page
def follow(request: SiteRequest, kind: str = "", key: str = "") -> HttpResponse:
    """Show the form to follow a topic, and accept an e-mail address. The response is the same for every address.

    The form carries no authority, so it needs no CSRF token and works on cached pages, but it has to come from one of
    our pages.
    """
    if not NewsletterSettings.of(request.site).is_available:
        raise Http404
    topic = find_topic(request.site, kind, key)
    activate_language(topic.get("language", ""))
    posted = request.method == "POST"
    form = FollowForm(request.POST if posted else None, languages=[] if kind else languages())
    is_ours = comes_from_here(request)
    if not posted or not is_ours or not form.is_valid():
        context = {
            "topic": SubscriptionRequest(**topic),
            "topic_url": page_of(SubscriptionRequest(**topic)),
            "form": form,
            "from_elsewhere": posted and not is_ours,
        }
        status = 200 if not posted else 400 if is_ours else 403
        return render(request, "newsletter/follow.html", context, status=status)
    values = form.cleaned_data
    if language := values.get("language"):
        topic = {"language": language}
    if not values["subject"]:
        subscriptions.request(topic, values["frequency"], values["email"], sender=sender(request))
    text = ngettext(
        "You will get an e-mail. Confirm within %(n)d day. If nothing arrives, check your spam folder and the address. "
        "We send at most one such e-mail per day.",
        "You will get an e-mail. Confirm within %(n)d days. If nothing arrives, check your spam folder and the "
        "address. We send at most one such e-mail per day.",
        CONFIRM_WITHIN.days,
    )
    text %= {"n": CONFIRM_WITHIN.days}
    return message(request, gettext("Check your inbox"), text)


@secret_page
def confirm(request: HttpRequest, signed: str) -> HttpResponse:
    """Let the owner of an e-mail address confirm what was requested."""
    found = subscriptions.find_to_confirm(signed)
    if found is None:
        # People whose address was imported had more days than others.
        text = gettext("It worked for a few days, or until you unsubscribed. You can subscribe again on the site.")
        return message(request, gettext("This link has expired"), text, status=410)
    activate_language(found.language)
    if request.method == "POST":
        with suppress(SubscriptionRequest.DoesNotExist):
            subscriptions.confirm(found)
        return HttpResponseRedirect(request.get_full_path())
    context = {"topic": found, "topic_url": page_of(found)}
    if found.confirmed_at is not None:
        subscriber = Subscriber.objects.filter(email=found.email).first()
        context["manage_url"] = subscriptions.manage_url(subscriber) if subscriber else ""
    return render(request, "newsletter/confirm.html", context)


@secret_page
def manage(request: HttpRequest, token: str, *, is_saved: bool = False) -> HttpResponse:
    """Let subscribers change what they follow, and how often they get it. `is_saved` says that they just did."""
    subscriber = Subscriber.with_token(token)
    if subscriber is None:
        return _gone(request)
    activate_language(subscriber.language)
    form = ManageForm(request.POST if request.method == "POST" else None, subscriber=subscriber)
    if form.is_valid():
        subscriptions.change(subscriber, form.frequencies)
        return redirect("newsletter:managed", token)
    context = {
        "form": form,
        "is_saved": is_saved and not form.is_bound,
        "unsubscribe_url": subscriptions.unsubscribe_url(subscriber),
    }
    return render(request, "newsletter/manage.html", context, status=400 if form.is_bound else 200)


@secret_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Let subscribers unsubscribe from everything. Mail programs do it with one POST (RFC 8058)."""
    subscriber = Subscriber.with_token(token)
    activate_language(subscriber.language if subscriber else "")
    if subscriber is not None and request.method != "POST":
        context = {"manage_url": subscriptions.manage_url(subscriber)}
        return render(request, "newsletter/unsubscribe.html", context)
    if subscriber is not None:
        subscriptions.end(subscriber)
    return _gone(request)


def _gone(request: HttpRequest) -> HttpResponse:
    text = gettext(
        "You will get no more e-mails with new posts, and your address was deleted from the list. If you commented "
        "here or follow discussions, it is kept for that."
    )
    return message(request, gettext("You are unsubscribed"), text)
