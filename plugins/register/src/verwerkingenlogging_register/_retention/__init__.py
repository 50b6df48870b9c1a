"""What leaves the log, and what may not: the purge, the search for what is past its term, legal holds.

`purge` and `holds` are for the commands.
Imports `_acties` and below; never `_access`.
"""
