"""What is done at the edges of a request: headers, streams, the first request of a server, and what is rolled back.

Private. All other rooms may import its modules; ``middleware`` ties them together.
It imports Django and the core, and nothing else of this plugin.
"""
