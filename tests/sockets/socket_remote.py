# Sockets in Python, with the package pyzmq.
#
# A PUB publishes numbers until the next line, and "done" is not printed: it cannot detect that a SUB has subscribed. An
# XPUB publishes them after ten subscriptions, and a "prompted_xpub" when it has received a message from an XSUB, which
# cancels the topic "9" afterwards. A SUB or XSUB subscribes to every digit, and cancels "9" after the last message. The
# XSUB sends a message when it has received one.
#
# Each line of the standard input describes a socket, as for socket_remote.mjs: its `type`, its properties,
# `options`, under the names of the package zeromq of npm, and an endpoint to `bind` or to `connect`,
# which the script prints when it is bound or connected. Then the socket sends or receives `count` messages, and the
# script prints "done". The next line closes the socket. The server of a mechanism admits remotes with the credentials
# `admitted`, an array of arrays of bytes.

import json
import sys
import threading
import time

import zmq

OPTIONS = {
    "curvePublicKey": zmq.CURVE_PUBLICKEY,
    "curveSecretKey": zmq.CURVE_SECRETKEY,
    "curveServer": zmq.CURVE_SERVER,
    "curveServerKey": zmq.CURVE_SERVERKEY,
    "plainPassword": zmq.PLAIN_PASSWORD,
    "plainServer": zmq.PLAIN_SERVER,
    "plainUsername": zmq.PLAIN_USERNAME,
}

# A DEALER or REQ sends requests and expects each back; the other types return what they receive.
# "fixed_form_router" is a ROUTER that expects only the identity and the empty part before the message.
ASKING = ["asking_dealer", "correlating_req", "req"]

TYPES = {
    "asking_dealer": zmq.DEALER,
    "correlating_req": zmq.REQ,
    "dealer": zmq.DEALER,
    "fixed_form_router": zmq.ROUTER,
    "pair": zmq.PAIR,
    "prompted_xpub": zmq.XPUB,
    "pub": zmq.PUB,
    "pull": zmq.PULL,
    "push": zmq.PUSH,
    "rep": zmq.REP,
    "req": zmq.REQ,
    "router": zmq.ROUTER,
    "sub": zmq.SUB,
    "xpub": zmq.XPUB,
    "xsub": zmq.XSUB,
}

DIGITS = [str(digit).encode() for digit in range(10)]

# What an XSUB sends to an XPUB.
USER_MESSAGE = [b"user", b"", b"message"]

context = zmq.Context()
admitted = []


# The ZAP handler (RFC 27), which PLAIN requires.
def authenticate(handler):
    while True:
        version, request, _, _, _, _, *credentials = handler.recv_multipart()
        status = [b"200", b"OK"] if credentials == admitted else [b"400", b"denied"]
        handler.send_multipart([version, request, *status, b"", b""])


# A DEALER sends all requests first, with an id in the envelope.
def ask(socket, socket_type, count):
    requests = []
    for number in range(count):
        text = str(number).encode()
        envelope = [b"id", text, b""] if socket_type == "asking_dealer" else []
        requests.append([*envelope, text, b"", text])
    if socket_type == "asking_dealer":
        for request in requests:
            socket.send_multipart(request)
    for request in requests:
        if socket_type != "asking_dealer":
            socket.send_multipart(request)
        reply = socket.recv_multipart()
        assert reply == request, f"{reply} instead of {request}"


# A PUB that publishes in a thread until it is closed. A message has one part: a SUB that leaves within a message of
# several parts can end the process of libzmq.
class Publishing:
    def __init__(self, socket):
        self.socket = socket
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.publish, daemon=True)
        self.thread.start()

    def publish(self):
        number = 0
        while not self.closing.is_set():
            self.socket.send(b"discarded")
            self.socket.send(str(number).encode())
            number += 1
            time.sleep(0)

    def close(self):
        self.closing.set()
        self.thread.join()
        self.socket.close(linger=0)


# Publishes when an XSUB has subscribed to every digit, perhaps on several connections, and has sent a message.
def publish_when_prompted(socket, count):
    topics = set()
    while (message := socket.recv_multipart()) != USER_MESSAGE:
        [request] = message
        (topics.add if request[0] == 1 else topics.remove)(request[1:])
    assert topics == set(DIGITS), f"{topics}"
    publish(socket, count)
    request = socket.recv()
    assert request == b"\x009", f"{request}"


def publish(socket, count):
    for number in range(count):
        text = str(number).encode()
        socket.send_multipart([b"discarded", text])
        socket.send_multipart([text, b"", text])


def run(description):
    global admitted
    admitted = [bytes(credential) for credential in description["admitted"]]
    socket_type = description["type"]
    socket = context.socket(TYPES[socket_type])
    for name, value in description["options"].items():
        is_text = isinstance(value, str)
        (socket.setsockopt_string if is_text else socket.setsockopt)(OPTIONS[name], value)
    if socket_type == "correlating_req":
        socket.setsockopt(zmq.REQ_CORRELATE, 1)
    if socket_type in ["prompted_xpub", "pub", "xpub"]:
        # The queue has no limit, so that no message is dropped.
        socket.setsockopt(zmq.SNDHWM, 0)
    if socket_type == "sub":
        for digit in DIGITS:
            socket.setsockopt(zmq.SUBSCRIBE, digit)
    if socket_type == "xsub":
        for digit in DIGITS:
            socket.send(b"\x01" + digit)
    if "bind" in description:
        socket.bind(description["bind"])
    else:
        socket.connect(description["connect"])
    print(socket.last_endpoint.decode())
    if socket_type in ASKING:
        ask(socket, socket_type, description["count"])
        print("done")
        return socket
    if socket_type == "pub":
        return Publishing(socket)
    if socket_type == "xpub":
        subscriptions = sorted(socket.recv() for _ in range(10))
        assert subscriptions == [b"\x01" + digit for digit in DIGITS]
        publish(socket, description["count"])
        print("done")
        return socket
    if socket_type == "prompted_xpub":
        publish_when_prompted(socket, description["count"])
        print("done")
        return socket
    for number in range(description["count"]):
        text = str(number).encode()
        if socket_type == "push":
            socket.send_multipart([text, b"", text])
            continue
        parts = socket.recv_multipart()
        if socket_type == "fixed_form_router":
            identity, *parts = parts
            assert parts == [b"", text, b"", text], f"{parts} instead of {number}"
            socket.send_multipart([identity, *parts])
            continue
        # A ROUTER receives an envelope as well.
        body = parts[-3:] if socket_type == "router" else parts
        assert body == [text, b"", text], f"{body} instead of {number}"
        if socket_type == "xsub" and number == 0:
            socket.send_multipart(USER_MESSAGE)
        if socket_type not in ["pull", "sub", "xsub"]:
            socket.send_multipart(parts)
    if socket_type == "sub":
        socket.setsockopt(zmq.UNSUBSCRIBE, b"9")
    if socket_type == "xsub":
        socket.send(b"\x009")
    print("done")
    return socket


handler = context.socket(zmq.REP)
handler.bind("inproc://zeromq.zap.01")
threading.Thread(target=authenticate, args=[handler], daemon=True).start()

socket = None
for line in sys.stdin:
    if socket:
        socket.close()
    socket = run(json.loads(line))
if socket:
    socket.close()
# The context is not terminated: the handler waits in it.
