// Joining: the machine compares the control plane with its pin, announces the public halves of its keys, and waits until git knows it.
// Keeps trying, and says what it waits for; it ends when the first bundle was verified. Law: nobody sees the token before the pin held.
import { setTimeout as delay } from 'node:timers/promises';
import type { Enrolment } from '../bundle/api.ts';
import type { VerifyCode } from '../bundle/refusal.ts';
import { rootFingerprint } from '../bundle/root.ts';
import type { ControlPlane, Unavailable } from './ports/control-plane.ts';
import type { TrustedState, VerifiedBundle } from './ports/state.ts';

const RETRY_MS = 2_000;
/** Lines that are remembered as said. */
const LINES_MAX = 1_000;

export interface Joining {
  node: string;
  /** Folder of the YAML that git is expected to hold. */
  folder: 'edges' | 'origins';
  /** The owner said what the machine is for. */
  roleIsTold?: boolean;
  /** Root version 1 of whoever answers at the URL, asked without the token. */
  firstRoot(signal: AbortSignal): Promise<{ kind: 'root'; text: string } | Unavailable>;
  /** sha256 of root version 1, as pinned. */
  fingerprint: string;
  control: Pick<ControlPlane, 'report' | 'offer'>;
  trusted: Pick<TrustedState, 'rootVersion' | 'accept'>;
  enrolment: Enrolment;
  now(): number;
  /** One line for the person who watches. */
  say(line: string): void;
  retryMs?: number;
}

export type Joined =
  | { kind: 'joined'; bundle: VerifiedBundle }
  /** Trying again cannot help: the control plane is not the one that was pinned, or another machine holds the slot. */
  | { kind: 'refused'; code: string; detail: string };

/** What the control plane, or time, may put right by itself. */
const PASSING: readonly VerifyCode[] = ['expired', 'mixed_versions', 'missing_file', 'rollback'];

/** Announces and pulls until a bundle verifies. @throws KokoaError state_unwritable */
export async function join(joining: Joining, signal: AbortSignal): Promise<Joined> {
  const say = onlyOnce(joining.say);
  const compare = untilItHolds(() => comparePin(joining, signal));
  const compareThenAttempt = async () => (await compare()) ?? attempt(joining, say, signal);
  while (!signal.aborted) {
    const result = await Promise.race([compareThenAttempt(), aborted(signal)]);
    if (typeof result !== 'string') return result;
    if (!signal.aborted) say(result);
    await delay(joining.retryMs ?? RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return { kind: 'refused', code: 'interrupted', detail: 'interrupted before the first bundle arrived' };
}

/** Undefined: the control plane stands on the root that was pinned. */
async function comparePin(joining: Joining, signal: AbortSignal): Promise<Joined | string | undefined> {
  const root = await joining.firstRoot(signal);
  if (root.kind !== 'root') return waitingForPlane(root.message, joining.now());
  const found = rootFingerprint(root.text);
  if (found === joining.fingerprint) return undefined;
  const detail = `root 1 has fingerprint ${found}, pinned is ${joining.fingerprint}; the token was not sent`;
  return { kind: 'refused', code: 'foreign_root', detail };
}

/** What answered undefined is not asked again. */
function untilItHolds<T>(ask: () => Promise<T | undefined>): () => Promise<T | undefined> {
  let held = false;
  return async () => {
    if (held) return undefined;
    const found = await ask();
    held = found === undefined;
    return found;
  };
}

/** A report that hangs is not waited for. */
function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(''), { once: true });
  });
}

/** How it ended, or what is waited for. */
async function attempt(joining: Joining, say: Joining['say'], signal: AbortSignal): Promise<Joined | string> {
  const { control, trusted, enrolment, now } = joining;
  const announced = await control.report({ agentVersion: 'join', state: 'waiting', enrolment });
  if (announced.kind !== 'answered') return waitingFor(announced, joining);
  if (!announced.answer.bound) {
    return { kind: 'refused', code: 'not_bound', detail: announced.answer.reason ?? 'another machine holds this slot' };
  }
  say('git knows this node, and the control plane took its keys');

  const offer = await control.offer({ root: await trusted.rootVersion(), waitSeconds: 0 }, signal);
  if (offer.kind === 'unchanged') return 'waiting for the first bundle: nothing is published yet';
  if (offer.kind !== 'bundle') return `waiting for the first bundle: ${offer.message}`;
  const acceptance = await trusted.accept(offer.bundle, now());
  if (acceptance.kind === 'accepted') return { kind: 'joined', bundle: acceptance.verified };
  const { code, detail } = acceptance;
  if (!PASSING.includes(code)) return { kind: 'refused', code, detail };
  return code === 'expired'
    ? wrongTime('the bundle has expired', now())
    : `waiting for a bundle that verifies: ${detail}`;
}

function waitingFor({ kind, message }: Unavailable, { node, folder, roleIsTold, now }: Joining): string {
  const other = folder === 'edges' ? 'origins' : 'edges';
  if (kind === 'unauthorized') {
    const file = roleIsTold ? `${folder}/${node}.yaml` : `${folder}/${node}.yaml (or ${other}/${node}.yaml)`;
    return `waiting for ${file} on main, or the token is not the newest of ${node}: ${message}`;
  }
  if (kind === 'suspended') return `waiting: ${node} is suspended in git: ${message}`;
  return waitingForPlane(message, now());
}

function waitingForPlane(message: string, nowMs: number): string {
  if (/CERT_(NOT_YET_VALID|HAS_EXPIRED)/.test(message)) return wrongTime(message, nowMs);
  if (/CERT|SIGNATURE|ISSUER/.test(message))
    return `waiting for the control plane: ${message}; is --ca the file of its CA?`;
  return `waiting for the control plane: ${message}`;
}

function wrongTime(what: string, nowMs: number): string {
  const clock = new Date(nowMs).toISOString().slice(0, 16);
  return `waiting: ${what}, says the clock of this machine, ${clock} UTC; set it (timedatectl), unless it is right`;
}

/** Says each line once. */
function onlyOnce(say: (line: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (said.has(line) || said.size >= LINES_MAX) return;
    said.add(line);
    say(line);
  };
}
