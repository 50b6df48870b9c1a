"""Starlette and FastAPI: what logging adds to a request, in process and under uvicorn, beside what does less.

The parts are ``inprocess`` and ``server``; ``rounds`` and ``serve`` are the processes that they start. Imports the harness and the budget.
"""
