"""What every request needs: the running register, who asks, the body, work off the event loop, the record of an inspection.

`register`, `authentication`, `content`, `inspection`, `routing` are for the operations.
Imports `_wire` and below.
"""
