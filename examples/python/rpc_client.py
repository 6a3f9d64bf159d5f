"""Calls a responder of tokio-zmtp, with the package pyzmq. docs/rpc.md specifies the messages.

    python3 rpc_client.py ENDPOINT REQUEST...
"""

import struct
import sys
import time

import zmq

REQUEST, REPLY, ERROR = 0x11, 0x12, 0x14
TIMEOUT = 0x01


class CallError(Exception):
    """The responder has answered with an error: a code, the application's number, and a text."""


class Requester:
    """Makes one call at a time, over a socket of type zmq.DEALER or zmq.REQ."""

    def __init__(self, context, socket_type, endpoint):
        self.socket = context.socket(socket_type)
        if socket_type == zmq.REQ:  # A REQ can send again after a call without a reply.
            self.socket.setsockopt(zmq.REQ_RELAXED, 1)
            self.socket.setsockopt(zmq.REQ_CORRELATE, 1)
        self.socket.connect(endpoint)
        self.delimiter = [b""] if socket_type == zmq.DEALER else []
        self.last_id = 0

    def call(self, body, timeout):
        """Returns the reply; raises a CallError, or a TimeoutError after `timeout` seconds."""
        self.last_id += 1
        deadline = time.monotonic() + timeout
        header = struct.pack(">BQBI", REQUEST, self.last_id, TIMEOUT, int(1000 * timeout))
        self.socket.send_multipart([*self.delimiter, header + body])
        while self.socket.poll(max(0, 1000 * (deadline - time.monotonic()))):
            message = self.socket.recv_multipart()[-1]
            kind, call = struct.unpack_from(">BQ", message)
            if call != self.last_id:
                continue  # A reply that is too late, or a message that concerns no call.
            if kind == REPLY:
                return message[9:]
            assert kind == ERROR, "without credit, an answer is a REPLY or an ERROR"
            code, detail = struct.unpack_from(">BI", message, 9)
            raise CallError(code, detail, message[14:].decode())
        raise TimeoutError("no reply in time")


if __name__ == "__main__":
    requester = Requester(zmq.Context(), zmq.DEALER, sys.argv[1])
    for request in sys.argv[2:]:
        try:
            print(requester.call(request.encode(), timeout=5).decode())
        except (CallError, TimeoutError) as error:
            print(f"{request}: {error!r}")
