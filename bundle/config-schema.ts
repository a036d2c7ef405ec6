// JSON Schemas (draft-07) of config.json and of a chunk, as an agent accepts them. Whatever is later rendered into a web server's
// configuration, a packet filter's rules or a program's arguments is pinned here to characters that mean nothing there.
import { CONFIG_FORMAT } from './config.ts';
import { CHUNK_BYTES_MAX } from './limits.ts';
import { CHUNKS_MAX } from './read-bundle.ts';

const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `${OCTET}(\\.${OCTET}){3}`;
const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const PORT = '(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})';
const PREFIX = '(3[0-2]|[12]?[0-9])';

const name = { type: 'string', pattern: `^${LABEL}$` } as const;
const address = { type: 'string', pattern: `^${IPV4}$` } as const;
const port = { type: 'integer', minimum: 1, maximum: 65535 } as const;
const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
/** Canonical: lower case, A-labels, no trailing dot, two labels or more, the last one no number. */
const hostname = {
  type: 'string',
  maxLength: 253,
  pattern: `^(\\*\\.)?(${LABEL}\\.)+(?![0-9]+$)${LABEL}$`,
} as const;
/** 32 bytes in base64, as `wg` prints them. */
const wireguardKey = { type: 'string', pattern: '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$' } as const;
/** 32 bytes in base64url: a raw ed25519 key or an RFC 7638 thumbprint. */
const bytes32 = { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' } as const;
const recipient = { type: 'string', pattern: '^age1[02-9ac-hj-np-z]{58}$' } as const;
const endpoint = {
  type: 'string',
  maxLength: 64,
  pattern: `^(${IPV4}|\\[[0-9A-Fa-f:.]{2,45}\\]):${PORT}$`,
} as const;

const peer = object(['node', 'publicKey', 'address'], { node: name, publicKey: wireguardKey, address, endpoint });
const member = object(['node', 'recipient', 'signingKey'], {
  node: name,
  recipient,
  signingKey: bytes32,
  acmeThumbprint: bytes32,
});

const acme = object(['server'], {
  server: { type: 'string', maxLength: 300, pattern: '^https://[A-Za-z0-9.:[\\]-]+(/[A-Za-z0-9._~/-]*)?$' },
  email: { type: 'string', maxLength: 254, pattern: "^[A-Za-z0-9][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*@[A-Za-z0-9.-]+$" },
});

const chunkReference = object(['bucket', 'sha256', 'bytes'], {
  bucket: { type: 'string', pattern: '^[0-9a-f]{0,2}$' },
  sha256,
  bytes: { type: 'integer', minimum: 1, maximum: CHUNK_BYTES_MAX },
});

const common = {
  format: { const: CONFIG_FORMAT },
  node: name,
  network: object(['wireguard'], { wireguard: { type: 'string', pattern: `^${IPV4}/${PREFIX}$` } }),
  wireguard: object(['address', 'peers'], { address, port, peers: list(peer, 0, 10_000) }),
  controlPlane: object(['urls'], {
    urls: list({ type: 'string', maxLength: 300, pattern: '^https?://[A-Za-z0-9.:[\\]-]+/?$' }, 1, 8),
  }),
};

const edge = object(['pool', 'members', 'acme', 'chunks'], {
  pool: name,
  members: list(member, 0, 1_000),
  acme,
  chunks: list(chunkReference, 0, CHUNKS_MAX),
});

const origin = object(['ports'], { ports: { ...list(port, 0, 65_535), uniqueItems: true } });

const limits = {
  ...object(['maxBodyBytes'], {
    maxBodyBytes: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    requestsPerSecond: { type: 'integer', minimum: 1, maximum: 100_000 },
    burst: { type: 'integer', minimum: 0, maximum: 100_000 },
    connections: { type: 'integer', minimum: 1, maximum: 100_000 },
  }),
  dependencies: { burst: ['requestsPerSecond'] },
};

const route = object(['hostname', 'backends', 'limits'], {
  hostname,
  backends: list(object(['address', 'port'], { address, port }), 1, 64),
  limits,
  orderer: name,
});

export const EDGE_CONFIG_SCHEMA = whole({ ...common, role: { const: 'edge' }, edge });
export const ORIGIN_CONFIG_SCHEMA = whole({ ...common, role: { const: 'origin' }, origin });
export const CHUNK_SCHEMA = object(['routes'], { routes: list(route, 1, 100_000) });

function whole(properties: Record<string, object>): object {
  return object(Object.keys(properties), properties);
}

function object(required: string[], properties: Record<string, object>): object {
  return { type: 'object', additionalProperties: false, required, properties };
}

function list(items: object, minItems: number, maxItems: number): object {
  return { type: 'array', minItems, maxItems, items };
}
