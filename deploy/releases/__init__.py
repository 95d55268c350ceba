"""Installing releases of Broadside, with nothing but Python's standard library.

    ROOT/releases/VERSION/    the code of a release, its packages (.venv) and its static files (staticfiles)
    ROOT/current              a link to the release in use
    ROOT/tools/               uv, and Python where the system has none that is new enough

`archives` brings a release here, `preparing` makes its folder while the site runs, and `installing` and `upgrading` put
it into use. The database is the business of the release itself (`manage.py upgrade_database`).
"""
