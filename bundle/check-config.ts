// Reads a config and its chunks after their hashes held: format first, then the schema, then what a schema cannot say.
import { Ajv, type ValidateFunction } from 'ajv';
import { sha256Hex } from './canonical.ts';
import { type Chunk, type ChunkReference, CONFIG_FORMAT, type NodeConfig } from './config.ts';
import { CHUNK_SCHEMA, EDGE_CONFIG_SCHEMA, ORIGIN_CONFIG_SCHEMA } from './config-schema.ts';
import { CHUNK_BYTES_MAX, CONFIG_BYTES_MAX } from './limits.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { type PackedChunk, textsProblem, unpackRoute } from './route-texts.ts';

/** Parses and judges the text of a config.json. */
export function readConfig(text: string): NodeConfig | Refusal {
  const parsed = parse(text, 'config', CONFIG_BYTES_MAX);
  if (isRefusal(parsed)) return parsed;
  const { value } = parsed;
  const { format, role } = (value ?? {}) as { format?: unknown; role?: unknown };
  if (Number.isSafeInteger(format) && format !== CONFIG_FORMAT) {
    return refuse('unknown_format', `the config has format ${format}, this agent understands ${CONFIG_FORMAT}`);
  }
  const check = role === 'origin' ? validators().origin : validators().edge;
  if (!check(value)) return misshapen('config', check);
  const config = value as NodeConfig;
  const doubled = firstDoubled(config);
  return doubled === undefined ? config : refuse('malformed', `the config has ${doubled}`);
}

/** Parses and judges one chunk against the reference that the signed config holds. */
export function readChunk(reference: ChunkReference, text: string): Chunk | Refusal {
  const label = `chunk ${reference.sha256}`;
  if (Buffer.byteLength(text) !== reference.bytes || sha256Hex(text) !== reference.sha256) {
    return refuse('bad_hash', `${label} is not the text that was signed`);
  }
  const parsed = parse(text, label, CHUNK_BYTES_MAX);
  if (isRefusal(parsed)) return parsed;
  const check = validators().chunk;
  if (!check(parsed.value)) return misshapen(label, check);
  const { routes } = parsed.value as PackedChunk;
  for (const route of routes) {
    const problem = textsProblem(route);
    if (problem !== undefined) return refuse('malformed', `${label} has in the route ${route.hostname} ${problem}`);
  }
  return { routes: routes.map(unpackRoute) };
}

/** Refuses a hostname that stands in two places: which backend it got would be chance. */
export function checkChunks(chunks: readonly Chunk[]): Refusal | undefined {
  const seen = new Set<string>();
  for (const { routes } of chunks) {
    for (const { hostname } of routes) {
      if (seen.has(hostname)) return refuse('malformed', `the hostname ${hostname} stands in the routes twice`);
      seen.add(hostname);
    }
  }
  return undefined;
}

/** Two peers with one address would take each other's traffic: `wg` gives it silently to the last. */
function firstDoubled(config: NodeConfig): string | undefined {
  const { peers, address } = config.wireguard;
  const lists: Record<string, string[]> = {
    'two peers of one name': peers.map((peer) => peer.node),
    'two peers with one key': peers.map((peer) => peer.publicKey),
    'two peers with one address': [address, ...peers.map((peer) => peer.address)],
  };
  if (config.role === 'edge') {
    lists['two pool members of one name'] = config.edge.members.map((member) => member.node);
    lists['two checks of one node'] = (config.edge.checks ?? []).map((check) => check.node);
    lists['two chunks for one bucket'] = config.edge.chunks.map((chunk) => chunk.bucket);
    lists['one chunk twice'] = config.edge.chunks.map((chunk) => chunk.sha256);
  }
  if (config.role === 'origin') {
    const { ports, udpPorts = [], forwards = [] } = config.origin;
    const led = forwards.map(({ protocol = 'tcp', port }) => `${protocol} ${port}`);
    const own = [...ports.map((port) => `tcp ${port}`), ...udpPorts.map((port) => `udp ${port}`)];
    lists['two meanings for one port'] = [...own, ...led];
  }
  return Object.entries(lists).find(([, values]) => new Set(values).size !== values.length)?.[0];
}

function parse(text: string, label: string, bytesMax: number): { value: unknown } | Refusal {
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) return refuse('too_large', `${label} has ${bytes} bytes, at most ${bytesMax} are allowed`);
  try {
    return { value: JSON.parse(text) };
  } catch {
    return refuse('malformed', `${label} is not JSON`);
  }
}

function misshapen(label: string, check: ValidateFunction): Refusal {
  const first = check.errors?.[0];
  return refuse('malformed', `${label}${first?.instancePath ?? ''} ${first?.message ?? 'has the wrong shape'}`);
}

let compiled: { edge: ValidateFunction; origin: ValidateFunction; chunk: ValidateFunction } | undefined;

/** Compiled at first use: an agent that only reports needs none of them. */
function validators(): NonNullable<typeof compiled> {
  if (compiled) return compiled;
  // The schemas are constants of ours, judged by a test: judging them at run time costs more than compiling them.
  const ajv = new Ajv({ strict: true, meta: false, validateSchema: false });
  compiled = {
    edge: ajv.compile(EDGE_CONFIG_SCHEMA),
    origin: ajv.compile(ORIGIN_CONFIG_SCHEMA),
    chunk: ajv.compile(CHUNK_SCHEMA),
  };
  return compiled;
}
