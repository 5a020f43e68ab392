"""Where frameworks and servers are entered. Each module imports nothing that the service has not imported itself.

Under `heapledger run` these are put in place by themselves (see `heapledger._autoload_main`). By hand, wrap the
application: `heapledger.adapters.wsgi.Middleware(app)` or `heapledger.adapters.asgi.Middleware(app)`.
"""
