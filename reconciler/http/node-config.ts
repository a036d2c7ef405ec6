// GET /api/v1/edge-nodes/me/config: what a node is told, as signed texts for agents and as a plain summary for any HTTP client.
// Law: only what belongs to the token's node, never anything old, and the exact bytes that were signed.
import type { Request, Response } from 'express';
import { BUNDLE_MEDIA_TYPE, type BundleResponse, type ConfigSummary } from '../../bundle/api.ts';
import type { NodeConfig, WireBackend } from '../../bundle/config.ts';
import { WAIT_SECONDS_MAX } from '../../bundle/limits.ts';
import type { PackedChunk } from '../../bundle/route-texts.ts';
import { authenticate, type Caller, goneSignal, judgeRequest, refuse, refuseVerdict, wholeNumber } from './answer.ts';
import type { HttpDeps } from './deps.ts';
import type { Served, ServedNode } from './served.ts';
import { createTextCache } from './text-cache.ts';

interface Query {
  waitMs: number;
  have: string | undefined;
  root: number;
}

const SUMMARY_CHARS_MAX = 24 * 1024 * 1024;

export function nodeConfigHandler(deps: HttpDeps): (request: Request, response: Response) => Promise<void> {
  const { served } = deps;
  const summaries = createTextCache(SUMMARY_CHARS_MAX);
  return async (request, response) => {
    const caller = authenticate(request, response, deps);
    if (!caller) return;
    const query = readQuery(request);
    if (typeof query === 'string') return refuse(response, 400, { error: 'bad_query', message: query });
    const node = await currentNode(request, response, caller, query, deps);
    if (!node) return;
    const bundle = request.accepts(['application/json', BUNDLE_MEDIA_TYPE]) === BUNDLE_MEDIA_TYPE;
    const text = bundle ? await bundleText(node, query, served) : await summaryText(node, served, summaries);
    if (response.closed) return;
    if (text === undefined) {
      deps.log.error({ node: caller.node }, 'a chunk of a published config is not in the store');
      return refuse(response, 503, { error: 'chunk_missing', message: 'a part of the config is not available' });
    }
    response
      .set('ETag', node.etag)
      .type(bundle ? BUNDLE_MEDIA_TYPE : 'application/json')
      .send(text);
  };
}

/** The node as it is now, after waiting for a change where the client asked for one; undefined when the answer was already sent. */
async function currentNode(
  request: Request,
  response: Response,
  caller: Caller,
  { waitMs }: Query,
  { served, ...deps }: HttpDeps,
): Promise<ServedNode | undefined> {
  const gone = goneSignal(response);
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    const node = served.node(caller.node);
    if (!served.ready || !node) {
      const message = served.ready ? `nothing is published for ${caller.node} yet` : 'nothing is published yet';
      refuse(response, 503, { error: 'not_ready', message });
      return undefined;
    }
    if (!sameTag(request.headers['if-none-match'], node.etag)) return node;
    const leftMs = deadlineMs - performance.now();
    const wake = leftMs > 0 ? await served.changeOf(caller.node, leftMs, gone) : 'timeout';
    if (wake === 'gone') return undefined;
    // The wait may have taken a minute: the token is judged again before anything is said.
    const verdict = judgeRequest(request.headers, deps);
    if (verdict.kind !== 'ok' || verdict.node !== caller.node) {
      if (verdict.kind !== 'ok') refuseVerdict(response, verdict);
      else refuse(response, 503, { error: 'not_ready', message: 'the token now belongs to another node' });
      return undefined;
    }
    if (wake === 'changed') continue;
    if (wake === 'closed') {
      refuse(response, 503, { error: 'closing', message: 'the control plane is restarting' });
      return undefined;
    }
    response.set('ETag', node.etag).status(304).end();
    return undefined;
  }
}

async function bundleText(
  { published, ...node }: ServedNode,
  query: Query,
  served: Served,
): Promise<string | undefined> {
  const { version, configHash } = published;
  const response: BundleResponse = {
    node: published.node,
    files: {
      ...served.rootsAbove(query.root),
      'timestamp.json': published.timestamp,
      [`${version}.snapshot.json`]: published.snapshot,
      [`${version}.targets.json`]: published.targets,
      [`${configHash}.config.json`]: published.config,
    },
    chunks: {},
  };
  for (const sha256 of served.chunksBeyond({ published, ...node }, query.have)) {
    const text = await served.chunk(sha256);
    if (text === undefined) return undefined;
    response.chunks[sha256] = text;
  }
  return JSON.stringify(response);
}

async function summaryText(
  node: ServedNode,
  served: Served,
  summaries: ReturnType<typeof createTextCache>,
): Promise<string | undefined> {
  const known = summaries.get(node.config.hash);
  if (known !== undefined) return known;
  const summary: ConfigSummary = { config_hash: node.config.hash, routes: {}, hostnames: [], backends: {} };
  for (const sha256 of served.chunksBeyond(node, undefined)) {
    const text = await served.chunk(sha256);
    if (text === undefined) return undefined;
    for (const { hostname, backends } of (JSON.parse(text) as PackedChunk).routes) {
      const { first, targets } = targetsOf(backends);
      summary.hostnames.push(hostname);
      if (first !== undefined) summary.routes[hostname] = first;
      if (targets.length > 1) summary.backends[hostname] = targets;
    }
  }
  summary.hostnames.sort();
  const config = JSON.parse(node.published.config) as NodeConfig;
  for (const { protocol, port, backends } of config.role === 'edge' ? (config.edge.streams ?? []) : []) {
    const name = `${protocol} ${port}`;
    const { first, targets } = targetsOf(backends);
    summary.streams ??= {};
    if (first !== undefined) summary.streams[name] = first;
    if (targets.length > 1) summary.backends[name] = targets;
  }
  const text = JSON.stringify(summary);
  summaries.set(node.config.hash, text);
  return text;
}

/** A redirect and a closed route have none: the host is served, without a backend. */
function targetsOf(backends: readonly WireBackend[]): { first: string | undefined; targets: string[] } {
  const targets = backends.map(({ address, port }) => `${address}:${port}`);
  return { first: targets[backends.findIndex(({ backup }) => !backup)], targets };
}

function readQuery({ query }: Request): Query | string {
  const wait = wholeNumber(query.wait, 1, WAIT_SECONDS_MAX);
  if (wait === null) return `wait is a whole number of seconds from 1 to ${WAIT_SECONDS_MAX}`;
  const root = wholeNumber(query.root, 0, Number.MAX_SAFE_INTEGER);
  if (root === null) return 'root is the number of the newest root version the agent trusts, or 0';
  const { have } = query;
  if (have !== undefined && !(typeof have === 'string' && /^[0-9a-f]{64}$/.test(have)))
    return 'have is the hash of the config whose chunks the agent holds';
  return { waitMs: (wait ?? 0) * 1000, have, root: root ?? 0 };
}

/** RFC 9110, section 13.1.2: weak comparison, a list, or `*`. */
function sameTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
