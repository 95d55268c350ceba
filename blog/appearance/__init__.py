"""How the site looks, as owners choose it: one document, with a draft, a preview and earlier versions.

`documents` describes and validates it, `versions` keeps it, and `looks` makes of it what pages use.
"""
