"""`|shortened`: the beginning of a text."""

from django import template

from core.text import shorten

register = template.Library()
register.filter("shortened", shorten)
