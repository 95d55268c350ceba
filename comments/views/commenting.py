"""Submitting comments, the pages of a long thread, and the commenter's own comment."""

import logging
from typing import Final
from urllib.parse import quote

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from blog import passwords
from blog.caching import has_session, mark_private
from blog.entry_pages import entry_response
from blog.listings.listing import join_parts
from blog.models import Entry
from blog.redirects.resolve import find_target
from blog.secret_pages import message, secret_page
from blog.views import entry_at
from comments import sender_links
from comments.forms import CommentForm, OwnCommentForm
from comments.models import Comment, CommentSettings, CommentStatus
from comments.moderation import submission
from comments.rules import proof_of_work
from comments.threads import find_page_number, page_url, thread, thread_for
from comments.views.responses import back_to
from core.languages import activate_language
from core.origin import comes_from_here
from core.outages import as_unavailable, is_outage, try_again
from core.prepared import Prepared
from core.sender import sender
from core.site import SiteRequest, absolute_url

_NOT_SAVED: Final = "The database could not save what a reader sent: %s"

_log = logging.getLogger(__name__)

_entries = Prepared[Entry](
    lambda now, kind, pk: Entry.objects.published(now).filter(kind=kind, pk=pk).defer("source", "lead_html")
)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SiteRequest, kind: str, pk: int) -> HttpResponse:
    """Store or preview a comment on a post or page. GET redirects to the form.

    An anonymous comment carries no authority, so it needs no CSRF token and the form works on cached pages, but it has
    to come from one of our pages. With a session cookie, Django's check applies in full. On an entry with a password,
    it has to come from its unlocked page.
    """
    entry = next(iter(_entries(timezone.now(), kind, pk)), None)
    if entry is None:
        raise Http404(gettext("That post or page doesn't exist."))
    activate_language(entry.language)
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


def _refuse(request: SiteRequest, entry: Entry, reason: str, *, status: int = 403) -> HttpResponse:
    """Return a page that says why a comment was not saved, with its text."""
    context = {"entry": entry, "reason": reason, "text": request.POST.get("text")}
    return render(request, "comments/not_saved.html", context, status=status)


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
        except Entry.DoesNotExist:
            # It was deleted while the comment was on its way.
            return _refuse(request, entry, gettext("That post or page doesn't exist."), status=404)
        except (Error, OSError) as error:
            if not is_outage(error):
                raise
            _log.error(_NOT_SAVED, error)
            text = gettext("Your comment could not be saved, because this site can't save anything at the moment.")
            form.add_error(None, f"{text} {try_again()}")
            response = as_unavailable(entry_response(request, entry, comment_form=form))
        else:
            # A public comment may have been copied from the page, so its second submitter may not be its author.
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

    Past the last page, redirect to the entry: WordPress's pages may have been shorter, and most links to them have a
    comment as their fragment, which the browser then looks for there.
    """
    entry = entry_at(f"/{base}", in_parts=True)
    if entry is None:
        target = find_target(f"/{base}")
        url = f"{target.url}comment-page-{page_number}/" if target else f"/{quote(base.lstrip('/\\'))}"
        return redirect(url, permanent=True)
    if entry.is_locked:
        return redirect(entry)
    activate_language(entry.language)
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
    """Let commenters change or delete their comment for a while. Requests still have to come from one of our pages."""
    pk = sender_links.find_pk(signed)
    if pk is None:
        raise Http404(gettext("That comment doesn't exist."))
    try:
        return _own(request, Comment.objects.with_entries().get(pk=pk))
    except Comment.DoesNotExist:
        text = gettext("It was deleted, so there is nothing left to do.")
        return message(request, gettext("This comment no longer exists"), text, status=410)


def _own(request: SiteRequest, comment: Comment) -> HttpResponse:
    """Change or delete `comment` for its author, or show the form. Raises DoesNotExist if it has been deleted."""
    entry, is_unavailable = comment.entry, False
    activate_language(entry.language)
    if request.method == "POST" and not comes_from_here(request):
        return _wrong_origin(request, entry)
    form = OwnCommentForm(request.POST if "change" in request.POST else None, comment=comment)
    try:
        if "delete" in request.POST:
            submission.delete_own(comment)
            text = gettext("Your text, name and e-mail address are no longer stored here.")
            return message(request, gettext("Your comment was deleted"), text, *back_to(entry))
        if form.is_valid():
            settings = CommentSettings.of(request.site)
            revised = submission.revise(comment, form.cleaned_data["text"], settings=settings)
            if entry.is_public and not entry.password:
                return HttpResponseRedirect(sender_links.view_url(revised))
            # The comment's page is locked or gone, so it would not show the change.
            text = gettext("Your changes were saved.")
            return message(request, gettext("Your comment was changed"), text, *back_to(entry))
    except submission.TooLateError:
        comment.refresh_from_db()
    except (Error, OSError) as error:
        if not (form.is_bound and is_outage(error)):
            raise
        _log.error(_NOT_SAVED, error)
        is_unavailable = True
        text = gettext("Your changes could not be saved, because this site can't save anything at the moment.")
        form.add_error("text", f"{text} {try_again()}")
    context = {
        "comment": comment,
        "form": form,
        "may_be_revised": submission.may_be_revised(comment),
        "may_be_deleted": submission.may_be_deleted(comment),
        "until": comment.created_at + submission.TIME_LIMIT,
        "view_url": sender_links.view_url(comment) if entry.is_public else "",
        "page_title": gettext("Your comment was not changed") if form.errors else gettext("Your comment"),
    }
    response = render(request, "comments/own.html", context, status=400 if request.method == "POST" else 200)
    return as_unavailable(response) if is_unavailable else response
