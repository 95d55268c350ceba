from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import EDITOR, MODERATOR, every_action, register_ability
from core.slugs import reserved_slugs


class CommentsConfig(AppConfig):
    name = "comments"
    verbose_name = _("Comments")

    def ready(self) -> None:
        from blog.appearance.blocks import SidebarBlock, sidebar_blocks
        from blog.appearance.options import CountField
        from blog.caching import noindex_parameters, private_parameters
        from blog.entry_lists import EntryColumn, entry_columns
        from blog.listings.listed_posts import entry_links
        from comments import entry_column, outbox, sender_links, threads
        from comments.admin.dashboard import NAVIGATION, PANELS
        from comments.entry_link import comment_link
        from comments.models import Follower, NotificationPreference
        from comments.notifications import emails
        from comments.privacy import kept_of_commenters
        from core.dashboard import dashboard_panels
        from core.navigation import navigation_items
        from core.optional_packages import OptionalPackage, optional_packages
        from core.personal_data import PersonalRows, personal_rows
        from core.privacy import kept_data
        from mail.delivery import Mailing, Preparation, mailings, preparations

        recent = SidebarBlock(
            "comments/sidebar.html", label=_("Recent comments"), options={"count": CountField(5)}, is_default=False
        )
        sidebar_blocks.register("recent-comments", recent)
        entry_links.register("comments", comment_link)
        entry_columns.register("comments", EntryColumn(_("Comments"), entry_column.cells))
        navigation_items.register_all(NAVIGATION)
        dashboard_panels.register_all(PANELS)
        noindex_parameters.register("comments", threads.REPLY_TO)
        private_parameters.register("comments", sender_links.PK)
        kept_data.register("comments", kept_of_commenters)
        personal_rows.register("comments.followers", PersonalRows(Follower, "email"))
        preparations.register("comments", Preparation(outbox.fan_out, outbox.next_at))
        moderators = NotificationPreference.objects.select_related("user")
        mailings.register("comments.moderators", Mailing(moderators, emails.for_staff))
        followers = Follower.objects.select_related("entry")
        mailings.register("comments.followers", Mailing(followers, emails.for_follower))
        moderation = {"view_comment", "change_comment", "moderate_comment", *every_action("block")}
        optional_packages.register("AKISMET_KEY", OptionalPackage("akismet", extra="akismet"))
        reserved_slugs.register("comments", {"comments"})
        label = _("moderate comments and manage the blocklist")
        register_ability("comments.moderation", label, moderation, order=60, roles={EDITOR, MODERATOR})
        erasure = {"erase_commenter"}
        register_ability("comments.erasure", _("erase commenters' personal data"), erasure, order=61, roles={EDITOR})
        settings = {"view_commentsettings", "change_commentsettings"}
        register_ability("comments.settings", _("change comment settings"), settings, order=82)
