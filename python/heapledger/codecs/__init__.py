"""Where bodies are read, parsed and written: each module marks the functions of one library as a phase of the request.

They are put in place when their library is imported, and import nothing that the service has not imported itself.
What a library of another version lacks is left out and counted.
"""
