"""Submitting comments, the pages of a long thread, the commenter's own comment, and the pages that e-mails link to.

Mail programs open links to scan them, so a GET changes nothing: those pages ask for a click on a button. Anyone with a
signed URL may use it, without a cookie.
"""

import datetime as dt
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import is_same_domain
from django.utils.translation import gettext, ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from blog import passwords
from blog.caching import has_session, mark_private
from blog.listing import join_parts
from blog.models import Entry, Page, Post
from blog.redirects.resolve import find_target
from blog.views import entry_response
from comments import sender_links
from comments.forms import CommentForm, FollowForm, OwnCommentForm
from comments.models import Comment, CommentSettings, CommentStatus, Follower
from comments.moderation import submission
from comments.moderation.decisions import OvertakenError
from comments.notifications import decision_links, subscriptions
from comments.rules import proof_of_work
from comments.threads import find_page_number, page_url, thread, thread_for
from core.sender import sender
from core.site import SiteRequest, absolute_url

# In seconds.
RETRY_AFTER = 300

_log = logging.getLogger(__name__)


def secret_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap the view of a page with a secret URL: it needs no cookie, is not cached or indexed, and sends no referrer.

    Such a page has no CSRF token, because no page of another site knows its URL. Forged URLs are not found.
    """

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except BadSignature:
            raise Http404(gettext("That link doesn't exist.")) from None
        except OperationalError as error:
            # Nothing can be written, for example on a full disk, but reading may still work.
            title, text = gettext("Nothing was changed"), gettext("This site can't save anything at the moment.")
            response = _unavailable(_message(request, title, f"{text} {_try_again()}"), error)
        mark_private(response)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return wrapper


def _message(
    request: HttpRequest, title: str, text: str, url: str = "", link: str = "", status: int = 200
) -> HttpResponse:
    context = {"title": title, "text": text, "url": url, "link": link}
    return render(request, "comments/message.html", context, status=status)


def _try_again() -> str:
    return gettext("Try again in a few minutes. If it still doesn't work, tell the owner of this site.")


def _unavailable(response: HttpResponse, error: OperationalError) -> HttpResponse:
    """Log `error` and make the response one for a site that can't save anything at the moment."""
    _log.error("The database could not save what a reader sent: %s", error)
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _back_to(entry: Entry) -> tuple[str, str]:
    return entry.get_absolute_url(), gettext("Back to %(title)s") % {"title": entry}


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SiteRequest, kind: str, pk: int) -> HttpResponse:
    """Store or preview a comment on a post or page. GET redirects to the form.

    An anonymous comment carries no authority, so it needs no CSRF token and the form works on cached pages, but it has
    to come from one of our pages. With a session cookie, Django's check applies in full. On an entry with a password,
    it has to come from its unlocked page.
    """
    entry: Entry = get_object_or_404(Entry.objects.published(), kind=kind, pk=pk)
    if request.method != "POST":
        return HttpResponseRedirect(f"{entry.get_absolute_url()}#respond")
    if entry.password and not passwords.unlock_with_token(entry, request.POST.get("password_token", "")):
        reason = gettext("Enter the password of the page below again, and submit your text there.")
        return _refuse(request, entry, reason)
    if has_session(request):
        return _add_with_token(request, entry)
    if not comes_from_here(request):
        return _wrong_origin(request, entry)
    return _add(request, entry)


def _wrong_origin(request: SiteRequest, entry: Entry) -> HttpResponse:
    return _refuse(
        request, entry, gettext("It came from a page of another site. Open the page below and submit it there.")
    )


def _refuse(request: SiteRequest, entry: Entry, reason: str) -> HttpResponse:
    """Say why a comment was not saved, and return its text."""
    context = {"entry": entry, "reason": reason, "text": request.POST.get("text")}
    return render(request, "comments/not_saved.html", context, status=403)


def _add(request: SiteRequest, entry: Entry) -> HttpResponse:
    user = request.user if request.user.is_authenticated else None
    form = CommentForm(request.POST, entry=entry, settings=CommentSettings.of(request.site), user=user)
    if not form.is_valid():
        response = entry_response(request, entry, status=400, comment_form=form)
    elif "preview" in request.POST:
        response = entry_response(request, entry, comment_form=form, comment_preview=form.preview())
    else:
        started = timezone.now()
        try:
            comment = form.submit(sender(request))
        except OperationalError as error:
            text = gettext("Your comment could not be saved, because this site can't save anything at the moment.")
            form.add_error(None, f"{text} {_try_again()}")
            response = _unavailable(entry_response(request, entry, comment_form=form), error)
        else:
            # A public comment may have been copied from the page, so who submits it again may not be its author.
            is_copy = comment.status == CommentStatus.APPROVED and comment.created_at < started
            if not entry.password:
                return HttpResponseRedirect(comment.get_absolute_url() if is_copy else sender_links.view_url(comment))
            # The page that a redirect leads to would be locked.
            own = None if is_copy else comment.pk
            comments = thread(entry, form.settings, own=own)
            response = entry_response(request, entry, comment_thread=comments, is_submitted=True)
    mark_private(response)
    return response


