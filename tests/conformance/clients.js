'use strict';
// What is behind a device, and who comes to a relay.

const net = require('net');
const { text } = require('./frames.js');
const { within } = require('./link.js');

/** A local service: echo, reverse (answers what it has heard to the end), or silent (takes nothing). */
function serve(kind) {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: kind === 'silent' }, (socket) => {
    socket.on('error', () => {});
    if (kind === 'echo') {
      socket.pipe(socket);
    } else if (kind === 'reverse') {
      const heard = [];
      socket.on('data', (bytes) => heard.push(bytes));
      socket.on('end', () => socket.end(Buffer.concat(heard).reverse()));
    }
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

/** A client of a relay. */
class Client {
  constructor(port) {
    this.chunks = [];
    this.length = 0;
    this.state = 'open';
    this.changed = () => {};
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (bytes) => this.turn(() => (this.length += this.chunks[this.chunks.push(bytes) - 1].length)));
    this.socket.on('end', () => this.turn(() => (this.state = 'ended')));
    this.socket.on('error', () => this.turn(() => (this.state = 'reset')));
    this.ready = new Promise((done) => this.socket.once('connect', done));
  }

  turn(change) {
    change();
    this.changed();
  }

  say(words) {
    this.socket.write(text(words));
  }

  async hear(words) {
    const wanted = Buffer.from(text(words));
    await this.until(() => this.length >= wanted.length, wanted.length + ' bytes at a client');
    const all = Buffer.concat(this.chunks);
    if (!all.subarray(0, wanted.length).equals(wanted)) {
      throw new Error('other bytes than were said, at a client');
    }
    this.chunks = [all.subarray(wanted.length)];
    this.length = this.chunks[0].length;
  }

  until(condition, what) {
    return within(new Promise((done) => {
      this.changed = () => condition() && done();
      this.changed();
    }), what);
  }
}

module.exports = { Client, serve };
