"""SQLite and PostgreSQL: connections, tables and migrations, partitions, one server at a time.

`engines` opens a database, `schema` knows its version.
Imports `_keys` and below: what passes through a connection is protected.
"""
