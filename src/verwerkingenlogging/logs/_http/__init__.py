"""A register over HTTP: connections and deadlines, the token of a client, and what the answers mean (needs the extra ``api``).

Private: ``logs.api`` and ``logs.confirmed`` are made of it. Import its modules; ``answers`` alone needs no extra.
It imports ``model``, ``support`` and ``errors``, and no other log.
"""
