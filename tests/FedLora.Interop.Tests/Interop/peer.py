"""The probe service by Debian's python3-grpcio: `peer.py server`, or `peer.py client ADDRESS SCENARIO`."""
import sys
import threading
from collections import namedtuple
from concurrent import futures

import grpc

SERVICE = "fedlora.probe.v1.Probe"
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
MALFORMED = b"\xff\xff\xff"
Packet = namedtuple("Packet", "count payload", defaults=(0, b""))


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(packet):
    """A packet as protobuf; bytes stay as they are, which is how malformed messages are made."""
    if isinstance(packet, bytes):
        return packet
    out = b""
    if packet.count:
        out += b"\x08" + varint(packet.count)
    if isinstance(packet.payload, int):
        out += b"\x10" + varint(packet.payload) if packet.payload else b""
    elif packet.payload:
        out += b"\x12" + varint(len(packet.payload)) + packet.payload
    return out


def decode(data):
    """A packet, or a total: its second field is a number then."""
    position, count, payload = 0, 0, b""

    def number():
        nonlocal position
        shift = value = 0
        while True:
            unit = data[position]
            position += 1
            value |= (unit & 0x7F) << shift
            shift += 7
            if unit < 0x80:
                return value - (1 << 64) if value >= 1 << 63 else value

    while position < len(data):
        tag = data[position]
        position += 1
        if tag == 0x08:
            count = number()
        elif tag == 0x10:
            payload = number()
        elif tag == 0x12:
            length = number()
            payload = data[position:position + length]
            position += length
            if len(payload) != length:
                raise ValueError("truncated")
        else:
            raise ValueError(f"unknown tag {tag}")
    return Packet(count, payload)


def echo(request, context):
    context.set_trailing_metadata([entry for entry in context.invocation_metadata() if entry[0] in ("text", "bytes-bin")])
    return MALFORMED if request.count == -1 else request


def collect(requests, context):
    count = size = 0
    for request in requests:
        count, size = count + 1, size + len(request.payload)
    return Packet(count, size)


def repeat(request, context):
    for i in range(request.count):
        yield Packet(i, request.payload)


def chat(requests, context):
    yield from requests


def wait(request, context):
    ended = threading.Event()

    def end():
        print("wait ended", flush=True)  # Here: a generator whose call has ended is not resumed.
        ended.set()

    context.add_callback(end)
    yield request
    ended.wait()


CODES = {code.value[0]: code for code in grpc.StatusCode}


def fail(request, context):
    context.abort(CODES[request.count], request.payload.decode())


def serve():
    kinds = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo, decode, encode),
        "Collect": grpc.stream_unary_rpc_method_handler(collect, decode, encode),
        "Repeat": grpc.unary_stream_rpc_method_handler(repeat, decode, encode),
        "Chat": grpc.stream_stream_rpc_method_handler(chat, decode, encode),
        "Wait": grpc.unary_stream_rpc_method_handler(wait, decode, encode),
        "Fail": grpc.unary_unary_rpc_method_handler(fail, decode, encode),
    }
    server = grpc.server(futures.ThreadPoolExecutor(16), options=OPTIONS)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, kinds)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"port {port}", flush=True)
    sys.stdin.read()  # The test that started this process ends it by closing its input.
    server.stop(0)


class Client:
    def __init__(self, channel):
        path = f"/{SERVICE}/"
        self.channel = channel
        self.echo = channel.unary_unary(path + "Echo", encode, decode)
        self.collect = channel.stream_unary(path + "Collect", encode, decode)
        self.repeat = channel.unary_stream(path + "Repeat", encode, decode)
        self.chat = channel.stream_stream(path + "Chat", encode, decode)
        self.wait = channel.unary_stream(path + "Wait", encode, decode)
        self.fail = channel.unary_unary(path + "Fail", encode, decode)


def code_of(action):
    try:
        action()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


class Scenarios:
    def unary(self, client):
        assert client.echo(Packet(7, b"payload")) == Packet(7, b"payload")

    def client_streaming(self, client):
        assert client.collect(iter([Packet(i, bytes(1000)) for i in range(100)])) == Packet(100, 100000)

    def server_streaming(self, client):
        assert [packet.count for packet in client.repeat(Packet(100, bytes(1000)))] == list(range(100))

    def duplex(self, client):
        answered = threading.Semaphore(1)

        def requests():
            for i in range(20):
                answered.acquire()
                yield Packet(i + 1)

        seen = []
        for packet in client.chat(requests()):
            seen.append(packet.count)
            answered.release()
        assert seen == list(range(1, 21))

    def large(self, client):
        payload = bytes(range(256)) * (64 << 12)
        assert len(payload) == 64 << 20
        assert client.echo(Packet(1, payload)).payload == payload

    def deadline(self, client):
        client.echo(Packet(1))  # The connection stands before time runs.
        assert code_of(lambda: list(client.wait(Packet(1), timeout=3))) == grpc.StatusCode.DEADLINE_EXCEEDED

    def cancel(self, client):
        call = client.wait(Packet(1))
        next(call)
        call.cancel()
        assert code_of(lambda: next(call)) == grpc.StatusCode.CANCELLED

    def malformed(self, client):
        go = threading.Event()

        def requests():
            go.wait()
            yield Packet(5)

        other = client.chat(requests())
        assert code_of(lambda: client.echo(MALFORMED)) != grpc.StatusCode.OK
        go.set()
        assert [packet.count for packet in other] == [5]
        assert client.echo(Packet(6)).count == 6

    def status(self, client):
        text = "no: 100 % \u00fc \n \U0001F600"
        try:
            client.fail(Packet(9, text.encode()))
            raise AssertionError("no error")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
            assert error.details() == text, error.details()

    def metadata(self, client):
        sent = (("text", "plain"), ("bytes-bin", bytes(range(256))))
        _, call = client.echo.with_call(Packet(1), metadata=sent)
        assert set(sent) <= {(key, value) for key, value in call.trailing_metadata()}, call.trailing_metadata()

    def gzip(self, client):
        payload = b"fedlora" * 20000
        assert client.echo(Packet(1, payload), compression=grpc.Compression.Gzip).payload == payload
        assert client.echo(Packet(1, payload)).payload == payload

    def unimplemented(self, client):
        missing = client.channel.unary_unary(f"/{SERVICE}/Missing")
        assert code_of(lambda: missing(b"")) == grpc.StatusCode.UNIMPLEMENTED


if sys.argv[1] == "server":
    serve()
else:
    with grpc.insecure_channel(sys.argv[2], options=OPTIONS) as opened:
        getattr(Scenarios(), sys.argv[3])(Client(opened))
    print("ok", flush=True)
