// Reads HTTP/1.1 answers off a socket as they come (RFC 9112): the head, then piece by piece. A kept connection gives one after the other.
import type { Duplex } from 'node:stream';

const HEAD_BYTES_MAX = 64 * 1024;
const READ_TIMEOUT_MS = 15_000;

export interface Head {
  status: number;
  /** Name in lower case → values in their order, joined by `, `. */
  headers: Record<string, string>;
  /** Name and value as they came. */
  rawHeaders: [string, string][];
}

export class AnswerReader {
  readonly #socket: Duplex;
  readonly #method: string;
  #bytes: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => undefined;

  /** One per connection. `method` of all its requests: an answer to HEAD has no body. */
  constructor(socket: Duplex, method = 'GET') {
    this.#socket = socket;
    this.#method = method;
    const end = (error?: Error) => {
      this.#ended = true;
      this.#error ??= error;
      this.#wake();
    };
    socket.on('data', (part: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, part]);
      this.#wake();
    });
    socket.on('end', () => end());
    socket.on('close', () => end());
    socket.on('error', end);
  }

  /** The head of the next answer that is not 1xx (101 is one). Rejects when the connection ends before. */
  async head(): Promise<Head> {
    for (;;) {
      const head = parseHead(await this.#until('\r\n\r\n', HEAD_BYTES_MAX));
      if (head.status >= 200 || head.status === 101) return head;
    }
  }

  /** The body as it arrives; rejects when it is cut short. */
  async *pieces({ status, headers }: Head): AsyncGenerator<Buffer> {
    if (this.#method === 'HEAD' || status === 204 || status === 304 || status === 101) return;
    if (headers['transfer-encoding'] === 'chunked') yield* this.#chunks();
    else if (headers['content-length'] !== undefined) yield* this.#exactly(Number(headers['content-length']));
    else yield* this.#rest();
  }

  async text(head: Head): Promise<string> {
    const pieces: Buffer[] = [];
    for await (const piece of this.pieces(head)) pieces.push(piece);
    return Buffer.concat(pieces).toString('utf8');
  }

  /** What came and is not read yet, as of an upgraded connection. */
  async *#rest(): AsyncGenerator<Buffer> {
    while (this.#bytes.length > 0 || (await this.#more())) yield this.#take(this.#bytes.length);
    if (this.#error) throw this.#error;
  }

  async *#exactly(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#bytes.length === 0 && !(await this.#more())) throw this.#cut();
      const piece = this.#take(Math.min(left, this.#bytes.length));
      left -= piece.length;
      yield piece;
    }
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const length = Number.parseInt(await this.#until('\r\n', HEAD_BYTES_MAX), 16);
      if (length > 0) yield* this.#exactly(length);
      // After the last chunk come trailers, until an empty line.
      const line = await this.#until('\r\n', HEAD_BYTES_MAX);
      if (length === 0 && line === '') return;
    }
  }

  async #until(mark: string, bytesMax: number): Promise<string> {
    for (;;) {
      const at = this.#bytes.indexOf(mark);
      if (at >= 0) {
        const text = this.#take(at).toString('latin1');
        this.#take(mark.length);
        return text;
      }
      if (this.#bytes.length > bytesMax) throw new Error('an answer without end of head');
      if (!(await this.#more())) throw this.#cut();
    }
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  /** False when nothing more will come. */
  async #more(): Promise<boolean> {
    const before = this.#bytes.length;
    if (!this.#ended) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('the edge says nothing more')), READ_TIMEOUT_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#bytes.length > before;
  }

  #cut(): Error {
    return this.#error ?? Object.assign(new Error('the connection ended inside an answer'), { code: 'cut' });
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function parseHead(text: string): Head {
  const [line = '', ...fields] = text.split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1]);
  if (Number.isNaN(status)) throw new Error(`no HTTP/1.1 answer: ${line.slice(0, 100)}`);
  const rawHeaders = fields.map((field): [string, string] => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });
  const headers: Record<string, string> = {};
  for (const [name, value] of rawHeaders) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return { status, headers, rawHeaders };
}
