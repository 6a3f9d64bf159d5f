"""Clients and workers of the load-balancing broker, as in lbbroker.py of the ZeroMQ guide.

Reads the endpoints for clients and for workers from a line of the input.
"""

import sys
import threading

import zmq

CLIENTS = 10
WORKERS = 3


def client_task(context, number, endpoint, replies):
    with context.socket(zmq.REQ) as socket:
        socket.identity = b"Client-%d" % number
        socket.connect(endpoint)
        socket.send(b"HELLO")
        replies.append(socket.recv())


def worker_task(context, number, endpoint):
    with context.socket(zmq.REQ) as socket:
        socket.identity = b"Worker-%d" % number
        socket.connect(endpoint)
        socket.send(b"READY")
        while True:
            try:
                address, empty, request = socket.recv_multipart()
            except zmq.ContextTerminated:
                return
            assert (empty, request) == (b"", b"HELLO")
            socket.send_multipart([address, b"", b"OK"])


def main():
    clients, workers = sys.stdin.readline().split()
    context = zmq.Context()
    context.linger = 0
    replies = []
    tasks = [
        threading.Thread(target=client_task, args=(context, number, clients, replies))
        for number in range(CLIENTS)
    ]
    for number in range(WORKERS):
        threading.Thread(target=worker_task, args=(context, number, workers)).start()
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    print(len(replies), "replies:", *sorted({reply.decode() for reply in replies}))
    context.term()


main()
