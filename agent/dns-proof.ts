// The proof for a wildcard, as the control plane puts it into DNS. Law: this edge has no way into DNS of its own.
import type { DnsProof } from './ports/certificate-authority.ts';
import type { ControlPlane } from './ports/control-plane.ts';

const UNAVAILABLE_RETRY_MS = 5_000;

/** `name`: of the certificate. */
export function createDnsProof(name: string, control: Pick<ControlPlane, 'challenge' | 'challengeEnded'>): DnsProof {
  return {
    async present(value, signal) {
      const asked = await control.challenge(name, value, signal).catch((error: unknown) => unreachable(error));
      if (asked.kind === 'answered') return asked.answer;
      const retryAfterMs = asked.kind === 'unreachable' ? asked.retryAfterMs : UNAVAILABLE_RETRY_MS;
      return { outcome: 'wait', reason: asked.message, retryAfterMs };
    },
    async end() {
      // What stays is taken out by the reconciler later.
      await control.challengeEnded(name).catch((error: unknown) => unreachable(error));
    },
  };
}

function unreachable(error: unknown) {
  return { kind: 'unreachable', message: String(error).slice(0, 200), retryAfterMs: UNAVAILABLE_RETRY_MS } as const;
}
