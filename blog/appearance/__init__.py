"""The site's appearance, which owners choose: one document, with a draft, a preview and earlier versions.

`documents` describes and validates it, `versions` stores it, and `looks` turns it into what pages use.
"""
