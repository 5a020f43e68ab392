"""The version, said once for Python; a test holds it equal to the build's."""

__version__ = "0.1.0"
