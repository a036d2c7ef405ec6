// What a node announced, put together again where the row that kept it is damaged. Law: what was published for others still names its keys;
// a key that nothing names is UNKNOWN_KEY, which equals no key that anybody can announce.
import type { Enrolment } from '../../bundle/api.ts';
import { validateEnrolment } from '../../bundle/api-schema.ts';
import { CONFIG_FORMAT, type NodeConfig } from '../../bundle/config.ts';

export const UNKNOWN_KEY = '';

/** `configs`: what is published. `remnant`: what the row still says; only members that are valid by themselves count. */
export function mendedEnrolment(node: string, configs: Iterable<NodeConfig>, remnant: unknown): Enrolment {
  const mended: Enrolment = {
    wireguardPublicKey: UNKNOWN_KEY,
    signingKey: UNKNOWN_KEY,
    formats: [CONFIG_FORMAT],
    ...validMembers(remnant),
  };
  for (const config of configs) Object.assign(mended, toldOf(node, config));
  return mended;
}

const MEMBERS = [
  'wireguardPublicKey',
  'nextWireguardPublicKey',
  'signingKey',
  'recipient',
  'acmeThumbprint',
  'address',
  'allow',
  'formats',
] as const satisfies readonly (keyof Enrolment)[];

/** A whole enrolment, into which one member after the other is put to be judged. */
const PLAIN: Enrolment = {
  wireguardPublicKey: `${'A'.repeat(43)}=`,
  signingKey: 'A'.repeat(43),
  formats: [CONFIG_FORMAT],
};

function validMembers(remnant: unknown): Partial<Enrolment> {
  if (typeof remnant !== 'object' || remnant === null) return {};
  const said = remnant as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    MEMBERS.flatMap((name) =>
      said[name] !== undefined && validateEnrolment({ ...PLAIN, [name]: said[name] }) === undefined
        ? [[name, said[name]]]
        : [],
    ),
  );
}

/** What the config of a peer, or of an edge of its pool, says of the node. */
function toldOf(node: string, config: NodeConfig): Partial<Enrolment> {
  const peer = config.wireguard.peers.find((one) => one.node === node);
  const member = config.role === 'edge' ? config.edge.members.find((one) => one.node === node) : undefined;
  // Only of edges is the endpoint something that they announced.
  const address = config.role === 'origin' ? addressIn(peer?.endpoint) : undefined;
  return {
    ...(peer && { wireguardPublicKey: peer.publicKey }),
    ...(peer?.nextPublicKey !== undefined && { nextWireguardPublicKey: peer.nextPublicKey }),
    ...(member && { signingKey: member.signingKey, recipient: member.recipient }),
    ...(member?.acmeThumbprint !== undefined && { acmeThumbprint: member.acmeThumbprint }),
    ...(address && { address }),
  };
}

/** `ip:port` or `[ip6]:port`. */
function addressIn(endpoint: string | undefined): Enrolment['address'] {
  const [, ipv6, ipv4] = /^(?:\[(.+)\]|([^:]+)):[0-9]+$/.exec(endpoint ?? '') ?? [];
  if (ipv6 !== undefined) return { ipv6 };
  return ipv4 === undefined ? undefined : { ipv4 };
}
