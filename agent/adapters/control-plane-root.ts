// Asks a control plane for the root it stands on. Law: no token goes along; the answer is compared with the pin before one does.
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { PUBLIC_ROOT_PATH } from '../../bundle/api.ts';
import { METADATA_BYTES_MAX } from '../../bundle/limits.ts';
import { parseControlPlaneUrl } from '../core/control-plane-url.ts';
import type { Unavailable } from '../ports/control-plane.ts';
import { authorities } from './control-plane-authorities.ts';
import { JSON_MEDIA_TYPE, judgeReply, unreachable } from './control-plane-reply.ts';
import { type ExchangeTimes, exchange } from './http-exchange.ts';

const TIMES: ExchangeTimes = { connectMs: 5_000, answerMs: 10_000, bodyMs: 15_000 };

export type FirstRoot = { kind: 'root'; text: string } | (Unavailable & { kind: 'unreachable' });

/**
 * The exact text of root version 1, unjudged. `ca`: PEM of the only CAs to trust; absent: the system's.
 * @throws KokoaError bad_ca, bad_control_plane_url
 */
export async function askFirstRoot(base: string, ca: string | undefined, signal: AbortSignal): Promise<FirstRoot> {
  const root = parseControlPlaneUrl(base);
  const url = new URL(`${root.pathname.replace(/\/$/, '')}${PUBLIC_ROOT_PATH}`, root);
  const agent = url.protocol === 'https:' ? new TlsAgent({ ca: authorities({ ca }) }) : new PlainAgent();
  const headers = { Accept: JSON_MEDIA_TYPE };
  const limits = { bytesMax: METADATA_BYTES_MAX, times: TIMES };
  const reply = await exchange({ url, agent, method: 'GET', headers, ...limits, signal });
  agent.destroy();
  const answer = judgeReply(reply, url.host, JSON_MEDIA_TYPE);
  if (answer.kind === 'answer' && reply.kind === 'reply') return { kind: 'root', text: reply.body.toString('utf8') };
  if (answer.kind === 'unreachable' && !(reply.kind === 'reply' && reply.status === 404)) return answer;
  const found = 'message' in answer ? answer.message : `${url.host} answers without content`;
  return unreachable(`${found}; it shows no root: is this the control plane, and not older than this agent?`);
}
