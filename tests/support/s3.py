"""An S3 server in memory. Requests are served one at a time, because moto looks whether an object
is there and writes it in two steps, and conditional writes must be atomic as they are in S3.

Keys that hold `lost-answer` behave as on a bad network: the first conditional write takes effect,
but its answer is a 500. Those that hold `lost-request` get the 500 and take no effect."""

import logging
import os
import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
s3 = DomainDispatcherApplication(create_backend_app)
one_at_a_time = threading.Lock()
failed = set()


def failure(start_response):
    start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
    return [b"<Error><Code>InternalError</Code></Error>"]


def application(environ, start_response):
    path = environ["PATH_INFO"]
    with one_at_a_time:
        first = environ.get("HTTP_IF_NONE_MATCH") == "*" and path not in failed
        if first and "lost-request" in path:
            failed.add(path)
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return failure(start_response)
        if first and "lost-answer" in path:
            failed.add(path)
            b"".join(s3(environ, lambda *_: None))
            return failure(start_response)
        return [b"".join(s3(environ, start_response))]


class Http11(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Http11)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
