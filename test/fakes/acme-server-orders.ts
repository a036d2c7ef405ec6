// The orders of the ACME server of the tests, as RFC 8555 §7.1.6 moves them. Law: what is finalised had every authorisation, and is counted.
import { createHash, randomUUID } from 'node:crypto';
import type { CertificateFault } from './acme-server-faults.ts';
import type { Issued, Issuer } from './acme-server-issuer.ts';

/** What has to be found: for http-01 below `/.well-known/acme-challenge/`, for dns-01 as TXT of `_acme-challenge.NAME`. */
export interface Validation {
  type: 'http-01' | 'dns-01';
  /** Without `*.`. */
  name: string;
  token: string;
  value: string;
}

interface Challenge {
  type: Validation['type'];
  token: string;
  status: 'pending' | 'processing' | 'valid' | 'invalid';
}

export interface Authorization {
  id: string;
  /** As ordered; may be `*.name`. */
  name: string;
  challenges: Challenge[];
}

export interface Order {
  id: string;
  thumbprint: string;
  names: string[];
  authorizations: Authorization[];
  issued?: Issued;
  isInvalid?: true;
}

export interface OrdersOptions {
  issuer: Issuer;
  now(): number;
  lifetimeMs: number;
  validate(validation: Validation): boolean | Promise<boolean>;
  certificateFault(): CertificateFault | undefined;
}

export interface OrderBook {
  begin(thumbprint: string, names: string[]): Order;
  order(id: string): Order | undefined;
  authorization(id: string): { order: Order; authorization: Authorization } | undefined;
  /** Begins to look; the outcome is in the authorisation soon. */
  answer(order: Order, authorization: Authorization, type: string): void;
  /** @throws Error with the words for the client */
  finalise(order: Order, csr: Buffer): Promise<void>;
  /** Oldest first. */
  issued(): Issued[];
  /** Names, sorted and joined by a comma, each time an order of them was finalised. */
  readonly finalised: string[];
  /** A name each time it was looked for in vain. */
  readonly failedValidations: string[];
}

export function createOrderBook({ issuer, now, lifetimeMs, validate, certificateFault }: OrdersOptions): OrderBook {
  const orders = new Map<string, Order>();
  const authorizations = new Map<string, { order: Order; authorization: Authorization }>();
  const finalised: string[] = [];
  const failedValidations: string[] = [];
  return {
    finalised,
    failedValidations,
    order: (id) => orders.get(id),
    authorization: (id) => authorizations.get(id),
    issued: () => [...orders.values()].flatMap(({ issued }) => issued ?? []),
    begin(thumbprint, names) {
      const order: Order = { id: randomUUID(), thumbprint, names, authorizations: names.map(authorizationFor) };
      orders.set(order.id, order);
      for (const authorization of order.authorizations) authorizations.set(authorization.id, { order, authorization });
      return order;
    },
    answer({ thumbprint }, { name, challenges }, type) {
      const challenge = challenges.find((each) => each.type === type);
      if (challenge?.status !== 'pending') return;
      challenge.status = 'processing';
      const bare = name.replace(/^\*\./, '');
      const value = valueToFind(challenge, thumbprint);
      void Promise.resolve(validate({ ...challenge, name: bare, value })).then((isFound) => {
        challenge.status = isFound ? 'valid' : 'invalid';
        if (!isFound) failedValidations.push(bare);
      });
    },
    async finalise(order, csr) {
      if (statusOf(order) !== 'ready') throw new Error(`the order is ${statusOf(order)}`);
      const fault = certificateFault();
      const made = await issuer.issue({ csr, names: order.names, now: now(), lifetimeMs, fault });
      finalised.push([...order.names].sort().join());
      if (fault === 'order_invalid') order.isInvalid = true;
      else order.issued = made;
    },
  };
}

export function statusOf(order: Order): string {
  if (order.isInvalid) return 'invalid';
  if (order.issued) return 'valid';
  const states = order.authorizations.map(authorizationStatus);
  if (states.includes('invalid')) return 'invalid';
  return states.every((state) => state === 'valid') ? 'ready' : 'pending';
}

export function authorizationStatus({ challenges }: Authorization): string {
  const states = challenges.map(({ status }) => status);
  return states.includes('valid') ? 'valid' : states.includes('invalid') ? 'invalid' : 'pending';
}

/** A wildcard is authorised by DNS alone, as at every public CA. */
function authorizationFor(name: string): Authorization {
  const types = name.startsWith('*.') ? (['dns-01'] as const) : (['http-01', 'dns-01'] as const);
  const token = Buffer.from(randomUUID()).toString('base64url');
  return { id: randomUUID(), name, challenges: types.map((type) => ({ type, token, status: 'pending' })) };
}

/** RFC 8555 §8.1, §8.3, §8.4. */
function valueToFind({ type, token }: Challenge, thumbprint: string): string {
  const authorization = `${token}.${thumbprint}`;
  return type === 'http-01' ? authorization : createHash('sha256').update(authorization).digest('base64url');
}