_add_with_token = csrf_protect(_add)


@require_safe
def challenge(request: HttpRequest) -> HttpResponse:
    """Return a new challenge for the commenter's browser, without a cookie or a query."""
    return JsonResponse(proof_of_work.challenge(), headers={"Cache-Control": "no-store"})


@require_safe
def comment_page(request: SiteRequest, base: str, page_number: str) -> HttpResponse:
    """Return the second or a later page of comments on the post or page at `base`.

    Past the last page, redirect to the entry: WordPress's pages may have been shorter, and most links to them name a
    comment, which the browser then looks for there.
    """
    entry = _entry_at(f"/{base}")
    if entry is None:
        target = find_target(f"/{base}")
        url = f"{target}comment-page-{page_number}/" if target else f"/{quote(base.lstrip('/\\'))}"
        return redirect(url, permanent=True)
    if entry.is_locked:
        return redirect(entry)
    comments = thread_for(request, entry, CommentSettings.of(request.site), page_number=int(page_number))
    if not 1 < int(page_number) <= comments.page_count:
        return redirect(entry, permanent=True)
    title = gettext("%(title)s – comments, page %(page)d") % {"title": entry, "page": comments.page_number}
    return entry_response(
        request,
        entry,
        comment_thread=comments,
        page_title=title,
        meta_description=join_parts(title, entry.summary),
        canonical_url=absolute_url(page_url(entry, comments.page_number)),
    )


def _entry_at(path: str) -> Entry | None:
    """Return the public post or page at exactly this path, or which has a part at this path; None if there is none."""
    try:
        match = resolve(path)
    except Resolver404:
        return None
    if match.view_name == "blog:page":
        return Page.objects.published().filter(path=match.kwargs["path"]).first()
    if match.view_name not in {"blog:post", "blog:post_page"}:
        return None
    try:
        day = dt.date(*(int(match.kwargs[part]) for part in ("year", "month", "day")))
    except ValueError:
        return None
    posts = Post.objects.published().filter(published_on=day, slug=match.kwargs["slug"])
    return posts.select_related("author").first()


@require_safe
def comment_redirect(request: SiteRequest, pk: int) -> HttpResponse:
    """Redirect to the page that a comment is on."""
    comment = get_object_or_404(Comment.objects.public().with_entries(), pk=pk)
    page_number = find_page_number(comment, CommentSettings.of(request.site))
    if page_number is None:
        raise Http404(gettext("That comment doesn't exist."))
    return HttpResponseRedirect(f"{page_url(comment.entry, page_number)}#comment-{comment.pk}")


@secret_page
def own(request: SiteRequest, signed: str) -> HttpResponse:
    """Let commenters change or delete their comment for a while. It still has to come from one of our pages."""
    pk = sender_links.find_pk(signed)
    if pk is None:
        raise Http404(gettext("That comment doesn't exist."))
    unsaved: OperationalError | None = None
    try:
        comment = Comment.objects.with_entries().get(pk=pk)
        if request.method == "POST" and not comes_from_here(request):
            return _wrong_origin(request, comment.entry)
        form = OwnCommentForm(request.POST if "change" in request.POST else None, comment=comment)
        if "delete" in request.POST:
            submission.delete_own(comment)
            text = gettext("Your text, name and e-mail address are no longer stored here.")
            return _message(request, gettext("Your comment was deleted"), text, *_back_to(comment.entry))
        if form.is_valid():
            try:
                own_settings = CommentSettings.of(request.site)
                revised = submission.revise(comment, form.cleaned_data["text"], settings=own_settings)
            except OperationalError as error:
                unsaved = error
                text = gettext("Your changes could not be saved, because this site can't save anything at the moment.")
                form.add_error("text", f"{text} {_try_again()}")
            else:
                if not comment.entry.password:
                    return HttpResponseRedirect(sender_links.view_url(revised))
                # The page of the comment is locked, and so would not show it.
                text = gettext("Your changes were saved.")
                return _message(request, gettext("Your comment was changed"), text, *_back_to(comment.entry))
    except submission.TooLateError:
        comment.refresh_from_db()
    except Comment.DoesNotExist:
        text = gettext("It was deleted, so there is nothing left to do.")
        return _message(request, gettext("This comment no longer exists"), text, status=410)
    context = {
        "comment": comment,
        "form": form,
        "may_be_revised": submission.may_be_revised(comment),
        "may_be_deleted": submission.may_be_deleted(comment),
        "until": comment.created_at + submission.TIME_LIMIT,
        "view_url": sender_links.view_url(comment),
        "page_title": gettext("Your comment was not changed") if form.errors else gettext("Your comment"),
    }
    response = render(request, "comments/own.html", context, status=400 if request.method == "POST" else 200)
    return _unavailable(response, unsaved) if unsaved else response


