// The visitor: a process in the client's namespace that is told what to request and says what it saw.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { KokoaError } from '../bundle/error.ts';
import type { Host } from './namespace.ts';
import type {
  Expectation,
  LoadOptions,
  LoadReport,
  ProbeAnswer,
  ProbeCommand,
  ProbeResult,
  ProbeTarget,
  UntilOptions,
  UntilResult,
  WebSocketResult,
} from './probe-protocol.ts';

const PROGRAM = fileURLToPath(new URL('probe-server.ts', import.meta.url));

export interface Load {
  /** Ends it early; resolves like `report`. */
  stop(): Promise<LoadReport>;
  /** Resolves when it is over. */
  readonly report: Promise<LoadReport>;
}

export interface Client {
  /** One request on a new connection. What fails is a value. */
  request(target: ProbeTarget): Promise<ProbeResult>;
  /** Requests until the answer is as expected: tells when that was, to about `everyMs`. */
  until(target: ProbeTarget, expect: Expectation, options?: UntilOptions): Promise<UntilResult>;
  /** A steady rate of requests, each on a new connection; goes on while other things are asked. */
  load(options: LoadOptions): Load;
  /** Opens a WebSocket, sends `text`, answers the echo. */
  webSocket(target: ProbeTarget, text: string): Promise<WebSocketResult>;
  close(): Promise<void>;
}

/** A child and its pipes: all of them hold an event loop. */
interface Holder {
  ref(): unknown;
  unref(): unknown;
}

/** Starts the process in `host`. Every call @throws KokoaError lab_probe_failed when the process is gone. */
export async function openClient(host: Host): Promise<Client> {
  const child = host.open(process.execPath, [PROGRAM]);
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  let ids = 0;
  let gone = false;
  /** Keeps this process alive while an answer is awaited, and not longer: whoever keeps a run up can simply end. */
  const hold = () => {
    const action = waiting.size > 0 ? 'ref' : 'unref';
    for (const holder of [child.nodeChildProcess, child.stdin, child.stdout] as Holder[]) holder[action]();
  };
  const wait = <T>(id: number) =>
    new Promise<T>((resolve, reject) => {
      if (gone) reject(new KokoaError('lab_probe_failed', `the probe process in ${host.name} has ended`));
      else waiting.set(id, { resolve, reject });
      hold();
    });
  const send = <T>(command: ProbeCommand): { id: number; result: Promise<T> } => {
    const id = ++ids;
    const result = wait<T>(id);
    // Whoever awaits it still sees it fail; a load that nobody awaits yet must not end this process.
    result.catch(() => undefined);
    if (!gone) child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    return { id, result };
  };
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as ProbeAnswer;
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    hold();
    if ('error' in answer) asked?.reject(new KokoaError('lab_probe_failed', answer.error));
    else asked?.resolve(answer.result as never);
  });
  const ended = child.then(() => {
    gone = true;
    for (const { reject } of waiting.values()) {
      reject(new KokoaError('lab_probe_failed', `the probe process in ${host.name} has ended`));
    }
    waiting.clear();
  });
  await wait(0);

  return {
    request: (target) => send<ProbeResult>({ do: 'request', target }).result,
    until: (target, expect, options = {}) => send<UntilResult>({ do: 'until', target, expect, options }).result,
    load: (options) => {
      const { id, result } = send<LoadReport>({ do: 'load', options });
      const stop = async () => {
        await send({ do: 'stop', load: id }).result;
        return result;
      };
      return { report: result, stop };
    },
    webSocket: (target, text) => send<WebSocketResult>({ do: 'websocket', target, text }).result,
    close: async () => {
      child.nodeChildProcess.ref();
      child.stdin.end();
      await ended;
    },
  };
}
