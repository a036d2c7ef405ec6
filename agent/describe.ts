// What `kokoa-agent status` says: facts as data, and the same facts as lines for a person at 80 columns.
import type { Node } from './node.ts';

export interface Description {
  facts: Record<string, unknown>;
  lines: string[];
}

/** Reads the node's own disk and kernel; asks nobody. */
export async function describeNode(node: Node, nowMs: number): Promise<Description> {
  const lkg = await node.trusted.lastKnownGood();
  const accepted = await node.trusted.accepted();
  const tunnels = lkg && node.network ? await tunnelsOf(node, lkg.config.wireguard.peers, nowMs) : [];
  const isEdge = lkg?.config.role === 'edge';
  const serving = isEdge ? await node.machine.edge?.web.serving() : undefined;
  const hosts = lkg?.chunks.reduce((sum, { routes }) => sum + routes.length, 0) ?? 0;
  const facts = {
    node: node.settings.node,
    role: lkg?.config.role,
    fingerprint: node.keys.fingerprint,
    lastKnownGood: lkg && { hash: lkg.configHash, version: lkg.version },
    accepted: accepted && { hash: accepted.configHash, version: accepted.version },
    webServer: isEdge ? (serving ?? 'not answering') : undefined,
    hosts: isEdge ? hosts : undefined,
    tunnels,
    allow: lkg?.config.role === 'origin' ? node.settings.allow || 'none' : undefined,
  };
  const lines = [
    `node          ${facts.node}${facts.role ? ` (${facts.role})` : ''}`,
    `fingerprint   ${facts.fingerprint}`,
    `last good     ${lkg ? `version ${lkg.version}, ${lkg.configHash.slice(0, 12)}` : 'none yet: nothing was applied'}`,
    ...(accepted && accepted.configHash !== lkg?.configHash ? [`accepted      version ${accepted.version}, not applied`] : []),
    ...(isEdge ? [`web server    ${serving ? `serves release ${serving.slice(0, 12)}` : 'does not answer'}`, `hosts         ${hosts}`] : []),
    ...(facts.allow ? [`allows        ${facts.allow}`] : []),
    ...tunnels.map(({ node: peer, handshake }) => `tunnel        ${peer}: ${handshake}`),
  ];
  return { facts, lines };
}

async function tunnelsOf(node: Node, peers: readonly { node: string; publicKey: string }[], nowMs: number) {
  const state = await node.network!.read();
  const latest = new Map(state.peers.map(({ publicKey, latestHandshake }) => [publicKey, latestHandshake]));
  return peers.map((peer) => {
    const at = latest.get(peer.publicKey) ?? 0;
    const handshake = at === 0 ? 'no handshake yet' : `handshake ${Math.max(0, Math.round(nowMs / 1000 - at))} s ago`;
    return { node: peer.node, handshake };
  });
}
