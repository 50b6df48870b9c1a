"""Secrets, and the numbers of persons at rest: the key file, pseudonyms and sealed numbers, public keys of clients and issuers.

`protection` seals and opens, `key_file` makes and rotates keys.
Imports `_model`.
"""
