"""A WSGI application that publishes one event a request, named by its path.

Its server imports it once and then forks: the pipeline is open before, and has been used.
"""

import os

from accounting import Book

import nerava_analytics

book = Book(os.environ["BOOK"])
pipeline = nerava_analytics.open_from_environment(
    batch_size=10_000, flush_interval=float(os.environ["FLUSH_INTERVAL"])
)
book.publish(pipeline, f"preloaded by {os.getpid()}")


def application(environ, start_response):
    book.publish(pipeline, environ["PATH_INFO"][1:])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
