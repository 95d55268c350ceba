"""Where the form is sent to."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import is_same_domain
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from blog.caching import has_session
from blog.models import Page, Post
from blog.site import SiteRequest
from blog.views import entry_response
from comments import flood, proof, waiting
from comments.counting import ENTRY_MODELS
from comments.forms import CommentForm


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SiteRequest, kind: str, pk: int) -> HttpResponse:
    """Take a comment on a post or page. Not sent (GET): to the form.

    A comment without a session carries no authority, so it needs no token, and the form works from a cached page;
    it has to come from a page of ours all the same. With a session cookie Django's check applies in full.
    """
    if kind not in ENTRY_MODELS:
        raise Http404(gettext("There are comments on posts and pages only."))
    entry: Post | Page = get_object_or_404(ENTRY_MODELS[kind].objects.published(), pk=pk)
    if request.method != "POST":
        return HttpResponseRedirect(f"{entry.get_absolute_url()}#respond")
    if has_session(request):
        return _add_with_token(request, entry)
    if not comes_from_here(request):
        return render(request, "comments/refused.html", {"entry": entry, "text": request.POST.get("text")}, status=403)
    return _add(request, entry)


def _add(request: SiteRequest, entry: Post | Page) -> HttpResponse:
    user = request.user if request.user.is_authenticated else None
    form = CommentForm(request.POST, entry=entry, site=request.site, user=user)
    if form.is_valid():
        return HttpResponseRedirect(waiting.address(form.submit(flood.sender(request))))
    return entry_response(request, entry, status=400, comment_form=form)


_add_with_token = csrf_protect(_add)


@require_safe
def challenge(request: HttpRequest) -> HttpResponse:
    """A task for the browser of somebody who writes. No cookie, no query; every task is another one."""
    return JsonResponse(proof.challenge(), headers={"Cache-Control": "no-store"})


def comes_from_here(request: HttpRequest) -> bool:
    """Whether the browser says that one of our own pages sent this, or at least not that another did.

    Our pages send no referrer, so their forms come with the origin `null`, and old browsers name none at all.
    Sources: Fetch, "origin of a request"; Fetch Metadata, `Sec-Fetch-Site` (`none`: the person alone asked).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin", "null")
    return origin == "null" or _is_ours(origin, request)


def _is_ours(origin: str, request: HttpRequest) -> bool:
    ours = [f"{request.scheme}://{request.get_host()}", settings.SITE_URL, *settings.CSRF_TRUSTED_ORIGINS]
    try:
        theirs = urlsplit(origin)
        return any(
            theirs.scheme == own.scheme and is_same_domain(theirs.netloc.lower(), own.netloc.lower().removeprefix("*"))
            for own in map(urlsplit, ours)
        )
    except ValueError:
        # Not an address at all.
        return False
