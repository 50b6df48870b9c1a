"""What every part of the bench is made of: load, machine and environment, the record and its places, results and their report.

All of it may be imported by each part. It imports no part.
"""
