// Layer 4: connections that the edge passes on unopened. Law: what would need a look inside is refused, so that nobody believes in a
// wall that is not there; and whether a service learns who its visitors are is always said.
import type { Route } from '../../../schemas/types.ts';
import { isLayer4, takesPublicPort } from '../public-port.ts';
import { type FieldPlace, type FieldProblem, refuse } from './field.ts';

/** Of a route, whatever its protocol. */
export function judgeLayer4(route: Route, place: FieldPlace): FieldProblem[] {
  return [
    ...judgePublicPort(route, place),
    ...judgeProxyProtocol(route, place),
    ...(isLayer4(route) ? judgeUnopened(route, place) : []),
  ];
}

function judgePublicPort(route: Route, place: FieldPlace): FieldProblem[] {
  const { protocol = 'http', publicPort } = route;
  if (takesPublicPort(route) && publicPort === undefined) {
    const message = `found protocol: ${protocol} without publicPort, expected the port under which visitors come`;
    return [refuse(place, 'KK336', message, 'add a line such as publicPort: 25565', '/protocol')];
  }
  if (takesPublicPort(route) || publicPort === undefined) return [];
  const message = `found publicPort with protocol: ${protocol}, expected it with tcp and udp only`;
  const hint = 'delete it, as visitors come to 443; or write protocol: tcp, or udp, and delete hostname';
  return [refuse(place, 'KK336', message, hint, '/publicPort')];
}

function judgeProxyProtocol({ protocol = 'http', proxyProtocol }: Route, place: FieldPlace): FieldProblem[] {
  if (protocol !== 'tls' && protocol !== 'tcp') {
    if (proxyProtocol === undefined) return [];
    const why = protocol === 'udp' ? 'datagrams have none in version 1' : 'the edge says it in X-Forwarded-For';
    const message = `found proxyProtocol with protocol: ${protocol}, expected it with tls and tcp only: ${why}`;
    return [refuse(place, 'KK337', message, 'delete it', '/proxyProtocol')];
  }
  if (proxyProtocol === undefined) {
    const message = `found protocol: ${protocol} without proxyProtocol, expected true or false`;
    const hint = 'add proxyProtocol: true when your service reads PROXY protocol, version 1; else proxyProtocol: false';
    return [refuse(place, 'KK337', message, hint, '/protocol')];
  }
  if (proxyProtocol) return [];
  const message =
    'found false: your service sees the tunnel address of an edge for every visitor, so its logs, bans and rate limits cannot tell them apart';
  const hint = 'it works as it stands; where your service reads PROXY protocol, version 1, let it, and write true';
  return [{ ...refuse(place, 'KK339', message, hint, '/proxyProtocol'), severity: 'warning' }];
}

const PROTOCOLS = ['tls', 'tcp', 'udp'] as const;

interface Unopened {
  step: string;
  of(route: Route): unknown;
  /** Absent: all of layer 4. */
  with?: readonly (typeof PROTOCOLS)[number][];
  /** Completes "the edge …". */
  why?: string;
}

const PORTS = ['tcp', 'udp'] as const;
const SHARED = 'has one door for all connections that pass through by name';

const UNOPENED: readonly Unopened[] = [
  { step: '/originTls', of: ({ originTls }) => originTls },
  { step: '/auth', of: ({ auth }) => auth },
  { step: '/paths', of: ({ paths }) => paths },
  { step: '/limits', of: ({ limits }) => limits, with: ['tls'], why: SHARED },
  { step: '/limits/maxBody', of: ({ limits }) => limits?.maxBody, with: PORTS },
  { step: '/limits/requestsPerSecond', of: ({ limits }) => limits?.requestsPerSecond, with: PORTS },
  { step: '/limits/burst', of: ({ limits }) => limits?.burst, with: PORTS },
  { step: '/timeouts', of: ({ timeouts }) => timeouts, with: ['tls'], why: SHARED },
  {
    step: '/timeouts/connect',
    of: ({ timeouts }) => timeouts?.connect,
    with: ['udp'],
    why: 'connects to nobody for a datagram',
  },
  {
    step: '/timeouts/send',
    of: ({ timeouts }) => timeouts?.send,
    with: PORTS,
    why: 'knows one silence for both directions, which is read',
  },
  { step: '/headers', of: ({ headers }) => headers },
  { step: '/hsts', of: ({ hsts }) => hsts },
  { step: '/tls', of: ({ tls }) => tls },
  { step: '/redirect', of: ({ redirect }) => redirect },
  { step: '/maintenance', of: ({ maintenance }) => maintenance },
  { step: '/errorPages', of: ({ errorPages }) => errorPages },
];

function judgeUnopened(route: Route, place: FieldPlace): FieldProblem[] {
  const protocol = route.protocol as (typeof PROTOCOLS)[number];
  return UNOPENED.filter((one) => one.of(route) !== undefined && (one.with ?? PROTOCOLS).includes(protocol)).map(
    ({ step, why = protocol === 'udp' ? 'passes datagrams on unread' : 'does not open the connection' }) => {
      const message = `found it with protocol: ${protocol}, expected none: the edge ${why}`;
      const otherwise =
        protocol === 'tls' ? 'delete it, or write protocol: https, so that the edge opens it' : 'delete it';
      return { ...refuse(place, 'KK338', message, otherwise, step), part: 'key' };
    },
  );
}
