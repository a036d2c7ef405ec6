// settings.json in the state directory: written by `join`, read by everything else. Law: what is not exactly as written is an error.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { KokoaError } from '../../bundle/error.ts';
import type { Settings } from '../ports/settings.ts';
import { writeDurably } from './durable-write.ts';

const BYTES_MAX = 64 * 1024;
const text = { type: 'string', minLength: 1, maxLength: 4096 };
const port = { type: 'integer', minimum: 1, maximum: 65535 };

const validate = new Ajv().compile({
  type: 'object',
  additionalProperties: false,
  required: ['node', 'urls', 'fingerprint', 'allow', 'listen'],
  properties: {
    node: { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' },
    urls: { type: 'array', minItems: 1, maxItems: 8, items: { type: 'string', pattern: '^https?://[A-Za-z0-9.:\\[\\]-]+/?$' } },
    fingerprint: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    caFile: text,
    acmeCaFile: text,
    allow: { type: 'string', maxLength: 4096 },
    interfaceName: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]{0,14}$' },
    listen: {
      type: 'object',
      additionalProperties: false,
      required: ['addresses', 'httpPort', 'httpsPort'],
      properties: { addresses: { type: 'array', minItems: 1, maxItems: 8, items: text }, httpPort: port, httpsPort: port },
    },
    address: { type: 'object', additionalProperties: false, properties: { ipv4: text, ipv6: text } },
  },
});

/** @throws KokoaError settings_invalid when the values do not fit */
export async function writeSettings(stateDir: string, settings: Settings): Promise<void> {
  check(settings, 'what join was told');
  await writeDurably(pathIn(stateDir), `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 });
}

/** @throws KokoaError not_joined when there are none, settings_invalid when they are damaged */
export async function readSettings(stateDir: string): Promise<Settings> {
  const path = pathIn(stateDir);
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new KokoaError('settings_unreadable', `cannot read ${path}: ${error.code}`, { cause: error });
    throw new KokoaError('not_joined', `this machine has not joined: there is no ${path}`, {
      hint: 'run `kokoa-agent join URL --fingerprint F` first',
    });
  });
  return check(parse(found, path), path);
}

function parse(found: string, path: string): unknown {
  try {
    if (found.length <= BYTES_MAX) return JSON.parse(found);
  } catch {
    // Falls through: not JSON and too long are the same to the reader.
  }
  throw new KokoaError('settings_invalid', `${path} is damaged`, { hint: 'run `kokoa-agent join` again' });
}

function check(value: unknown, where: string): Settings {
  if (validate(value)) return value as Settings;
  const [first] = validate.errors ?? [];
  throw new KokoaError('settings_invalid', `${where}: ${first?.instancePath || 'settings'} ${first?.message}`, {
    hint: 'run `kokoa-agent join` again',
  });
}

function pathIn(stateDir: string): string {
  return join(stateDir, 'settings.json');
}
