'use strict';
// The runner's end of a link: what it hears waits by client until a step asks for it.

const { Reader, text, toBytes } = require('./frames.js');

const PATIENCE = 30000;

/** Done when a promise is, or after a while with what was waited for. */
function within(promise, what, patience = PATIENCE) {
  let timer;
  return Promise.race([promise, new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('waited in vain for ' + what)), patience)))]).finally(() => clearTimeout(timer));
}

class Link {
  constructor(socket, names) {
    this.socket = socket;
    this.names = names;
    this.frames = [];
    this.isClosed = false;
    this.changed = () => {};
    this.ping = 1000;
    const reader = new Reader((frame) => this.heard(frame));
    socket.on('data', (bytes) => {
      try {
        reader.add(bytes);
      } catch (error) {
        this.wrong = error;
        this.changed();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.changed();
    });
  }

  heard(frame) {
    const control = frame.verb === 'control' ? JSON.parse(frame.body.toString()) : null;
    if (control && control[1] === 'ping') {
      this.send({ control: [-control[0], null] });
      return;
    }
    this.frames.push({ ...frame, control });
    this.changed();
  }

  send(frame, cut) {
    const bytes = toBytes(frame, this.names);
    for (let at = 0; at < bytes.length; at += cut || bytes.length) {
      this.socket.write(bytes.subarray(at, at + (cut || bytes.length)));
    }
  }

  /** The first frame that fits, which those that do not are passed over for. */
  next(fits, what) {
    const search = (done, fail) => {
      const at = this.frames.findIndex(fits);
      this.changed = () => {};
      if (at >= 0) {
        done(this.frames.splice(at, 1)[0]);
      } else if (this.wrong || this.isClosed) {
        fail(this.wrong || new Error('the link was closed instead of ' + what));
      } else {
        this.changed = () => search(done, fail);
      }
    };
    return within(new Promise(search), what);
  }

  of(client) {
    return client.replace(/\$\{(\w+)\}/g, (_, name) => this.names[name]);
  }

  expect(wanted) {
    const client = wanted.client && this.of(wanted.client);
    return this.next(
      (frame) => frame.verb === wanted.verb && frame.client === client && (!wanted.code || JSON.parse(frame.body.toString()).code === wanted.code) && (wanted.body === undefined || frame.body.toString() === text(wanted.body)),
      JSON.stringify(wanted));
  }

  async bytes(client, wanted) {
    let left = Buffer.from(text(wanted));
    while (left.length > 0) {
      const { body } = await this.next((frame) => frame.verb === 'message' && frame.client === this.of(client), left.length + ' bytes of ' + client);
      if (!body.equals(left.subarray(0, body.length))) {
        throw new Error('other bytes than were said, of ' + client);
      }
      left = left.subarray(body.length);
    }
  }

  control(wanted) {
    return this.next((frame) => frame.control && JSON.stringify(frame.control.slice(0, wanted.length)).startsWith(JSON.stringify(wanted).slice(0, -1)), 'control ' + JSON.stringify(wanted));
  }

  /** An answer to a ping, of whatever kind, says that all before it was taken. */
  async lives() {
    const id = this.ping++;
    this.send({ control: [id, 'ping'] });
    await this.next((frame) => frame.control && frame.control[0] === -id, 'an answer to a ping');
  }

  async quiet(client) {
    await this.lives();
    const more = this.frames.find((frame) => frame.client === this.of(client));
    if (more) {
      throw new Error('more of ' + client + ' than there should be: ' + more.fields.join(',') + ' ' + more.body.toString().slice(0, 200));
    }
  }

  closed() {
    return within(new Promise((done) => (this.isClosed ? done() : (this.changed = () => this.isClosed && done()))), 'the end of the link');
  }
}

module.exports = { Link, within };
