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

/** Backends of `wanted` that `running` does not use, at most 32 of them. Only chunks that differ are looked through. */
export function newBackends(wanted: readonly Chunk[], running: readonly Chunk[]): Backend[] {
  const added = new Map([...backendsOf(without(wanted, running))].map((backend) => [nameOf(backend), backend]));
  if (added.size === 0) return [];
  for (const backend of backendsOf(running)) added.delete(nameOf(backend));
  return [...added.values()].slice(0, BACKENDS_MAX);
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

/** A chunk that did not change is the same object, because it was read once. */
function without(chunks: readonly Chunk[], others: readonly Chunk[]): Chunk[] {
  const known = new Set(others);
  return chunks.filter((chunk) => !known.has(chunk));
}

function* backendsOf(chunks: readonly Chunk[]): Generator<Backend> {
  for (const { routes } of chunks)
    for (const route of routes)
      for (const { backends, auth } of [route, ...(route.paths ?? [])]) {
        yield* backends;
        if (auth?.kind === 'forward') yield auth;
      }
}

function nameOf({ address, port }: Backend): string {
  return `${address}:${port}`;
}
