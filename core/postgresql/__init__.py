"""Django's database backend for PostgreSQL, for a server that may be away for a while."""
