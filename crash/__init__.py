"""Kills the register at random moments under load, and says whether anything that it acknowledged was lost or doubled (P2).

``python -m crash`` is the long run; the tests of the register do a short one. The oracle is outside of what is killed: it
counts an actie as acknowledged when its 201 has arrived.
"""
