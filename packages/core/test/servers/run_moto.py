"""moto's S3 on a port of 127.0.0.1, one request at a time.

By itself it looks at a condition first and writes later, without a lock: of two conditional writes at once both may win,
and requests of one object at once may fail.
"""

import io
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.server import MotoRequestHandler
from werkzeug.serving import run_simple


class OneAtATime:
    def __init__(self, app):
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        # Bodies are taken before, so that a client that stalls holds up nobody else.
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > 0:
            body = environ["wsgi.input"].read(length)
            if len(body) < length:
                start_response("400 Bad Request", [("content-length", "0")])
                return []
            environ["wsgi.input"] = io.BytesIO(body)
        with self._lock:
            response = self._app(environ, start_response)
            try:
                return [b"".join(response)]
            finally:
                if hasattr(response, "close"):
                    response.close()


app = DomainDispatcherApplication(create_backend_app)
run_simple("127.0.0.1", int(sys.argv[1]), OneAtATime(app), threaded=True, request_handler=MotoRequestHandler)
