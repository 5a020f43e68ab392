"""Servers without a command line that takes a socket, as programs: the number of the socket is their argument."""

from __future__ import annotations

_WERKZEUG = """
import signal, sys
from werkzeug.serving import make_server
from applications.{module} import app
server = make_server("127.0.0.1", 0, app, threaded=True, fd=int(sys.argv[1]))
{stop}
server.serve_forever()
"""
_WAITRESS = """
import signal, socket, sys
import waitress
from applications.{module} import app
server = waitress.create_server(app, sockets=[socket.socket(fileno=int(sys.argv[1]))])
{stop}
server.run()
"""
_WSGIREF = """
import signal, socket, sys, threading
from wsgiref.simple_server import WSGIServer, WSGIRequestHandler
from applications.{module} import app
class Handed(WSGIServer):
    def server_bind(self):
        self.socket = socket.socket(fileno=int(sys.argv[1]))
        self.server_name, self.server_port = "localhost", 0
        self.setup_environ()
    def server_activate(self):
        pass
server = Handed(("", 0), WSGIRequestHandler)
server.set_app(app)
{stop}
server.serve_forever()
"""
_EXIT = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
# Not SystemExit: raised while a response is written it would end in wsgiref's own error page.
_SHUT_DOWN = "signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())"
_PROGRAMS = {"werkzeug": (_WERKZEUG, _EXIT), "waitress": (_WAITRESS, _EXIT), "wsgiref": (_WSGIREF, _SHUT_DOWN)}


def server_program(server: str, module: str, *, ends_in_order: bool = True) -> str:
    """A program that serves `app` of a module of tests/applications; SIGTERM ends it by exit, or by default action."""
    program, stop = _PROGRAMS[server]
    return program.format(module=module, stop=stop if ends_in_order else "")
