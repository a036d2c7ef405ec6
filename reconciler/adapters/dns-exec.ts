// A zone behind a program of the operator: anything that no other adapter speaks (docs/dns.md has its contract). Law: what the program answers is
// judged before it is believed, and shown to nobody with its credentials in it.
import { KokoaError } from '../../bundle/error.ts';
import {
  type ExecFailure,
  type Understood,
  understandList,
  understandRead,
  understandWrite,
  writeQuestion,
} from '../core/dns/exec-answer.ts';
import { programWords } from '../core/dns/program-words.ts';
import type { NameRecords, Written, ZoneAccess } from '../ports/dns-zone.ts';
import { askProgram, notUnderstood, type ZoneProgram } from './dns-exec-run.ts';
import { ZoneThrottled } from './dns-throttled.ts';

export interface ExecZoneOptions extends ZoneProgram {
  /** Seconds: the shortest life that the provider behind it gives; default 1. */
  ttlMin?: number;
}

const NAMES_PER_RUN = 500;
const RETRY_AFTER_MS_MAX = 24 * 3600_000;

const CODES: Record<ExecFailure['kind'], string> = {
  throttled: 'dns_throttled',
  refused: 'dns_refused',
  credentials: 'dns_credentials',
  unreachable: 'dns_unreachable',
};

export function createExecZone(options: ExecZoneOptions): ZoneAccess {
  const { zone, credentials, ttlMin = 1 } = options;
  return {
    ttlMin,
    async list(signal) {
      return understood(understandList(await askProgram({ action: 'list' }, options, signal), zone), options);
    },
    async read(names, signal) {
      const found = new Map<string, NameRecords>();
      for (let at = 0; at < names.length; at += NAMES_PER_RUN) {
        const some = names.slice(at, at + NAMES_PER_RUN);
        const answer = await askProgram({ action: 'read', names: some }, options, signal);
        for (const [name, records] of understood(understandRead(answer, some), options)) found.set(name, records);
      }
      return found;
    },
    async write(changes, signal): Promise<Written> {
      if (changes.length === 0) return { outcomes: [] };
      try {
        const said = understandWrite(await askProgram(writeQuestion(changes), options, signal), changes);
        if (said.kind === 'failed') return { outcomes: unknown(changes), ...stopped(said.failure, options) };
        const { outcomes, failure } = understood(said, options);
        return {
          outcomes: outcomes.map((one) =>
            one.kind === 'refused'
              ? { ...one, reason: programWords(one.reason, credentials) || 'it does not say why' }
              : one,
          ),
          ...(failure !== undefined && stopped(failure, options)),
        };
      } catch (error) {
        return { outcomes: unknown(changes), stopped: error as Error };
      }
    },
  };
}

function unknown(changes: readonly unknown[]): { kind: 'unknown' }[] {
  return changes.map(() => ({ kind: 'unknown' }));
}

function stopped(failure: ExecFailure, options: ExecZoneOptions): Pick<Written, 'stopped' | 'retryAfterMs'> {
  const error = failureError(failure, options);
  return { stopped: error, ...(error instanceof ZoneThrottled && { retryAfterMs: error.retryAfterMs }) };
}

/** @throws KokoaError with what the program said instead, or with what is wrong with it */
function understood<T>(said: Understood<T>, options: ExecZoneOptions): T {
  if (said.kind === 'understood') return said.value;
  throw said.kind === 'failed' ? failureError(said.failure, options) : notUnderstood(options, said.mistake);
}

function failureError(failure: ExecFailure, { program, credentials }: ExecZoneOptions): KokoaError {
  const { kind, message, retryAfterSeconds } = failure;
  const reason = programWords(message, credentials) || 'it does not say why';
  if (kind === 'throttled' && retryAfterSeconds !== undefined)
    return new ZoneThrottled('It', `${program}: ${reason}`, Math.min(RETRY_AFTER_MS_MAX, retryAfterSeconds * 1000));
  return new KokoaError(CODES[kind], `${program}: ${reason}`);
}
