// Route 53 on loopback, for the official SDK to talk to: a server with the part of the API that we use. It checks signatures and who may do what;
// what was asked for that the API does not have is in `problems`, for the caller to assert; and it misbehaves when told to.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AwsCredentials } from '../core/dns/aws-credentials.ts';
import { signatureProblem } from './dns-route53-signature.fixture.ts';
import { createRoute53State, escapedName, InvalidBatchError, type KeptZone } from './dns-route53-state.fixture.ts';
import {
  document,
  element,
  errorXml,
  invalidBatchXml,
  readChanges,
  setXml,
  zoneXml,
} from './dns-route53-xml.fixture.ts';
import { startLoopbackServer } from './loopback-server.fixture.ts';

export type Asked = 'zones' | 'list' | 'batch';

export type Mischief =
  /** Refused, or broken, without being done. */
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** Done; the answer is another one. */
  | { kind: 'lie'; told(body: string): string }
  /** Somebody else is faster: this happens between what was read before and this request. */
  | { kind: 'before'; happens(): void }
  /** Done, but the answer never comes. */
  | { kind: 'late' }
  /** Done, and the connection is cut before the answer. */
  | { kind: 'cut' }
  /** The answer begins, and its end never comes. */
  | { kind: 'trickle' }
  /** The answer has no end. */
  | { kind: 'flood' };

interface Answer {
  status: number;
  body: string;
}

export interface DoubleOptions {
  credentials: AwsCredentials;
  /** What it gives at once, whatever is asked for. */
  pageSets?: number;
  /** The form in which batches are refused: both are seen. */
  hasMessages?: boolean;
  /** Of the IAM policy. */
  allows?: readonly Asked[];
}

export async function startRoute53Double(options: DoubleOptions) {
  const { credentials, pageSets = 300, hasMessages = false, allows = ['zones', 'list', 'batch'] } = options;
  const state = createRoute53State();
  const problems: string[] = [];
  const asked: Asked[] = [];
  const mischief: { on: Asked; how: Mischief }[] = [];

  function listZones(query: URLSearchParams): Answer {
    const from = query.get('dnsname') ?? '';
    const found = state.zones
      .filter(({ name }) => !state.isBefore({ name, type: '' }, { name: from, type: '' }))
      .toSorted((a, b) => (state.isBefore({ name: a.name, type: a.id }, { name: b.name, type: b.id }) ? -1 : 1));
    const zones = `<HostedZones>${found.map(zoneXml).join('')}</HostedZones>`;
    const content = `${zones}${element('DNSName', from)}<IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>`;
    return { status: 200, body: document('ListHostedZonesByNameResponse', content) };
  }

  function listSets(zone: KeptZone, query: URLSearchParams): Answer {
    const [name, type, identifier] = ['name', 'type', 'identifier'].map((key) => query.get(key) ?? '');
    if (name === '' && type !== '') return refused(400, 'InvalidInput', 'A type without a name.');
    const from = { name: escapedName(name!), type: type!, identifier: identifier! };
    const rest = state.sorted(zone).filter((set) => name === '' || !state.isBefore(set, from));
    const most = Math.min(Number(query.get('maxitems') ?? 300), pageSets);
    const next = rest[most];
    const sets = `<ResourceRecordSets>${rest.slice(0, most).map(setXml).join('')}</ResourceRecordSets>`;
    const onward =
      next === undefined
        ? ''
        : element('NextRecordName', next.name) +
          element('NextRecordType', next.type) +
          element('NextRecordIdentifier', next.identifier);
    const content = `${sets}${element('IsTruncated', next !== undefined)}${onward}${element('MaxItems', most)}`;
    return { status: 200, body: document('ListResourceRecordSetsResponse', content) };
  }

  function change(zone: KeptZone, text: string): Answer {
    try {
      const changes = readChanges(text).map(({ action, set }) => ({
        action,
        set: { ...set, name: escapedName(set.name) },
      }));
      state.batch(zone, changes);
    } catch (error) {
      if (!(error instanceof InvalidBatchError)) throw error;
      if (hasMessages) return { status: 400, body: invalidBatchXml(error.messages) };
      return refused(400, 'InvalidChangeBatch', `[${error.messages.join(', ')}]`);
    }
    const info =
      '<Id>/change/C0000000000001</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt>';
    return { status: 200, body: document('ChangeResourceRecordSetsResponse', `<ChangeInfo>${info}</ChangeInfo>`) };
  }

  function answer(request: IncomingMessage, on: Asked, url: URL, body: Buffer): Answer {
    const problem = signatureProblem(request, body, credentials);
    if (problem !== undefined)
      return refused(403, problem, `The request with ${request.headers.authorization} is none.`);
    if (!allows.includes(on)) return refused(403, 'AccessDenied', 'User is not authorized to perform: route53.');
    if (on === 'zones') return listZones(url.searchParams);
    const zone = state.zones.find(({ id }) => url.pathname.includes(`/hostedzone/${id}/`));
    if (zone === undefined) return refused(404, 'NoSuchHostedZone', 'No hosted zone found with that ID.');
    return on === 'list' ? listSets(zone, url.searchParams) : change(zone, body.toString());
  }

  function respond(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url!, 'http://double');
    const on = askedFor(request.method!, url.pathname);
    if (on === undefined) {
      problems.push(`there is no ${request.method} ${url.pathname}`);
      return void response.writeHead(404).end();
    }
    asked.push(on);
    const at = mischief.findIndex((one) => one.on === on);
    const how = at < 0 ? undefined : mischief.splice(at, 1)[0]!.how;
    if (how?.kind === 'answer') {
      response.writeHead(how.status, { 'content-type': 'text/xml', ...how.headers });
      return void response.end(how.body ?? '');
    }
    if (how?.kind === 'before') how.happens();
    const done = answer(request, on, url, body);
    if (how?.kind === 'cut') return void request.socket.destroy();
    if (how?.kind === 'late') return;
    response.writeHead(done.status, { 'content-type': 'text/xml' });
    if (how?.kind === 'trickle') return void response.write(done.body.slice(0, 60));
    if (how?.kind === 'flood') return void flood(response);
    response.end(how?.kind === 'lie' ? how.told(done.body) : done.body);
  }

  const server = await startLoopbackServer(respond, problems);

  return {
    state,
    endpoint: server.origin,
    /** What was asked, in order. */
    asked,
    problems,
    /** The next requests of this kind go wrong. */
    misbehave(on: Asked, how: Mischief, times = 1) {
      for (let i = 0; i < times; i += 1) mischief.push({ on, how });
    },
    /** Mischief that nothing asked for. */
    unspent: () => mischief.length,
    close: server.close,
  };
}

function askedFor(method: string, path: string): Asked | undefined {
  if (method === 'GET' && path === '/2013-04-01/hostedzonesbyname') return 'zones';
  if (!/^\/2013-04-01\/hostedzone\/[A-Z0-9]+\/rrset\/?$/.test(path)) return undefined;
  return method === 'GET' ? 'list' : method === 'POST' ? 'batch' : undefined;
}

function refused(status: number, code: string, message: string): Answer {
  return { status, body: errorXml(code, message) };
}

function flood(response: ServerResponse): void {
  const part = Buffer.alloc(1024 * 1024, 'x');
  response.on('drain', () => response.write(part));
  response.write(part);
}
