"""What every middleware shares about a request: who calls, what is believed of its headers, how it is refused, and what goes along.

Import its modules; they are public, for adapters of a framework. ``Propagation``, ``HeaderProfile`` and ``VNG`` are at the top too.
It imports ``context``, ``recorder``, ``model``, ``support`` and ``errors``.
"""
