"""Django's database backend for PostgreSQL, for a server that may be down for a while."""
