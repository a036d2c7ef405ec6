// The allow-list of the web server's tree. Law: a directive that is not named here, or an argument that leads out of the state
// directory or past the tables, is refused; the tables hold names and targets and nothing that nginx would interpret.
import { KokoaError } from '../../bundle/error.ts';
import { STREAM_MODULE, SYSTEM_CA_FILE } from './nginx-paths.ts';
import { malformed, parseNginx, type Statement } from './nginx-syntax.ts';

const MAIN_FILE = 'nginx.conf';
/**
 * `key value;` per line: no variable, no pattern, no quote. A key is a name, or a name and a path; it has a dot, so it is never `include`
 * or `default`.
 */
const TABLE_LINE =
  /[a-z0-9_][a-z0-9-]*(?:\.[a-z0-9-]+)+(?:\/[A-Za-z0-9._~@:+,=!-]+)* [A-Za-z0-9_[/][A-Za-z0-9_.:[\]/?&=~%+,@!*-]*;\n/y;
const NETWORK_LINE = /^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f:]{2,39})\/[0-9]{1,3}$/;
const PAGE_FILE = /^pages\/[a-z0-9]+\.html$/;
const CA_FILE = /^ca-[0-9a-f]{32}\.pem$/;
const CERTIFICATES = /^(?:-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE-----\n)+$/;

/** Directives whose arguments may be anything that the reader lets pass; they name no file, program or address. */
const PLAIN = new Set(
  `user worker_rlimit_nofile worker_processes worker_shutdown_timeout worker_connections events http server location if map geo upstream
   map_hash_max_size map_hash_bucket_size server_names_hash_max_size server_names_hash_bucket_size proxy_headers_hash_max_size variables_hash_max_size variables_hash_bucket_size
   proxy_headers_hash_bucket_size server_tokens default_type client_header_buffer_size large_client_header_buffers
   client_header_timeout client_body_timeout client_max_body_size send_timeout request_pool_size keepalive keepalive_timeout keepalive_requests
   keepalive_min_timeout reset_timedout_connection limit_req limit_req_zone limit_req_status limit_req_log_level limit_conn
   limit_conn_zone limit_conn_status limit_conn_log_level ssl_certificate_cache http2 ssl_protocols ssl_ciphers
   ssl_prefer_server_ciphers ssl_session_cache ssl_session_timeout ssl_session_tickets ssl_reject_handshake proxy_http_version
   proxy_redirect proxy_buffering proxy_request_buffering proxy_buffer_size proxy_buffers proxy_socket_keepalive
   proxy_connect_timeout proxy_send_timeout proxy_read_timeout proxy_next_upstream proxy_next_upstream_timeout
   proxy_next_upstream_tries proxy_ignore_headers proxy_set_header proxy_hide_header proxy_method proxy_pass_request_body
   proxy_ssl_server_name proxy_ssl_name proxy_ssl_protocols proxy_ssl_verify proxy_ssl_verify_depth grpc_buffer_size grpc_socket_keepalive
   grpc_connect_timeout grpc_send_timeout grpc_read_timeout grpc_next_upstream grpc_next_upstream_timeout grpc_next_upstream_tries
   break grpc_ignore_headers grpc_set_header grpc_hide_header recursive_error_pages error_page server_name return add_header internal hash
   auth_request_set real_ip_header stream preread_timeout ssl_preread proxy_timeout proxy_protocol`
    .trim()
    .split(/\s+/),
);

/** Where visitors go: only what a table of names and tunnel addresses answers. */
const DESTINATIONS: ReadonlySet<string> = new Set([
  'http://$kokoa_backend',
  'http://$kokoa_spot_backend',
  'http://$kokoa_spot_backend$kokoa_uri',
  'https://$kokoa_spot_backend',
  'https://$kokoa_spot_backend$kokoa_uri',
  'http://$kokoa_login',
  'http://$kokoa_sign_in',
  '$kokoa_tls_front',
  '$kokoa_tls_backend',
]);
/** Of a public port: an upstream, or the map that lets only the load balancer pass. */
const TARGET = /^(?:[0-9a-f]{24}|[0-9a-f]{3}-[0-9.]{7,15}-[0-9]{1,5}|\$kokoa_to_(?:tcp|udp)_[0-9]{1,5})$/;

interface Folders {
  /** The state directory. */
  state: string;
  /** That of the release. */
  folder: string;
}

/** Directives that name a file, an address or a destination, and what they may say. */
const GUARDED: Readonly<Record<string, (args: readonly string[], folders: Folders) => boolean>> = {
  pid: ([path], { state }) => path === `${state}/run/nginx.pid`,
  error_log: ([path], { state }) => path === `${state}/run/nginx.log`,
  access_log: (args) => args.join(' ') === 'off',
  client_body_temp_path: inRun,
  proxy_temp_path: inRun,
  fastcgi_temp_path: inRun,
  uwsgi_temp_path: inRun,
  scgi_temp_path: inRun,
  ssl_certificate: ([path], { state }) => path === `${state}/certs/$kokoa_certificate/fullchain.pem`,
  ssl_certificate_key: ([path], { state }) => path === `${state}/certs/$kokoa_certificate/key.pem`,
  listen: ([where], { state }) =>
    /^(?:probe|inner\/(?:https|plain|closed))\.sock$/.test(inFolder(where, `unix:${state}/run`)) || isEndpoint(where),
  proxy_pass: ([url = '', ...more]) =>
    more.length === 0 && (DESTINATIONS.has(url) || TARGET.test(url) || isEndpoint(url)),
  load_module: ([path, ...more]) => more.length === 0 && path === STREAM_MODULE,
  set_real_ip_from: ([from = '']) => from === 'unix:' || NETWORK_LINE.test(from),
  allow: ([from = '']) => NETWORK_LINE.test(from),
  deny: ([from = '']) => from === 'all' || NETWORK_LINE.test(from),
  grpc_pass: (args) => args.join(' ') === 'grpc://$kokoa_spot_backend',
  proxy_ssl_trusted_certificate: ([path], { folder }) =>
    path === SYSTEM_CA_FILE || CA_FILE.test(inFolder(path, folder)),
  alias: ([path], { folder }) => path === `${folder}/pages/`,
  auth_basic: ([realm]) => realm === '$kokoa_realm' || realm === 'off',
  auth_basic_user_file: ([path], { state }) => path === `${state}/users/$kokoa_users`,
  auth_request: ([where]) => where === '/.kokoa/login' || where === 'off',
};

