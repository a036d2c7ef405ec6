// One long-lived `git cat-file --batch-command`: answers in under a millisecond where a new process costs ten. It is started on
// demand, started again when it dies, and never reads an object before its size is known.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';

export interface ObjectInfo {
  id: string;
  type: string;
  size: number;
}

export interface GitObjects {
  /** `name` is an object id or a full ref name. undefined: there is no such object. */
  info(name: string): Promise<ObjectInfo | undefined>;
  /** The content of an object that is known to exist and to be small enough. @throws KokoaError object_missing */
  contents(id: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

interface Waiting {
  withContent: boolean;
  resolve(answer: { info: ObjectInfo | undefined; bytes: Uint8Array }): void;
  reject(error: unknown): void;
}

/** A request that takes longer ends the process, and with it every request behind it. */
const ANSWER_TIMEOUT_MS = 30_000;
const HEADER_BYTES_MAX = 4096;
const NAME = /^[^\x00-\x20\x7f]+$/;

/** @throws KokoaError git_objects_failed from every method when git ends or stalls */
export function openGitObjects(gitDir: string, env: Record<string, string>): GitObjects {
  let current: Batch | undefined;
  const ask = (verb: 'info' | 'contents', name: string) => {
    if (!NAME.test(name)) throw new KokoaError('git_objects_failed', 'an object name holds white space');
    if (!current || current.ended) current = startBatch(gitDir, env);
    return current.ask(verb, name);
  };
  return {
    info: async (name) => (await ask('info', name)).info,
    contents: async (id) => {
      const answer = await ask('contents', id);
      if (!answer.info) throw new KokoaError('object_missing', `object ${id} is not in the mirror`);
      return answer.bytes;
    },
    close: async () => current?.close(),
  };
}

interface Batch {
  readonly ended: boolean;
  ask(verb: 'info' | 'contents', name: string): Promise<{ info: ObjectInfo | undefined; bytes: Uint8Array }>;
  close(): Promise<void>;
}

function startBatch(gitDir: string, env: Record<string, string>): Batch {
  const child = execa('git', [`--git-dir=${gitDir}`, 'cat-file', '--batch-command'], {
    env,
    extendEnv: false,
    encoding: 'buffer',
    buffer: false,
    stdin: 'pipe',
    stderr: 'ignore',
    reject: false,
  });
  const queue: Waiting[] = [];
  const state = { ended: false };
  const watch = setInterval(() => fail('did not answer in time'), ANSWER_TIMEOUT_MS).unref();
  const fail = (why: string) => {
    if (queue.length === 0 && why !== 'ended') return;
    state.ended = true;
    clearInterval(watch);
    child.kill('SIGKILL');
    const error = new KokoaError('git_objects_failed', `git cat-file ${why}`);
    for (const waiting of queue.splice(0)) waiting.reject(error);
  };
  const reader = answerReader(queue, () => watch.refresh());
  child.stdout.on('data', (data: Uint8Array) => {
    try {
      reader(data);
    } catch {
      fail('answered something unexpected');
    }
  });
  child.stdin.on('error', () => fail('ended'));
  child.then(
    () => fail('ended'),
    () => fail('ended'),
  );
  return {
    get ended() {
      return state.ended;
    },
    ask: (verb, name) =>
      new Promise((resolve, reject) => {
        if (queue.length === 0) watch.refresh();
        queue.push({ withContent: verb === 'contents', resolve, reject });
        child.stdin.write(`${verb} ${name}\n`);
      }),
    close: async () => {
      fail('ended');
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** Cuts the stream into answers: `<id> <type> <size>\n`, with the content and one more `\n` where it was asked for. */
function answerReader(queue: Waiting[], onAnswer: () => void): (data: Uint8Array) => void {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let needed = 1;
  return (data) => {
    held.push(data);
    heldBytes += data.length;
    if (heldBytes < needed) return;
    let buffer = held.length === 1 ? held[0]! : Buffer.concat(held);
    for (;;) {
      const taken = takeAnswer(buffer, queue[0]);
      if (typeof taken === 'number') {
        needed = taken;
        break;
      }
      onAnswer();
      buffer = buffer.subarray(taken.length);
      queue.shift()!.resolve(taken);
    }
    held = buffer.length > 0 ? [buffer] : [];
    heldBytes = buffer.length;
  };
}

/** A whole answer from the start of `buffer`, or how many bytes are needed to find one. */
function takeAnswer(buffer: Uint8Array, waiting: Waiting | undefined) {
  const end = buffer.indexOf(10);
  if (end < 0 && buffer.length > HEADER_BYTES_MAX) throw new TypeError('header too long');
  if (end < 0) return buffer.length + 1;
  if (!waiting) throw new TypeError('an answer nobody asked for');
  const header = Buffer.from(buffer.subarray(0, end)).toString('latin1');
  const match = /^([0-9a-f]{40,64}) (blob|tree|commit|tag) (\d+)$/.exec(header);
  if (!match) {
    if (!/ (missing|ambiguous)$/.test(header)) throw new TypeError('unexpected header');
    return { info: undefined, bytes: new Uint8Array(), length: end + 1 };
  }
  const info: ObjectInfo = { id: match[1]!, type: match[2]!, size: Number(match[3]) };
  if (!waiting.withContent) return { info, bytes: new Uint8Array(), length: end + 1 };
  const length = end + 1 + info.size + 1;
  if (buffer.length < length) return length;
  return { info, bytes: buffer.slice(end + 1, end + 1 + info.size), length };
}
