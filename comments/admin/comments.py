"""Where moderators read and decide. What a decision does stands in comments.moderation."""

import uuid
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.models import User
from comments import moderation
from comments.models import Comment, Status
from comments.moderation import Outcome, Seen
from comments.moves import MOVES, UNDONE, Lazy, meanwhile, seen_in, told


def _bulk(name: str) -> Callable[..., None]:
    @admin.action(permissions=["moderate"], description=MOVES[name].action)
    def act(model_admin: "CommentAdmin", request: HttpRequest, comments: QuerySet[Comment]) -> None:
        model_admin.decide(request, name, comments)

    act.__name__ = f"{name}_selected"
    return act


class WordsForm(forms.ModelForm[Comment]):
    """What readers typed. It is refused once if somebody has changed or decided something since it was opened."""

    def clean(self) -> dict[str, Any] | None:
        # Locked until it is saved: the admin saves in one transaction.
        stored = Comment.objects.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        if stored is None:
            raise ValidationError(_("This comment was deleted meanwhile. Copy your text if you want to keep it."))
        if seen_in(cast("QueryDict", self.data)).get(stored.pk, stored.mark) != stored.mark:
            raise ValidationError(
                gettext(
                    "%(what)s What you typed is still here. Save again if it shall be so. The text is now: %(text)s"
                )
                % {"what": meanwhile([stored.pk])[stored.pk], "text": stored.text}
            )
        return super().clean()


@admin.register(Comment)
class CommentAdmin(admin.ModelAdmin[Comment]):
    form = WordsForm
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

    def decide(self, request: HttpRequest, name: str, comments: Iterable[Comment], seen: Seen | None = None) -> None:
        """Make the move of this name and say what came of it, with a button that takes it back.

        `seen` is what the moderator saw; if it is not given, what the form says.
        """
        if not self.has_moderate_permission(request):
            raise PermissionDenied
        move = MOVES[name]
        seen = seen_in(request.POST) if seen is None else seen
        outcome = move.decide(comments, cast("User", request.user), seen)
        self._tell(request, outcome, move.changed, move.unchanged)

    def _tell(self, request: HttpRequest, outcome: Outcome, changed: Lazy, unchanged: Lazy) -> None:
        message = format_html("{}", told(outcome, changed, unchanged))
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
        self._tell(request, moderation.undo(batch, cast("User", request.user)), *UNDONE)
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
    def snippet(self, comment: Comment) -> SafeString:
        shown = Truncator(comment.text).chars(160) or gettext("(no text)")
        seen = '<input type="hidden" name="seen" value="{}:{}">'
        return format_html("{}" + seen, shown, comment.pk, comment.mark)

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

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            # `original` holds what was typed; what is seen now is what is stored.
            stored = Comment.objects.filter(pk=context["original"].pk).first()
        else:
            stored = context["original"]
        return super().render_change_form(request, {**context, "stored": stored}, *args, **kwargs)

    @admin.display(description=_("what the rules found"))
    def why(self, comment: Comment) -> SafeString | str:
        listed = format_html_join("", "<li>{}</li>", ((reason["words"],) for reason in comment.reasons))
        return format_html("<ul>{}</ul>", listed) if listed else gettext("Nothing.")

    @admin.display(description=_("decisions"))
    def history(self, comment: Comment) -> SafeString | str:
        somebody = gettext("somebody who has no account any more")
        lines = [
            (decision.made_at, decision.moderator or somebody, str(decision))
            for decision in comment.decisions.select_related("moderator")
        ] + [
            (
                revision.replaced_at,
                revision.by or gettext("its sender"),
                gettext("changed the text, which was: %(text)s") % {"text": revision.text},
            )
            for revision in comment.revisions.select_related("by")
        ]
        lines.sort(key=itemgetter(0), reverse=True)
        said = ((date_format(localtime(moment), "DATETIME_FORMAT"), who, what) for moment, who, what in lines)
        listed = format_html_join("", "<li>{} – {}: {}</li>", said)
        return format_html("<ul>{}</ul>", listed) if listed else gettext("Nobody has decided about it yet.")

    def save_model(self, request: HttpRequest, obj: Comment, form: Any, change: bool) -> None:
        # Only what was typed: the status is not ours to write, somebody may decide about it right now.
        words = {field: form.cleaned_data[field] for field in form.changed_data}
        moderation.edit(obj, words, cast("User", request.user))

    def response_change(self, request: HttpRequest, obj: Comment) -> HttpResponse:
        """After saving, the decision if the button of one was pressed."""
        for name in MOVES:
            if f"_{name}" in request.POST:
                # It is locked since the form has compared it with what was seen.
                self.decide(request, name, [obj], seen={})
                return HttpResponseRedirect(request.get_full_path())
        return super().response_change(request, obj)

    # Deleting

    def delete_model(self, request: HttpRequest, obj: Comment) -> None:
        moderation.delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        moderation.delete(queryset)
