// Secrets on their way through the reconciler: a reference is read, judged, and sealed to the pools that ask for it. Laws: what cannot be
// resolved lets nobody in, takes no certificate away and keeps nothing else back; and what was sealed stays the same text until its secret or its pool changes.

import type { RouteSecret } from './core/route-secrets.ts';
import type { Sealed } from './core/sealed.ts';
import { referenceKey, referenceName } from './core/secret-reference.ts';
import type { SealedText, SealedTexts, SecretPlaces, SecretSealing } from './ports/secrets.ts';
import { createSecretChecks, kindOf, type SecretKind } from './secret-checks.ts';
import { type Found, findAll } from './secrets-found.ts';

export interface WantedSecret extends RouteSecret {
  pool: string;
  team: string;
  /** The route's file, for the words about it. */
  file: string;
}

export interface SecretProblem {
  /** error: nobody gets in, or edges go on with the certificate that they hold. warning: it works. */
  severity: 'error' | 'warning';
  kind: SecretKind;
  file: string;
  /** For people, such as `file wiki-users`; never a value. */
  reference: string;
  reason: string;
}

export interface PreparedSecrets extends Sealed {
  /** False: time ran out, and the next call goes on with the rest. What had an older text keeps it meanwhile. */
  complete: boolean;
}

export interface Secrets {
  /** Resolves every reference that is live or is to be; the same object again when every answer is. @throws KokoaError when the store fails */
  prepare(wanted: Iterable<WantedSecret>, now: Date): Promise<PreparedSecrets>;
  /** What the last `prepare` found, sorted by file. */
  problems(): readonly SecretProblem[];
}

export interface SecretsParts {
  places: SecretPlaces;
  sealing: SecretSealing;
  store: SealedTexts;
  /** How long one `prepare` may open and seal; default 5 s, which is some 2 000 of them. */
  sealMsMax?: number;
}

const SEAL_MS_MAX = 5_000;
/** An unused text is kept this long: a route that is held back or quarantined for a while comes back with the same bytes. */
const UNUSED_KEPT_MS = 3600_000;
const NO_TIME = 'there was no time to seal it yet; the next run goes on';

interface Use extends RouteSecret {
  pool: string;
  team: string;
  files: Set<string>;
}

type Kept = Map<string, SealedText & { usedMs: number }>;

/** One call of `prepare`. */
interface Round {
  kept: Kept;
  nowMs: number;
  deadlineMs: number;
  complete: boolean;
  made: SealedText[];
  useless: [string, string][];
}

interface Settled {
  sealed?: string;
  problem?: string;
  warnings?: readonly string[];
}

