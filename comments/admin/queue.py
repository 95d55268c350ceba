"""The moderation queue, similar comments and statistics in the admin."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from comments.forms import CommentTextField
from comments.models import Block, Comment, CommentSettings, CommentStatus, Decision, Queue
from comments.moderation import decisions, queue, statistics
from comments.moderation.actions import ACTIONS, UNDO_MESSAGES, latest_changes, read_seen, result_message
from comments.moderation.decisions import OvertakenError
from comments.moderation.queue import QueueRow
from comments.rules import blocklist
from core.admin import ReadOnlyAdmin
from core.admin_routes import route
from core.change_list import Tab
from core.database import retry_on_conflict
from core.dates import time_since
from core.text import parse_id, parse_ids

UNSENT: Final = _("This text isn't sent yet, so nothing was decided. Send it first, or reload the page to discard it.")
# The status after a decision. A restored comment may have any.
_BECOMES = {
    "approve": CommentStatus.APPROVED,
    "unapprove": CommentStatus.PENDING,
    "spam": CommentStatus.SPAM,
    "trash": CommentStatus.TRASH,
}


class SimilarForm(forms.Form):
    """What to search pending comments for."""

    kind = forms.ChoiceField(label=_("Search by"), choices=Block.Kind.choices)
    text = forms.CharField(label=_("Search for"), max_length=255)


@admin.register(Queue)
class QueueAdmin(ReadOnlyAdmin):
    """Everything here needs the permission to moderate; editing and blocking also need their own."""

    has_only_own_views = True

    def has_view_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return request.user.has_perm("comments.moderate_comment")

    @route("", "changelist", require_safe, permission="view")
    def queue_view(self, request: HttpRequest) -> HttpResponse:
        return self._queue(request, queue.rows_of(parse_ids(request.GET.getlist("review")), with_notes=True))

    def _queue(self, request: HttpRequest, to_review: list[QueueRow]) -> HttpResponse:
        """Return the queue, with the comments on top that someone else changed first or that could not be saved."""
        status = _status(request)
        try:
            rows, after = queue.queue_page(status, request.GET.get("after", ""))
        except (ValueError, OverflowError) as error:
            raise Http404 from error
        counts = queue.counts()
        tabs = []
        for each in (CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH, CommentStatus.APPROVED):
            count = counts.get(each, 0) if each in queue.COUNTED else None
            tabs.append(Tab(str(each.label), f"?status={each}", each == status, count))
        on_top = {row.comment.pk for row in to_review}
        context = {
            "rows": [row for row in rows if row.comment.pk not in on_top],
            "to_review": to_review,
            "status": status,
            "tabs": tabs,
            "next_page": urlencode({"status": status, "after": after}) if after else "",
            "position": _position(request),
            "actions": ACTIONS,
            "unsent": UNSENT,
        }
        return self._page(request, "queue", _("Moderation queue"), context)

    def _page(self, request: HttpRequest, name: str, title: Any, context: dict[str, Any]) -> HttpResponse:
        return self.own_page(request, f"admin/comments/queue/{name}.html", title, **context)

    @route("decide/", "decide", require_POST, permission="view")
    def decide_view(self, request: HttpRequest) -> HttpResponse:
        """Carry out the decision in `decide`: for the selected comments, or for the one whose ID follows its name."""
        name, _space, pk = request.POST.get("decide", "").partition(" ")
        pks = parse_ids([pk] if pk else request.POST.getlist("comment"))
        unsent = _unsent_replies(request)
        if unsent.keys() - ({parse_id(pk)} if name == "reply" else set()):
            return self._refused(request, unsent, str(UNSENT))
        if name in ACTIONS:
            action = ACTIONS[name]
            result = action.decide([Comment(pk=pk) for pk in pks], cast("User", request.user), read_seen(request.POST))
            staying = set(pks) if _BECOMES.get(name) == _status(request) else set(result.overtaken)
            return self._respond(
                request,
                result_message(result, action.changed, action.unchanged),
                batch=result.batch if result.changed else None,
                gone=[pk for pk in pks if pk not in staying],
                rows=queue.rows_of(result.overtaken[: queue.PER_PAGE], with_notes=True),
            )
        if name in {"reply", "edit"} and len(pks) == 1 and f"{name}-{pks[0]}" in request.POST:
            return self._write(request, name, pks[0])
        return self._respond(request, gettext("No comments were changed."))

    def _write(self, request: HttpRequest, name: str, pk: int) -> HttpResponse:
        """Publish a reply to a comment, or change its text."""
        if name == "edit" and not request.user.has_perm("comments.change_comment"):
            raise PermissionDenied
        user, seen, draft = cast("User", request.user), read_seen(request.POST), request.POST[f"{name}-{pk}"]
        try:
            comment = Comment.objects.with_entries().get(pk=pk)
            text = CommentTextField().clean(draft)
            if name == "edit":
                decisions.edit(comment, {"text": text}, user, mark=seen.get(pk, ""))
            else:
                batch = decisions.reply(comment, text, user, settings=CommentSettings.current(), seen=seen)
                gone = [] if _status(request) == CommentStatus.APPROVED else [pk]
                message = gettext("Comment approved and reply published.")
                return self._respond(request, message, batch=batch, gone=gone)
        except ValidationError as error:
            return self._refused(request, {pk: (name, draft)}, " ".join(error.messages))
        except OvertakenError:
            return self._refused(request, {pk: (name, draft)}, latest_changes([pk])[pk])
        except Comment.DoesNotExist:
            message = gettext("This comment has been deleted. Your text was: %(text)s")
            return self._respond(request, message % {"text": draft}, gone=[pk])
        message = gettext("Comment updated. The earlier text is kept, and readers see that a moderator edited it.")
        return self._respond(request, message, rows=queue.rows_of([pk]))

    def _refused(self, request: HttpRequest, drafts: Mapping[int, tuple[str, str]], error: str) -> HttpResponse:
        """Show texts again that were not saved, with the comments as they are now. Each is a `reply` or an `edit`."""
        rows = queue.rows_of(list(drafts))
        for row in rows:
            (row.draft_kind, row.draft), row.error = drafts[row.comment.pk], error
        return self._respond(request, error, rows=rows) if _wants_json(request) else self._queue(request, rows)

    @route("undo/<uuid:batch>/", "undo", require_POST, permission="view")
    def undo_view(self, request: HttpRequest, batch: uuid.UUID) -> HttpResponse:
        result = decisions.undo(batch, cast("User", request.user))
        message = result_message(result, *UNDO_MESSAGES)
        if not _wants_json(request):
            return self._respond(request, message, batch=result.batch if result.changed else None)
        pks = list(Decision.objects.filter(batch=batch).order_by("pk").values_list("comment", flat=True))
        rows = queue.rows_of(pks[: queue.PER_PAGE])
        returned = [row for row in rows if row.comment.status == _status(request)]
        return self._respond(request, message, rows=returned, reload=len(pks) > queue.PER_PAGE)

    def _respond(
        self,
        request: HttpRequest,
        message: str,
        *,
        batch: uuid.UUID | None = None,
        gone: Iterable[int] = (),
        rows: Iterable[QueueRow] = (),
        reload: bool = False,
    ) -> HttpResponse:
        """Return the result as JSON for the script, or else show it as a message in the queue."""
        position = _position(request)
        undo_url = f"{reverse('admin:comments_queue_undo', args=[batch])}?{position}" if batch else ""
        if _wants_json(request):
            template = get_template("admin/comments/queue/_row.html")
            context = {"actions": ACTIONS, "position": position}
            html = {row.comment.pk: template.render({"row": row, **context}, request) for row in rows}
            result = {"message": message, "undo": undo_url, "gone": list(gone), "rows": html, "reload": reload}
            return JsonResponse(result | {"counts": dict.fromkeys(queue.COUNTED, 0) | queue.counts()})
        if undo_url:
            self.report_done(request, message, undo_url)
        else:
            self.message_user(request, message, messages.INFO)
        review = "".join(f"&review={row.comment.pk}" for row in rows)
        return HttpResponseRedirect(f"{reverse('admin:comments_queue_changelist')}?{position}{review}")

    @route("similar/", "similar", permission="view")
    def similar_view(self, request: HttpRequest) -> HttpResponse:
        """Show all pending comments from an author or host, or with a word, to decide about together or to block."""
        query = request.GET.dict()
        if "comment" in query:
            # The e-mail address of this comment.
            comments = Comment.objects.filter(pk__in=parse_ids([query.pop("comment")])[:1])
            query |= {"kind": Block.Kind.EMAIL, "text": comments.values_list("email", flat=True).first() or ""}
        form = SimilarForm(query if "text" in query else None, initial=query)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            try:
                block, found = queue.find_similar(**form.cleaned_data)
            except ValidationError as error:
                form.add_error("text", error.messages)
            else:
                if request.method == "POST":
                    return self._block(request, block)
                context |= {
                    "new_block": block,
                    "comments": found,
                    "match_count": blocklist.count_recent_matches(block).total(),
                    "blocked": Block.objects.filter(kind=block.kind, key=block.key).first(),
                    "actions": ACTIONS,
                }
        return self._page(request, "similar", _("Similar comments"), context)

    def _block(self, request: HttpRequest, block: Block) -> HttpResponse:
        if not request.user.has_perm("comments.add_block"):
            raise PermissionDenied
        block.verdict, block.added_by = request.POST.get("verdict", ""), cast("User", request.user)

        @transaction.atomic
        def store() -> None:
            block.full_clean(exclude=["key", "start"])
            block.save()

        try:
            retry_on_conflict(store)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
        else:
            message = gettext("Blocked. From now on, a comment with “%(text)s” %(verdict)s.")
            message %= {"text": block.text, "verdict": block.get_verdict_display()}
            self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())

    @route("statistics/", "statistics", require_safe, permission="view")
    def statistics_view(self, request: HttpRequest) -> HttpResponse:
        outcomes = statistics.outcomes()
        wait = outcomes.median_wait
        context = {
            "weeks": statistics.by_week(),
            "chart_statuses": statistics.CHART_STATUSES,
            "outcomes": outcomes,
            "final_statuses": statistics.FINAL_STATUSES,
            "median_wait": "" if wait is None else time_since(timezone.now() - wait, depth=1),
            "pending_count": queue.counts().get(CommentStatus.PENDING, 0),
            "keep_spam_days": CommentSettings.current().keep_spam_days,
        }
        return self._page(request, "statistics", _("Statistics"), context)


def _unsent_replies(request: HttpRequest) -> dict[int, tuple[str, str]]:
    """Return the replies in the form, by comment. Without the script, every button submits all of them."""
    replies = {
        parse_id(key.removeprefix("reply-")): ("reply", text)
        for key in request.POST
        if key.startswith("reply-") and (text := request.POST[key]).strip()
    }
    stored = Comment.objects.in_bulk(list(replies))
    return {pk: reply for pk, reply in replies.items() if pk in stored}


def _status(request: HttpRequest) -> CommentStatus:
    status = request.GET.get("status", "")
    return CommentStatus(status) if status in CommentStatus.values else CommentStatus.PENDING


def _position(request: HttpRequest) -> str:
    """Return the query string that leads back to this position in the queue."""
    after = request.GET.get("after", "")
    return urlencode({"status": _status(request), **({"after": after} if after else {})})


def _wants_json(request: HttpRequest) -> bool:
    return request.accepts("application/json") and not request.accepts("text/html")
