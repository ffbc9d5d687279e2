'use strict';
// The least of a codec that a runner needs: puts frames together as a script says, right or wrong, and takes apart what comes.

const VERBS = ['connection', 'control', 'end', 'error', 'pause', 'resume'];

function text(value) {
  return value && Array.isArray(value.repeat) ? value.repeat[0].repeat(value.repeat[1]) : value || '';
}

/** A frame of a script: hex, control (a JSON array), or a header, in which {} is the length of the body, and a body. */
function toBytes(frame, names) {
  if (frame.hex) {
    return Buffer.from(frame.hex, 'hex');
  }
  const body = Buffer.from(frame.control ? JSON.stringify(frame.control) : text(frame.body));
  const header = Buffer.from((frame.control ? ',,,{},control' : frame.header).replace('{}', body.length).replace(/\$\{(\w+)\}/g, (_, name) => names[name]));
  return Buffer.concat([Buffer.from([frame.version || 254, header.length]), header, body]);
}

/** Takes bytes in any pieces; gives each frame with its verb, client and body. */
class Reader {
  constructor(take) {
    this.take = take;
    this.bytes = Buffer.alloc(0);
  }

  add(bytes) {
    this.bytes = Buffer.concat([this.bytes, bytes]);
    for (;;) {
      if (this.bytes.length < 2 || this.bytes.length < 2 + this.bytes[1]) {
        return;
      }
      const start = 2 + this.bytes[1];
      const fields = this.bytes.subarray(2, start).toString().split(',');
      const end = start + Number(fields[3]);
      if (this.bytes[0] !== 254 || !/^\d+$/.test(fields[3])) {
        throw new Error('a frame that is none: ' + this.bytes.subarray(0, 60).toString('latin1'));
      }
      if (this.bytes.length < end) {
        return;
      }
      const verb = VERBS.includes(fields[4]) ? fields[4] : 'message';
      const body = this.bytes.subarray(start, end);
      this.bytes = this.bytes.subarray(end);
      this.take({ verb, client: fields.slice(0, 3).join(','), fields, body: verb !== 'message' && body.toString() === ' ' ? Buffer.alloc(0) : body });
    }
  }
}

module.exports = { Reader, text, toBytes };
