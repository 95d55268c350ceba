"""What is in the index, and in which state. The words themselves are in tables that Django knows nothing about."""

from typing import Final

from django.db import models

# In place of the digest of an entry that is to be indexed again, which is no digest of anything.
STALE: Final = ""


class Indexed(models.Model):
    """A row for each document in an index. `digest` is that of everything that the document was made from."""

    # That of the entry or comment. No foreign key: the index is brought up to date after a row has been deleted.
    id = models.BigIntegerField(primary_key=True)
    digest = models.CharField(max_length=32)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class IndexedEntry(Indexed):
    class Meta(Indexed.Meta):
        abstract = False
        indexes = [models.Index(fields=["-id"], name="stale_entries", condition=models.Q(digest=STALE))]


class IndexedComment(Indexed):
    # Where it goes when its entry is deleted.
    entry_id = models.BigIntegerField(db_index=True)
