"""The items of an export that are not imported."""

from django.utils.translation import gettext as _

from wordpress.importing.analysis import reason_to_skip
from wordpress.importing.context import ImportContext
from wordpress.importing.steps.comments import skip_comments
from wordpress.wxr.values import plain_line


def report_skipped(context: ImportContext) -> None:
    """Say why each item and its comments are skipped."""
    for item, *_key in context.spool.skipped:
        context.report.skip(item.type, item.id, plain_line(item.title), reason_to_skip(item))
        skip_comments(context, item, _("It is on an item that was not imported."))
        context.advance()
