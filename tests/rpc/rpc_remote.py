# Requesters and responders in Python, with the sockets of a release of libzmq, from the examples and docs/rpc.md.
#
# `python3 rpc_remote.py requester ENDPOINT TYPE [KEYS]` prints "done".
# `python3 rpc_remote.py responder ENDPOINT TYPE` binds the endpoint and prints it;
# `python3 rpc_remote.py worker ENDPOINT TYPE` connects to it instead. KEYS are those of CURVE: of the server, and the
# public and the secret one of this end.

import os
import struct
import sys
import time

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../examples/python"))
import rpc_client
import rpc_responder

REQUEST, REPLY, PART, ERROR, CANCEL, CREDIT, END = range(0x11, 0x18)
CREDITED = 0x02
APPLICATION, DEADLINE_EXCEEDED, STREAMED = 0x10, 0x11, 0x16
TYPES = {"dealer": zmq.DEALER, "rep": zmq.REP, "req": zmq.REQ, "router": zmq.ROUTER}

context = zmq.Context()


class CurveContext:
    """Creates the sockets of clients with CURVE."""

    def __init__(self, keys):
        self.keys = dict(zip([zmq.CURVE_SERVERKEY, zmq.CURVE_PUBLICKEY, zmq.CURVE_SECRETKEY], keys))

    def socket(self, socket_type):
        socket = context.socket(socket_type)
        for option, key in self.keys.items():
            socket.setsockopt_string(option, key)
        return socket


def make_calls(socket_type, endpoint, sockets):
    requester = rpc_client.Requester(sockets, socket_type, endpoint)
    for number in range(100):
        body = b"number %d" % number
        assert requester.call(body, 10) == body
    try:
        requester.call(b"fail", 10)
        raise AssertionError("a failure is expected")
    except rpc_client.CallError as error:
        assert error.args == (APPLICATION, 42, "as you wish"), error
    try:
        requester.call(b"sleep", 0.05)
        raise AssertionError("the deadline is expected")
    except TimeoutError:
        pass
    except rpc_client.CallError as error:  # The timer of the responder was first.
        assert error.args == (DEADLINE_EXCEEDED, 0, ""), error
    assert requester.call(b"after", 10) == b"after"


# Without any option, and with credit, which is ignored.
def make_plain_calls(endpoint, sockets):
    req = sockets.socket(zmq.REQ)
    req.connect(endpoint)
    for number in range(10):
        body = b"number %d" % number
        req.send(struct.pack(">BQB", REQUEST, 1, 0) + body)
        assert req.recv() == struct.pack(">BQ", REPLY, 1) + body
    req.send(struct.pack(">BQBI", REQUEST, 1, CREDITED, 8) + b"count")
    assert req.recv() == struct.pack(">BQBI", ERROR, 1, STREAMED, 0)


def make_concurrent_calls(endpoint, sockets):
    dealer = sockets.socket(zmq.DEALER)
    dealer.connect(endpoint)
    send = lambda *fields: dealer.send_multipart([b"", b"".join(fields)])
    header = lambda kind, call: struct.pack(">BQ", kind, call)
    for call in range(100):
        send(header(REQUEST, call), b"\0number %d" % call)
    for _ in range(100):
        delimiter, message = dealer.recv_multipart()
        kind, call = struct.unpack_from(">BQ", message)
        assert (delimiter, kind, message[9:]) == (b"", REPLY, b"number %d" % call)

    # A stream continues while it has credit.
    send(header(REQUEST, 200), struct.pack(">BI", CREDITED, 2), b"count")
    parts = 0
    while (message := dealer.recv_multipart()[1]) != header(END, 200):
        assert message == header(PART, 200) + b"%d" % parts
        parts += 1
        send(header(CREDIT, 200), struct.pack(">I", 1))
    assert parts == 50

    # This call is cancelled.
    send(header(REQUEST, 300), b"\0sleep")
    send(header(CANCEL, 300))
    send(header(REQUEST, 301), b"\0last")
    assert dealer.recv_multipart() == [b"", header(REPLY, 301) + b"last"]


def handle(body):
    if body == b"sleep":
        time.sleep(0.3)
    return rpc_responder.double(b"0" if body == b"sleep" else body)


role, endpoint, name, *keys = sys.argv[1:]
if role == "requester":
    sockets = CurveContext(keys) if keys else context
    make_calls(TYPES[name], endpoint, sockets)
    (make_plain_calls if name == "req" else make_concurrent_calls)(endpoint, sockets)
    print("done")
else:
    socket = context.socket(TYPES[name])
    (socket.bind if role == "responder" else socket.connect)(endpoint)
    print(socket.last_endpoint.decode(), flush=True)
    rpc_responder.serve(socket, handle)
