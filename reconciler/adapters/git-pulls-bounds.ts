// How much one pull request may cost: time, bytes, memory of every git that looks at it. Law: whoever proposes more is told the bound, and
// nothing of it is kept.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';

export interface PullLimits {
  fetchMs: number;
  /** Bytes that one fetch may bring. */
  fetchBytes: number;
  /** Data files that one pull request may change, and their bytes. */
  files: number;
  fileBytes: number;
  /** Of every other git. */
  stepMs: number;
  /** Bytes of what git lists as different. */
  listBytes: number;
  /** The mirror begins anew above so many bytes. */
  keptBytes: number;
}

export const MIB = 1024 * 1024;
export const PULL_LIMITS: PullLimits = {
  fetchMs: 45_000,
  fetchBytes: 128 * MIB,
  files: 6_000,
  fileBytes: 32 * MIB,
  stepMs: 20_000,
  listBytes: 8 * MIB,
  keptBytes: 512 * MIB,
};
const MEMORY_BYTES_MAX = 384 * MIB;
const PRLIMIT = '/usr/bin/prlimit';

/** Git with a bound on all its memory, as Debian can set it; elsewhere only single allocations have one. prlimit(1): data, bytes. */
export async function boundedGit(): Promise<[string, ...string[]]> {
  const { exitCode } = await execa(PRLIMIT, ['--version'], { extendEnv: false, stdin: 'ignore', reject: false });
  return exitCode === 0 ? [PRLIMIT, `--data=${MEMORY_BYTES_MAX}`, '--', 'git'] : ['git'];
}

export function tooLarge(why: string): KokoaError {
  return new KokoaError('pull_too_large', why, {
    hint: 'Leave out what is no data of the fleet, or split the change.',
  });
}
