"""Changing shared blocks here: all texts that show one show it as it is then."""

from functools import partial
from itertools import product
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.tasks import task

from blog.models import Page, Post
from blog.rerendering import Rerendered, rerender
from blog.site import content_changed
from wordpress.fragments import BLOCK, MAX_DEPTH
from wordpress.memory import of_row
from wordpress.models import Fragment, SharedBlock

# So many texts are rendered while somebody waits; more are the worker's.
AT_ONCE: Final = 100


def change(block: SharedBlock) -> int:
    """Store what was changed of `block`; says how many texts may show it. They do so once this is committed."""
    with transaction.atomic():
        stored = Fragment.objects.select_for_update().get(pk=block.pk)
        # The next import has to see that it was changed here.
        block.exported = stored.exported or of_row(stored.title, stored.text)
        block.save()
        showing = _texts_showing(stored)
        number = sum(model._default_manager.filter(showing).count() for model in (Post, Page))
        show = _show_again if number <= AT_ONCE else show_later.enqueue
        transaction.on_commit(partial(show, block.pk))
    return number


@task()
def show_later(pk: int) -> None:
    """What a worker does after a block was changed that many texts show."""
    _show_again(pk)


def _show_again(pk: int) -> None:
    result = Rerendered()
    for model in (Post, Page):
        rerender(model, result, among=_texts_showing(Fragment.objects.get(pk=pk)))
    if result.changed:
        content_changed()


def _texts_showing(block: Fragment) -> Q:
    """Texts that may show `block`, by itself or in another: those of other blogs under its number are among them."""
    names = {block.name}
    for _depth in range(MAX_DEPTH - 1):
        around = Fragment.objects.filter(_naming("text", names), kind=BLOCK, site=block.site)
        names |= set(around.values_list("name", flat=True))
    return _naming("source", names)


def _naming(field: str, names: set[str]) -> Q:
    found = Q()
    for name, after in product(sorted(names), "}, "):
        found |= Q(**{f"{field}__contains": f'block {{"ref":{name}{after}'})
    return found