export function createSecrets(parts: SecretsParts): Secrets {
  const { sealing, store, sealMsMax = SEAL_MS_MAX } = parts;
  const checks = createSecretChecks();
  /** What the store holds; loaded once. */
  let kept: Kept | undefined;
  /** Digest → why, of sealed texts that are of no use: they cost their opening once. */
  let useless = new Map<string, string>();
  let problems: SecretProblem[] = [];
  let last: { answers: ReadonlyMap<string, string>; prepared: PreparedSecrets } | undefined;

  async function prepare(wanted: Iterable<WantedSecret>, now: Date): Promise<PreparedSecrets> {
    const nowMs = now.getTime();
    kept ??= new Map((await store.sealedTexts()).map((one) => [keptKey(one), { ...one, usedMs: nowMs }]));
    const recipients = await store.poolRecipients();
    const uses = usesOf(wanted);
    const found = await findAll(uses.values(), { ...parts, checks }, nowMs);
    const round: Round = {
      kept,
      nowMs,
      deadlineMs: performance.now() + sealMsMax,
      complete: true,
      made: [],
      useless: [],
    };
    const answers = new Map<string, string>();
    const next: SecretProblem[] = [];
    for (const [key, use] of uses) {
      const source = found.get(referenceKey(use.team, use.reference, use.hostname))!;
      const { sealed, problem, warnings = [] } = await settle(use, source, recipients.get(use.pool), round);
      if (sealed !== undefined) answers.set(key, sealed);
      if (problem !== undefined) next.push(...problemsOf(use, 'error', problem));
      for (const warning of warnings) next.push(...problemsOf(use, 'warning', warning));
    }
    await keep(round);
    useless = new Map(round.useless);
    problems = next.sort(byFile);
    if (last?.prepared.complete !== round.complete || !sameAnswers(last.answers, answers)) {
      const of: Sealed['of'] = (pool, team, reference, hostname) =>
        answers.get(useKey({ pool, team, reference, ...(hostname !== undefined && { hostname }) }));
      last = { answers, prepared: { complete: round.complete, of } };
    }
    return last.prepared;
  }

  /** What was sealed before, as long as it is for the pool's key of today; else made anew while there is time. */
  async function settle(use: Use, source: Found, recipient: string | undefined, round: Round): Promise<Settled> {
    if ('problem' in source) return source;
    const { digest, warnings } = source;
    if (recipient === undefined) return { warnings, problem: `no edge of pool ${use.pool} has announced its key yet` };
    const key = keptKey({ pool: use.pool, digest });
    const before = round.kept.get(key);
    if (before) before.usedMs = round.nowMs;
    if (before?.recipient === recipient) return { warnings, sealed: before.sealed };
    const known = useless.get(digest);
    if (known === undefined && performance.now() >= round.deadlineMs) {
      round.complete = false;
      return before ? { warnings, sealed: before.sealed } : { warnings, problem: NO_TIME };
    }
    const opened = known === undefined ? await source.open() : { problem: known };
    if ('problem' in opened) {
      round.useless.push([digest, opened.problem]);
      return { problem: opened.problem };
    }
    const sealed = await sealing.seal(recipient, opened.text).catch(() => undefined);
    if (sealed === undefined) return { problem: `the key that the edges of pool ${use.pool} announced does not work` };
    const made = { pool: use.pool, digest, recipient, sealed };
    round.made.push(made);
    round.kept.set(key, { ...made, usedMs: round.nowMs });
    return { warnings, sealed };
  }

  /** What the store did not take is not remembered either: it is made again. */
  async function keep({ kept: all, made, nowMs }: Round): Promise<void> {
    const unused = [...all.values()].filter(({ usedMs }) => usedMs <= nowMs - UNUSED_KEPT_MS);
    if (made.length + unused.length === 0) return;
    try {
      await store.changeSealedTexts(made, unused);
      for (const one of unused) all.delete(keptKey(one));
    } catch (error) {
      kept = undefined;
      throw error;
    }
  }

  return { prepare, problems: () => problems };
}

/** One entry for what is asked for in several places. */
function usesOf(wanted: Iterable<WantedSecret>): Map<string, Use> {
  const uses = new Map<string, Use>();
  for (const { file, ...asked } of wanted) {
    const key = useKey(asked);
    const use = uses.get(key) ?? { ...asked, files: new Set() };
    use.files.add(file);
    uses.set(key, use);
  }
  return uses;
}

function sameAnswers(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, text]) => b.get(key) === text);
}

function problemsOf(use: Use, severity: SecretProblem['severity'], reason: string): SecretProblem[] {
  const what = { severity, kind: kindOf(use), reference: referenceName(use.reference), reason };
  return Array.from(use.files, (file) => ({ ...what, file }));
}

function useKey({ pool, team, reference, hostname }: Omit<Use, 'files'>): string {
  return `${pool}\n${referenceKey(team, reference, hostname)}`;
}

function keptKey({ pool, digest }: Pick<SealedText, 'pool' | 'digest'>): string {
  return `${pool}\n${digest}`;
}

function byFile(a: SecretProblem, b: SecretProblem): number {
  const [one, other] = [`${a.file}\n${a.reference}`, `${b.file}\n${b.reference}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
