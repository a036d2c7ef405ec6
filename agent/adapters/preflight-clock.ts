// The time by the control plane's clock, from the Date of an answer (RFC 9110, section 6.6.1). No token is sent.
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { parseControlPlaneUrl } from '../core/control-plane-url.ts';
import type { ClockFact } from '../core/preflight-machine.ts';
import { exchange } from './http-exchange.ts';

const TIMES = { connectMs: 5_000, answerMs: 5_000, bodyMs: 5_000 };
const BYTES_MAX = 64 * 1024;

/** `ca`: PEM of the only CAs to trust; absent: the system's. Never throws for a server that does not answer. */
export async function compareClocks(base: string, ca: string | undefined): Promise<ClockFact> {
  const url = new URL(parseControlPlaneUrl(base));
  url.pathname = `${url.pathname.replace(/\/$/, '')}/healthz`;
  const authorities = ca ?? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
  const agent = url.protocol === 'https:' ? new TlsAgent({ ca: authorities }) : new PlainAgent();
  const asked = Date.now();
  const reply = await exchange({ url, agent, method: 'GET', headers: {}, bytesMax: BYTES_MAX, times: TIMES });
  const answered = Date.now();
  agent.destroy();
  if (reply.kind === 'failed') return { unheard: `${url.host} does not answer: ${reply.reason}` };
  const serverMs = Date.parse(reply.headers.date ?? '');
  if (Number.isNaN(serverMs)) return { unheard: `${url.host} answers without a time` };
  // A Date has whole seconds.
  return { aheadMs: (asked + answered) / 2 - (serverMs + 500) };
}
