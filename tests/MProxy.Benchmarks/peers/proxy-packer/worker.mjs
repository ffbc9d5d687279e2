// proxy-packer at work: a line of JSON in, the same work as often as it says, a line of JSON out.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import Packer from 'proxy-packer';

const readLength = 65536;
let work;
let keepsObjects = false;

const commands = {
    // Chunks of one buffer are cut beforehand, so that no time goes into making views.
    unpack({ meta, body, chunk, count, copy }) {
        const frame = Packer.packHeader(meta, Buffer.alloc(body, 'x'), undefined, true);
        const bytes = Buffer.concat(Array(count).fill(frame));
        const chunks = [];
        for (let i = 0; i < bytes.length; i += chunk) {
            chunks.push(bytes.subarray(i, i + chunk));
        }

        const target = Buffer.alloc(body);
        const seen = { frames: 0, bodyBytes: 0 };
        const take = copy
            ? message => { seen.frames++; seen.bodyBytes += message.data.copy(target); }
            : message => { seen.frames++; seen.bodyBytes += message.data ? message.data.length : 0; };
        const machine = unpacker(take);
        work = passes => {
            seen.frames = seen.bodyBytes = 0;
            for (let pass = 0; pass < passes; pass++) {
                for (let i = 0; i < chunks.length; i++) {
                    machine.fns.addChunk(chunks[i]);
                }
            }

            return seen;
        };
        return { bytes: bytes.length };
    },

    // What its pack() does, without the space that pack() makes of an empty body: one buffer with header and body.
    pack({ meta, body, count }) {
        const data = Buffer.alloc(body, 'x');
        work = passes => {
            let bytes = 0;
            for (let i = passes * count; i > 0; i--) {
                bytes += Packer.packHeader(meta, data, undefined, true).length;
            }

            return { frames: passes * count, bodyBytes: passes * count * body, bytes };
        };
        return { bytes: count * Packer.packHeader(meta, data, undefined, true).length };
    },

    // A file's frames as a list of objects. Bodies are views, so each piece that is read needs a buffer of its own.
    file({ path }) {
        keepsObjects = true;
        work = () => collect(machine => {
            const file = openSync(path);
            for (;;) {
                const piece = Buffer.allocUnsafe(readLength);
                const length = readSync(file, piece);
                if (length === 0) {
                    break;
                }

                machine.fns.addChunk(length === readLength ? piece : piece.subarray(0, length));
            }

            closeSync(file);
        });
        return {};
    },

    // The same from memory.
    memory({ path }) {
        const bytes = readFileSync(path);
        keepsObjects = true;
        work = () => collect(machine => machine.fns.addChunk(bytes));
        return { bytes: bytes.length };
    },

    run({ passes }) {
        if (keepsObjects) {
            // What the last round left behind is no part of this one.
            globalThis.gc();
        }

        const started = process.hrtime.bigint();
        const seen = work(passes);
        return { ...seen, milliseconds: Number(process.hrtime.bigint() - started) / 1e6 };
    },
};

function collect(read) {
    const messages = [];
    read(unpacker(message => messages.push(message)));
    return { frames: messages.length, bodyBytes: messages.reduce((sum, message) => sum + (message.data ? message.data.length : 0), 0) };
}

function unpacker(take) {
    return Packer.create({ onmessage: take, onconnection: take, oncontrol: take, onerror: take, onend: take, onpause: take, onresume: take });
}

for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...rest } = JSON.parse(line);
    console.log(JSON.stringify(commands[op](rest)));
}
