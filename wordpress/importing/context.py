"""The state that the steps of one import share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Model

from accounts.models import User
from wordpress.importing.analysis import Analysis, Progress
from wordpress.importing.ids import NewIds
from wordpress.importing.ledger import Ledger, fingerprint_of
from wordpress.importing.redirects import OldUrls, folder_of
from wordpress.importing.render_pool import RenderPool
from wordpress.importing.report import Outcome, Report
from wordpress.importing.spool import Spool
from wordpress.importing.terms import TermIds
from wordpress.importing.unsupported import Unsupported
from wordpress.models import ImportRun
from wordpress.wxr.records import Author, Comment, Term


@dataclass(slots=True)
class ImportContext:
    """The state that the steps of one import share.

    Each step reads its items from `spool` and fills in what later steps need.
    """

    analysis: Analysis
    spool: Spool
    renderer: RenderPool
    report: Report
    run: ImportRun
    # The existing accounts that the site owner has chosen for authors, by the authors' logins in the export.
    mapped_authors: Mapping[str, User]
    report_progress: Progress = lambda stage, done, total: None
    ledger: Ledger = field(init=False)
    new_ids: NewIds = field(init=False)
    old_urls: OldUrls = field(init=False)
    unsupported: Unsupported = field(init=False)
    # The accounts of the export's authors, by the name in items and by the ID in comments.
    author_ids: dict[str, int] = field(default_factory=dict)
    commenter_ids: dict[int, int] = field(default_factory=dict)
    # The names of people that readers see, by everything that the export may call them.
    people: dict[str, str] = field(default_factory=dict)
    term_ids: TermIds = field(default_factory=TermIds)
    items_done: int = 0
    item_count: int = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.run)
        self.new_ids = NewIds(self.analysis)
        self.old_urls = OldUrls(folder_of(self.analysis.base_url))
        self.unsupported = Unsupported(self.site, self.report)
        self.item_count = self.analysis.items.total()

    @property
    def site(self) -> str:
        """The name under which the blog is recorded here (wordpress.importing.site_identity)."""
        return self.run.site

    def record(self, kind: str, exported: Author | Term | Comment, stored: Model, *, is_new: bool) -> None:
        """Count an object that was imported or updated, and add it to the ledger."""
        self.report.count(kind, Outcome.IMPORTED if is_new else Outcome.UPDATED)
        fingerprints = fingerprint_of(exported), fingerprint_of(stored)
        self.ledger.add(kind, exported.id, stored.pk, *fingerprints, is_new=is_new)

    def advance(self, items: int) -> None:
        """Report that this many more items of the export are done."""
        for _item in range(items):
            self.items_done += 1
            self.report_progress("importing", self.items_done, self.item_count)
