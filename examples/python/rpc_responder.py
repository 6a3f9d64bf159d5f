"""Answers the calls of a requester of tokio-zmtp, with the package pyzmq. docs/rpc.md specifies the messages.

    python3 rpc_responder.py ENDPOINT
"""

import struct
import sys

import zmq

REQUEST, REPLY, ERROR, END = b"\x11", b"\x12", b"\x14", b"\x17"
TIMEOUT, CREDIT, TRACE = 0x01, 0x02, 0x04
APPLICATION, MALFORMED, UNSUPPORTED = 0x10, 0x14, 0x15


class Failure(Exception):
    """The error of a request: a code, the application's number, and a text."""


def body_of(request):
    """Skips the optional fields of a request."""
    flags, start = request[9], 10
    if flags & ~(TIMEOUT | CREDIT | TRACE):
        raise Failure(UNSUPPORTED, 0, "")
    start += 4 * bool(flags & TIMEOUT) + 4 * bool(flags & CREDIT)
    for _ in range(2 if flags & TRACE else 0):
        start += 2 + struct.unpack_from(">H", request, start)[0]
    return request[start:]


def answer(request, handle):
    """Returns the answer to a request: its kind, and what follows the id."""
    try:
        return REPLY, handle(body_of(request))
    except Failure as failure:
        code, detail, text = failure.args
    except (IndexError, struct.error):
        code, detail, text = MALFORMED, 0, ""
    return ERROR, struct.pack(">BI", code, detail) + text.encode()


def serve(socket, handle):
    """Answers requests, over a socket of type zmq.REP, zmq.ROUTER or zmq.DEALER."""
    while True:
        # A REP keeps the envelope itself. Other sockets receive it, and send it with the answer.
        *envelope, message = socket.recv_multipart()
        if message[:1] == REQUEST:
            kind, rest = answer(message, handle)
        elif socket.type == zmq.REP:
            kind, rest = END, b""  # It has to answer every message. The requester drops this.
        else:
            continue
        socket.send_multipart([*envelope, kind + message[1:9] + rest])


def double(body):
    if not body.isdigit():
        raise Failure(APPLICATION, 400, "not a number")
    return str(2 * int(body)).encode()


if __name__ == "__main__":
    socket = zmq.Context().socket(zmq.REP)
    socket.bind(sys.argv[1])
    print(socket.last_endpoint.decode(), flush=True)
    serve(socket, double)
