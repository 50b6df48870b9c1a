"""The standard on the wire: parameters, bodies, fields, answers, cursors, problem+json, and the OpenAPI description.

What operations read and answer with.
Imports `_access` and below; knows no running register.
"""
