"""A small orders API, the same in FastAPI, Flask and Django: what heapledger is shown on."""
