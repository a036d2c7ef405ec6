// Joining: the machine makes its keys, announces their public halves, and waits until git knows it. Keeps trying, and says what it
// waits for; it ends when the first bundle was verified against the pinned fingerprint.
import { setTimeout as delay } from 'node:timers/promises';
import type { Enrolment } from '../bundle/api.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { TrustedState, VerifiedBundle } from './ports/state.ts';

const RETRY_MS = 2_000;

export interface Joining {
  node: string;
  control: ControlPlane;
  trusted: TrustedState;
  enrolment: Enrolment;
  now(): number;
  /** One line for the person who watches. */
  say(line: string): void;
}

export type Joined =
  | { kind: 'joined'; bundle: VerifiedBundle }
  /** Trying again cannot help: the control plane is not the one that was pinned, or another machine holds the slot. */
  | { kind: 'refused'; code: string; detail: string };

/** Announces and pulls until a bundle verifies. */
export async function join(joining: Joining, signal: AbortSignal): Promise<Joined> {
  const say = onlyNews(joining.say);
  while (!signal.aborted) {
    const result = await attempt(joining, say);
    if (result) return result;
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return { kind: 'refused', code: 'interrupted', detail: 'interrupted before the first bundle arrived' };
}

async function attempt({ node, control, trusted, enrolment, now }: Joining, say: (line: string) => void): Promise<Joined | undefined> {
  const announced = await control.report({ agentVersion: 'join', state: 'waiting', enrolment });
  if (announced.kind === 'unauthorized') {
    say(`waiting for ${node}'s file (edges/${node}.yaml or origins/${node}.yaml) on main: ${announced.message}`);
    return undefined;
  }
  if (announced.kind === 'answered' && !announced.answer.bound) {
    return { kind: 'refused', code: 'not_bound', detail: announced.answer.reason ?? 'another machine holds this slot' };
  }
  if (announced.kind !== 'answered') {
    say(`waiting for the control plane: ${announced.message}`);
    return undefined;
  }
  const offer = await control.offer({ root: await trusted.rootVersion(), waitSeconds: 0 });
  if (offer.kind !== 'bundle') {
    say(`waiting for the first bundle: ${offer.kind === 'unchanged' ? 'nothing published yet' : offer.message}`);
    return undefined;
  }
  const acceptance = await trusted.accept(offer.bundle, now());
  if (acceptance.kind === 'accepted') return { kind: 'joined', bundle: acceptance.verified };
  return { kind: 'refused', code: acceptance.code, detail: acceptance.detail };
}

/** Says a line only when it differs from the one before. */
function onlyNews(say: (line: string) => void): (line: string) => void {
  let last = '';
  return (line) => {
    if (line !== last) say(line);
    last = line;
  };
}
