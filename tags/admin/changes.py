"""The list of changes to tags, each of which can be undone."""

from django.contrib import admin

from blog.admin.curation import ChangeAdmin
from tags import curation
from tags.models import TagChange


@admin.register(TagChange)
class TagChangeAdmin(ChangeAdmin):
    undo = staticmethod(curation.undo)
    permission = "tags.delete_tag"
