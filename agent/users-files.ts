// The logins of an edge: each sealed list that a route names is opened with the pool's identity, judged, and written where nginx looks
// for it. Laws: what does not open or does not pass leaves no file, and then nobody gets in there; nothing of a list is ever logged.
import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { StatusReport } from '../bundle/api.ts';
import { sha256Hex } from '../bundle/canonical.ts';
import type { Chunk } from '../bundle/config.ts';
import { createBell } from './bell.ts';
import { type NeededUsers, neededUsers, usersFileName, usersProblem } from './core/users-file.ts';
import { createNews, type Log } from './news.ts';
import type { PoolKeyring } from './ports/pool-keyring.ts';
import type { Sealing } from './ports/sealing.ts';
import type { UsersStore } from './ports/users-store.ts';

export interface UsersFilesParts {
  store: UsersStore;
  keyring: Pick<PoolKeyring, 'load'>;
  sealing: Pick<Sealing, 'open'>;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  /** How long a change waits for a list that does not open yet; default 2 s. */
  patienceMs?: number;
}

export interface UsersFiles {
  /** Before routes are served: writes what they need and is not there. Bounded, never throws; what is missing comes later. */
  prepare(chunks: readonly Chunk[]): Promise<void>;
  /** The routes that are served now. Cheap. */
  configure(chunks: readonly Chunk[]): void;
  /** Writes what could not be opened before, restores what somebody changed, removes what is not needed. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Hosts that nobody can log in to, with the reason. */
  status(): Pick<StatusReport, 'quarantined'>;
  /** Differs when the status does. */
  revision(): number;
}

/** The pool's key arrives with a certificate's delay after a rotation: rather wait than turn visitors away. */
const PATIENCE_MS = 2_000;
const PATIENT_LOOK_MS = 100;
/** Some 1 500 lists; a new edge writes the rest of more than that while it serves. */
const OPENING_MS_MAX = 2_000;
/** As long as something does not open. */
const RETRY_MS = 2_000;
/** Files are compared with what was written. */
const LOOK_MS = 60_000;
/** Workers of an older release may carry on for an hour. */
export const UNUSED_KEPT_MS = 2 * 3600_000;
const STATUS_HOSTS_MAX = 200;

const NO_KEY = 'its logins wait for the key of the pool';
const NOT_SENT = 'the control plane has not resolved its logins';
const NOT_OPENED = 'its logins do not open with the key of the pool';

const NOTHING: NeededUsers = { sealed: new Map(), unsent: [] };

