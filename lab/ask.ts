// What visitors and nodes ask, and what must be answered: the questions that several chapters share.
import { BUNDLE_MEDIA_TYPE, type BundleResponse } from '../bundle/api.ts';
import type { ProbeResponse, ProbeResult, ProbeTarget } from './probe-protocol.ts';
import { eventually, expect, seconds, UnmetExpectation } from './story.ts';
import { EDGES, type EdgeName, type World } from './world.ts';

const LOOK_EVERY_MS = 20;

/** A visitor's request to one edge, verified against the CA's root. */
export async function visit(world: World, hostname: string, edge: EdgeName): Promise<ProbeTarget> {
  const { address, httpsPort } = world.doors[edge];
  return { hostname, address, port: httpsPort, ca: await world.publicRoot() };
}

/**
 * Waits until every edge (or those named) answers a hostname over verified TLS from `origin`. Answers when the last one did, ms
 * since the epoch. @throws UnmetExpectation
 */
export async function liveEverywhere(
  world: World,
  hostname: string,
  origin: string,
  timeoutMs: number,
  edges: readonly EdgeName[] = EDGES,
): Promise<number> {
  const expected = { status: 200, verified: true, bodyIncludes: `"name":"${origin}"` };
  const results = await Promise.all(
    edges.map(async (edge) => {
      const target = await visit(world, hostname, edge);
      const result = await world.client.until(target, expected, { timeoutMs, everyMs: LOOK_EVERY_MS });
      if (result.kind === 'matched') return result.at;
      throw new UnmetExpectation(
        `https://${hostname}/ through ${edge}: 200 from ${origin}, verified, within ${seconds(timeoutMs)}`,
        result.last === undefined ? 'no answer at all' : described(result.last),
      );
    }),
  );
  return Math.max(...results);
}

/**
 * Waits until every edge knows a hostname no more: it refuses the handshake, or answers 404. Answers when the last one did, ms since
 * the epoch. @throws UnmetExpectation
 */
export async function goneEverywhere(world: World, hostname: string, timeoutMs: number): Promise<number> {
  const gone = async (edge: EdgeName) => {
    const target = await visit(world, hostname, edge);
    let said = '';
    return eventually({
      expected: `${edge} knows ${hostname} no more`,
      async look() {
        const result = await world.client.request(target);
        said = described(result);
        const isGone = result.kind === 'response' ? result.status === 404 : result.detail.includes('unrecognized name');
        return isGone ? result.timings.endedAt : undefined;
      },
      found: () => said,
      timeoutMs,
    });
  };
  return Math.max(...(await Promise.all(EDGES.map(gone))));
}

/** What is published for every edge and what each applied, as one text to compare. */
export async function publishedAndApplied(world: World): Promise<string> {
  const { body } = await askControl(world, '/api/v1/edges', world.agents['tokyo-1'].token);
  const { edges } = JSON.parse(body) as { edges: { name: string; published?: string; applied?: string }[] };
  return edges.map(({ name, published, applied }) => `${name} ${published} ${applied}`).join(', ');
}

/** An answer, whatever it is. @throws UnmetExpectation when there is none */
export async function answered(world: World, target: ProbeTarget): Promise<ProbeResponse> {
  const result = await world.client.request(target);
  expect(result.kind === 'response', `an answer from ${target.hostname}${target.path ?? '/'}`, described(result));
  return result;
}

/** Asks the control plane as a node does. */
export function askControl(
  world: World,
  path: string,
  token: string | undefined,
  accept = 'application/json',
  extraHeaders: Record<string, string> = {},
): Promise<ProbeResponse> {
  const headers = { ...extraHeaders, accept, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return answered(world, { ...world.control, path, headers });
}

/** `GET …/me/config`. */
export function askConfig(world: World, token: string | undefined, accept?: string): Promise<ProbeResponse> {
  return askControl(world, '/api/v1/edge-nodes/me/config', token, accept);
}

/** What the agent of a node is offered, with all chunks. */
export async function bundleOf(world: World, slot: EdgeName): Promise<BundleResponse> {
  const answer = await askConfig(world, world.agents[slot].token, BUNDLE_MEDIA_TYPE);
  expect(answer.status === 200, `200 to the token of ${slot}`, described(answer));
  return JSON.parse(answer.body) as BundleResponse;
}

/** An answer in one line. */
export function described(result: ProbeResult): string {
  if (result.kind === 'failure') return `${result.reason}: ${result.detail}`;
  const tls = result.tls && !result.tls.verified ? `, certificate not verified (${result.tls.reason})` : '';
  return `status ${result.status}${tls}: ${result.body.slice(0, 300).trim()}`;
}
