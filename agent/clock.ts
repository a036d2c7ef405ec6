// Notes with every answer whether the time of this machine can be right, and says so once. Law: whatever it finds, what runs goes on.
import { type Agent, changed, type Self, told } from './agent.ts';
import { type ClockEvidence, clockDoubt } from './core/clock-doubt.ts';
import type { Offer } from './ports/control-plane.ts';

/** What was heard is of this answer, and not of one before. */
const FRESH_MS = 1_000;

/** Answers whether the clock, which was wrong, is right now: what was refused for its time is worth another look. */
export function noteClock(self: Self, agent: Agent, offer: Offer): boolean {
  const certificate = offer.kind === 'unreachable' ? offer.certificate : undefined;
  // Only the control plane's own time says that it is right.
  if (noteDoubt(self, agent, certificate) || !self.clock || serverMs(agent, certificate) === undefined) return false;
  delete self.clock;
  changed(self);
  self.news.over('clock', 'the clock of this machine is right again');
  return true;
}

/** After any answer of the control plane: a poll may take a minute to bring one. True: something speaks against the clock. */
export function noteDoubt(self: Self, agent: Agent, certificate?: ClockEvidence['certificate']): boolean {
  const doubt = clockDoubt({
    nowMs: agent.machine.now(),
    serverMs: serverMs(agent, certificate),
    signedMs: self.running?.version,
    certificate,
  });
  if (!doubt || self.clock?.state === doubt.state) return doubt !== undefined;
  self.clock = { stage: 'verify', code: 'clock_wrong', fault: 'machine', ...doubt };
  changed(self);
  self.news.trouble('clock', doubt.state, told(self.clock), 'the clock of this machine is wrong; what runs goes on');
  return true;
}

function serverMs({ control }: Agent, certificate: ClockEvidence['certificate']): number | undefined {
  const heard = control.serverTime();
  return heard && (heard.ageMs < FRESH_MS || certificate) ? heard.ms : undefined;
}
