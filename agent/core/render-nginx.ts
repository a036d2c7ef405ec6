// RENDER: a verified config becomes the web server's whole tree. Law: one `server{}` per policy class and never per hostname;
// everything that came from outside passed the allow-list of its context first.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Chunk, EdgeConfig } from '../../bundle/config.ts';
import { EDGE_MARK_PATH, edgeMark } from '../../bundle/edge-mark.ts';
import type { WebServerFeatures } from '../ports/web-server.ts';
import { classView, headerViews, ours, withoutUpgrade } from './class-view.ts';
import { defaultPages, OWN_PAGE_STATUSES, PAGE_STATUSES } from './error-pages.ts';
import { as, renderTemplate, type View } from './mustache-template.ts';
import { nginxPaths, releaseFolder, STREAM_MODULE } from './nginx-paths.ts';
import { type StreamTables, tabulateStreams } from './nginx-streams.ts';
import { type Tables, tabulate } from './nginx-tables.ts';
import type { Kind } from './policy-class.ts';
import { hashViews, listenViews, type NginxSettings, upstreamView } from './settings-view.ts';
import { networkViews, streamsView } from './streams-view.ts';
import { plainHeaders } from './upstream-headers.ts';

/** What `templates` must hold. */
export const TEMPLATE_NAMES = ['nginx.conf', 'gates.conf', 'upstreams.conf', 'classes.conf', 'streams.conf'] as const;
export type Templates = Readonly<Record<(typeof TEMPLATE_NAMES)[number], string>>;

const HTTPS_PORT = 443;
const OPEN_FILES_PER_CONNECTION = 4;
/** How long an old worker may carry on after a reload. */
const WORKER_SHUTDOWN_SECONDS = 3600;
export interface NginxInput {
  config: EdgeConfig;
  chunks: readonly Chunk[];
  features: WebServerFeatures;
  settings: NginxSettings;
  templates: Templates;
  /** @see tabulate */
  stopgaps?: ReadonlyMap<string, string>;
  down?: ReadonlySet<string>;
}

/**
 * The whole tree, relative path → text, in time that grows with the number of routes.
 * @throws KokoaError unsafe_value when a value does not fit where it would stand; nothing is rendered then
 */
export function renderNginx(input: NginxInput): Map<string, string> {
  const { config, chunks, templates } = input;
  const tables = tabulate(config, chunks, input.stopgaps, input.down);
  // A web server without the module serves the rest; the agent says which routes it cannot.
  const streams = tabulateStreams(input.features.stream === 'none' ? {} : config.edge, chunks, input.down);
  const layer4 = streamsView(config.edge, streams, input.settings, tables);
  const files = new Map([
    ['nginx.conf', renderTemplate(templates['nginx.conf'], mainView(input, tables, streams))],
    ['upstreams.conf', renderTemplate(templates['upstreams.conf'], { upstreams: tables.upstreams.map(upstreamView) })],
    ['classes.conf', renderTemplate(templates['classes.conf'], classesView(input, tables, streams))],
    ['hosts.map', lines(tables.hosts)],
    ['wildcard-hosts.map', lines(tables.wildcardHosts)],
    ['certificates.map', lines(tables.certificates)],
    ['wildcard-certificates.map', lines(tables.wildcardCertificates)],
    ['orderers.map', lines(tables.orderedByOthers)],
    ...defaultPages(),
    ...tables.gates.pageFiles(),
    ...tables.kinds.flatMap(({ ca }) => (ca === undefined ? [] : [[caFileName(ca), ca] as const])),
  ]);
  for (const { id, hostnames } of tables.classes) files.set(`names-${id}.conf`, `server_name\n${lines(hostnames)};\n`);
  for (const [name, rows] of tables.gates.files()) {
    if (name.startsWith('pages-') || (tables.gates.gated && included(name, tables))) files.set(name, lines(rows));
  }
  if (tables.gates.gated) files.set('gates.conf', renderTemplate(templates['gates.conf'], gatesView(input, tables)));
  if (layer4) files.set('streams.conf', renderTemplate(templates['streams.conf'], layer4));
  if (streams.passthrough) for (const [name, rows] of streams.files) files.set(name, lines(rows));
  return files;
}

/** Tables that nobody needs are not read. */
function included(name: string, { gates }: Tables): boolean {
  if (name === 'logins.map' || name === 'sign-ins.map') return gates.withLogins;
  return gates.levels().length > 0 || (name !== 'divided.map' && name !== 'strips.map');
}

