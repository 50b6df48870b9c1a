"""Burgerzaken: marriages, ceremonies and confidential investigations, in Django with REST framework."""
