// The reconciler as the agent's port wants it: which path, which answer, which shape. The way there is in control-plane-channel.ts.
import { BUNDLE_MEDIA_TYPE } from '../../bundle/api.ts';
import { BUNDLE_BYTES_MAX, POST_BYTES_MAX, WAIT_SECONDS_MAX } from '../../bundle/limits.ts';
import type { ControlPlane, Unavailable } from '../ports/control-plane.ts';
import { asBundle, asChallengeAnswer, asLease, asRelay, asStatusAnswer } from './control-plane-answers.ts';
import { type ChannelOptions, openChannel } from './control-plane-channel.ts';
import { type Answer, unreachable } from './control-plane-reply.ts';

/** @throws KokoaError bad_ca, and bad_control_plane_url when one of the first URLs is malformed */
export function createControlPlane(options: ChannelOptions): ControlPlane {
  const channel = openChannel(options);
  async function post(path: string, body: unknown) {
    return channel.ask({ method: 'POST', path, body, bytesMax: POST_BYTES_MAX });
  }

  return {
    async offer({ have, etag, root, waitSeconds }, signal) {
      const wait = boundedWait(waitSeconds);
      const query = new URLSearchParams({
        ...(have && { have }),
        root: String(root),
        ...(wait > 0 && { wait: `${wait}` }),
      });
      const answer = await channel.ask({
        method: 'GET',
        path: `/config?${query}`,
        accept: BUNDLE_MEDIA_TYPE,
        bytesMax: BUNDLE_BYTES_MAX,
        waitSeconds: wait,
        signal,
        ...(etag && { etag }),
      });
      if (answer.kind !== 'answer') return answer;
      const bundle = asBundle(answer.value);
      return bundle ? { kind: 'bundle', bundle, etag: answer.etag } : misshapen('bundle');
    },
    async report(status) {
      const answer = await post('/status', status);
      return read(answer, 'status answer', asStatusAnswer, (found) => ({ kind: 'answered' as const, answer: found }));
    },
    async relay(since, waitSeconds, signal) {
      const wait = boundedWait(waitSeconds);
      const path = `/relay?since=${since}${wait > 0 ? `&wait=${wait}` : ''}`;
      const answer = await channel.ask({ method: 'GET', path, bytesMax: BUNDLE_BYTES_MAX, waitSeconds: wait, signal });
      return read(answer, 'relay', asRelay, (relay) => ({ kind: 'answered' as const, relay }));
    },
    async putIdentity(identity) {
      return read(
        await post('/relay/identity', identity),
        'answer',
        () => true,
        () => ({ kind: 'answered' as const }),
      );
    },
    async putCertificate(certificate) {
      return read(
        await post('/relay/certificates', certificate),
        'answer',
        () => true,
        () => ({ kind: 'answered' as const }),
      );
    },
    async lease(question) {
      const answer = await post(`/relay/leases/${encodeURIComponent(question.name)}`, question);
      return read(answer, 'lease', asLease, (lease) => ({ kind: 'answered' as const, lease }));
    },
    async orderEnded(end) {
      return read(
        await post(`/relay/orders/${encodeURIComponent(end.name)}`, end),
        'answer',
        () => true,
        () => ({ kind: 'answered' as const }),
      );
    },
    async challenge(question, signal) {
      const path = `/relay/challenges/${encodeURIComponent(question.name)}`;
      const answer = await channel.ask({ method: 'POST', path, body: question, bytesMax: POST_BYTES_MAX, signal });
      return read(answer, 'challenge answer', asChallengeAnswer, (said) => ({
        kind: 'answered' as const,
        answer: said,
      }));
    },
    async challengeEnded(end) {
      const answer = await post(`/relay/challenges/${encodeURIComponent(end.name)}/end`, end);
      return read(answer, 'challenge answer', asChallengeAnswer, () => ({ kind: 'answered' as const }));
    },
    serverTime: channel.serverTime,
    async close() {
      channel.close();
    },
  };
}

function read<T, R>(
  answer: Answer,
  what: string,
  parse: (value: unknown) => T | undefined,
  wrap: (value: T) => R,
): R | Unavailable {
  if (answer.kind === 'unchanged') return misshapen(what);
  if (answer.kind !== 'answer') return answer;
  const value = parse(answer.value);
  return value === undefined ? misshapen(what) : wrap(value);
}

function misshapen(what: string): Unavailable {
  return unreachable(`the control plane sent a ${what} of an unknown shape`);
}

function boundedWait(seconds: number): number {
  return Math.min(Math.max(Math.floor(seconds), 0), WAIT_SECONDS_MAX);
}
