'use strict';
// One side of a link, on the reference's codec, with its habits: header and body are messages of their own, an empty body is a space, and what waits is
// bounded by marks of 1 MiB.

const Packer = require('proxy-packer');

const HIGH_MARK = 1 << 20;

class Link {
  /**
   * @param ws The WebSocket, which is open.
   * @param options control(array): a control message came; open(meta): a socket for a client that came; tell(event): something happened.
   */
  constructor(ws, options) {
    this.ws = ws;
    this.options = options;
    this.clients = new Map();
    const machine = Packer.create({
      onmessage: (message) => this.data(message),
      oncontrol: (message) => options.control(JSON.parse(message.data.toString())),
      onconnection: (message) => this.find(message),
      onerror: (message) => this.over(message),
      onend: (message) => this.ended(message),
      onpause: (message) => this.flow(message, true),
      onresume: (message) => this.flow(message, false),
    });
    ws.on('message', (bytes) => machine.fns.addChunk(bytes));
    ws.on('close', () => this.clients.forEach((client) => client.socket.destroy()));
  }

  control(array) {
    this.send(null, Buffer.from(JSON.stringify(array)), 'control');
  }

  /** Header and body, each a message. */
  send(meta, body, verb) {
    this.ws.send(Packer.packHeader(meta && { ...meta }, body, verb));
    this.ws.send(body);
  }

  /** Something about a client, with an empty body as the reference has it, or a few words. */
  say(client, verb, body) {
    this.ws.send(Packer.pack({ ...client.meta }, body, verb));
  }

  find(message) {
    const { family, address, port, service, serviceport, name } = message;
    const client = this.clients.get(Packer.addrToId(message));
    return client || (this.options.open ? this.attach(this.options.open(message), { family, address, port, service, serviceport, name }) : null);
  }

  /** From now on what a socket says goes over the link, and the other way round. */
  attach(socket, meta) {
    const id = Packer.addrToId(meta);
    const client = { socket, meta, received: 0, hasPaused: false, isPaused: false };
    this.clients.set(id, client);
    socket.on('data', (chunk) => {
      this.send(meta, chunk);
      if (this.ws.bufferedAmount > HIGH_MARK) {
        socket.pause();
        this.drained(client);
      }
    });
    socket.on('end', () => this.say(client, 'end'));
    socket.on('drain', () => {
      if (client.hasPaused) {
        client.hasPaused = false;
        this.say(client, 'resume', Buffer.from(String(client.received)));
        this.options.tell({ event: 'resumed' });
      }
    });
    socket.on('error', (error) => {
      if (this.clients.get(id) === client) {
        this.say(client, 'error', { message: error.message, code: error.code });
      }
    });
    socket.on('close', () => this.clients.get(id) === client && this.clients.delete(id));
    return client;
  }

  /** What waits for the link goes first. */
  drained(client) {
    this.ws.send(Buffer.alloc(0), () => {
      if (!client.isPaused) {
        client.socket.resume();
      }
    });
  }

  data(message) {
    const client = this.find(message);
    if (!client || !message.data) {
      return;
    }
    client.received += message.data.length;
    if (!client.socket.write(message.data) && client.socket.writableLength > HIGH_MARK && !client.hasPaused) {
      client.hasPaused = true;
      this.say(client, 'pause', Buffer.from(String(client.received)));
      this.options.tell({ event: 'pausing' });
    }
  }

  flow(message, isPaused) {
    const client = this.clients.get(Packer.addrToId(message));
    if (client) {
      client.isPaused = isPaused;
      isPaused ? client.socket.pause() : client.socket.resume();
      this.options.tell({ event: isPaused ? 'pause' : 'resume' });
    }
  }

  ended(message) {
    const client = this.clients.get(Packer.addrToId(message));
    if (client) {
      client.socket.end();
    }
  }

  over(message) {
    const id = Packer.addrToId(message);
    const client = this.clients.get(id);
    if (client) {
      this.clients.delete(id);
      client.socket.resetAndDestroy ? client.socket.resetAndDestroy() : client.socket.destroy();
    }
    this.options.tell({ event: 'error', code: message.code, message: message.message });
  }
}

/** Options are the first line of standard input; its end ends the program. What happens is told by lines of standard output. */
function start(run) {
  const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');
  let isStarted = false;
  require('readline')
    .createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (!isStarted) {
        isStarted = true;
        run(JSON.parse(line), tell);
      }
    })
    .on('close', () => process.exit(0));
}

module.exports = { Link, start };
