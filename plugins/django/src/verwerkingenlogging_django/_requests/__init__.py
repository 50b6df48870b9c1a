"""The edges of a request: its headers, its stream, the first request of a server, and the rollback of its transactions.

Private. All other rooms may import its modules; ``middleware`` ties them together.
It imports Django and the core, and nothing else of this plugin.
"""
