# A REP that returns each request. It prints its endpoint, and ends with the standard input or a line of it.

import sys

import zmq

context = zmq.Context()
rep = context.socket(zmq.REP)
rep.bind("tcp://127.0.0.1:*")
print(rep.last_endpoint.decode())
poller = zmq.Poller()
poller.register(rep, zmq.POLLIN)
poller.register(sys.stdin, zmq.POLLIN)
while sys.stdin.fileno() not in (ready := dict(poller.poll())):
    if rep in ready:
        rep.send_multipart(rep.recv_multipart())
rep.close(linger=0)
