#!/usr/bin/env node
'use strict';
// Runs the conformance kit on an implementation. See README.md.

const { spawn } = require('child_process');
const fs = require('fs');
const net = require('net');
const path = require('path');
const readline = require('readline');
const { Client, serve } = require('./clients.js');
const { Link, within } = require('./link.js');

const options = {};
for (let i = 2; i < process.argv.length; i += 2) {
  const name = process.argv[i].replace(/^--/, '');
  if (!['codec', 'device', 'relay', 'only'].includes(name) || process.argv[i + 1] === undefined) {
    console.error('run.js [--codec COMMAND] [--device COMMAND] [--relay COMMAND] [--only WORDS]');
    process.exit(64);
  }
  options[name] = process.argv[i + 1];
}

const load = (name) => JSON.parse(fs.readFileSync(path.join(__dirname, name)));
let count = 0;
let failed = 0;

/** Starts a subject, of whom lines may be asked. */
function start(command, places = {}) {
  const child = spawn('/bin/sh', ['-c', 'exec ' + command.replace(/\{(\w+)\}/g, (_, name) => places[name])], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    line: async (what) => JSON.parse((await within(lines.next(), what, 60000)).value),
    say: (value) => child.stdin.write(JSON.stringify(value) + '\n'),
    stop: async () => {
      const ended = new Promise((done) => child.once('exit', done));
      child.stdin.end();
      await within(ended, 'the end of the subject').catch(() => child.kill('SIGKILL'));
    },
  };
}

async function report(name, run) {
  if (options.only && !name.includes(options.only)) {
    return;
  }
  count++;
  try {
    await run();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${count} - ${name}\n  # ${error.message}`);
  }
}

async function runCodec(command) {
  const subject = start(command);
  const same = async (ask, wanted) => {
    subject.say(ask);
    const told = await subject.line('an answer of the codec');
    if (JSON.stringify(told) !== JSON.stringify(wanted)) {
      throw new Error(`wanted ${JSON.stringify(wanted)}, and got ${JSON.stringify(told)}`);
    }
  };
  for (const { name, pack, hex } of load('codec.json').pack) {
    await report(`codec: packs ${name}`, () => same({ pack }, hex === null ? { error: true } : { hex }));
  }
  for (const { name, hex, frames, error } of load('codec.json').unpack) {
    await report(`codec: unpacks ${name}`, () => same({ unpack: [hex] }, { frames, error }));
    await report(`codec: unpacks ${name}, byte by byte`, () => same({ unpack: hex.match(/../g) }, { frames, error }));
  }
  await subject.stop();
}

/** One session: the runner's link, clients and service, and the steps that say what they do and have to see. */
async function runSteps(steps, link, clients, port) {
  const names = link.names;
  let cut = 0;
  const doing = {
    cut: (length) => (cut = length),
    send: (...frames) => frames.forEach((frame) => link.send(frame, cut)),
    again: (times, frame) => {
      for (let i = 0; i < times; i++) {
        link.send(frame, cut);
      }
    },
    expect: (wanted) => link.expect(wanted),
    control: (wanted) => link.control(wanted),
    bytes: (client, wanted) => link.bytes(client, wanted),
    quiet: (client) => link.quiet(client),
    lives: () => link.lives(),
    closed: () => link.closed(),
    connect: (name) => (clients[name] = new Client(port)).ready,
    new: async (name, service) => {
      const { fields } = await link.next((frame) => frame.verb === 'connection', 'a connection');
      if (service !== fields[7]) {
        throw new Error(`a client of ${fields[7]}, and not of ${service}`);
      }
      names[name] = fields.slice(0, 3).join(',');
      names.P = fields[5];
    },
    say: (name, words) => clients[name].say(words),
    finish: (name) => clients[name].socket.end(),
    stop: (name) => clients[name].socket.pause(),
    go: (name) => clients[name].socket.resume(),
    abort: (name) => clients[name].socket.resetAndDestroy(),
    hear: (name, words) => clients[name].hear(words),
    ended: (name) => clients[name].until(() => clients[name].state === 'ended' && clients[name].length === 0, 'the end of a client'),
    reset: (name) => clients[name].until(() => clients[name].state === 'reset', 'the reset of a client'),
  };
  for (const [index, [what, ...rest]] of steps.entries()) {
    try {
      await doing[what](...rest);
    } catch (error) {
      throw new Error(`step ${index + 1}, ${what}: ${error.message}`);
    }
  }
}

async function runDevice(command, { steps, service }) {
  const links = net.createServer();
  await new Promise((done) => links.listen(0, '127.0.0.1', done));
  const local = await serve(service || 'echo');
  const place = local.address().port;
  if (service === 'none') {
    local.close();
  }
  const dialled = new Promise((done) => links.once('connection', done));
  const subject = start(command, { relay: links.address().port, service: place });
  let socket;
  try {
    socket = await within(dialled, 'the device', 60000);
    links.close();
    await runSteps(steps, new Link(socket, {}), {});
  } finally {
    socket && socket.destroy();
    local.close();
    local.closeAllConnections && local.closeAllConnections();
    await subject.stop();
  }
}

async function runRelay(command, { steps }) {
  const subject = start(command);
  const clients = {};
  let socket;
  try {
    const at = await subject.line('where the relay listens');
    socket = net.connect(at.relay, '127.0.0.1');
    await runSteps(steps, new Link(socket, {}), clients, at.clients);
  } finally {
    Object.values(clients).forEach((client) => client.socket.destroy());
    socket && socket.destroy();
    await subject.stop();
  }
}

(async () => {
  if (options.codec) {
    await runCodec(options.codec);
  }
  for (const [kind, run] of [['device', runDevice], ['relay', runRelay]]) {
    for (const session of options[kind] ? load(`${kind}.json`) : []) {
      await report(`${kind}: ${session.name}`, () => run(options[kind], session));
    }
  }
  console.log(`1..${count}\n# ${count - failed} of ${count} as they should be`);
  process.exit(failed ? 1 : 0);
})();
