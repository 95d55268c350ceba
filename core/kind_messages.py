"""What the admin says about objects of one kind, in whole sentences, because languages inflect nouns."""

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class KindMessages:
    """Titles of pages, which name the kind, and messages, in which `{object}` stands for what the object is called.

    The admin puts the name of the kind into a general sentence in place of those that are empty.
    """

    add: str | Promise = ""
    edit: str | Promise = ""
    view: str | Promise = ""
    delete: str | Promise = ""
    added: str | Promise = ""
    saved: str | Promise = ""
    deleted: str | Promise = ""
    # What a list says if there are none.
    empty: str | Promise = ""
    # Whether to delete it.
    question: str | Promise = ""
