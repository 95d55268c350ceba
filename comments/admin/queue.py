"""The moderators' desk in the admin: the queue, everything alike, and how it goes."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from blog.site import SiteSettings
from comments import blocks, figures, moderation, queue
from comments.forms import ProseField
from comments.models import Block, Comment, Decision, Queue, Status
from comments.moderation import Outcome, OvertakenError
from comments.moves import MOVES, UNDONE, meanwhile, seen_in, since, told
from comments.queue import Row

# What a decision makes of comments; one restored may become anything.
_BECOMES = {"approve": Status.APPROVED, "reply": Status.APPROVED, "spam": Status.SPAM, "trash": Status.TRASH}
_KEYS = [
    (_("j, k"), _("next and previous comment")),
    (_("a"), _("approve")),
    (_("s"), _("spam")),
    (_("t"), _("trash")),
    (_("z"), _("restore from spam or trash")),
    (_("r"), _("reply and approve")),
    (_("e"), _("edit the text")),
    (_("u"), _("undo the last decision")),
    (_("x"), _("select; a, s and t are then for all that are selected")),
    (_("o"), _("show the whole text")),
    (_("b"), _("everything alike, and blocking")),
    (_("Ctrl + Enter"), _("send the reply or the text")),
    (_("Esc"), _("leave a field")),
    (_("?"), _("this list")),
]


class AlikeForm(forms.Form):
    """What to look for among the comments that wait."""

    kind = forms.ChoiceField(label=_("Everything with this"), choices=Block.Kind.choices)
    text = forms.CharField(label=_("What to look for"), max_length=255)


@admin.register(Queue)
class QueueAdmin(admin.ModelAdmin[Queue]):
    """Who may moderate comments may see and do all of this; editing and blocking ask for their own permission."""

    def has_view_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return request.user.has_perm("comments.moderate_comment")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        def view(function: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            def for_moderators(request: HttpRequest, **named: Any) -> HttpResponse:
                if not self.has_view_permission(request):
                    raise PermissionDenied
                return function(request, **named)

            return self.admin_site.admin_view(for_moderators)

        return [
            path("", view(require_safe(self.queue_view)), name="comments_queue_changelist"),
            path("decide/", view(require_POST(self.decide_view)), name="comments_queue_decide"),
            path("undo/<uuid:batch>/", view(require_POST(self.undo_view)), name="comments_queue_undo"),
            path("alike/", view(self.alike_view), name="comments_queue_alike"),
            path("dashboard/", view(require_safe(self.dashboard_view)), name="comments_queue_dashboard"),
        ]

    # The queue

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        return self._queue(request, queue.rows_of(_numbers(request.GET.getlist("look")), with_notes=True))

    def _queue(self, request: HttpRequest, looked_at: list[Row]) -> HttpResponse:
        """The page, with `looked_at` on top: what somebody else was quicker with, or what could not be stored."""
        status = _status(request)
        try:
            screen = queue.screen(status, request.GET.get("after", ""))
        except (ValueError, OverflowError) as error:
            raise Http404 from error
        counts = queue.counts()
        on_top = {row.comment.pk for row in looked_at}
        context = {
            "screen": screen,
            "rows": [row for row in screen.rows if row.comment.pk not in on_top],
            "looked_at": looked_at,
            "status": status,
            "states": [
                {"value": state.value, "label": state.label, "count": counts.get(state, 0), "current": state == status}
                for state in (Status.PENDING, Status.SPAM, Status.TRASH, Status.APPROVED)
            ],
            "later": urlencode({"status": status, "after": screen.after}) if screen.after else "",
            "place": _place(request),
            "keys": _KEYS,
            **self._row_context(request),
        }
        return self._page(request, "queue", _("Queue of comments"), context)

    def _page(self, request: HttpRequest, name: str, title: Any, context: dict[str, Any]) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, f"admin/comments/queue/{name}.html", {**shared, **context})

    def _row_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"moves": MOVES, "may_edit": request.user.has_perm("comments.change_comment")}

    # Deciding

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        """`decide` is the name of a decision, for the comments ticked, or with a key behind it, for that one."""
        name, _blank, one = request.POST.get("decide", "").partition(" ")
        pks = _numbers([one] if one else request.POST.getlist("comment"))
        if name in MOVES:
            move = MOVES[name]
            outcome = move.decide([Comment(pk=pk) for pk in pks], self._user(request), seen_in(request.POST))
            return self._decided(request, name, pks, outcome, told(outcome, move.changed, move.unchanged))
        if name not in {"reply", "edit"} or len(pks) != 1 or f"{name}-{pks[0]}" not in request.POST:
            return self._answer(request, gettext("There was nothing to decide."))
        comment = Comment.objects.with_entries().filter(pk__in=pks).first()
        return self._gone(request, name, pks[0]) if comment is None else self._write(request, name, comment)

    def _write(self, request: HttpRequest, name: str, comment: Comment) -> HttpResponse:
        """Reply to the comment, or give it another text."""
        if name == "edit" and not request.user.has_perm("comments.change_comment"):
            raise PermissionDenied
        typed = request.POST.get(f"{name}-{comment.pk}", "")
        try:
            text = ProseField().clean(typed)
            if name == "reply":
                return self._reply(request, comment, text)
            moderation.edit(
                comment, {"text": text}, self._user(request), mark=seen_in(request.POST).get(comment.pk, "")
            )
        except ValidationError as error:
            return self._refused(request, comment, name, typed, " ".join(error.messages))
        except OvertakenError:
            return self._refused(request, comment, name, typed, meanwhile([comment.pk])[comment.pk])
        except Comment.DoesNotExist:
            return self._gone(request, name, comment.pk)
        words = gettext("The text is changed. The earlier one is kept, and readers see that a moderator edited it.")
        return self._answer(request, words, rows=queue.rows_of([comment.pk]))

    def _gone(self, request: HttpRequest, name: str, pk: int) -> HttpResponse:
        """The comment is not there any more. What was typed about it is given back."""
        words = gettext("This comment was deleted meanwhile. You had written: %(text)s")
        return self._answer(request, words % {"text": request.POST.get(f"{name}-{pk}", "")}, gone=[pk])

    def _reply(self, request: HttpRequest, comment: Comment, text: str) -> HttpResponse:
        outcome = moderation.answer(
            comment, text, self._user(request), site=SiteSettings.current(), seen=seen_in(request.POST)
        )
        if outcome.overtaken:
            raise OvertakenError
        return self._decided(request, "reply", [comment.pk], outcome, gettext("Approved and answered."))

    def _decided(self, request: HttpRequest, name: str, pks: list[int], outcome: Outcome, words: str) -> HttpResponse:
        stays = set(pks) if _BECOMES.get(name) == _status(request) else set(outcome.overtaken)
        return self._answer(
            request,
            words,
            batch=outcome.batch if outcome.changed or name == "reply" else None,
            gone=[pk for pk in pks if pk not in stays],
            rows=queue.rows_of(outcome.overtaken[: queue.PER_PAGE], with_notes=True),
        )

    def _refused(self, request: HttpRequest, comment: Comment, name: str, typed: str, fault: str) -> HttpResponse:
        """What was typed could not be stored. It is shown again, with the comment as it is now."""
        rows = queue.rows_of([comment.pk])
        for row in rows:
            row.writing, row.typed, row.fault = name, typed, fault
        if _wants_json(request):
            return self._answer(request, fault, rows=rows)
        return self._queue(request, rows)

    def undo_view(self, request: HttpRequest, batch: uuid.UUID) -> HttpResponse:
        outcome = moderation.undo(batch, self._user(request))
        pks = list(Decision.objects.filter(batch=batch).order_by("pk").values_list("comment", flat=True))
        words = told(outcome, *UNDONE)
        if not _wants_json(request):
            return self._answer(request, words, batch=outcome.batch if outcome.changed else None)
        rows = queue.rows_of(pks[: queue.PER_PAGE])
        back = [row for row in rows if row.comment.status == _status(request)]
        return self._answer(request, words, rows=back, reload=len(pks) > queue.PER_PAGE)

    def _answer(
        self,
        request: HttpRequest,
        words: str,
        *,
        batch: uuid.UUID | None = None,
        gone: Iterable[int] = (),
        rows: Iterable[Row] = (),
        reload: bool = False,
    ) -> HttpResponse:
        """What came of it: to the script as data, otherwise as a message on the page where it was decided."""
        place = _place(request)
        undo = f"{reverse('admin:comments_queue_undo', args=[batch])}?{place}" if batch else ""
        if _wants_json(request):
            context = self._row_context(request)
            shown = {
                row.comment.pk: render_to_string("admin/comments/queue/_row.html", {**context, "row": row}, request)
                for row in rows
            }
            return JsonResponse({"words": words, "undo": undo, "gone": list(gone), "rows": shown, "reload": reload})
        message = format_html("{}", words)
        if undo:
            button = render_to_string("admin/comments/undo.html", {"url": undo}, request)
            message = format_html("{} {}", message, button)
        self.message_user(request, message, messages.SUCCESS if undo else messages.INFO)
        look = "".join(f"&look={row.comment.pk}" for row in rows)
        return HttpResponseRedirect(f"{reverse('admin:comments_queue_changelist')}?{place}{look}")

    @staticmethod
    def _user(request: HttpRequest) -> User:
        return cast("User", request.user)

    # Everything alike

    def alike_view(self, request: HttpRequest) -> HttpResponse:
        """Everything that waits from one author or host, or with a word: decide about it at once, and block it."""
        asked = _looked_for(request)
        form = AlikeForm(asked if "text" in asked else None, initial=asked)
        context: dict[str, Any] = {"form": form, "may_block": request.user.has_perm("comments.add_block")}
        if form.is_valid():
            try:
                likeness = queue.alike(**form.cleaned_data)
            except ValidationError as error:
                form.add_error("text", error.messages)
            else:
                if request.method == "POST":
                    return self._block(request, likeness.block)
                context |= {
                    "likeness": likeness,
                    "caught": blocks.caught_in_last(likeness.block).total(),
                    "blocked": Block.objects.filter(kind=likeness.block.kind, key=likeness.block.key).first(),
                    "verdicts": Block.Verdict.choices,
                    "moves": MOVES,
                }
        return self._page(request, "alike", _("Everything alike"), context)

    def _block(self, request: HttpRequest, block: Block) -> HttpResponse:
        if not request.user.has_perm("comments.add_block"):
            raise PermissionDenied
        block.verdict, block.added_by = request.POST.get("verdict", ""), self._user(request)
        try:
            block.full_clean(exclude=["key", "start"])
            block.save()
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
        else:
            words = gettext("From now on a comment with “%(text)s” %(verdict)s. What waits already is below.")
            said = {"text": block.text, "verdict": block.get_verdict_display()}
            self.message_user(request, words % said, messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())

    # How it goes

    def dashboard_view(self, request: HttpRequest) -> HttpResponse:
        record = figures.record()
        context = {
            "chart": figures.by_week(),
            "record": record,
            "decided": figures.DECIDED,
            "waited": "" if record.waited is None else since(timezone.now() - record.waited),
            "waiting": queue.counts().get(Status.PENDING, 0),
            "keep_spam_days": SiteSettings.current().keep_spam_days,
        }
        return self._page(request, "dashboard", _("How it goes"), context)


def _looked_for(request: HttpRequest) -> dict[str, str]:
    """What the page of everything alike looks for. The e-mail address of a comment is named by its number."""
    asked = request.GET.dict()
    if "comment" in asked:
        named = Comment.objects.filter(pk__in=_numbers([asked.pop("comment")])[:1])
        asked |= {"kind": Block.Kind.EMAIL, "text": named.values_list("email", flat=True).first() or ""}
    return asked


def _status(request: HttpRequest) -> Status:
    """Which comments the page shows; those that wait, unless told otherwise."""
    asked = request.GET.get("status", "")
    return Status(asked) if asked in Status.values else Status.PENDING


def _place(request: HttpRequest) -> str:
    """Where in the queue it is decided, to come back to."""
    after = request.GET.get("after", "")
    return urlencode({"status": _status(request), **({"after": after} if after else {})})


def _numbers(fields: Iterable[str]) -> list[int]:
    """The keys in fields of a form, each of which may hold several."""
    found = (number for field in fields for number in field.split())
    return [int(number) for number in found if number.isascii() and number.isdigit() and len(number) < 19]


def _wants_json(request: HttpRequest) -> bool:
    return request.accepts("application/json") and not request.accepts("text/html")
