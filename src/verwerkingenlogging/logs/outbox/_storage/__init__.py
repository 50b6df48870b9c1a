"""The files of an outbox: its folder, the frames in a segment, and what is set aside.

Private: the writer appends to them, the relay empties them. Import its modules.
It imports ``model``, ``support`` and ``errors``.
"""
