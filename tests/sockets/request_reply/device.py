# A device between REQ and REP: a ROUTER and a DEALER, which are bound. The script prints their endpoints, and ends
# with its input.

import os
import sys
import threading

import zmq

context = zmq.Context()
sockets = [context.socket(zmq.ROUTER), context.socket(zmq.DEALER)]
for socket in sockets:
    socket.bind("tcp://127.0.0.1:*")
    print(socket.last_endpoint.decode())
threading.Thread(target=zmq.proxy, args=sockets, daemon=True).start()
sys.stdin.read()
sys.stdout.flush()
# The context is not terminated: the device waits in it.
os._exit(0)
