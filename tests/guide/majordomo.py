"""A client and a worker of Majordomo, as mdclient.py and mdworker.py of the ZeroMQ guide.

Reads the endpoint of the broker from a line of the input.
"""

import sys
import threading

import zmq

CLIENT = b"MDPC01"
WORKER = b"MDPW01"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\1", b"\2", b"\3", b"\4", b"\5"

REQUESTS = 100


def worker(context, endpoint):
    with context.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        socket.send_multipart([b"", WORKER, READY, b"echo"])
        while True:
            try:
                message = socket.recv_multipart()
            except zmq.ContextTerminated:
                return
            assert len(message) >= 3 and message[:2] == [b"", WORKER]
            if message[2] == REQUEST:
                address, empty, *body = message[3:]
                assert empty == b""
                socket.send_multipart([b"", WORKER, REPLY, address, b""] + body)
            elif message[2] == HEARTBEAT:
                socket.send_multipart([b"", WORKER, HEARTBEAT])
            else:
                assert message[2] == DISCONNECT


def send(socket, service, *body):
    socket.send_multipart([CLIENT, service, *body])
    header, name, *reply = socket.recv_multipart()
    assert (header, name) == (CLIENT, service)
    return reply


def status(socket, service):
    [code] = send(socket, service, b"echo")
    return code.decode()


def main():
    endpoint = sys.stdin.readline().strip()
    context = zmq.Context()
    context.linger = 0
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    print("before:", status(socket, b"mmi.service"))
    # This request waits for the worker.
    socket.send_multipart([CLIENT, b"echo", b"early"])
    threading.Thread(target=worker, args=(context, endpoint)).start()
    assert socket.recv_multipart() == [CLIENT, b"echo", b"early"]
    print("after:", status(socket, b"mmi.service"))
    print("other:", status(socket, b"mmi.other"))
    for number in range(REQUESTS):
        body = [b"Hello world", b"%d" % number]
        assert send(socket, b"echo", *body) == body
    print(REQUESTS, "replies")
    socket.close()
    context.term()


main()
