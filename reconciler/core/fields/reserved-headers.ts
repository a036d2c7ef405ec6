// Headers that a route does not change. Law: what says who asks for what, where a message ends, or what belongs to one connection is
// the edge's alone; otherwise a route could make its service believe in a visitor who is not there.

/** `request.set` and so on: where a route names the header. `identity`: taken from a login service's answer to the request. */
export type HeaderUse = 'request.set' | 'request.remove' | 'response.set' | 'response.remove' | 'identity';

interface Reservation {
  names: RegExp;
  uses: readonly HeaderUse[];
  /** Completes "it …". */
  why: string;
  hint: string;
}

const REQUEST: readonly HeaderUse[] = ['request.set', 'request.remove', 'identity'];
const RESPONSE: readonly HeaderUse[] = ['response.set', 'response.remove'];
const DELETE = 'delete the line';

const RESERVATIONS: readonly Reservation[] = [
  {
    // RFC 9110, 7.6.1 and 7.6.3; RFC 9113, 8.2.2; RFC 9112, 6.1
    names: /^(connection|keep-alive|proxy-.+|te|trailer|transfer-encoding|upgrade|http2-settings|content-length|via)$/,
    uses: [...REQUEST, ...RESPONSE],
    why: 'belongs to one connection, and the edge has two',
    hint: DELETE,
  },
  {
    // RFC 9110, 7.2; RFC 7239; RFC 6455, 11.3
    names: /^(host|(x-)?forwarded(-.+)?|x-real-ip|x-original-.+|expect|early-data|sec-websocket-.+|x-kokoa-.+)$/,
    uses: REQUEST,
    why: 'says who asks for what, and the edge sets it',
    hint: DELETE,
  },
  {
    // Other proxies' names for the address of the visitor; the edge lets none of them pass.
    names: /^(proxy|(x-)?(true-)?client-ip|x-cluster-client-ip|(cf|fastly)-.*ip|x-rewrite-url)$/,
    uses: REQUEST,
    why: 'says who asks for what, and the edge lets no such header pass',
    hint: DELETE,
  },
  {
    names: /^authorization$/,
    uses: ['request.set'],
    why: 'would put a secret into git, for every reader of it',
    hint: 'let the service trust the tunnel, or ask visitors to log in with auth',
  },
  {
    names: /^strict-transport-security$/,
    uses: ['response.set'],
    why: 'has a property of its own',
    hint: 'write hsts: {maxAge: 31536000}',
  },
  {
    // Written by the web server itself whatever the service says, or true of the body that the service sent.
    names: /^(date|server|alt-svc|content-type|content-encoding|content-range|x-accel-.+)$/,
    uses: RESPONSE,
    why: 'is decided by the edge, or by the body itself',
    hint: 'let your service send the right one',
  },
  {
    names: /^(date|server|location|set-cookie|content-.+|cache-control|expires|etag|last-modified|vary|retry-after)$/,
    uses: ['identity'],
    why: 'tells of the answer itself, not of the visitor',
    hint: 'name headers such as Remote-User',
  },
];

/** Why a header is not for a route to change in this way; undefined: it may. Names are equal in any case (RFC 9110, 5.1). */
export function reservation(name: string, use: HeaderUse): { why: string; hint: string } | undefined {
  const lower = name.toLowerCase();
  return RESERVATIONS.find(({ names, uses }) => uses.includes(use) && names.test(lower));
}

/** Names by which services ask for a key, a password or a session (Authorization is refused altogether). */
const CREDENTIAL =
  /^(?:.{0,60}-)?(?:api-?keys?|access-?keys?|auth-?keys?|token|auth|secret|password|passwd|credentials?|session(?:-?id)?)$|^(?:cookie|apikey|x-functions-key|ocp-apim-subscription-key)$/;

/** True for a header of a request whose value lets in whoever has it. */
export function isCredential(name: string): boolean {
  return CREDENTIAL.test(name.toLowerCase());
}
