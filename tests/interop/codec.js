'use strict';
// The reference's codec, told by lines of JSON what to pack or to unpack. Each line is answered by one.

const readline = require('readline');
const Packer = require('proxy-packer');

const kinds = ['message', 'connection', 'control', 'end', 'error', 'pause', 'resume'];

function pack(frame) {
  const body = Buffer.from(frame.body, 'base64');
  if (frame.isWhole) {
    return Packer.pack(frame.meta, body, frame.verb);
  }
  return Buffer.concat([Packer.packHeader(frame.meta, body, frame.verb), body]);
}

function unpack(chunks) {
  const events = [];
  const options = {};
  for (const kind of kinds) {
    options['on' + kind] = (message) => events.push({ kind, ...message, data: message.data && message.data.toString('base64') });
  }
  const machine = Packer.create(options);
  try {
    for (const chunk of chunks) {
      machine.fns.addChunk(Buffer.from(chunk, 'base64'));
    }
    return { events };
  } catch (error) {
    return { events, failed: error.message };
  }
}

// Whatever the package says of bytes that it does not like is no line of an answer: it says so on standard error.
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const asked = JSON.parse(line);
  const answer = asked.pack ? { packed: asked.pack.map((frame) => pack(frame).toString('base64')) } : unpack(asked.unpack);
  process.stdout.write(JSON.stringify(answer) + '\n');
});