function mainView(input: NginxInput, tables: Tables, streams: StreamTables): View {
  const { features, settings } = input;
  const paths = nginxPaths(settings.stateDir);
  const { httpPort, httpsPort } = settings.listen;
  return {
    user: settings.user
      ? {
          account: as('name', settings.user.account),
          group: as('name', settings.user.group),
          openFilesMax: as('number', settings.workerConnections * OPEN_FILES_PER_CONNECTION),
        }
      : false,
    workerProcesses: as('number', settings.workerProcesses),
    workerConnections: as('number', settings.workerConnections),
    workerShutdownSeconds: as('number', WORKER_SHUTDOWN_SECONDS),
    pid: as('path', paths.pid),
    log: as('path', paths.log),
    run: as('path', paths.run),
    certs: as('path', paths.certs),
    probeSocket: as('path', paths.probeSocket),
    folder: folderOf(settings),
    releaseId: as('name', settings.releaseId),
    ...hashViews(tables),
    ...markView(input),
    layer4: streams.servers.length > 0 || streams.passthrough,
    streamModule: features.stream === 'module' ? { file: as('path', STREAM_MODULE) } : false,
    certificateCache: features.certificateCache,
    http2Directive: features.http2Directive,
    gates: tables.gates.gated,
    pages: OWN_PAGE_STATUSES.map(statusView),
    ...errorPagesView(),
    proxyHeaders: headerViews(ours(plainHeaders(httpsPort))),
    grpcHeaders: headerViews(withoutUpgrade(ours(plainHeaders(httpsPort)))),
    orderers: tables.orderers.map(({ name, thumbprint }) => ({
      name: as('name', name),
      thumbprint: thumbprint === undefined ? false : { value: as('thumbprint', thumbprint) },
    })),
    httpListen: listenViews(settings, httpPort),
    ...httpsView(input, streams),
    httpsPort: httpsPort === HTTPS_PORT ? false : { number: as('number', httpsPort) },
  };
}

function gatesView({ settings }: NginxInput, { gates }: Tables): View {
  return {
    folder: folderOf(settings),
    networkLists: gates.networks.all().map(({ id, networks }) => ({
      id: as('name', id),
      networks: networks.map((network) => ({ network: as('network', network) })),
    })),
    logins: gates.withLogins,
    divided: dividedView(gates.levels()),
  };
}

function classesView(input: NginxInput, { classes }: Tables, streams: StreamTables): View {
  const { features, settings } = input;
  const folder = releaseFolder(settings.stateDir, settings.releaseId);
  const caFile = ({ ca, verify }: Kind) =>
    ca !== undefined ? `${folder}/${caFileName(ca)}` : verify === 'public' ? settings.systemCaFile : undefined;
  const { httpsPort } = settings.listen;
  const https = httpsView(input, streams);
  const rates = new Set(classes.flatMap(({ limits }) => limits.requestsPerSecond ?? []));
  return {
    folder: as('path', folder),
    usersFolder: as('path', nginxPaths(settings.stateDir).users),
    http2Directive: features.http2Directive,
    ...markView(input),
    ...https,
    ...errorPagesView(),
    rates: [...rates].sort((a, b) => a - b).map((rate) => ({ perSecond: as('number', rate) })),
    countsConnections: classes.some(({ limits }) => limits.connections !== undefined),
    classes: classes.map((one) => classView(one, https.http3, httpsPort, caFile)),
  };
}

/** What tells this edge from whoever has its address one day. */
function markView({ config }: NginxInput): View {
  return { markPath: as('urlPath', EDGE_MARK_PATH), mark: as('name', edgeMark(config.node)) };
}

/**
 * Where visitors' TLS arrives: on the public port, or from the half that looked at the name. Where a PROXY header is wanted, this machine
 * itself comes through the socket.
 */
function httpsView({ config, settings, features }: NginxInput, { passthrough }: StreamTables) {
  const { proxyProtocolFrom = [] } = config.edge;
  const balanced = proxyProtocolFrom.length > 0;
  const headed = passthrough || balanced;
  const socket = { endpoint: as('socket', `unix:${nginxPaths(settings.stateDir).httpsSocket}`) };
  return {
    httpsListen: [
      ...(passthrough ? [] : listenViews(settings, settings.listen.httpsPort)),
      ...(headed ? [socket] : []),
    ],
    headed,
    // QUIC has no PROXY header.
    http3: features.http3 && !headed,
    balanced,
    /** Strangers meet the HTTP half itself. */
    exposed: balanced && !passthrough,
    balancers: networkViews(proxyProtocolFrom),
  };
}

/** A lookup by the first part of a path, by the first two, …: each answers what it knows, or asks the one before. */
function dividedView(levels: readonly number[]): View | false {
  return levels.length > 0 && { levels: levels.map(levelView), deepest: as('number', levels.length) };
}

function levelView(parts: number): View {
  const groups = Array.from({ length: parts }, (_, index) => ({ number: as('number', index + 1), further: index > 0 }));
  return { parts: as('number', parts), before: parts > 1 && { parts: as('number', parts - 1) }, groups };
}

/** Statuses with the page that all have, and those with a page of a route's own. */
function errorPagesView(): View {
  const own: readonly string[] = OWN_PAGE_STATUSES;
  return {
    errorPages: PAGE_STATUSES.filter((status) => !own.includes(status)).map((status) => ({
      ...statusView(status),
      file: as('name', `${status}.html`),
    })),
    ownErrorPages: own.map(statusView),
  };
}

function statusView(status: string): View {
  return { status: as('number', status) };
}

function folderOf({ stateDir, releaseId }: NginxSettings) {
  return as('path', releaseFolder(stateDir, releaseId));
}

function caFileName(ca: string): string {
  return `ca-${sha256Hex(ca).slice(0, 32)}.pem`;
}

function lines(entries: readonly string[]): string {
  return entries.length === 0 ? '' : `${entries.join('\n')}\n`;
}