@secret_page
def decide(request: HttpRequest, signed: str, action: str) -> HttpResponse:
    """Let a moderator decide about one comment from a notification."""
    if action not in decision_links.ACTIONS:
        raise Http404
    try:
        notification = decision_links.find_notification(signed)
    except SignatureExpired:
        return _expired(request)
    if notification is None:
        return _gone(request)
    if notification.moderator is None or not notification.moderator.may_moderate:
        text = gettext("The person this e-mail was sent to is no longer a moderator. An administrator can change that.")
        return _message(request, gettext("You can't moderate comments"), text, status=403)
    status = 200
    if request.method == "POST" and not comes_from_here(request):
        status = 403
    elif request.method == "POST":
        try:
            decision_links.decide(notification, notification.moderator.user, action, request.POST.get("seen", ""))
        except OvertakenError:
            status = 409
        except Comment.DoesNotExist:
            return _gone(request)
        else:
            # The page shows what was decided, no matter by whom.
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
    text = gettext("It was deleted, so there is nothing left to decide.")
    return _message_with_queue(request, gettext("This comment no longer exists"), text)


def _message_with_queue(request: HttpRequest, title: str, text: str) -> HttpResponse:
    link = gettext("Open the moderation queue")
    return _message(request, title, text, reverse("admin:comments_queue_changelist"), link, status=410)


@secret_page
def follow(request: SiteRequest, kind: str, pk: int) -> HttpResponse:
    """Accept an e-mail address that wants to follow a discussion. The response is the same for every address."""
    if not subscriptions.is_on(CommentSettings.of(request.site)):
        raise Http404
    entry: Entry = get_object_or_404(Entry.objects.published().filter(password=""), kind=kind, pk=pk)
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
    return _message(request, gettext("Check your inbox"), text, *_back_to(entry))


@secret_page
def confirm(request: HttpRequest, signed: str) -> HttpResponse:
    """Let the owner of an e-mail address confirm that they want to follow."""
    follower = subscriptions.find_to_confirm(signed)
    if follower is None or not follower.entry.is_public:
        text = ngettext(
            "It worked for %(n)d day, or the discussion is no longer public. You can subscribe again below the post.",
            "It worked for %(n)d days, or the discussion is no longer public. You can subscribe again below the post.",
            subscriptions.CONFIRM_WITHIN.days,
        )
        text %= {"n": subscriptions.CONFIRM_WITHIN.days}
        return _message(request, gettext("This link has expired"), text, status=410)
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
    if follower is not None and request.method != "POST":
        entry = follower.entry if follower.entry.is_public else None
        return render(request, "comments/unsubscribe.html", {"entry": entry})
    if follower is not None:
        subscriptions.end(follower, everything="everything" in request.POST)
    text = gettext("You no longer follow this discussion by e-mail.")
    return _message(request, gettext("You are unsubscribed"), text)


def comes_from_here(request: HttpRequest) -> bool:
    """Whether the request comes from one of our pages, or at least not from another site, according to the browser.

    Our pages send no referrer, so their forms have the origin `null`, and old browsers send none at all.
    Sources: Fetch, "origin of a request"; Fetch Metadata, `Sec-Fetch-Site` (`none`: the user typed the URL).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin", "null")
    if origin == "null":
        return True
    own_origins = [f"{request.scheme}://{request.get_host()}", settings.SITE_URL, *settings.CSRF_TRUSTED_ORIGINS]
    try:
        other = urlsplit(origin)
        return any(
            other.scheme == own.scheme and is_same_domain(other.netloc.lower(), own.netloc.lower().removeprefix("*"))
            for own in map(urlsplit, own_origins)
        )
    except ValueError:
        # It is not a URL.
        return False
