// RENDER: a verified config becomes the web server's whole tree. Law: one `server{}` per policy class and never per hostname;
// everything that came from outside passed the allow-list of its context first.
import type { Chunk, EdgeConfig } from '../../bundle/config.ts';
import type { WebServerFeatures } from '../ports/web-server.ts';
import { as, renderTemplate, type View } from './mustache-template.ts';
import { nginxPaths, releaseFolder } from './nginx-paths.ts';
import { type PolicyClass, type Tables, tabulate } from './nginx-tables.ts';
import type { NamedUpstream } from './nginx-upstreams.ts';

/** What `templates` must hold. */
export const TEMPLATE_NAMES = ['nginx.conf', 'upstreams.conf', 'classes.conf'] as const;
export type Templates = Readonly<Record<(typeof TEMPLATE_NAMES)[number], string>>;

const HTTPS_PORT = 443;
const OPEN_FILES_PER_CONNECTION = 4;
/** How long an old worker may carry on after a reload. */
const WORKER_SHUTDOWN_SECONDS = 3600;
/** A bucket holds whole entries (name + 16 bytes): 512 a dozen usual names, so that the first size that nginx tries fits; 2048 seven of any length. */
const SHORT_NAME_MAX = 100;
const HASH_SIZE_MIN = 2048;

export interface NginxSettings {
  /** Absolute. The tree stands in `releases/<releaseId>/` below it, certificates in `certs/`. */
  stateDir: string;
  /** What the probe socket answers: the name of the release folder. */
  releaseId: string;
  listen: {
    /** Bare IPv4 or IPv6 addresses: `0.0.0.0` and `::` for all. */
    addresses: readonly string[];
    httpPort: number;
    httpsPort: number;
  };
  /** Account of the workers; absent when the agent is not root. */
  user?: { account: string; group: string };
  workerProcesses: number;
  workerConnections: number;
}

export interface NginxInput {
  config: EdgeConfig;
  chunks: readonly Chunk[];
  features: WebServerFeatures;
  settings: NginxSettings;
  templates: Templates;
}

/**
 * The whole tree, relative path → text, in time that grows with the number of routes.
 * @throws KokoaError unsafe_value when a value does not fit where it would stand; nothing is rendered then
 */
export function renderNginx(input: NginxInput): Map<string, string> {
  const { config, chunks, templates } = input;
  const tables = tabulate(config, chunks);
  const files = new Map([
    ['nginx.conf', renderTemplate(templates['nginx.conf'], mainView(input, tables))],
    ['upstreams.conf', renderTemplate(templates['upstreams.conf'], { upstreams: tables.upstreams.map(upstreamView) })],
    ['classes.conf', renderTemplate(templates['classes.conf'], classesView(input, tables))],
    ['hosts.map', lines(tables.hosts)],
    ['wildcard-hosts.map', lines(tables.wildcardHosts)],
    ['certificates.map', lines(tables.certificates)],
    ['wildcard-certificates.map', lines(tables.wildcardCertificates)],
    ['orderers.map', lines(tables.orderedByOthers)],
  ]);
  for (const { id, hostnames } of tables.classes) files.set(`names-${id}.conf`, `server_name\n${lines(hostnames)};\n`);
  return files;
}

function mainView({ features, settings }: NginxInput, tables: Tables): View {
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
    folder: as('path', releaseFolder(settings.stateDir, settings.releaseId)),
    releaseId: as('name', settings.releaseId),
    hashMaxSize: as('number', Math.max(HASH_SIZE_MIN, 2 * tables.routes)),
    hashBucketSize: as('number', tables.longestName <= SHORT_NAME_MAX ? 512 : 2048),
    certificateCache: features.certificateCache,
    http2Directive: features.http2Directive,
    orderers: tables.orderers.map(({ name, thumbprint }) => ({
      name: as('name', name),
      thumbprint: thumbprint === undefined ? false : { value: as('thumbprint', thumbprint) },
    })),
    httpListen: listenViews(settings, httpPort),
    httpsListen: listenViews(settings, httpsPort),
    httpsPort: httpsPort === HTTPS_PORT ? false : { number: as('number', httpsPort) },
  };
}

function classesView({ features, settings }: NginxInput, tables: Tables): View {
  return {
    folder: as('path', releaseFolder(settings.stateDir, settings.releaseId)),
    http2Directive: features.http2Directive,
    httpsListen: listenViews(settings, settings.listen.httpsPort),
    publicPort: as('number', settings.listen.httpsPort),
    classes: tables.classes.map(classView),
  };
}

function classView({ id, limits }: PolicyClass): View {
  const { maxBodyBytes, requestsPerSecond, burst, connections } = limits;
  return {
    id: as('name', id),
    maxBodyBytes: as('number', maxBodyBytes),
    requests:
      requestsPerSecond === undefined
        ? false
        : { perSecond: as('number', requestsPerSecond), burst: burst ? { number: as('number', burst) } : false },
    connections: connections === undefined ? false : { number: as('number', connections) },
  };
}

function upstreamView({ name, targets }: NamedUpstream): View {
  return {
    name: as('name', name),
    targets: targets.map((target, index) => ({ target: as('endpoint', target), backup: index > 0 })),
  };
}

function listenViews({ listen }: NginxSettings, port: number): View[] {
  return listen.addresses.map((address) => ({
    endpoint: as('endpoint', address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`),
  }));
}

function lines(entries: readonly string[]): string {
  return entries.length === 0 ? '' : `${entries.join('\n')}\n`;
}
