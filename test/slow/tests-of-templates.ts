// Which tests look at which template, and which of them is asked first about a directive: the earlier one of them fails, the less is run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TEMPLATE_NAMES } from '../../agent/core/render-nginx.ts';
import type { Directive } from './template-directives.ts';

type TemplateName = (typeof TEMPLATE_NAMES)[number];

const edge = (name: string) => `test/edge/${name}.test.ts`;
const adapter = (name: string) => `agent/adapters/${name}.test.ts`;

/** Those that end first stand first. */
const HTTP = [
  ...[edge('pool'), edge('auth'), edge('protocol'), edge('basic'), adapter('nginx-serving')],
  ...[edge('streaming'), edge('redirect'), edge('client-address'), edge('http2'), edge('paths'), edge('access')],
  ...[adapter('nginx-layer-4'), edge('closed'), edge('websocket'), edge('tls-passthrough'), edge('headers')],
  ...[
    edge('extremes'),
    adapter('nginx-scale'),
    adapter('nginx-layer-4-scale'),
    edge('limits'),
    edge('odd-paths'),
    edge('slow'),
  ],
  ...[edge('mark'), edge('error-pages'), edge('timeouts'), edge('backends'), edge('public-ports')],
];

const LAYER_4 = [
  ...[adapter('nginx-layer-4'), edge('tls-passthrough'), adapter('nginx-layer-4-scale'), edge('public-ports')],
];

/** Every test with a real nginx that renders the template. */
export const TESTS: Readonly<Record<TemplateName, readonly string[]>> = {
  'streams.conf': LAYER_4,
  'upstreams.conf': HTTP,
  'gates.conf': HTTP,
  'classes.conf': HTTP,
  'nginx.conf': [...HTTP, adapter('nginx')],
};

/** What a directive or the block around it says of who will notice. The first that fits comes first. */
const HINTS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/kokoa_tls_|ssl_preread|preread_timeout|backlog/, [edge('tls-passthrough')]],
  [/balanc|real_ip|stranger|kokoa_named|proxy_protocol/, [adapter('nginx-layer-4'), edge('tls-passthrough')]],
  [/hash_(max|bucket)_size/, [adapter('nginx-scale'), adapter('nginx-layer-4-scale')]],
  [/markPath|\{\{mark\}\}/, [edge('mark')]],
  [/acme|thumbprint|orderer|_token/, [adapter('nginx-serving')]],
  [/auth_|login|sign_in|identity|kokoa_users|kokoa_realm/, [edge('auth')]],
  [/proxy_ssl|tls_name|kokoa_kind|grpc|@/, [edge('protocol')]],
  // A row of an upstream says `fail_timeout`, which is no time that a visitor waits.
  [/^upstream |next_upstream/, [edge('backends')]],
  [/limit_|zone=|kokoa_client|kokoa_network/, [edge('limits')]],
  [/timeout|connectMs|readMs|sendMs/, [edge('timeouts'), edge('slow')]],
  [/redirect|30[28]/, [edge('redirect'), edge('basic')]],
  [/maintenance|maintained/, [edge('closed')]],
  [/allow|denied|deny|kokoa_in_|\{\{network\}\}/, [edge('access')]],
  [/error_page|kokoa_page|pages|retry_after|\.kokoa|internal/, [edge('error-pages')]],
  [/place|strip|divided|plainly|climbs|strange|unclear|kokoa_path|kokoa_rest/, [edge('paths'), edge('odd-paths')]],
  [/spot|kokoa_uri/, [edge('paths')]],
  [/upgrade|kokoa_connection/, [edge('websocket')]],
  [/buffer|body/, [edge('streaming'), edge('limits')]],
  [/header|forwarded/, [edge('headers'), edge('client-address')]],
  [/http2|quic/, [edge('http2')]],
  [/ssl_|sni|certificate|misdirected|backend/, [edge('basic'), adapter('nginx-serving')]],
  [/worker_|pid |error_log|probeSocket|release/, [adapter('nginx')]],
  [/udp|proxy_timeout|stream-connections|next_upstream_tries|socket_keepalive/, [edge('public-ports')]],
];

/** All tests of the template, in the order to ask them in. */
export function testsFor({ template, within, text }: Directive): string[] {
  const all = TESTS[template as TemplateName];
  const hinted = HINTS.filter(([hint]) => hint.test(`${within}\n${text}`)).flatMap(([, files]) => files);
  return [...new Set([...hinted.filter((file) => all.includes(file)), ...all])];
}

/** Files that are named here and do not exist below `top`. */
export function missingTests(top: string): string[] {
  const named = [...Object.values(TESTS).flat(), ...HINTS.flatMap(([, files]) => files)];
  return [...new Set(named)].filter((file) => !existsSync(join(top, file)));
}
