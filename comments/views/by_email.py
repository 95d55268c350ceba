"""The pages that e-mails link to: deciding about a comment, following a discussion and unsubscribing from it.

Mail programs open links to scan them, so a GET changes nothing: these pages ask for a click on a button. Anyone with a
signed URL may use it, without a cookie.
"""

from django.core.signing import BadSignature, SignatureExpired
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from blog.models import Entry
from blog.secret_pages import message, secret_page
from comments.forms import FollowForm
from comments.models import Comment, CommentSettings, Follower
from comments.moderation.decisions import OvertakenError
from comments.notifications import decision_links, subscriptions
from comments.views.responses import back_to
from core.languages import activate_language
from core.origin import comes_from_here
from core.sender import sender
from core.site import SiteRequest


@secret_page
def decide(request: HttpRequest, signed: str, action: str) -> HttpResponse:
    """Let a moderator decide about one comment from a notification."""
    if action not in decision_links.ACTIONS:
        raise BadSignature
    try:
        found = decision_links.find_notification(signed)
    except SignatureExpired:
        return _expired(request)
    if found is None:
        return _gone(request)
    notification, moderator = found
    activate_language(moderator.language)
    if not moderator.may_moderate:
        text = gettext("The person this e-mail was sent to is no longer a moderator. An owner can change that.")
        return message(request, gettext("You can't moderate comments"), text, status=403)
    status = 200
    if request.method == "POST" and not comes_from_here(request):
        status = 403
    elif request.method == "POST":
        try:
            decision_links.decide(notification, moderator.user, action, request.POST.get("seen", ""))
        except OvertakenError:
            status = 409
        except Comment.DoesNotExist:
            return _gone(request)
        else:
            # The page shows the decision, no matter who made it.
            return HttpResponseRedirect(request.get_full_path())
    comment = notification.comment
    context = {
        "comment": comment,
        "action": decision_links.ACTIONS[action],
        # With the same signature, so they expire at the same time.
        "others": [
            (other, reverse("comments:decide", args=[signed, name]))
            for name, other in decision_links.ACTIONS.items()
            if name != action
        ],
        "is_open": decision_links.is_open(notification),
        "is_used": notification.used_at is not None,
        "decision": comment.decisions.select_related("moderator").first(),
        "was_changed": status == 409 or comment.mark != notification.mark,
        "from_elsewhere": status == 403,
    }
    return render(request, "comments/decide.html", context, status=status)


def _expired(request: HttpRequest) -> HttpResponse:
    text = ngettext(
        "It worked for %(n)d day, or until you changed your password. You can still decide in the moderation queue.",
        "It worked for %(n)d days, or until you changed your password. You can still decide in the moderation queue.",
        decision_links.VALID_DAYS,
    )
    return _message_with_queue(request, gettext("This link has expired"), text % {"n": decision_links.VALID_DAYS})


def _gone(request: HttpRequest) -> HttpResponse:
    text = gettext("It was deleted, so there is nothing left to do.")
    return _message_with_queue(request, gettext("This comment no longer exists"), text)


def _message_with_queue(request: HttpRequest, title: str, text: str) -> HttpResponse:
    link = gettext("Open the moderation queue")
    return message(request, title, text, reverse("admin:comments_queue_changelist"), link, status=410)


@secret_page
def follow(request: SiteRequest, kind: str, pk: int) -> HttpResponse:
    """Accept a request to follow a discussion by e-mail. The response is the same for every address."""
    if not subscriptions.is_on(CommentSettings.of(request.site)):
        raise Http404
    entry: Entry = get_object_or_404(Entry.objects.published().filter(password=""), kind=kind, pk=pk)
    activate_language(entry.language)
    if request.method != "POST":
        return HttpResponseRedirect(f"{entry.get_absolute_url()}#follow")
    form = FollowForm(request.POST)
    is_ours = comes_from_here(request)
    if not (is_ours and form.is_valid()):
        context = {"entry": entry, "form": form, "follow_action": request.path, "from_elsewhere": not is_ours}
        return render(request, "comments/follow.html", context, status=400 if is_ours else 403)
    subscriptions.request(entry, form.cleaned_data["email"], sender=sender(request))
    text = ngettext(
        "If this address doesn't follow the discussion yet, you will get an e-mail. Confirm within %(n)d day. "
        "If nothing arrives, check your spam folder and the address. We send at most one such e-mail per day.",
        "If this address doesn't follow the discussion yet, you will get an e-mail. Confirm within %(n)d days. "
        "If nothing arrives, check your spam folder and the address. We send at most one such e-mail per day.",
        subscriptions.CONFIRM_WITHIN.days,
    )
    text %= {"n": subscriptions.CONFIRM_WITHIN.days}
    return message(request, gettext("Check your inbox"), text, *back_to(entry))


@secret_page
def confirm(request: HttpRequest, signed: str) -> HttpResponse:
    """Let the owner of an e-mail address confirm that they want to follow."""
    follower = subscriptions.find_to_confirm(signed)
    if follower is not None:
        activate_language(follower.language)
    if follower is None or not follower.entry.is_public:
        text = ngettext(
            "It worked for %(n)d day or until you unsubscribed, or the discussion is no longer public. You can "
            "subscribe again below the post.",
            "It worked for %(n)d days or until you unsubscribed, or the discussion is no longer public. You can "
            "subscribe again below the post.",
            subscriptions.CONFIRM_WITHIN.days,
        )
        text %= {"n": subscriptions.CONFIRM_WITHIN.days}
        return message(request, gettext("This link has expired"), text, status=410)
    if request.method == "POST":
        subscriptions.confirm(follower)
        return HttpResponseRedirect(request.get_full_path())
    context = {
        "entry": follower.entry,
        "is_confirmed": follower.confirmed_at is not None,
        "unsubscribe_url": subscriptions.unsubscribe_url(follower),
    }
    return render(request, "comments/confirm.html", context)


@secret_page
def unsubscribe(request: HttpRequest, signed: str) -> HttpResponse:
    """Let a follower unsubscribe. Mail programs do it with one POST (RFC 8058)."""
    follower = Follower.objects.select_related("entry").with_unsubscribe_token(signed)
    if follower is not None:
        activate_language(follower.language)
    if follower is not None and request.method != "POST":
        entry = follower.entry if follower.entry.is_public else None
        return render(request, "comments/unsubscribe.html", {"entry": entry})
    everything = "everything" in request.POST
    link = "", ""
    if follower is not None:
        subscriptions.end(follower, everything=everything)
        link = back_to(follower.entry)
    if everything:
        text = gettext("You no longer follow any discussion by e-mail.")
    else:
        text = gettext("You no longer follow this discussion by e-mail.")
    return message(request, gettext("You are unsubscribed"), text, *link)
