"""Kills the register, or an application, at random moments under load, and says whether anything acknowledged was lost or doubled (P2).

``python -m crash`` is the long run; the tests do a short one. The oracle is outside of what is killed: it counts an actie as
acknowledged when its answer has arrived.
"""
