// The probe service by @grpc/grpc-js: `peer.js PROTO server`, or `peer.js PROTO client ADDRESS SCENARIO`.
'use strict';
const assert = require('node:assert');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [proto, role, address, scenario] = process.argv.slice(2);
const definition = loader.loadSync(proto, { longs: Number, defaults: true })['fedlora.probe.v1.Probe'];

// A buffer in place of a message goes out as it is: that is how malformed messages are made.
for (const method of Object.values(definition)) {
  for (const name of ['requestSerialize', 'responseSerialize']) {
    const serialize = method[name];
    method[name] = value => Buffer.isBuffer(value) ? value : serialize(value);
  }
}

const malformed = Buffer.from([0xff, 0xff, 0xff]);
const options = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
};

function serve() {
  const server = new grpc.Server(options);
  server.addService(definition, {
    echo(call, answer) {
      const trailers = new grpc.Metadata();
      for (const key of ['text', 'bytes-bin']) for (const value of call.metadata.get(key)) trailers.add(key, value);
      answer(null, call.request.count === -1 ? malformed : call.request, trailers);
    },
    collect(call, answer) {
      const total = { count: 0, bytes: 0 };
      call.on('data', packet => { total.count++; total.bytes += packet.payload.length; });
      call.on('end', () => answer(null, total));
    },
    repeat(call) {
      for (let i = 0; i < call.request.count; i++) call.write({ count: i, payload: call.request.payload });
      call.end();
    },
    chat(call) {
      call.on('data', packet => call.write(packet));
      call.on('end', () => call.end());
    },
    wait(call) {
      call.on('cancelled', () => console.log('wait ended'));
      call.write(call.request);
    },
    fail(call, answer) {
      answer({ code: call.request.count, details: call.request.payload.toString('utf8') });
    },
  });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    assert.ifError(error);
    console.log(`port ${port}`);
  });
  // The test that started this process ends it by closing its input.
  process.stdin.on('end', () => process.exit(0)).resume();
}

const Client = grpc.makeClientConstructor(definition, 'Probe');

function echo(client, packet, metadata = new grpc.Metadata(), callOptions = {}) {
  return new Promise((resolve, reject) => {
    let trailers;
    const call = client.echo(packet, metadata, callOptions, (error, reply) => error ? reject(error) : setImmediate(() => resolve({ reply, trailers })));
    call.on('status', status => { trailers = status.metadata; });
  });
}

function all(stream) {
  return new Promise((resolve, reject) => {
    const seen = [];
    stream.on('data', packet => seen.push(packet)).on('end', () => resolve(seen)).on('error', reject);
  });
}

const failure = stream => new Promise(resolve => stream.on('error', resolve));
const first = stream => new Promise(resolve => stream.once('data', resolve));

const scenarios = {
  async unary(client) {
    const { reply } = await echo(client, { count: 7, payload: Buffer.from('payload') });
    assert.deepStrictEqual(reply, { count: 7, payload: Buffer.from('payload') });
  },
  async client_streaming(client) {
    const total = await new Promise((resolve, reject) => {
      const call = client.collect((error, reply) => error ? reject(error) : resolve(reply));
      for (let i = 0; i < 100; i++) call.write({ count: i, payload: Buffer.alloc(1000) });
      call.end();
    });
    assert.deepStrictEqual(total, { count: 100, bytes: 100000 });
  },
  async server_streaming(client) {
    const packets = await all(client.repeat({ count: 100, payload: Buffer.alloc(1000) }));
    assert.deepStrictEqual(packets.map(packet => packet.count), [...Array(100).keys()]);
  },
  async duplex(client) {
    const call = client.chat();
    for (let i = 0; i < 20; i++) {
      call.write({ count: i });
      assert.strictEqual((await first(call)).count, i);
    }
    call.end();
    assert.deepStrictEqual(await all(call), []);
  },
  async large(client) {
    const payload = Buffer.alloc(64 << 20);
    for (let i = 0; i < payload.length; i += 4096) payload.writeUInt32LE(i, i);
    const { reply } = await echo(client, { count: 1, payload });
    assert.ok(payload.equals(reply.payload));
  },
  async deadline(client) {
    await echo(client, { count: 1 });  // The connection stands before time runs.
    const call = client.wait({ count: 1 }, { deadline: Date.now() + 3000 });
    const ended = failure(call);
    call.resume();
    assert.strictEqual((await ended).code, grpc.status.DEADLINE_EXCEEDED);
  },
  async cancel(client) {
    const call = client.wait({ count: 1 });
    const ended = failure(call);
    await first(call);
    call.cancel();
    call.resume();
    assert.strictEqual((await ended).code, grpc.status.CANCELLED);
  },
  async malformed(client) {
    const other = client.chat();
    await assert.rejects(echo(client, malformed), error => error.code !== grpc.status.OK);
    other.write({ count: 5 });
    assert.strictEqual((await first(other)).count, 5);
    other.end();
    assert.strictEqual((await echo(client, { count: 6 })).reply.count, 6);
  },
  async status(client) {
    const text = 'no: 100 % \u00fc \n \u{1F600}';
    const error = await new Promise(resolve => client.fail({ count: 9, payload: Buffer.from(text) }, resolve));
    assert.strictEqual(error.code, grpc.status.FAILED_PRECONDITION);
    assert.strictEqual(error.details, text);
  },
  async metadata(client) {
    const metadata = new grpc.Metadata();
    const bytes = Buffer.from([...Array(256).keys()]);
    metadata.add('text', 'plain');
    metadata.add('bytes-bin', bytes);
    const { trailers } = await echo(client, { count: 1 }, metadata);
    assert.deepStrictEqual(trailers.get('text'), ['plain']);
    assert.ok(bytes.equals(trailers.get('bytes-bin')[0]));
  },
  async gzip(client) {
    // The peer compresses what it sends; it accepts gzip, so the server under test may answer so too.
    const compressed = new Client(address, grpc.credentials.createInsecure(), { ...options, 'grpc.default_compression_algorithm': 2 });
    const payload = Buffer.alloc(100000, 'fedlora');
    assert.ok(payload.equals((await echo(compressed, { count: 1, payload })).reply.payload));
    assert.ok(payload.equals((await echo(client, { count: 1, payload })).reply.payload));
    compressed.close();
  },
  async unimplemented(client) {
    const missing = '/fedlora.probe.v1.Probe/Missing';
    const error = await new Promise(resolve =>
      client.makeUnaryRequest(missing, value => value, value => value, Buffer.alloc(0), resolve));
    assert.strictEqual(error.code, grpc.status.UNIMPLEMENTED);
  },
};

if (role === 'server') {
  serve();
} else {
  const client = new Client(address, grpc.credentials.createInsecure(), options);
  scenarios[scenario](client).then(
    () => { console.log('ok'); process.exit(0); },
    error => { console.log(error.stack); process.exit(1); });
}
