"""The settings for comments, the blocklist, and each staff member's e-mail notifications."""

from typing import Any, Final, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import ReviewPreference
from blog.permissions import may_publish
from comments.models import Block, CommentSettings, NotificationPreference
from comments.rules import blocklist
from core.admin import BaseAdmin, OneRowAdmin, ReadOnlyAdmin
from core.kind_messages import KindMessages
from mail.messages import is_on
from mail.tasks import wake_worker

_REVIEW_FIELDS: Final = ("submissions", "feedback")


@admin.register(CommentSettings)
class CommentSettingsAdmin(OneRowAdmin):
    fieldsets = (
        (None, {"fields": ("comments_open", "comment_policy", "close_comments_after_days")}),
        (
            _("Spam protection"),
            {"fields": ("links_allowed", "comments_per_sender", "comments_per_site", "proof_of_work")},
        ),
        (_("Display"), {"fields": ("comments_per_page", "show_avatars", "show_pingbacks", "follow_by_mail")}),
        (_("Links between sites"), {"fields": ("receive_webmentions", "send_webmentions")}),
        (_("Data retention"), {"fields": ("keep_spam_days", "forget_emails_after_days")}),
    )


@admin.register(Block)
class BlockAdmin(BaseAdmin[Block]):
    kind_messages = KindMessages(empty=_("Nothing is blocked yet."))
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
        count = blocklist.count_recent_matches(obj).total()
        message = ngettext(
            "It matches %(n)d comment of the last 90 days.", "It matches %(n)d comments of the last 90 days.", count
        )
        self.message_user(request, message % {"n": count}, messages.INFO)


class NotificationsForm(forms.ModelForm[NotificationPreference]):
    """All notification settings of one user. Those about reviews are stored in ReviewPreference."""

    submissions = ReviewPreference._meta.get_field("submissions").formfield()
    feedback = ReviewPreference._meta.get_field("feedback").formfield()

    class Meta:
        model = NotificationPreference
        fields = ("frequency", "own_posts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (self.review,) = ReviewPreference.objects.of_users([self.instance.user_id])
        self.initial.update({name: getattr(self.review, name) for name in _REVIEW_FIELDS})


@admin.register(NotificationPreference)
class NotificationPreferenceAdmin(ReadOnlyAdmin):
    """Everyone who can get notifications has their own preferences and sees only those."""

    form = NotificationsForm
    readonly_fields = ("sent_to",)
    radio_fields = {"frequency": admin.VERTICAL}

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationPreference]:
        return super().get_queryset(request).filter(user=cast("User", request.user)).select_related("user")

    def has_module_permission(self, request: HttpRequest) -> bool:
        user = cast("User", request.user)
        return user.is_staff and (user.has_perm("comments.moderate_comment") or user.has_perm("blog.add_post"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request) and (obj is None or obj.user_id == request.user.pk)

    has_change_permission = has_view_permission

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_module_permission(request):
            raise PermissionDenied
        (own,) = NotificationPreference.objects.of_users([cast("User", request.user)])
        return redirect("admin:comments_notificationpreference_change", own.pk)

    def get_fields(self, request: HttpRequest, obj: NotificationPreference | None = None) -> Any:
        fields = ["sent_to"]
        if obj is not None and obj.may_moderate:
            fields.append("frequency")
        if request.user.has_perm("blog.add_post"):
            fields += ["own_posts", "feedback"]
        if may_publish(request.user):
            fields.append("submissions")
        return fields

    @admin.display(description=_("sent to"))
    def sent_to(self, preference: NotificationPreference) -> SafeString:
        if not is_on():
            warning = gettext(
                "No one. No mail server is set up, so no e-mails are sent. An administrator can set EMAIL_URL "
                "(see docs/maintaining.md)."
            )
        elif not preference.user.email:
            warning = gettext("No one. Your account has no e-mail address. An owner can add one under “People”.")
        else:
            return format_html("{}", preference.user.email)
        return format_html("<strong>{}</strong>", warning)

    def save_model(self, request: HttpRequest, obj: NotificationPreference, form: Any, change: bool) -> None:
        # Fields that were not shown were not chosen.
        names = set(form.changed_data) & set(self.get_fields(request, obj))
        values = {name: form.cleaned_data[name] for name in names}
        review = {name: values.pop(name) for name in _REVIEW_FIELDS if name in values}
        if review:
            ReviewPreference.objects.filter(pk=form.review.pk).update(**review)
        # The new interval starts now.
        NotificationPreference.objects.filter(pk=obj.pk).update(**values, not_before=timezone.now())
        if is_on():
            wake_worker(timezone.now())

    def response_post_save_change(self, request: HttpRequest, obj: NotificationPreference) -> HttpResponseRedirect:
        return redirect("admin:index")
