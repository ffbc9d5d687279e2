'use strict';
// A device: dials a relay, shows its token in one of three ways, and takes each client to a port of this machine.
// Options: relay (URL), token, how (url, header or command), port (of the service), certificate (of the relay, PEM).

const net = require('net');
const WebSocket = require('ws');
const { Link, start } = require('./link.js');

start((options, tell) => {
  const url = new URL(options.relay);
  const headers = {};
  if (options.how === 'url') {
    url.searchParams.set('access_token', options.token);
  } else if (options.how === 'header') {
    headers.Authorization = 'Bearer ' + options.token;
  }

  const ws = new WebSocket(url, { headers, ca: options.certificate, perMessageDeflate: false });
  const link = new Link(ws, {
    tell,
    open: () => net.connect({ port: options.port, host: '127.0.0.1', allowHalfOpen: true }),
    control([id, ...message]) {
      if (id === 1) {
        link.control([-1, null]);
        if (options.how === 'command') {
          link.control([4711, 'add_token', options.token]);
        }
      } else if (id > 3) {
        // What the reference does not know, a ping for one.
        link.control([-id, { message: 'unknown command', code: 'E_UNKNOWN_COMMAND' }]);
      }
      tell({ event: 'control', id, message });
    },
  });
  ws.on('error', (error) => tell({ event: 'failed', message: error.message }));
  ws.on('close', (code) => tell({ event: 'closed', code }));
});
