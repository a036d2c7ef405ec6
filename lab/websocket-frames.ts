// WebSocket frames as far as an echo needs them (RFC 6455 §5): whole text frames and close, up to 64 KiB.
import { createHash, randomBytes } from 'node:crypto';

/** RFC 6455 §1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const LENGTH_16 = 126;
const TEXT = 0x1;
const CLOSE = 0x8;

export interface Frame {
  kind: 'text' | 'close' | 'other';
  payload: Buffer;
}

/** The answer to a handshake's Sec-WebSocket-Key. */
export function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
}

/** One final text frame; a client must mask. @throws RangeError above 64 KiB */
export function textFrame(payload: Buffer, masked: boolean): Buffer {
  if (payload.length > 0xffff) throw new RangeError(`a payload of ${payload.length} bytes; 65535 is the most`);
  const long = payload.length >= LENGTH_16;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | TEXT;
  head[1] = (masked ? 0x80 : 0) | (long ? LENGTH_16 : payload.length);
  if (long) head.writeUInt16BE(payload.length, 2);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, unmask(payload, mask)]);
}

/** The first frame of `bytes` and what is left; undefined while it is incomplete. @throws RangeError above 64 KiB */
export function readFrame(bytes: Buffer): { frame: Frame; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  let length = second & 0x7f;
  let at = 2;
  if (length > LENGTH_16) throw new RangeError('a frame above 64 KiB');
  if (length === LENGTH_16) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  }
  const masked = (second & 0x80) !== 0;
  const start = at + (masked ? 4 : 0);
  if (bytes.length < start + length) return undefined;
  const payload = bytes.subarray(start, start + length);
  const opcode = first & 0x0f;
  return {
    frame: {
      kind: opcode === TEXT ? 'text' : opcode === CLOSE ? 'close' : 'other',
      payload: masked ? unmask(payload, bytes.subarray(at, start)) : payload,
    },
    rest: bytes.subarray(start + length),
  };
}

function unmask(payload: Buffer, mask: Buffer): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
}
