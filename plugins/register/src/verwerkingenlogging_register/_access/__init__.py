"""Who may use the register, and how often: clients, quotas; and who administered it.

`client_lookup` and `quotas` are for a running register, `clients` and `administration` for the commands.
Imports `_database` and below; never `_retention`.
"""
