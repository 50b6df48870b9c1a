"""`POST /v1/traces`: spans of Logboek Dataverwerkingen become verwerkingsacties.

`traces` has the `router`.
Imports `_requests` and below; never `_api`.
"""
