"""The pages that mails lead to, and the form to follow a discussion.

Programs open each link of a mail to look at it, so opening one changes nothing: every page asks for a button to be
pressed. Who has a signed address may use it, without a cookie; no cache keeps the pages, and they send no referrer.
"""

from collections.abc import Callable
from functools import wraps

from django.core.signing import BadSignature, SignatureExpired
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from blog.caching import mark_private
from blog.models import Page, Post
from blog.site import SiteRequest
from comments import flood, following, links
from comments.counting import ENTRY_MODELS
from comments.forms import FollowForm
from comments.models import Comment
from comments.moderation import OvertakenError
from comments.recipients import Notice
from comments.views import comes_from_here


def _secret(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a page whose address is a key."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def kept(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        response = view(request, *args, **kwargs)
        mark_private(response)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return kept


@_secret
def decide(request: HttpRequest, signed: str, move: str) -> HttpResponse:
    """Where a moderator decides about one comment, from a notice."""
    if move not in links.MOVES:
        raise Http404
    try:
        notice = links.find(signed)
    except SignatureExpired:
        return render(request, "comments/decide_over.html", {"days": links.VALID_DAYS}, status=410)
    except BadSignature:
        raise Http404(gettext("There is no such notice.")) from None
    if notice is None:
        return render(request, "comments/decide_gone.html", status=410)
    if notice.moderator is None or not notice.moderator.may_moderate:
        return render(request, "comments/decide_forbidden.html", status=403)
    if request.method != "POST":
        return _decide_page(request, notice, signed, move)
    if not comes_from_here(request):
        return _decide_page(request, notice, signed, move, status=403)
    try:
        links.decide(notice, move, request.POST.get("seen", ""))
    except OvertakenError:
        return _decide_page(request, notice, signed, move, status=409)
    except Comment.DoesNotExist:
        return render(request, "comments/decide_gone.html", status=410)
    # What was decided, by whomever, stands there.
    return HttpResponseRedirect(request.get_full_path())


def _decide_page(request: HttpRequest, notice: Notice, signed: str, move: str, status: int = 200) -> HttpResponse:
    comment = notice.comment
    context = {
        "comment": comment,
        "move": links.MOVES[move],
        # By the same signature: it does not get younger by looking.
        "others": [
            (other, reverse("comments:decide", args=[signed, name]))
            for name, other in links.MOVES.items()
            if name != move
        ],
        "is_open": links.is_open(notice),
        "is_used": notice.used_at is not None,
        "decision": comment.decisions.select_related("moderator").first(),
        "was_changed": status == 409 or comment.mark != notice.mark,
        "from_elsewhere": status == 403,
    }
    return render(request, "comments/decide.html", context, status=status)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: SiteRequest, kind: str, pk: int) -> HttpResponse:
    """Take the address of somebody who wants to follow. The answer is the same for every address."""
    if kind not in ENTRY_MODELS or not following.is_on(request.site):
        raise Http404
    entry: Post | Page = get_object_or_404(ENTRY_MODELS[kind].objects.published(), pk=pk)
    if request.method != "POST":
        return HttpResponseRedirect(f"{entry.get_absolute_url()}#follow")
    form = FollowForm(request.POST)
    status = 200
    if not comes_from_here(request):
        status = 403
    elif not form.is_valid():
        status = 400
    else:
        following.ask(entry, form.cleaned_data["email"], sender=flood.sender(request))
    context = {
        "entry": entry,
        "form": form,
        "follow_action": request.path,
        "from_elsewhere": status == 403,
        "days": following.VALID_FOR.days,
    }
    template = "comments/follow_asked.html" if status == 200 else "comments/follow.html"
    response = render(request, template, context, status=status)
    mark_private(response)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@_secret
def confirm(request: HttpRequest, signed: str) -> HttpResponse:
    """Where the owner of an address says that they want to follow."""
    try:
        follower = following.to_confirm(signed)
    except BadSignature:
        raise Http404(gettext("There is no such link.")) from None
    if follower is None or not follower.entry.is_public:
        return render(request, "comments/confirm_over.html", {"days": following.VALID_FOR.days}, status=410)
    if request.method == "POST":
        following.confirm(follower)
        return HttpResponseRedirect(request.get_full_path())
    context = {
        "entry": follower.entry,
        "is_confirmed": follower.confirmed_at is not None,
        "stop": following.stop_address(follower),
    }
    return render(request, "comments/confirm.html", context)


@_secret
def stop(request: HttpRequest, signed: str) -> HttpResponse:
    """Where a follower ends the mails; a mail program does it with one POST (RFC 8058)."""
    try:
        follower = following.to_stop(signed)
    except BadSignature:
        raise Http404(gettext("There is no such link.")) from None
    if follower is None:
        return render(request, "comments/stopped.html")
    if request.method == "POST":
        following.stop(follower, everything="everything" in request.POST)
        return render(request, "comments/stopped.html")
    entry = follower.entry if follower.entry.is_public else None
    return render(request, "comments/stop.html", {"entry": entry})
