"""What is in the index, and whether it is up to date. The words are in tables that Django knows nothing about."""

from typing import Final

from django.db import models

from core.internal_rows import InternalRow

# Stands for the digest of an entry or comment that is to be indexed again. It is not the digest of anything.
STALE: Final = ""


class Indexed(InternalRow):
    """A row for each document in an index. `digest` is the digest of everything that the document was made from."""

    # The ID of the entry or comment. Not a foreign key, because the index is updated after a row has been deleted.
    id = models.BigIntegerField(primary_key=True)
    digest = models.CharField(max_length=32)

    class Meta(InternalRow.Meta):
        abstract = True


class IndexedEntry(Indexed):
    class Meta(Indexed.Meta):
        abstract = False
        indexes = [models.Index(fields=["-id"], name="stale_entries", condition=models.Q(digest=STALE))]


class IndexedComment(Indexed):
    # Comments are removed by this when their entry is deleted.
    entry_id = models.BigIntegerField(db_index=True)