export function createUsersFiles(parts: UsersFilesParts): UsersFiles {
  const { store, keyring, sealing, log, now, patienceMs = PATIENCE_MS } = parts;
  const queue = new PQueue({ concurrency: 1 });
  const bell = createBell();
  const news = createNews(log);
  let [serving, coming] = [NOTHING, NOTHING];
  /** Sealed text → sha256 of what was written for it and read back since. */
  const written = new Map<string, string>();
  /** Sealed text → why it has no file; `recipient`: of the identity that did not open it. */
  const missing = new Map<string, { reason: string; recipient: string | undefined }>();
  const unusedSince = new Map<string, number>();
  let revision = 0;

  const needed = () => new Set([...serving.sealed.keys(), ...coming.sealed.keys()]);

  function settleOne(sealed: string, reason: string | undefined, recipient?: string): void {
    if (missing.get(sealed)?.reason !== reason) revision += 1;
    if (reason === undefined) missing.delete(sealed);
    else missing.set(sealed, { reason, recipient });
  }

  /** A list that did not open with an identity is not tried with it again. */
  async function open(sealed: string): Promise<void> {
    const held = await keyring.load();
    if (!held) return withoutFile(sealed, NO_KEY);
    if (missing.get(sealed)?.recipient === held.recipient) return;
    const text = await sealing.open(held.identity, sealed).catch(() => undefined);
    if (text === undefined) return withoutFile(sealed, NOT_OPENED, held.recipient);
    const problem = usersProblem(text);
    if (problem !== undefined) return settleOne(sealed, `its logins are refused: ${problem}`, held.recipient);
    const name = usersFileName(sealed);
    try {
      if ((await store.read(name)) !== text) await store.write(name, text);
    } catch (error) {
      return settleOne(sealed, `its logins cannot be written: ${(error as Error).message}`);
    }
    written.set(sealed, sha256Hex(text));
    settleOne(sealed, undefined);
  }

  /** A file that an older identity opened goes on: the next configuration is sealed to the new one. */
  async function withoutFile(sealed: string, reason: string, recipient?: string): Promise<void> {
    const text = await store.read(usersFileName(sealed));
    const works = text !== undefined && usersProblem(text) === undefined;
    settleOne(sealed, works ? undefined : reason, recipient);
  }

  /** What stands on disk already counts until it was looked at: a start must not wait for it. */
  async function prepare(chunks: readonly Chunk[]): Promise<void> {
    coming = neededUsers(chunks);
    const onDisk = new Set(await store.list());
    const failedBefore = new Set(missing.keys());
    let wanted = [...coming.sealed.keys()].filter((sealed) => !onDisk.has(usersFileName(sealed)));
    const startedMs = performance.now();
    const passedMs = () => performance.now() - startedMs;
    for (;;) {
      for (const sealed of wanted) {
        await open(sealed);
        if (passedMs() >= OPENING_MS_MAX) break;
      }
      wanted = wanted.filter((sealed) => missing.has(sealed) && !failedBefore.has(sealed));
      if (wanted.length === 0 || passedMs() >= patienceMs) break;
      await delay(PATIENT_LOOK_MS);
    }
    bell.ring();
  }

  async function look(): Promise<void> {
    for (const sealed of needed()) await queue.add(() => check(sealed));
    await queue.add(sweep);
    tell();
  }

  async function check(sealed: string): Promise<void> {
    const digest = written.get(sealed);
    const text = digest === undefined ? undefined : await store.read(usersFileName(sealed));
    if (text !== undefined && sha256Hex(text) === digest) return;
    await open(sealed);
    if (digest !== undefined) log.warn({ file: usersFileName(sealed) }, 'a list of users was changed; written again');
  }

  async function sweep(): Promise<void> {
    const all = needed();
    for (const sealed of [...written.keys(), ...missing.keys()]) {
      if (all.has(sealed)) continue;
      written.delete(sealed);
      missing.delete(sealed);
    }
    const names = new Set([...all].map(usersFileName));
    const present = await store.list();
    for (const name of [...unusedSince.keys()])
      if (names.has(name) || !present.includes(name)) unusedSince.delete(name);
    for (const name of present.filter((found) => !names.has(found))) {
      // A clock that was set back must not keep it for as long as that.
      const since = Math.min(unusedSince.get(name) ?? now(), now());
      unusedSince.set(name, since);
      if (now() - since >= UNUSED_KEPT_MS) await store.remove(name);
    }
  }

  function reasons(): Map<string, string> {
    const found = new Map(serving.unsent.map((hostname) => [hostname, NOT_SENT]));
    for (const [sealed, { reason }] of missing)
      for (const hostname of serving.sealed.get(sealed) ?? []) found.set(hostname, reason);
    return found;
  }

  function tell(): void {
    const found = [...reasons()];
    const [first] = found;
    if (!first) {
      news.over('logins', 'all logins work');
      return;
    }
    const fields = { hosts: found.length, hostname: first[0], reason: first[1] };
    news.trouble('logins', JSON.stringify(fields), fields, 'nobody can log in to a hostname');
  }

  return {
    prepare: (chunks) => queue.add(() => prepare(chunks)).catch((error) => sayFailure(log, error)),
    configure(chunks) {
      [serving, coming] = [neededUsers(chunks), NOTHING];
      revision += 1;
      bell.ring();
    },
    async run(signal) {
      while (!signal.aborted) {
        await look().catch((error) => sayFailure(log, error));
        await bell.wait(missing.size > 0 ? RETRY_MS : LOOK_MS, signal);
      }
    },
    status: () => ({
      quarantined: Array.from(reasons(), ([hostname, reason]) => ({ hostname, reason })).slice(0, STATUS_HOSTS_MAX),
    }),
    revision: () => revision,
  };
}

function sayFailure(log: Log, error: unknown): void {
  log.warn({ reason: String((error as Error).message).slice(0, 300) }, 'the lists of users could not be settled');
}
