# A PULL that connects to the endpoint of the first argument. For each line of the standard input, it receives a message
# and prints its first part.

import sys

import zmq

context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvhwm = 1
pull.connect(sys.argv[1])
for _ in sys.stdin:
    print(pull.recv_multipart()[0].decode())
pull.close()
context.term()
