// What scripts of an origin's owner say, for edges that ask. Laws: only what the applied configuration asks for and the owner put there is run; a
// script runs once at a time, and what it said counts for a second, however many ask.
import PQueue from 'p-queue';
import type { OriginConfig } from '../bundle/config.ts';
import { createBell } from './bell.ts';
import { createNews, type Log } from './news.ts';
import type { ScriptResult, Scripts } from './ports/scripts.ts';

/** What edges are told. */
export type ScriptAnswer = 'well' | 'ill' | 'unknown';

/** Answers questions at an address until it is closed. @throws Error where it cannot listen */
export type ListenForChecks = (
  address: string,
  answer: (name: string) => Promise<ScriptAnswer>,
) => Promise<{ close(): Promise<void> }>;

export interface ScriptChecksParts {
  scripts: Scripts;
  listen: ListenForChecks;
  log: Log;
  /** After a failure to listen; default AGAIN_MS. */
  againMs?: number;
}

export interface ScriptChecks {
  /** What is asked from now on. Cheap. */
  configure(config: OriginConfig): void;
  /** Answers until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  answer(name: string): Promise<ScriptAnswer>;
}

/** What was said counts for so long. */
const COUNTS_MS = 1_000;
/** The tunnel may not be there yet. */
const AGAIN_MS = 5_000;
const IDLE_MS = 60_000;
/** At once, of different names: some that hang must not keep others from being asked. */
const RUNNING_MAX = 64;

interface Asked {
  address: string;
  names: ReadonlySet<string>;
}

export function createScriptChecks({ scripts, listen, log, againMs = AGAIN_MS }: ScriptChecksParts): ScriptChecks {
  const bell = createBell();
  const news = createNews(log);
  let asked: Asked | undefined;
  const said = new Map<string, { atMs: number; answer: Promise<ScriptAnswer> }>();
  const queue = new PQueue({ concurrency: RUNNING_MAX });

  async function ask(name: string): Promise<ScriptAnswer> {
    const result = await queue.add(() => scripts.run(name));
    tell(name, result);
    return result.kind === 'refused' ? 'unknown' : result.kind;
  }

  function tell(script: string, result: ScriptResult): void {
    const { kind, ...fields } = result;
    if (kind === 'well') news.over(script, 'a script says that its service works again', { script });
    else if (kind === 'ill')
      news.trouble(script, kind, { script, ...fields }, 'a script says that its service does not work');
    else news.trouble(script, result.reason, { script, ...fields }, 'a script that a route asks for is not run');
  }

  async function answer(name: string): Promise<ScriptAnswer> {
    if (!asked?.names.has(name)) return 'unknown';
    const known = said.get(name);
    if (known && performance.now() - known.atMs < COUNTS_MS) return known.answer;
    // Whoever asks meanwhile waits for the same run, which may last longer than what was said counts.
    const one = { atMs: Number.POSITIVE_INFINITY, answer: ask(name) };
    said.set(name, one);
    const result = await one.answer;
    one.atMs = performance.now();
    return result;
  }

  return {
    answer,
    configure({ wireguard: { address }, origin }) {
      const names = new Set(origin.asked?.scripts);
      asked = names.size === 0 ? undefined : { address, names };
      for (const name of said.keys()) if (!names.has(name)) said.delete(name);
      bell.ring();
    },
    async run(signal) {
      let open: { address: string; close(): Promise<void> } | undefined;
      while (!signal.aborted) {
        if (open && open.address !== asked?.address) {
          await open.close();
          open = undefined;
        }
        let waitMs = IDLE_MS;
        if (!open && asked) {
          const { address } = asked;
          try {
            open = { address, ...(await listen(address, answer)) };
            news.over('listening', 'edges can ask scripts again');
          } catch (error) {
            waitMs = againMs;
            const fields = { reason: (error as Error).message };
            news.trouble('listening', 'failed', fields, 'edges cannot ask scripts; will try again');
          }
        }
        await bell.wait(waitMs, signal);
      }
      await open?.close();
    },
  };
}
