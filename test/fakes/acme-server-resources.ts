// The resources of the ACME server of the tests: each request to its right answer (RFC 8555 §7, RFC 9773 §4).
import type { JWK } from 'jose';
import { type Answer, problem, type RequestKind } from './acme-server-faults.ts';
import type { Door, Signed } from './acme-server-jws.ts';
import { type Authorization, authorizationStatus, type Order, type OrderBook, statusOf } from './acme-server-orders.ts';

export interface Site {
  /** `https://HOST:PORT` */
  at: string;
  door: Door;
  book: OrderBook;
  /** RFC 7638 thumbprint → key. */
  accounts: Map<string, JWK>;
  /** What the directory says; absent: where it is. */
  renewalInfoAt: string | undefined;
  /** Of a certificate id; a string is sent as it is; undefined: it is not known. */
  suggestion(certId: string): object | string | undefined;
  /** Of every answer about a renewal. */
  suggestionRetryAfter: string | undefined;
}

export async function answer(site: Site, method: string, kind: RequestKind, id: string, body: string): Promise<Answer> {
  if (kind === 'directory') return json(200, directory(site));
  if (kind === 'newNonce') return { status: method === 'HEAD' ? 200 : 204, headers: {}, body: '' };
  if (kind === 'renewalInfo') return renewalInfo(site, id);
  const url = `${site.at}/${kind}${id === '' ? '' : `/${id}`}`;
  const signed = await site.door.enter(url, body, {
    isNew: kind === 'newAccount',
    key: (kid) => site.accounts.get(kid.slice(kid.lastIndexOf('/') + 1)),
  });
  return 'status' in signed ? signed : answerSigned(site, kind, id, signed);
}

async function answerSigned(site: Site, kind: RequestKind, id: string, signed: Signed): Promise<Answer> {
  if (kind === 'newAccount') return newAccount(site, signed);
  if (kind === 'newOrder') return newOrder(site, signed);
  if (kind === 'authorization' || kind === 'challenge') return authorization(site, kind, id, signed);
  const order = site.book.order(id);
  if (order?.thumbprint !== signed.thumbprint) return problem('malformed', 'no such order of this account', 404);
  if (kind === 'certificate') return pem(order);
  if (kind === 'finalize') return finalize(site, order, signed);
  return kind === 'order' ? json(200, orderObject(site, order)) : problem('malformed', 'no such resource', 404);
}

function directory({ at, renewalInfoAt = `${at}/renewalInfo` }: Site): object {
  const resources = ['newNonce', 'newAccount', 'newOrder', 'revokeCert', 'keyChange'];
  const named = Object.fromEntries(resources.map((name) => [name, `${at}/${name}`]));
  return { ...named, ...(renewalInfoAt !== '' && { renewalInfo: renewalInfoAt }), meta: {} };
}

function newAccount({ at, accounts }: Site, { thumbprint, jwk }: Signed): Answer {
  const status = accounts.has(thumbprint) ? 200 : 201;
  accounts.set(thumbprint, jwk);
  return json(status, { status: 'valid', contact: [] }, { Location: `${at}/account/${thumbprint}` });
}

function newOrder(site: Site, { thumbprint, payload }: Signed): Answer {
  const identifiers = payload?.identifiers as { type: string; value: string }[];
  const order = site.book.begin(
    thumbprint,
    identifiers.map(({ value }) => value),
  );
  return json(201, orderObject(site, order), { Location: `${site.at}/order/${order.id}` });
}

/** A challenge is named `AUTHORIZATION.TYPE`; a POST with a payload asks to look (§7.5.1). */
function authorization(site: Site, kind: RequestKind, id: string, { thumbprint, payload }: Signed): Answer {
  const [name = '', type = ''] = id.split('.');
  const found = site.book.authorization(name);
  if (found?.order.thumbprint !== thumbprint) return problem('malformed', 'no such authorization', 404);
  if (kind === 'authorization') return json(200, authorizationObject(site, found.authorization));
  if (payload) site.book.answer(found.order, found.authorization, type);
  const up = { Link: `<${site.at}/authorization/${name}>;rel="up"` };
  const object = authorizationObject(site, found.authorization);
  return json(200, object.challenges.find((challenge) => challenge.type === type) ?? {}, up);
}

async function finalize(site: Site, order: Order, { payload }: Signed): Promise<Answer> {
  try {
    await site.book.finalise(order, Buffer.from(String(payload?.csr), 'base64url'));
    return json(200, orderObject(site, order));
  } catch (error) {
    return problem('badCSR', (error as Error).message);
  }
}

function pem({ issued }: Order): Answer {
  if (!issued) return problem('malformed', 'there is no certificate yet', 404);
  return { status: 200, headers: { 'Content-Type': 'application/pem-certificate-chain' }, body: issued.fullchain };
}

function renewalInfo(site: Site, certId: string): Answer {
  const body = site.suggestion(certId);
  if (body === undefined) return problem('malformed', 'no certificate has this id', 404);
  const { suggestionRetryAfter: after } = site;
  const headers = { 'Content-Type': 'application/json', ...(after !== undefined && { 'Retry-After': after }) };
  return { status: 200, headers, body };
}

function orderObject({ at }: Site, order: Order): object {
  const status = statusOf(order);
  return {
    status,
    identifiers: order.names.map((value) => ({ type: 'dns', value })),
    authorizations: order.authorizations.map(({ id }) => `${at}/authorization/${id}`),
    finalize: `${at}/finalize/${order.id}`,
    ...(status === 'valid' && { certificate: `${at}/certificate/${order.id}` }),
    ...(order.isInvalid && { error: problem('serverInternal', 'the order was dropped').body }),
  };
}

function authorizationObject({ at }: Site, each: Authorization) {
  const { id, name, challenges } = each;
  const isWildcard = name.startsWith('*.');
  return {
    status: authorizationStatus(each),
    identifier: { type: 'dns', value: isWildcard ? name.slice(2) : name },
    ...(isWildcard && { wildcard: true }),
    challenges: challenges.map(({ type, token, status }) => ({
      ...{ type, token, status, url: `${at}/challenge/${id}.${type}` },
      ...(status === 'invalid' && { error: problem('incorrectResponse', 'the test says no', 403).body }),
    })),
  };
}

function json(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body };
}
