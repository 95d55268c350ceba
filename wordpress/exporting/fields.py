"""Fields of an export, and the characters that they cannot contain."""

from collections.abc import Callable

from django.db.models import Model
from django.utils.translation import gettext as _

from core.text import unify_line_ends
from wordpress.wxr.elements import meta_field
from wordpress.wxr.extensions import clean_for_xml


def post_meta(key: str, value: str) -> str:
    """Return a meta field of an item; nothing if `value` is empty."""
    return meta_field("postmeta", key, value) if value else ""


def warn_about_control_characters(warn: Callable[[str], None], obj: Model, *texts: str) -> None:
    """Call `warn` if any of `texts`, which belong to `obj`, loses characters in the export."""
    if any(clean_for_xml(text) != unify_line_ends(text) for text in texts):
        warn(
            _("%(kind)s %(id)d “%(title)s”: Control characters were removed because XML can't contain them.")
            % {"kind": obj._meta.verbose_name, "id": obj.pk, "title": obj}
        )