interface Walk extends Folders {
  files: ReadonlyMap<string, string>;
  /** Named by an include, each once. */
  read: Set<string>;
  /** Name of every directive met; entries of maps are none. */
  directives: string[];
}

/** Walks from nginx.conf through every include; answers the directives in order. @throws KokoaError tree_malformed, directive_refused */
export function walkTree(files: ReadonlyMap<string, string>): string[] {
  const main = parseNginx(files.get(MAIN_FILE) ?? '', MAIN_FILE);
  const walk: Walk = { files, read: new Set([MAIN_FILE]), ...foldersOf(main), directives: [] };
  walkBlock(main, MAIN_FILE, walk);
  for (const [name, text] of files) if (!walk.read.has(name)) checkContent(name, text);
  return walk.directives;
}

function walkBlock(statements: readonly Statement[], file: string, walk: Walk): void {
  for (const { words, block } of statements) {
    const [name, ...args] = words as [string, ...string[]];
    walk.directives.push(name);
    if (name === 'include') {
      const included = includedFile(args, walk);
      walkBlock(parseNginx(walk.files.get(included)!, included), included, walk);
      continue;
    }
    // Own keys only: `constructor` is a word too.
    const guard = Object.hasOwn(GUARDED, name) ? GUARDED[name] : undefined;
    const fits = name === 'server' && !block ? isEndpoint(args[0]) : (guard?.(args, walk) ?? PLAIN.has(name));
    if (!fits) throw refused(file, words);
    if (name === 'map') walkMap(block ?? [], file, walk);
    else if (name === 'geo') checkNetworks(block ?? [], file);
    else if (block) walkBlock(block, file, walk);
  }
}

/** Entries that stand in a template may use variables and patterns; those of a table may not. */
function walkMap(entries: readonly Statement[], file: string, walk: Walk): void {
  for (const { words, block } of entries) {
    if (words[0] === 'include') checkTable(includedFile(words.slice(1), walk), walk);
    else if (block || words.length > 2 || (words.length === 1 && words[0] !== 'hostnames')) throw refused(file, words);
  }
}

function checkTable(file: string, { files }: Walk): void {
  const text = files.get(file)!;
  TABLE_LINE.lastIndex = 0;
  for (let at = 0; at < text.length; at = TABLE_LINE.lastIndex) {
    if (!TABLE_LINE.test(text)) throw malformed(file, text.slice(at, at + 40));
  }
}

function checkNetworks(entries: readonly Statement[], file: string): void {
  for (const { words, block } of entries) {
    const [key = '', value] = words;
    const fits = (key === 'default' || NETWORK_LINE.test(key)) && (value === '0' || value === '1');
    if (block || words.length !== 2 || !fits) throw refused(file, words);
  }
}

/** What nginx hands out or verifies by, and never reads as configuration: pages, whatever they say, and certificates. */
function checkContent(name: string, text: string): void {
  if (PAGE_FILE.test(name) || (CA_FILE.test(name) && CERTIFICATES.test(text))) return;
  throw malformed(name, 'a file that nothing includes');
}

function inFolder(path: string | undefined, folder: string): string {
  return path?.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
}

function includedFile([path, ...more]: readonly string[], walk: Walk): string {
  const name = inFolder(path, walk.folder);
  if (more.length > 0 || !/^[a-z0-9.-]+$/.test(name) || !walk.files.has(name) || walk.read.has(name))
    throw refused(MAIN_FILE, ['include', path ?? '']);
  walk.read.add(name);
  return name;
}

/** The state directory is where the pid file is; the release's own folder is below it, and named by every include. */
function foldersOf(main: readonly Statement[]): { state: string; folder: string } {
  const pid = main.find(({ words }) => words[0] === 'pid')?.words[1] ?? '';
  const state = /^(\/[A-Za-z0-9._/-]+)\/run\/nginx\.pid$/.exec(pid)?.[1];
  const http = main.find(({ words }) => words[0] === 'http')?.block ?? [];
  const include = http.find(({ words }) => words[0] === 'include')?.words[1] ?? '';
  const folder = /^(.+\/releases\/[A-Za-z0-9_][A-Za-z0-9._-]*)\/[a-z.]+$/.exec(include)?.[1];
  if (
    state === undefined ||
    folder === undefined ||
    folder.includes('/../') ||
    !folder.startsWith(`${state}/releases/`)
  )
    throw malformed(MAIN_FILE, 'no pid file and includes below one state directory');
  return { state, folder };
}

function inRun([path]: readonly string[], { state }: Folders): boolean {
  return path?.startsWith(`${state}/run/`) === true && !path.includes('..');
}

function isEndpoint(text: string | undefined): boolean {
  return /^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.]+\]):[0-9]{1,5}$/.test(text ?? '');
}

function refused(file: string, words: readonly string[]): KokoaError {
  return new KokoaError('directive_refused', `${file}: refused ${JSON.stringify(words.join(' ').slice(0, 120))}`);
}
