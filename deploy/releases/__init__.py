"""Installing releases of Broadside, with nothing but Python's standard library.

    ROOT/releases/VERSION/    the code of a release, its packages (.venv) and its static files (staticfiles)
    ROOT/current              a link to the release in use
    ROOT/tools/               uv, and Python if the system's is too old

`archives` fetches a release, `preparing` makes its folder while the site runs, and `installing` and `upgrading` put it
into use. The database is left to the release itself (`manage.py upgrade_database`).
"""
