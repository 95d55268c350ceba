"""Editing reusable blocks: the posts and pages that show a block are rendered again."""

from functools import partial
from itertools import product
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.tasks import task

from blog.models import Entry
from blog.rerendering import RerenderResult, rerender
from wordpress.markup.footnotes_and_blocks import BLOCK, MAX_DEPTH
from wordpress.models import Fragment, ReusableBlock

# Up to this many entries are rendered while the editor waits. A worker renders more.
MAX_RENDERED_AT_ONCE: Final = 100


def save_block(block: ReusableBlock) -> int:
    """Save `block` and return how many entries may show it. They are rendered again after the transaction commits."""
    with transaction.atomic():
        stored = Fragment.objects.select_for_update().get(pk=block.pk)
        # The next import recognises by this that the block was edited here.
        block.exported = stored.exported or stored.fingerprint
        block.save()
        count = Entry.objects.filter(_entries_showing(stored)).count()
        render = rerender_entries.call if count <= MAX_RENDERED_AT_ONCE else rerender_entries.enqueue
        transaction.on_commit(partial(render, block.pk))
    return count


@task()
def rerender_entries(pk: int) -> None:
    """Render the entries that show a block again."""
    rerender(Entry.objects.filter(_entries_showing(Fragment.objects.get(pk=pk))), RerenderResult())


def _entries_showing(block: Fragment) -> Q:
    """Match the entries that may show `block`, by itself or inside another one.

    This includes entries of other sites that show a block with the same ID.
    """
    names = {block.name}
    for _depth in range(MAX_DEPTH - 1):
        containing = Fragment.objects.filter(_refers_to("text", names), kind=BLOCK, site=block.site)
        names |= set(containing.values_list("name", flat=True))
    return _refers_to("source", names)


def _refers_to(field: str, names: set[str]) -> Q:
    references = (f'block {{"ref":{name}{following}' for name, following in product(sorted(names), "}, "))
    return Q(*((f"{field}__contains", reference) for reference in references), _connector=Q.OR)
