"""Where each of the staff says how often notices shall come."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from comments import mail, news
from comments.recipients import NoticePreference


@admin.register(NoticePreference)
class NoticePreferenceAdmin(admin.ModelAdmin[NoticePreference]):
    readonly_fields = ("goes_to",)
    radio_fields = {"pace": admin.VERTICAL}

    # Everybody of whom there is something to tell has one, and sees no other.

    def get_queryset(self, request: HttpRequest) -> QuerySet[NoticePreference]:
        return super().get_queryset(request).filter(user=cast("User", request.user)).select_related("user")

    def has_module_permission(self, request: HttpRequest) -> bool:
        user = cast("User", request.user)
        return user.is_staff and (user.has_perm("comments.moderate_comment") or user.has_perm("blog.add_post"))

    def has_view_permission(self, request: HttpRequest, obj: NoticePreference | None = None) -> bool:
        return self.has_module_permission(request) and (obj is None or obj.user_id == request.user.pk)

    def has_change_permission(self, request: HttpRequest, obj: NoticePreference | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: NoticePreference | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        (own,) = news.preferences([cast("User", request.user)])
        return redirect("admin:comments_noticepreference_change", own.pk)

    def get_fields(self, request: HttpRequest, obj: NoticePreference | None = None) -> Any:
        fields = ["goes_to"]
        if obj is not None and obj.may_moderate:
            fields.append("pace")
        if request.user.has_perm("blog.add_post"):
            fields.append("own_posts")
        return fields

    @admin.display(description=_("mail goes to"))
    def goes_to(self, preference: NoticePreference) -> SafeString:
        if not mail.is_on():
            words = gettext(
                "Nobody: no mail server is set up, so nothing is sent, whatever you choose here. "
                "Who runs the site sets EMAIL_URL (docs/owners.md)."
            )
            return format_html("<strong>{}</strong>", words)
        if not preference.user.email:
            words = gettext("Nobody: your account has no e-mail address. Who runs the site can add one under “People”.")
            return format_html("<strong>{}</strong>", words)
        return format_html("{}", preference.user.email)

    def save_model(self, request: HttpRequest, obj: NoticePreference, form: Any, change: bool) -> None:
        # A pause that went with the earlier choice is over.
        NoticePreference.objects.filter(pk=obj.pk).update(
            **{field: form.cleaned_data[field] for field in form.changed_data}, not_before=timezone.now()
        )
        if mail.is_on():
            mail.wake_worker(timezone.now())

    def response_post_save_change(self, request: HttpRequest, obj: NoticePreference) -> HttpResponseRedirect:
        return redirect("admin:index")
