"""The files that texts refer to. Those without an item in the export become attachments too, without an ID.

The files themselves are imported like those of other attachments (wordpress.importing.steps.files). The pages of files
that are not here and have no parent lead to a post or page that shows the file.
"""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import batched, chain
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from blog.models import Entry
from blog.models.redirect import MAX_LENGTH
from core.bulk import fetch_rows
from core.http import host_of
from wordpress.importing.batches import write_batch, write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import add_id_redirects, add_missing_redirects, entries_by_id
from wordpress.importing.referenced_files import FileReferences, blog_hosts
from wordpress.importing.report import ATTACHMENTS, PAGES, POSTS
from wordpress.importing.steps.files import FEATURED_IMAGES
from wordpress.legacy_urls.file_urls import FileURL, aliases_of, parse_file_url, path_on_host, without_host
from wordpress.legacy_urls.moved_files import match_files
from wordpress.models import Attachment, AttachmentQuerySet, FileState, ImportedItem

# Longer URLs do not fit into the unique index.
_MAX_URL_LENGTH: Final = 1000
# How many other hosts are counted by name.
_MAX_HOSTS: Final = 1000
# How many entries that show a missing file are looked at to find one that is public.
_MAX_SHOWING: Final = 5
# How many rows one statement inserts. The connection caches recent statements, so they must not be too large.
_BATCH_SIZE: Final = 100
# The columns that identify files and tell whether they are here.
ATTACHMENT_COLUMNS: Final = (
    *("site", "wordpress_id", "url", "guid", "path", "former_path", "picture_id", "document_id"),
    *("on_other_host", "gone_at"),
)


class KnownFiles(NamedTuple):
    """The attachments that texts refer to, by the URLs of their files and by their IDs."""

    by_url: Mapping[FileURL, Attachment]
    by_id: Mapping[int | None, Attachment]

    @classmethod
    def find(
        cls,
        references: Sequence[FileReferences],
        attachments: AttachmentQuerySet,
        hosts: Collection[str],
        *,
        are_hosts_final: bool = False,
    ) -> Self:
        """Return those of `attachments`, from sites with these `hosts`, that the `references` refer to."""
        by_id: dict[int | None, Attachment] = {}
        for ids in batched({picture_id for each in references for picture_id in each.picture_ids}, 500):
            rows = attachments.filter(wordpress_id__in=ids)
            by_id |= {each.wordpress_id: each for each in rows if not each.site or host_of(each.site) in hosts}
        files = _files_of(references, hosts)
        return cls(match_files(files, attachments, hosts, are_hosts_final=are_hosts_final), by_id)

    def states(self, references: FileReferences, hosts: Collection[str], blog_url: str) -> dict[str, FileState]:
        """Return the state of each file by its URL, if that is known. Several references can mean the same file."""
        states = {}
        for file in references.files_of(hosts):
            attachment = self.by_url.get(file)
            url = attachment.url if attachment else str(file.original)
            states[url] = attachment.file_state if attachment else FileState.MISSING
        for picture_id in references.picture_ids:
            attachment = self.by_id.get(picture_id)
            url = attachment.url if attachment else f"{blog_url}/?attachment_id={picture_id}"
            states[url] = attachment.file_state if attachment else FileState.MISSING
        return states

    def missing_ids(self) -> dict[FileURL | int | None, int]:
        """Return the IDs of the attachments whose files are not here, by the references to them."""
        found = chain(self.by_url.items(), self.by_id.items())
        return {
            key: each.wordpress_id for key, each in found if each.wordpress_id and each.file_state != FileState.PRESENT
        }


def import_references(context: ImportContext) -> None:
    """Store an attachment for each file that texts refer to, unless there is one."""
    hosts = blog_hosts(context.analysis, context.site)
    others = _attachments(context.site).filter(on_other_host=True)
    own = [pk for pk, url in others.values_list("pk", "url").iterator(1000) if host_of(url) in hosts]
    write_batches(context, own, partial(_mark_as_own, others))
    for references in context.spool.references.chunks():
        write_batch(context, _import, context, references, hosts)


