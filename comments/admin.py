"""Where moderators read and decide. What a decision does stands in comments.moderation."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.models import User
from comments import (  # noqa: F401  (Django looks for what is registered in this module alone)
    blocks,
    moderation,
    notice_admin,
    privacy_admin,
)
from comments.models import Block, Comment, Status
from comments.moderation import Outcome

type Lazy = Any


@dataclass(frozen=True, slots=True)
class Move:
    """A decision as the admin offers it: its words on a button, in the list of actions and after it is done."""

    decide: Callable[[Iterable[Comment], User], Outcome]
    button: Lazy
    action: Lazy
    changed: Lazy
    unchanged: Lazy
    offered_for: tuple[Status, ...]


MOVES = {
    "approve": Move(
        moderation.approve,
        _("Approve"),
        _("Approve"),
        ngettext_lazy("%(n)d comment approved.", "%(n)d comments approved.", "n"),
        ngettext_lazy("%(n)d was approved already.", "%(n)d were approved already.", "n"),
        (Status.PENDING, Status.SPAM, Status.TRASH),
    ),
    "spam": Move(
        moderation.mark_spam,
        _("Spam"),
        _("Mark as spam"),
        ngettext_lazy("%(n)d comment marked as spam.", "%(n)d comments marked as spam.", "n"),
        ngettext_lazy("%(n)d was spam already.", "%(n)d were spam already.", "n"),
        (Status.PENDING, Status.APPROVED),
    ),
    "trash": Move(
        moderation.trash,
        _("Trash"),
        _("Move to trash"),
        ngettext_lazy("%(n)d comment moved to the trash.", "%(n)d comments moved to the trash.", "n"),
        ngettext_lazy("%(n)d was in the trash already.", "%(n)d were in the trash already.", "n"),
        (Status.PENDING, Status.APPROVED, Status.SPAM),
    ),
    "restore": Move(
        moderation.restore,
        _("Restore"),
        _("Restore from spam and trash"),
        ngettext_lazy("%(n)d comment put back to where it was.", "%(n)d comments put back to where they were.", "n"),
        ngettext_lazy("%(n)d was not in spam or trash.", "%(n)d were not in spam or trash.", "n"),
        (Status.SPAM, Status.TRASH),
    ),
}


def _bulk(name: str) -> Callable[..., None]:
    @admin.action(permissions=["moderate"], description=MOVES[name].action)
    def act(model_admin: "CommentAdmin", request: HttpRequest, comments: QuerySet[Comment]) -> None:
        model_admin.decide(request, name, comments)

    act.__name__ = f"{name}_selected"
    return act


@admin.register(Comment)
class CommentAdmin(admin.ModelAdmin[Comment]):
    actions = [_bulk(name) for name in MOVES]
    list_display = ("snippet", "person", "on_entry", "state", "age")
    list_filter = ("status", "kind")
    search_fields = ("name", "email", "text", "post__title", "page__title")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")
    list_per_page = 50
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("text", "name", "email", "website")}),
        (_("What it is"), {"fields": ("state", "on_entry", "kind", "parent", "user", "created_at")}),
        (_("Decisions"), {"fields": ("why", "history")}),
    )
    readonly_fields = ("state", "on_entry", "kind", "parent", "user", "created_at", "why", "history")

    # Who may do what

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Comments are written below what they answer.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return cast("User", request.user).is_superuser

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("comments.moderate_comment")

    # Deciding

    def decide(self, request: HttpRequest, name: str, comments: Iterable[Comment]) -> None:
        """Make the move of this name and say what came of it, with a button that takes it back."""
        if not self.has_moderate_permission(request):
            raise PermissionDenied
        move = MOVES[name]
        self._tell(request, move.decide(comments, cast("User", request.user)), move.changed, move.unchanged)

    def _tell(self, request: HttpRequest, outcome: Outcome, changed: Lazy, unchanged: Lazy) -> None:
        words = [
            sentence % {"n": number}
            for sentence, number in ((changed, outcome.changed), (unchanged, outcome.unchanged))
            if number
        ]
        message = format_html("{}", " ".join(words) or gettext("There was nothing to decide."))
        if outcome.changed:
            url = reverse("admin:comments_comment_undo", args=[outcome.batch])
            context = {"url": add_preserved_filters(self._filters(request), url)}
            message = format_html("{} {}", message, render_to_string("admin/comments/undo.html", context, request))
        self.message_user(request, message, messages.SUCCESS if outcome.changed else messages.WARNING)

    def _filters(self, request: HttpRequest) -> dict[str, Any]:
        return {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}

    def get_urls(self) -> list[URLPattern]:
        def view(function: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(require_POST(function))

        return [
            *(
                path(f"<int:pk>/{name}/", view(self.decide_view), {"name": name}, name=f"comments_comment_{name}")
                for name in MOVES
            ),
            path("undo/<uuid:batch>/", view(self.undo_view), name="comments_comment_undo"),
            *super().get_urls(),
        ]

    def decide_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """The buttons of one row of the list."""
        self.decide(request, name, [get_object_or_404(Comment, pk=pk)])
        return self._to_the_list(request)

    def undo_view(self, request: HttpRequest, batch: uuid.UUID) -> HttpResponse:
        if not self.has_moderate_permission(request):
            raise PermissionDenied
        self._tell(
            request,
            moderation.undo(batch, cast("User", request.user)),
            ngettext_lazy("%(n)d comment is back where it was.", "%(n)d comments are back where they were.", "n"),
            ngettext_lazy(
                "%(n)d was left as it is: somebody has decided about it since.",
                "%(n)d were left as they are: somebody has decided about them since.",
                "n",
            ),
        )
        return self._to_the_list(request)

    def _to_the_list(self, request: HttpRequest) -> HttpResponse:
        url = reverse("admin:comments_comment_changelist")
        return HttpResponseRedirect(add_preserved_filters(self._filters(request), url))

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Comment]:
        return Comment.objects.with_entries().select_related("user")

    def get_list_display(self, request: HttpRequest) -> Any:
        return (
            (*self.list_display, self._buttons(request)) if self.has_moderate_permission(request) else self.list_display
        )

    def _buttons(self, request: HttpRequest) -> Callable[[Comment], SafeString]:
        """The column of buttons. They send the list's own form, so there is no form inside a form."""
        filters = self._filters(request)

        @admin.display(description=_("Decide"))
        def buttons(comment: Comment) -> SafeString:
            shown = (
                (
                    add_preserved_filters(filters, reverse(f"admin:comments_comment_{name}", args=[comment.pk])),
                    name,
                    # Read aloud alone: which of the many buttons of this name it is.
                    gettext("%(decision)s: comment by %(name)s")
                    % {"decision": move.button, "name": comment.author_name},
                    move.button,
                )
                for name, move in MOVES.items()
                if comment.status in move.offered_for
            )
            button = (
                '<button type="submit" formmethod="post" formaction="{}" class="button decide {}" aria-label="{}">'
                "{}</button>"
            )
            return format_html('<div class="decisions">{}</div>', format_html_join(" ", button, shown))

        return buttons

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counts = dict(Comment.objects.order_by().values_list("status").annotate(Count("pk")))
        chosen = request.GET.get("status__exact")
        states = [
            {"label": status.label, "count": counts.get(status, 0), "value": status.value, "current": status == chosen}
            for status in (Status.PENDING, Status.APPROVED, Status.SPAM, Status.TRASH)
        ]
        return super().changelist_view(request, {**(extra_context or {}), "states": states})

    @admin.display(description=_("comment"))
    def snippet(self, comment: Comment) -> str:
        return Truncator(comment.text).chars(160) or gettext("(no text)")

    @admin.display(description=_("from"), ordering="name")
    def person(self, comment: Comment) -> SafeString:
        return format_html("<bdi>{}</bdi><br>{}", comment.author_name, comment.email)

    @admin.display(description=_("on"))
    def on_entry(self, comment: Comment) -> SafeString:
        return format_html('<a href="{}">{}</a>', comment.get_absolute_url(), Truncator(comment.entry).chars(80))

    @admin.display(description=_("status"), ordering="status")
    def state(self, comment: Comment) -> SafeString:
        return format_html('<span class="state {}">{}</span>', comment.status, comment.get_status_display())

    @admin.display(description=_("age"), ordering="created_at")
    def age(self, comment: Comment) -> SafeString:
        return format_html(
            '<time datetime="{}">{}</time>', comment.created_at.isoformat(), timesince(comment.created_at)
        )

    # The form

    def view_on_site(self, obj: Comment) -> str:
        return obj.get_absolute_url()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        moves = [(name, move) for name, move in MOVES.items() if self.has_moderate_permission(request)]
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "moves": moves})

    @admin.display(description=_("what the rules found"))
    def why(self, comment: Comment) -> SafeString | str:
        listed = format_html_join("", "<li>{}</li>", ((reason["words"],) for reason in comment.reasons))
        return format_html("<ul>{}</ul>", listed) if listed else gettext("Nothing.")

    @admin.display(description=_("decisions"))
    def history(self, comment: Comment) -> SafeString | str:
        lines = (
            (
                date_format(localtime(decision.made_at), "DATETIME_FORMAT"),
                decision.moderator or gettext("somebody who has no account any more"),
                str(decision),
            )
            for decision in comment.decisions.select_related("moderator")
        )
        listed = format_html_join("", "<li>{} – {}: {}</li>", lines)
        return format_html("<ul>{}</ul>", listed) if listed else gettext("Nobody has decided about it yet.")

    def save_model(self, request: HttpRequest, obj: Comment, form: Any, change: bool) -> None:
        # Only what was typed: the status is not ours to write, somebody may decide about it right now.
        obj.save(update_fields=form.changed_data)

    def response_change(self, request: HttpRequest, obj: Comment) -> HttpResponse:
        """After saving, the decision if the button of one was pressed."""
        for name in MOVES:
            if f"_{name}" in request.POST:
                self.decide(request, name, [obj])
                return HttpResponseRedirect(request.get_full_path())
        return super().response_change(request, obj)

    # Deleting

    def delete_model(self, request: HttpRequest, obj: Comment) -> None:
        moderation.delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        moderation.delete(queryset)


@admin.register(Block)
class BlockAdmin(admin.ModelAdmin[Block]):
    fields = ("kind", "text", "verdict")
    list_display = ("text", "kind", "verdict", "added_by", "added_at")
    list_filter = ("kind", "verdict")
    list_select_related = ("added_by",)
    search_fields = ("text", "key")
    list_per_page = 100
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        if not change:
            obj.added_by = cast("User", request.user)
        super().save_model(request, obj, form, change)
        caught = blocks.caught_in_last(obj).total()
        words = ngettext_lazy(
            "In the last 90 days this would have caught %(n)d comment.",
            "In the last 90 days this would have caught %(n)d comments.",
            "n",
        )
        self.message_user(request, words % {"n": caught}, messages.INFO)
