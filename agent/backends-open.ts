// Make before break: an origin opens a port when it applies its own config, which may be a moment after the edge has its one. The
// edge turns to a new backend once that answers, or after a short wait, because a dead origin must not keep a change back.
import { setTimeout as delay } from 'node:timers/promises';
import type { Chunk } from '../bundle/config.ts';

/** An origin that follows needs some tens of milliseconds; one that does not is not waited for longer. */
const WAIT_MS_MAX = 1_500;
const KNOCK_MS = 150;
const EVERY_MS = 20;
/** More new backends than this come with a rebuilt fleet, not with a moved route. */
const BACKENDS_MAX = 32;

export interface Backend {
  address: string;
  port: number;
}

/** True when something answered, even "nobody is here": only a packet filter that is still closed is silent. */
export type Answers = (backend: Backend, timeoutMs: number) => Promise<boolean>;

/** Backends of `wanted` that `running` does not use, at most 32 of them. */
export function newBackends(wanted: readonly Chunk[], running: readonly Chunk[]): Backend[] {
  const known = new Set(backendsOf(running).map(nameOf));
  const added = new Map(backendsOf(wanted).map((backend) => [nameOf(backend), backend]));
  return [...added]
    .filter(([name]) => !known.has(name))
    .map(([, backend]) => backend)
    .slice(0, BACKENDS_MAX);
}

/** Waits until each of them answered once, 1.5 s at most. Answers those that stayed silent. */
export async function untilOpen(
  backends: readonly Backend[],
  answers: Answers,
  waitMs = WAIT_MS_MAX,
): Promise<Backend[]> {
  const deadline = performance.now() + waitMs;
  const opened = await Promise.all(backends.map((backend) => opens(backend, answers, deadline)));
  return backends.filter((_, index) => !opened[index]);
}

async function opens(backend: Backend, answers: Answers, deadline: number): Promise<boolean> {
  while (performance.now() < deadline) {
    if (await answers(backend, Math.min(KNOCK_MS, Math.max(1, deadline - performance.now())))) return true;
    await delay(EVERY_MS);
  }
  return false;
}

function backendsOf(chunks: readonly Chunk[]): Backend[] {
  return chunks.flatMap(({ routes }) =>
    routes.flatMap((route) =>
      [route, ...(route.paths ?? [])].flatMap(({ backends, auth }) =>
        auth?.kind === 'forward' ? [...backends, auth] : backends,
      ),
    ),
  );
}

function nameOf({ address, port }: Backend): string {
  return `${address}:${port}`;
}
