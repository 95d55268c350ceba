"""Rows that only the program sees."""

from django.db import models


class InternalRow(models.Model):
    """The base class of models whose rows are never shown to anyone. They have no permissions and no name."""

    class Meta:
        abstract = True
        default_permissions = ()
