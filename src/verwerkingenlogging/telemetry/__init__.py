"""For the application's own telemetry: no BSN in its log lines and spans, and our doelbinding on its outgoing calls.

Import its modules, which are public; ``otel_guard`` and ``otel_propagator`` need the extra ``otel``. ``guard_logging`` is at the top too.
It imports ``requests``, ``model`` and ``support``.
"""
