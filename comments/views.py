"""Where the form is sent to; the pages of a long thread; what senders may do with their own comment."""

from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import is_same_domain
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from blog.caching import has_session, mark_private
from blog.models import Page, Post
from blog.redirects import new_address
from blog.site import SiteRequest, absolute_url
from blog.views import entry_response
from comments import flood, proof, senders, waiting
from comments.addresses import entry_at, page_url
from comments.counting import ENTRY_MODELS
from comments.forms import CommentForm, OwnCommentForm
from comments.models import Comment, Status
from comments.reading import thread_for
from comments.threads import page_number


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
        return _refused(request, entry)
    return _add(request, entry)


def _refused(request: SiteRequest, entry: Post | Page) -> HttpResponse:
    return render(request, "comments/refused.html", {"entry": entry, "text": request.POST.get("text")}, status=403)


def _add(request: SiteRequest, entry: Post | Page) -> HttpResponse:
    user = request.user if request.user.is_authenticated else None
    form = CommentForm(request.POST, entry=entry, site=request.site, user=user)
    if not form.is_valid():
        response = entry_response(request, entry, status=400, comment_form=form)
    elif "preview" in request.POST:
        response = entry_response(request, entry, comment_form=form, comment_preview=form.preview())
    else:
        return HttpResponseRedirect(_address_after(form, flood.sender(request)))
    mark_private(response)
    return response


def _address_after(form: CommentForm, sender: str) -> str:
    """Where the sender goes once the comment is stored.

    What was there before and everybody sees could have been copied from the page: who sends it again is not known to
    be its sender.
    """
    started = timezone.now()
    comment = form.submit(sender)
    is_copy = comment.status == Status.APPROVED and comment.created_at < started
    return comment.get_absolute_url() if is_copy else waiting.address(comment)


_add_with_token = csrf_protect(_add)


@require_safe
def challenge(request: HttpRequest) -> HttpResponse:
    """A task for the browser of somebody who writes. No cookie, no query; every task is another one."""
    return JsonResponse(proof.challenge(), headers={"Cache-Control": "no-store"})


@require_safe
def further(request: SiteRequest, base: str, number: str) -> HttpResponse:
    """A further page of the comments on the post or page at `base`.

    Past the last one: to the entry. WordPress's pages may have been shorter, and most links to them name a comment,
    which the browser looks for where it is sent to.
    """
    entry = entry_at(f"/{base}")
    if entry is None:
        address = new_address(f"/{base}")
        there = f"{address}comment-page-{number}/" if address else f"/{quote(base.lstrip('/\\'))}"
        return HttpResponsePermanentRedirect(there)
    comments = thread_for(request, entry, request.site, number=int(number))
    if not 1 < int(number) <= comments.pages:
        return HttpResponsePermanentRedirect(entry.get_absolute_url())
    words = {"title": entry, "number": comments.number}
    return entry_response(
        request,
        entry,
        comment_thread=comments,
        page_title=gettext("%(title)s – comments, page %(number)d") % words,
        canonical_url=absolute_url(page_url(entry, comments.number)),
    )


@require_safe
def one(request: SiteRequest, pk: int) -> HttpResponse:
    """To a comment, on whatever page it stands."""
    comment = get_object_or_404(Comment.objects.public().with_entries(), pk=pk)
    site = request.site
    number = page_number(comment.entry, comment.pk, pingbacks=site.show_pingbacks, per_page=site.comments_per_page)
    if number is None:
        raise Http404(gettext("There is no such comment."))
    return HttpResponseRedirect(f"{page_url(comment.entry, number)}#comment-{comment.pk}")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: SiteRequest, signed: str) -> HttpResponse:
    """Where senders change or delete their comment for a while.

    Who has the signed address may do it, with a session or without; no page of another site knows the address, so
    there is no token in the form. It still has to come from a page of ours.
    """
    pk = waiting.key(signed)
    if pk is None:
        raise Http404(gettext("There is no such comment."))
    response = _own(request, pk)
    mark_private(response)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _own(request: SiteRequest, pk: int) -> HttpResponse:
    comment = Comment.objects.with_entries().filter(pk=pk).first()
    if comment is None:
        return render(request, "comments/own_gone.html", status=410)
    if request.method == "POST" and not comes_from_here(request):
        return _refused(request, comment.entry)
    form = OwnCommentForm(request.POST if "change" in request.POST else None, comment=comment)
    try:
        if "delete" in request.POST:
            senders.delete_by_sender(comment)
            return render(request, "comments/own_deleted.html", {"entry": comment.entry})
        if form.is_valid():
            revised = senders.revise_by_sender(comment, form.cleaned_data["text"], site=request.site)
            return HttpResponseRedirect(waiting.address(revised))
    except senders.TooLateError:
        comment.refresh_from_db()
    except Comment.DoesNotExist:
        return render(request, "comments/own_gone.html", status=410)
    context = {
        "comment": comment,
        "form": form,
        "may_be_revised": senders.may_be_revised(comment),
        "may_be_deleted": senders.is_senders_own(comment),
        "until": comment.created_at + senders.SENDERS_TIME,
        "back": waiting.address(comment),
        "page_title": gettext("Your comment"),
    }
    return render(request, "comments/own.html", context, status=400 if request.method == "POST" else 200)


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
