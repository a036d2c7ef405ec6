// Several looks at a machine, side by side. Law: each ends by its time and all of them by theirs, and one that fails or hangs is itself a finding
// and takes none of the others with it.
import type { Finding } from './finding.ts';

export interface Probe {
  /** What it looks at, for a look that brings nothing. */
  what: string;
  /** Reads, and changes nothing. It should end soon after the signal. */
  look(signal: AbortSignal): Promise<readonly Finding[]>;
}

export interface ProbeTimes {
  eachMs: number;
  allMs: number;
  /** Started at a time; a small machine is not to be busy with being looked at. */
  atOnce: number;
}

export const PROBE_TIMES: ProbeTimes = { eachMs: 5_000, allMs: 15_000, atOnce: 6 };

/** In the order of `probes`. Never throws. */
export async function runProbes(probes: readonly Probe[], times = PROBE_TIMES): Promise<Finding[]> {
  const endMs = performance.now() + times.allMs;
  const found: (readonly Finding[])[] = probes.map(() => []);
  const waiting = probes.entries();
  const worker = async () => {
    for (const [index, probe] of waiting) {
      const leftMs = Math.min(times.eachMs, endMs - performance.now());
      found[index] = leftMs <= 0 ? [notLooked(probe, 'there was no time left to look')] : await bounded(probe, leftMs);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, times.atOnce) }, worker));
  return found.flat();
}

async function bounded(probe: Probe, ms: number): Promise<readonly Finding[]> {
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding[]>((resolve) => {
    timer = setTimeout(() => resolve([notLooked(probe, `no answer within ${Math.round(ms / 1000)} s`)]), ms);
  });
  try {
    const looked = Promise.resolve().then(() => probe.look(end.signal));
    return await Promise.race([late, looked.catch((error: unknown) => [failedLook(probe, error)])]);
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

function notLooked({ what }: Probe, found: string): Finding {
  return { level: 'warning', what, found, expected: 'an answer', todo: 'run it again when the machine is less busy' };
}

function failedLook({ what }: Probe, error: unknown): Finding {
  const { message, hint } = error as { message?: unknown; hint?: unknown };
  return {
    ...{ level: 'warning', what, found: `it could not be looked at: ${String(message ?? error)}` },
    ...(typeof hint === 'string' && { todo: hint }),
  };
}
