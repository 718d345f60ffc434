"""An emulated OpenAI (HTTP) and Google Text-to-Speech (gRPC) on real sockets, with settable delays and faults.

`python -m tests.upstream --port 9100 --grpc-port 9101 --set chat.piece_ms=20` for benchmarks and other processes;
the fixture `upstream` (fixtures.py) for tests. Both are steered over HTTP under /control/ (control.py).
"""
