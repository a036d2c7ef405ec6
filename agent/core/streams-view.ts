// Layer 4 as its template sees it.
import type { EdgePart } from '../../bundle/config.ts';
import { as, type View } from './mustache-template.ts';
import { nginxPaths, releaseFolder } from './nginx-paths.ts';
import type { StreamServer, StreamTables } from './nginx-streams.ts';
import { hashViews, listenViews, type NginxSettings, upstreamView } from './settings-view.ts';

/** What of layer 4 there is to listen on; undefined: nothing, and no listener stands. */
export function streamsView(
  { proxyProtocolFrom = [] }: EdgePart,
  tables: StreamTables,
  settings: NginxSettings,
  hash: { rows: number; longestKey: number },
): View | undefined {
  const { servers, passthrough, upstreams, networks } = tables;
  if (servers.length === 0 && !passthrough) return undefined;
  const paths = nginxPaths(settings.stateDir);
  const balanced = proxyProtocolFrom.length > 0;
  return {
    ...hashViews(hash),
    folder: as('path', releaseFolder(settings.stateDir, settings.releaseId)),
    closedSocket: as('path', paths.closedSocket),
    plainSocket: as('path', paths.plainSocket),
    httpsSocket: as('path', paths.httpsSocket),
    countsConnections: servers.some(({ connections }) => connections !== undefined),
    balanced,
    balancers: networkViews(proxyProtocolFrom),
    upstreams: upstreams.map(upstreamView),
    servers: servers.map((server) => serverView(server, settings, balanced)),
    passthrough,
    closing: passthrough || balanced,
    networkLists: networks
      .all()
      .map(({ id, networks: list }) => ({ id: as('name', id), networks: networkViews(list) })),
    httpsListen: listenViews(settings, settings.listen.httpsPort),
  };
}

export function networkViews(networks: readonly string[]): View[] {
  return networks.map((network) => ({ network: as('network', network) }));
}

function serverView(server: StreamServer, settings: NginxSettings, balanced: boolean): View {
  const { protocol, port, backend, proxyProtocol, allow, deny, connections, timeouts = {} } = server;
  return {
    id: as('headerVariable', `${protocol}_${port}`),
    listen: listenViews(settings, port),
    udp: protocol === 'udp',
    // A datagram carries no PROXY header.
    trusting: balanced && protocol === 'tcp',
    backend: as('upstream', backend.name),
    proxyProtocol: proxyProtocol === true,
    deny: networkViews(deny ?? []),
    allow: networkViews(allow ?? []),
    onlyAllowed: allow !== undefined,
    connections: numbered(connections),
    connectMs: numbered(timeouts.connectMs),
    idleMs: numbered(timeouts.readMs ?? (protocol === 'udp' ? UDP_IDLE_MS : undefined)),
  };
}

/** A session of datagrams has no end of its own. */
const UDP_IDLE_MS = 60_000;

function numbered(number: number | undefined): View | false {
  return number === undefined ? false : { number: as('number', number) };
}
