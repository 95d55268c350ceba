from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import EDITOR, register_ability


class NewsletterConfig(AppConfig):
    name = "newsletter"
    verbose_name = _("Newsletter")

    def ready(self) -> None:
        from blog.appearance.blocks import SidebarBlock, sidebar_blocks
        from core.changes import merge_handlers
        from core.navigation import navigation_items
        from core.optional_packages import OptionalPackage, optional_packages
        from core.personal_data import PersonalRows, personal_rows
        from core.privacy import kept_data
        from core.slugs import reserved_slugs
        from mail.delivery import Mailing, Preparation, mailings, preparations
        from newsletter import emails, issues
        from newsletter.admin import NAVIGATION
        from newsletter.models import Delivery, NewsletterSettings, Subscriber, Subscription, SubscriptionRequest
        from newsletter.privacy import kept_of_subscribers
        from newsletter.subscriptions import follow_merged

        optional_packages.register("BOUNCE_WEBHOOK", OptionalPackage("anymail", extra="anymail"))
        reserved_slugs.register("newsletter", {"follow-by-email"})
        follow = SidebarBlock(
            "newsletter/sidebar.html",
            is_same_on_every_page=True,
            label=_("Follow"),
            context=lambda site, options: {"is_shown": NewsletterSettings.of(site).is_available},
        )
        sidebar_blocks.register("follow", follow)
        navigation_items.register_all(NAVIGATION)
        merge_handlers.register("newsletter", follow_merged)
        preparations.register("newsletter", Preparation(issues.make, issues.next_at))
        requests = SubscriptionRequest.objects.select_related("category", "tag", "author")
        mailings.register("newsletter.requests", Mailing(requests, emails.for_request))
        deliveries = Delivery.objects.select_related("subscriber", "issue")
        mailings.register("newsletter.issues", Mailing(deliveries, emails.for_delivery))
        kept_data.register("newsletter", kept_of_subscribers)
        # Subscribers come last, because their deliveries and subscriptions are deleted with them (CASCADE).
        personal_rows.register("newsletter.requests", PersonalRows(SubscriptionRequest, "email"))
        personal_rows.register("newsletter.deliveries", PersonalRows(Delivery, "subscriber__email"))
        personal_rows.register("newsletter.subscriptions", PersonalRows(Subscription, "subscriber__email"))
        personal_rows.register("newsletter.subscribers", PersonalRows(Subscriber, "email"))
        register_ability(
            "newsletter.issues",
            _("see what was sent by e-mail, and how many people follow the blog"),
            {"view_issue"},
            order=65,
            roles={EDITOR},
        )
        register_ability(
            "newsletter.subscribers", _("import and export subscribers of the blog"), {"transfer_subscribers"}, order=66
        )
        its_settings = {"view_newslettersettings", "change_newslettersettings"}
        register_ability("newsletter.settings", _("change newsletter settings"), its_settings, order=83)