def report_references(context: ImportContext) -> dict[int, list[int]]:
    """Report which of these files are here, by the items that refer to them, and which other hosts have the rest.

    Return the IDs of some posts and pages that refer to a missing file, by the ID of the file.
    """
    shown_by: defaultdict[int, list[int]] = defaultdict(list)
    hosts = blog_hosts(context.analysis, context.site)
    for references in context.spool.references.chunks():
        known = KnownFiles.find(references, _attachments(context.site), hosts, are_hosts_final=True)
        missing = known.missing_ids()
        for each in references:
            for url, state in known.states(each, hosts, context.site.rstrip("/")).items():
                context.report.add_file_reference(each.type, each.id, each.title, state, url)
            if missing and each.type in {POSTS, PAGES}:
                for wordpress_id in {missing[key] for key in (*each.files, *each.picture_ids) if key in missing}:
                    # The lowest IDs, because an export of this site has its items in another order.
                    insort(shown_by[wordpress_id], each.id)
                    del shown_by[wordpress_id][_MAX_SHOWING:]
    context.report.other_hosts = count_other_hosts(context.site)
    return shown_by


def redirect_attachment_pages(context: ImportContext, shown_by: Mapping[int, Sequence[int]]) -> None:
    """Redirect the pages of missing files without a parent to a public entry that shows them, if there is one.

    `shown_by` has the IDs of entries whose texts refer to a file, by the ID of the file. With the file, its page leads
    to it (wordpress.importing.steps.attachments).
    """
    items = ImportedItem.objects.filter(site=context.site)
    featured = set(items.filter(kind=FEATURED_IMAGES).values_list("wordpress_id", flat=True))
    missing = Attachment.objects.without_file().from_items().filter(site=context.site).order_by("pk")
    columns = missing.values_list("wordpress_id", "parent", "link")
    shown = [row for row in columns if row[0] in shown_by or row[0] in featured]
    wanted = {parent for _id, parent, _link in shown if parent}
    here = {"site": context.site, "kind__in": [POSTS, PAGES]}
    parents = {row[0] for row in fetch_rows(ImportedItem, "wordpress_id", wanted, "wordpress_id", **here)}
    orphans = [(wordpress_id or 0, link) for wordpress_id, parent, link in shown if parent not in parents]
    write_batches(context, orphans, partial(_redirect_pages, context, shown_by))


def count_other_hosts(site: str) -> dict[str, int]:
    """Return the other hosts of files that texts of `site` refer to, with the numbers of files that are not here yet.

    The hosts with most files come first. If there are very many hosts, the rest are counted under `…`.
    """
    counts: Counter[str] = Counter()
    others = Attachment.objects.without_file().filter(site=site, on_other_host=True)
    for url in others.values_list("url", flat=True).iterator(1000):
        host = host_of(url)
        counts[host if host in counts or len(counts) < _MAX_HOSTS else "…"] += 1
    return dict(counts.most_common())


def _attachments(site: str) -> AttachmentQuerySet:
    return Attachment.objects.filter(site=site).only(*ATTACHMENT_COLUMNS)


def _mark_as_own(others: AttachmentQuerySet, pks: Sequence[int]) -> None:
    """Mark files on hosts that now belong to the blog as its own."""
    attachments = others.in_bulk(pks).values()
    for attachment in attachments:
        attachment.on_other_host = False
        _complete_paths(attachment)
    Attachment.objects.bulk_update(attachments, ["path", "former_path", "on_other_host"], batch_size=_BATCH_SIZE)


