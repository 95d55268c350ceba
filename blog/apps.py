from django.apps import AppConfig
from django.db.models.signals import m2m_changed
from django.utils.translation import gettext_lazy as _

from accounts.roles import AUTHOR, EDITOR, READER, every_action, register_ability
from core.slugs import reserved_slugs


class BlogConfig(AppConfig):
    name = "blog"
    verbose_name = _("Blog")

    def ready(self) -> None:
        from accounts.audit.titles import titles
        from accounts.offboarding import Work, works
        from accounts.preferences import own_panels, page_checks, person_inlines
        from accounts.revocations import revocations
        from blog import oembed
        from blog.admin.dashboard import NAVIGATION, PANELS
        from blog.admin.profiles import PANEL, PortraitInline, ReviewPreferenceInline, has_page
        from blog.appearance import uses
        from blog.appearance.blocks import sidebar_blocks
        from blog.appearance.menus import menu_targets
        from blog.appearance.versions import follow_merged
        from blog.caching import page_parameters, private_parameters
        from blog.caching.files import retract
        from blog.editing.advice import CHECKS, advice_checks
        from blog.editing.preview_links import PARAMETER, revoke_all
        from blog.generated_pages import generated_pages
        from blog.listings.archives import archive
        from blog.listings.authors import authors
        from blog.listings.language_lists import LANGUAGES_BLOCK
        from blog.media_index import USE_FINDER, update_media_index
        from blog.menu_targets import MENU_TARGETS
        from blog.models import Entry, PostInCategory, ReviewNote, ReviewPreference
        from blog.overviews import ARCHIVE, AUTHORS
        from blog.permissions import may_write
        from blog.privacy import kept_about_readers
        from blog.publishing import categories_changed, count_written, next_publication, reassign
        from blog.rendering import markdown
        from blog.rendering.markups import Markup, markups
        from blog.review import emails
        from blog.sidebar import BLOCKS
        from blog.views import PERIOD
        from core.changes import (
            change_handlers,
            merge_handlers,
            retractions,
            scheduled_changes,
            text_change_handlers,
        )
        from core.dashboard import dashboard_panels
        from core.navigation import navigation_items
        from core.personal_data import PersonalRows, personal_rows
        from core.privacy import kept_data
        from mail.delivery import Mailing, mailings
        from media.permissions import writers
        from media.uses import use_finders

        for kind in ("blog.post", "blog.page", "blog.category", "blog.redirect"):
            titles.register(kind, str)
        titles.register("blog.siteappearance", str)
        markups.register("markdown", Markup("Markdown", markdown.to_html, markdown.check))
        markups.register("html", Markup("HTML", lambda source, entry: source))
        # First, because it locks the entries, so that the other handlers see everything that was saved before.
        change_handlers.register("blog.categories", PostInCategory.objects.update_posts)
        text_change_handlers.register("blog.media_index", update_media_index)
        merge_handlers.register("blog.appearance", follow_merged)
        retractions.register("blog", retract)
        scheduled_changes.register("blog", next_publication)
        advice_checks.register_all(CHECKS)
        navigation_items.register_all(NAVIGATION)
        dashboard_panels.register_all(PANELS)
        menu_targets.register_all(MENU_TARGETS)
        sidebar_blocks.register_all(BLOCKS)
        sidebar_blocks.register("languages", LANGUAGES_BLOCK)
        generated_pages.register(ARCHIVE, archive)
        generated_pages.register(AUTHORS, authors)
        m2m_changed.connect(categories_changed, sender=Entry.categories.through, dispatch_uid="blog.categories_changed")
        writers.register("blog", may_write)
        private_parameters.register("blog.preview_links", PARAMETER)
        revocations.register("blog.preview_links", revoke_all)
        page_parameters.register("blog", frozenset({"preview", PERIOD}))
        page_parameters.register("blog.oembed", oembed.PARAMETERS)
        use_finders.register("blog", USE_FINDER)
        use_finders.register("blog.appearance", uses.USE_FINDER)
        reviewers = ReviewPreference.objects.select_related("user")
        mailings.register("blog.reviews", Mailing(reviewers, emails.due_emails))
        works.register("blog", Work(_("Posts and pages"), count_written, reassign))
        person_inlines.register("blog.portrait", PortraitInline)
        page_checks.register("blog.author", has_page)
        own_panels.register("profile", PANEL)
        person_inlines.register("blog.reviews", ReviewPreferenceInline)
        kept_data.register("blog", kept_about_readers)
        personal_rows.register("blog.review_notes", PersonalRows(ReviewNote, "author__email"))
        reserved_slugs.register(
            "blog",
            {
                "author",
                "category",
                "feed",
                "language",
                "page",
                "robots.txt",
                "favicon.ico",
                "speculation-rules.json",
                "dictionary.txt",
                "manifest.webmanifest",
                "oembed",
                ".well-known",
            },
        )
        # Own drafts only: blog.permissions narrows these to the author's own, unpublished posts.
        drafts = {"add_post", "change_post", "view_post", "view_category"}
        text = _("write their own drafts and submit them for review")
        register_ability("blog.drafts", text, drafts, order=10, roles={AUTHOR})
        entries = {*every_action("post", "page"), "publish_post", "edit_others_post", "view_category"}
        text = _("write, edit, publish and delete all posts and pages")
        register_ability("blog.entries", text, entries, order=10, roles={EDITOR})
        reading = {"view_post", "view_others_post", "view_page"}
        text = _("read all posts and pages, even before they are published, and write notes on them")
        register_ability("blog.reading", text, reading, order=10, roles={READER})
        register_ability("blog.appearance", _("change how the site looks"), {"change_siteappearance"}, order=83)
        register_ability("blog.categories", _("manage categories"), every_action("category"), order=30, roles={EDITOR})
        redirects = {"add_redirect", "delete_redirect", "view_redirect"}
        register_ability("blog.redirects", _("manage redirects"), redirects, order=50, roles={EDITOR})
