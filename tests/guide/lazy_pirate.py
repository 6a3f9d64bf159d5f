"""The client and the server of Lazy Pirate, as lpclient.py and lpserver.py of the ZeroMQ guide.

Reads the role, and for a client the endpoint of the server, from a line of the input. A server
fails in the same way in each run, and ends with the input.
"""

import sys
import time

import zmq

REQUEST_TIMEOUT = 250
REQUEST_RETRIES = 20
REQUESTS = 10


def client(endpoint):
    failures = 0
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    for sequence in range(REQUESTS):
        request = str(sequence).encode()
        socket.send(request)
        retries_left = REQUEST_RETRIES
        while True:
            if socket.poll(REQUEST_TIMEOUT) & zmq.POLLIN:
                assert socket.recv() == request
                break
            retries_left -= 1
            failures += 1
            assert retries_left > 0
            # The socket cannot send again, so it is replaced.
            socket.close(linger=0)
            socket = context.socket(zmq.REQ)
            socket.connect(endpoint)
            socket.send(request)
    socket.close()
    context.term()
    print(REQUESTS, "replies after failures" if failures else "replies")


def server():
    endpoint = "tcp://127.0.0.1:*"
    cycles = 0
    while True:
        # The end of a context waits until its ports are closed, as a crash does.
        with zmq.Context() as context, context.socket(zmq.REP) as socket:
            socket.bind(endpoint)
            endpoint = socket.last_endpoint.decode().rstrip("\0")
            if cycles == 0:
                print(endpoint)
            poller = zmq.Poller()
            poller.register(socket, zmq.POLLIN)
            poller.register(sys.stdin, zmq.POLLIN)
            while True:
                if sys.stdin.fileno() in dict(poller.poll()):
                    return
                request = socket.recv()
                cycles += 1
                if cycles == 4:
                    print("crashing")
                    break
                if cycles == 7:
                    print("overloaded")
                    time.sleep(0.3)
                socket.send(request)


def main():
    role, *endpoint = sys.stdin.readline().split()
    {"client": client, "server": server}[role](*endpoint)


main()
