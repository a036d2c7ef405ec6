// settings.json in the state directory: written by `join`, read by everything else. Law: what is not exactly as written is an error.
import { isIP } from 'node:net';
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { shape } from '../../bundle/shape.ts';
import { parseAllowList } from '../core/allow-list.ts';
import { parseControlPlaneUrl } from '../core/control-plane-url.ts';
import type { Settings } from '../ports/settings.ts';
import { readBounded, writeDurably } from './durable-write.ts';

const BYTES_MAX = 64 * 1024;
const AGAIN = 'put it back from a backup, or run `kokoa-agent join` again, with --force';
const text = { type: 'string', minLength: 1, maxLength: 4096 };
/** Bare, lower case, without a zone. */
const address = { type: 'string', pattern: '^[0-9a-f:.]{2,45}$' };
const port = { type: 'integer', minimum: 1, maximum: 65535 };

const isSettings = shape<Settings>({
  type: 'object',
  additionalProperties: false,
  required: ['node', 'urls', 'fingerprint', 'allow', 'listen'],
  properties: {
    node: { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' },
    urls: { type: 'array', minItems: 1, maxItems: 8, items: text },
    fingerprint: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    caFile: text,
    acmeCaFile: text,
    role: { enum: ['edge', 'origin'] },
    network: { type: 'string', pattern: '^[0-9.]{7,15}/[0-9]{1,2}$' },
    allow: { type: 'string', maxLength: 4096 },
    approveRecipients: { const: true },
    interfaceName: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]{0,14}$' },
    listen: {
      type: 'object',
      additionalProperties: false,
      required: ['addresses', 'httpPort', 'httpsPort'],
      properties: {
        addresses: { type: 'array', minItems: 1, maxItems: 8, items: address },
        httpPort: port,
        httpsPort: port,
      },
    },
    address: { type: 'object', additionalProperties: false, properties: { ipv4: address, ipv6: address } },
  },
});

/** @throws KokoaError settings_invalid, bad_control_plane_url, bad_allow_list when the values do not fit; nothing is written then */
export async function writeSettings(stateDir: string, settings: Settings): Promise<void> {
  checkSettings(settings);
  await writeDurably(pathIn(stateDir), `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 });
}

/** @throws KokoaError not_joined when there are none, settings_invalid, bad_control_plane_url, bad_allow_list when they are damaged */
export async function readSettings(stateDir: string): Promise<Settings> {
  const path = pathIn(stateDir);
  const found = await readBounded(path, BYTES_MAX);
  if (found === undefined)
    throw new KokoaError('not_joined', `this machine has not joined: there is no readable ${path}`, {
      hint: 'run `kokoa-agent join URL --fingerprint F` first',
    });
  return check(parse(found, path), path);
}

/** The values, when a node can live with them. @throws KokoaError settings_invalid, bad_control_plane_url, bad_allow_list */
export function checkSettings(settings: unknown): Settings {
  const mistake = isSettings.mistake(settings);
  if (mistake) {
    const path = mistake.instancePath;
    const option = OPTIONS.find(({ of }) => path.startsWith(of));
    if (option) throw toldWrong(option, path, settings);
  }
  return check(settings, 'what join was told');
}

/** What `join` was told, by where it stands in the settings. */
const OPTIONS = [
  {
    ...{ of: '/fingerprint', option: '--fingerprint', expected: '64 hex digits' },
    hint: 'take it from `kokoa keys status` on the control plane',
  },
  { of: '/listen/httpPort', option: '--http-port', expected: 'a port from 1 to 65535', hint: 'the usual one is 80' },
  { of: '/listen/httpsPort', option: '--https-port', expected: 'a port from 1 to 65535', hint: 'the usual one is 443' },
  {
    ...{ of: '/listen/addresses', option: '--listen', expected: 'up to 8 bare IP addresses' },
    hint: 'such as 0.0.0.0 for every address of this machine, or one of `ip addr`',
  },
  {
    ...{ of: '/interfaceName', option: '--interface', expected: 'a letter, then up to 14 letters, digits, - and _' },
    hint: 'the usual one is kokoa0',
  },
  {
    ...{ of: '/address', option: '--address', expected: 'a bare public IP address' },
    hint: 'without it the node announces the one that faces the control plane',
  },
  {
    ...{ of: '/node', option: 'the name in the token', expected: 'a name of a node' },
    hint: 'use the whole line that `kokoa edge add` or `kokoa origin add` showed',
  },
] as const;

function toldWrong({ option, expected, hint }: (typeof OPTIONS)[number], path: string, settings: unknown): KokoaError {
  const value = path
    .split('/')
    .slice(1)
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], settings);
  const found =
    typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : typeof value === 'number' ? value : 'none';
  return new KokoaError('settings_invalid', `${option}: found ${found}, expected ${expected}`, { hint });
}

function parse(found: string, path: string): unknown {
  try {
    return JSON.parse(found);
  } catch (cause) {
    throw new KokoaError('settings_invalid', `${path} is damaged`, { hint: AGAIN, cause });
  }
}

function check(value: unknown, where: string): Settings {
  const mistake = isSettings.mistake(value);
  if (mistake) throw invalid(`${where}: ${mistake.instancePath || 'settings'} ${mistake.message}`);
  const settings = value as Settings;
  for (const url of settings.urls) parseControlPlaneUrl(url);
  parseAllowList(settings.allow);
  const { ipv4, ipv6 } = settings.address ?? {};
  const strange =
    settings.listen.addresses.find((listen) => isIP(listen) === 0) ??
    (ipv4 !== undefined && isIP(ipv4) !== 4 ? ipv4 : undefined) ??
    (ipv6 !== undefined && isIP(ipv6) !== 6 ? ipv6 : undefined);
  if (strange !== undefined) throw invalid(`${where}: found ${JSON.stringify(strange)}, expected a bare IP address`);
  if (settings.listen.httpPort === settings.listen.httpsPort)
    throw invalid(`${where}: HTTP and HTTPS cannot both have port ${settings.listen.httpPort}`);
  return settings;
}

function invalid(message: string): KokoaError {
  return new KokoaError('settings_invalid', message.slice(0, 300), { hint: AGAIN });
}

function pathIn(stateDir: string): string {
  return join(stateDir, 'settings.json');
}