def _redirect_pages(
    context: ImportContext, shown_by: Mapping[int, Sequence[int]], orphans: Sequence[tuple[int, str]]
) -> None:
    ids = [wordpress_id for wordpress_id, _link in orphans]
    columns = ("wordpress_id", "object_pk")
    images = fetch_rows(ImportedItem, "wordpress_id", ids, *columns, kind=FEATURED_IMAGES, site=context.site)
    # Of several entries, the first counts.
    featured = sorted(images, reverse=True)
    entries = Entry.objects.without_texts().in_bulk([pk for _id, pk in featured])
    targets = {wordpress_id: entries[pk] for wordpress_id, pk in featured if pk in entries and entries[pk].is_public}
    others = [wordpress_id for wordpress_id in ids if wordpress_id not in targets]
    showing = entries_by_id(context.site, {each for other in others for each in shown_by.get(other, ())})
    for other in others:
        public = (showing[each] for each in shown_by.get(other, ()) if each in showing and showing[each].is_public)
        if entry := next(public, None):
            targets[other] = entry
    paths = add_missing_redirects((link, targets[pk]) for pk, link in orphans if pk in targets)
    context.ledger.add_redirects([*paths, *add_id_redirects(context.site, targets)])


def _files_of(references: Sequence[FileReferences], hosts: Collection[str]) -> list[FileURL]:
    return list(dict.fromkeys(file for each in references for file in each.files_of(hosts)))


def _import(context: ImportContext, references: Sequence[FileReferences], hosts: Collection[str]) -> None:
    files = _files_of(references, hosts)
    found = match_files(files, _attachments(context.site), hosts, are_hosts_final=True)
    new: dict[tuple[str, str], Attachment] = {}
    changed: dict[int, Attachment] = {}
    for file in files:
        is_own = not file.host or file.host in hosts
        if attachment := found.get(file):
            if attachment.wordpress_id is None and _update(attachment, file, on_other_host=not is_own):
                changed[attachment.pk] = attachment
            continue
        original = file.original._replace(query="") if is_own else file.original
        key = ("" if is_own else min(aliases_of([file.host])), original.key)
        if key not in new:
            attachment = _build(context, original)
            if len(attachment.url) > _MAX_URL_LENGTH or len(attachment.path) > MAX_LENGTH:
                context.report.skip(ATTACHMENTS, 0, file.host, _("Its URL is too long."), str(file))
                continue
            new[key] = attachment
        _update(new[key], file, on_other_host=not is_own)
    for attachment in Attachment.objects.bulk_create(list(new.values()), batch_size=_BATCH_SIZE):
        context.ledger.add(ATTACHMENTS, 0, attachment.pk)
    names = ["guid", "path", "former_path", "on_other_host"]
    Attachment.objects.bulk_update(list(changed.values()), names, batch_size=_BATCH_SIZE)


def _build(context: ImportContext, file: FileURL) -> Attachment:
    if not file.host:
        blog = urlsplit(context.analysis.base_url)
        file = file._replace(scheme=blog.scheme, host=blog.netloc)
    return Attachment(site=context.site, wordpress_id=None, url=str(file), path=file.key)


def _update(attachment: Attachment, file: FileURL, *, on_other_host: bool) -> bool:
    """Record the largest copy of the file in texts, and whether its host is the blog's. Return whether that is new."""
    before = attachment.guid, attachment.path, attachment.on_other_host
    attachment.on_other_host = on_other_host
    if file.path != file.original.path and len(url := str(file)) <= _MAX_URL_LENGTH and len(file.key) <= MAX_LENGTH:
        copy = parse_file_url(attachment.guid) if attachment.guid else None
        if copy is None or file.pixels > copy.pixels:
            attachment.guid, attachment.former_path = url, file.key
    _complete_paths(attachment)
    return before != (attachment.guid, attachment.path, attachment.on_other_host)


def _complete_paths(attachment: Attachment) -> None:
    """Add the host to the paths of a file on another host if the column has room for it, and remove it from others."""
    for name, url in (("path", attachment.url), ("former_path", attachment.guid)):
        path = without_host(getattr(attachment, name))
        with_host = path_on_host(host_of(url), path) if path and attachment.on_other_host else path
        setattr(attachment, name, with_host if len(with_host) <= MAX_LENGTH else path)
