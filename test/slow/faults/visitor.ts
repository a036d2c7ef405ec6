// A visitor who never stops asking an edge: every answer is a new TLS connection. Law: what he saw is told, failures first.
import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 25;
const ASK_MS_MAX = 5_000;

export interface Visitor {
  /** One question now: where the edge sends him. */
  ask(): Promise<string>;
  /** What he saw since the last time, each once; what he is asking now among it. */
  seen(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Asks `GET /` of `hostname`, which is a redirect; an answer is the place it leads to, or `failed: …`. */
export function startVisitor(port: number, hostname: string, ca: string): Visitor {
  const seen = new Set<string>();
  let stopped = false;
  let asked = Promise.resolve();
  const ask = () => askOnce(port, hostname, ca).catch((error: Error) => `failed: ${error.message}`);
  const asking = (async () => {
    while (!stopped) {
      asked = ask().then((answer) => void seen.add(answer));
      await asked;
      await delay(PAUSE_MS);
    }
  })();
  return {
    ask,
    async seen() {
      await asked;
      const all = [...seen].sort();
      seen.clear();
      return all;
    },
    async stop() {
      stopped = true;
      await asking;
    },
  };
}

function askOnce(port: number, hostname: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: hostname, ca, agent: false as const, timeout: ASK_MS_MAX };
    const asked = request({ ...options, headers: { host: hostname } }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => resolve(response.headers.location ?? `status ${response.statusCode}`));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}
