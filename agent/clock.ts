// Notes with every poll whether the time of this machine can be right, and says so once. Law: whatever it finds, what runs goes on.
import { type Agent, changed, type Self, told } from './agent.ts';
import { type ClockEvidence, clockDoubt } from './core/clock-doubt.ts';
import type { Offer } from './ports/control-plane.ts';

/** What was heard is of this answer, and not of one before. */
const FRESH_MS = 1_000;

/** Answers whether the clock, which was wrong, is right now: what was refused for its time is worth another look. */
export function noteClock(self: Self, { control, machine }: Agent, offer: Offer): boolean {
  const certificate = offer.kind === 'unreachable' ? offer.certificate : undefined;
  const heard = control.serverTime();
  const serverMs = heard && (heard.ageMs < FRESH_MS || certificate) ? heard.ms : undefined;
  const evidence: ClockEvidence = { nowMs: machine.now(), serverMs, signedMs: self.running?.version, certificate };
  const doubt = clockDoubt(evidence);
  if (doubt) {
    if (self.clock?.state === doubt.state) return false;
    self.clock = { stage: 'verify', code: 'clock_wrong', fault: 'machine', ...doubt };
    changed(self);
    self.news.trouble('clock', doubt.state, told(self.clock), 'the clock of this machine is wrong; what runs goes on');
    return false;
  }
  // Only the control plane's own time says that it is right.
  if (!self.clock || serverMs === undefined) return false;
  delete self.clock;
  changed(self);
  self.news.over('clock', 'the clock of this machine is right again');
  return true;
}
