"""The operations of the Bewerking API and the Inzage API: who asks what, what happens, what is answered.

Each module has a `router`, which the server joins.
Imports `_requests` and below; never `_otlp`.
"""
