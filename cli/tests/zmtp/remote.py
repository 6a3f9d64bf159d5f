# A socket of pyzmq, whose type is the first argument, and a client of PLAIN if a name and a password follow. It binds a
# port, prints its endpoint, and exchanges a message.

import sys

import zmq

context = zmq.Context()
socket_type = sys.argv[1]
socket = context.socket(getattr(zmq, socket_type))
if len(sys.argv) > 2:
    socket.plain_username, socket.plain_password = (word.encode() for word in sys.argv[2:])
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(f"tcp://127.0.0.1:{port}")

if socket_type == "XPUB":
    print(socket.recv())
    socket.send_multipart([b"weather.", b"sunny"])
elif socket_type == "PULL":
    print(socket.recv_multipart())
elif socket_type == "PUSH":
    socket.send_multipart([b"task", b"\x00\xff"])
elif socket_type == "REP":
    message = socket.recv()
    socket.send(message.upper())
elif socket_type == "REQ":
    socket.send(b"question")
    print(socket.recv())
sys.stdin.readline()
context.destroy(linger=10000)
