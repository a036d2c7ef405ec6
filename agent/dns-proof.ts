// The proof for a wildcard, as the control plane puts it into DNS. Law: this edge has no way into DNS of its own, and signs what
// it asks for, so that whoever has its token alone puts no proof for another account there.
import type { ChallengeEnd, ChallengeQuestion } from '../bundle/api.ts';
import { type Signer, signAs } from './order-lease.ts';
import type { DnsProof } from './ports/certificate-authority.ts';
import type { ControlPlane } from './ports/control-plane.ts';

const UNAVAILABLE_RETRY_MS = 5_000;

interface DnsProofParts extends Signer {
  control: Pick<ControlPlane, 'challenge' | 'challengeEnded'>;
}

/** `name`: of the certificate. */
export function createDnsProof(name: string, parts: DnsProofParts): DnsProof {
  const { control } = parts;
  return {
    async present(value, signal) {
      const question = signAs<ChallengeQuestion>(parts, { kind: 'challenge', name, value });
      const asked = await control.challenge(question, signal).catch((error: unknown) => unreachable(error));
      if (asked.kind === 'answered') return asked.answer;
      const retryAfterMs = asked.kind === 'unreachable' ? asked.retryAfterMs : UNAVAILABLE_RETRY_MS;
      return { outcome: 'wait', reason: asked.message, retryAfterMs };
    },
    async end() {
      // What stays is taken out by the reconciler later.
      const end = signAs<ChallengeEnd>(parts, { kind: 'challenge_end', name });
      await control.challengeEnded(end).catch((error: unknown) => unreachable(error));
    },
  };
}

function unreachable(error: unknown) {
  return { kind: 'unreachable', message: String(error).slice(0, 200), retryAfterMs: UNAVAILABLE_RETRY_MS } as const;
}
