from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.appearance import versions
from blog.appearance.blocks import default_blocks
from blog.models import SiteAppearance
from blog.opml import MAX_OPML_BYTES, OPMLError, count_links, link_blocks, read_opml
from core.file_errors import describe_file_error


class Command(BaseCommand):
    help = (
        "Adds the links of an OPML file, such as the one that WordPress has at /wp-links-opml.php, to the sidebar: a "
        "block for each category, in the draft of the appearance. Links that already exist there are left out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.opml")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open("rb") as file:
                lists = read_opml(file.read(MAX_OPML_BYTES + 1))
        except OSError as error:
            raise CommandError(describe_file_error(error)) from error
        except OPMLError as error:
            raise CommandError(str(error)) from error
        present = versions.prepared(SiteAppearance.current()).blocks or default_blocks()
        if blocks := link_blocks(lists, below=present):
            versions.add_blocks(blocks)
        for sentence in lists.left_out:
            self.stdout.write(sentence)
        count = count_links(blocks)
        text = ngettext(
            "%d link was added to the draft of the appearance. Publish it in the admin under Appearance.",
            "%d links were added to the draft of the appearance. Publish it in the admin under Appearance.",
            count,
        )
        self.stdout.write(text % count if count else _("Nothing was changed."))
