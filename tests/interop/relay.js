'use strict';
// A relay: takes one device, and brings it the clients of one port. It says which ports these are.
// Options: certificate and key (PEM; without them it speaks ws).

const http = require('http');
const https = require('https');
const net = require('net');
const WebSocket = require('ws');
const Packer = require('proxy-packer');
const { Link, start } = require('./link.js');

start((options, tell) => {
  let link = null;
  const clients = net.createServer({ allowHalfOpen: true }, (socket) => {
    const meta = { ...Packer.socketToAddr(socket), service: 'tcp' };
    if (!link) {
      return socket.destroy();
    }
    const client = link.attach(socket, meta);
    link.say(client, 'connection');
  });

  const server = options.key ? https.createServer({ cert: options.certificate, key: options.key }) : http.createServer();
  new WebSocket.Server({ server, perMessageDeflate: false }).on('connection', (ws, request) => {
    const shown = { url: new URL(request.url, 'http://x').searchParams.get('access_token'), header: request.headers.authorization };
    const mine = new Link(ws, {
      tell,
      control([id, ...message]) {
        if (id > 3) {
          const isToken = message[0] === 'add_token';
          mine.control([-id, isToken ? null : { message: 'unknown command', code: 'E_UNKNOWN_COMMAND' }]);
          if (isToken) {
            grant();
          }
        }
        tell({ event: 'control', id, message });
      },
    });
    const grant = () => mine.control([2, 'grant', [['tcp', 'tcp.test', [clients.address().port]]]]);
    if (shown.url || shown.header) {
      grant();
    }
    mine.control([1, 'hello', [1], ['add_token', 'delete_token']]);
    ws.on('close', () => {
      link = link === mine ? null : link;
      tell({ event: 'closed' });
    });
    link = mine;
    tell({ event: 'device', ...shown });
  });

  clients.listen(0, '127.0.0.1', () => server.listen(0, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port, clients: clients.address().port })));
});
