// JSON Schemas (draft-07) of config.json and of a chunk, as an agent accepts them. Whatever is later rendered into a web server's
// configuration, a packet filter's rules or a program's arguments is pinned here to characters that mean nothing there.
import { COMPROMISED_MAX, COMPROMISED_PATTERN } from './certificate-text.ts';
import { CONFIG_FORMAT } from './config.ts';
import { CHUNK_BYTES_MAX } from './limits.ts';
import { CHUNKS_MAX } from './read-bundle.ts';

const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `${OCTET}(\\.${OCTET}){3}`;
const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const PORT = '(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})';
const PREFIX = '(3[0-2]|[12]?[0-9])';
/** PEM certificates (RFC 7468) and line breaks between them, nothing else. */
const PEM = '^(-----BEGIN CERTIFICATE-----\\n([A-Za-z0-9+/=]{1,76}\\n)+-----END CERTIFICATE-----\\n)+$';
/** An http or https URL of characters that mean nothing to a web server's configuration: no `$ ; { } # " ' \\` and no space. */
const REDIRECT_TARGET =
  '^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!*+,:@%&=/-]*)?(\\?[A-Za-z0-9._~!*+,:@%&=/?-]*)?$';
/** Path and query, of characters that mean nothing elsewhere. */
const CHECK_PATH = '^/[A-Za-z0-9._~:@%+,=!*?&/-]*$';
/** Printable ASCII, and no space at either end. */
const CHECK_BODY = '^[!-~]([ -~]*[!-~])?$';
export const PREFIX_PARTS_MAX = 6;
/** nginx counts them in 16 bits. */
export const CONNECTIONS_MAX = 65_535;
export const BACKENDS_MAX = 16;
export const NETWORKS_MAX = 200;
export const PATHS_MAX = 32;
/** Of `identityEpoch`: far below the largest number there is, so that identities can be made anew ever after. */
export const IDENTITY_EPOCH_MAX = 1_000_000_000_000;
/** Characters: OWN_CERTIFICATE_BYTES_MAX, what age adds to it, and base64. */
const SEALED_CERTIFICATE_MAX = 24_000;
/** All tunnel ports of an origin. */
export const FORWARDS_MAX = 3_200;
/** Edges that one edge watches, and how often anybody is asked at most: a stolen key makes no flood of it. */
export const CHECKS_MAX = 64;
export const CHECK_INTERVAL_MS_MIN = 1_000;
const CHECK_MS_MAX = 3_600_000;
/** Whoever is asked holds a place among those who are asked at once. */
export const CHECK_TIMEOUT_MS_MAX = 10_000;
const CHECK_COUNT_MAX = 100;
const CHECK_ADDRESSES_MAX = 2;
/** Of one origin: twenty for each of its teams. */
export const SCRIPTS_MAX = 4_000;
/** Each is a listening socket of every edge. */
export const STREAMS_MAX = 1_000;

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

const yes = { const: true } as const;
const peer = object(['node', 'publicKey', 'address'], {
  node: name,
  publicKey: wireguardKey,
  nextPublicKey: wireguardKey,
  address,
  endpoint,
});
const member = object(['node', 'recipient', 'signingKey'], {
  node: name,
  recipient,
  signingKey: bytes32,
  acmeThumbprint: bytes32,
});

const acmeServer = {
  server: { type: 'string', maxLength: 300, pattern: '^https://[A-Za-z0-9.:[\\]-]+(/[A-Za-z0-9._~/-]*)?$' },
  email: {
    type: 'string',
    maxLength: 254,
    pattern: "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*@[A-Za-z0-9.-]+$",
  },
} as const;
const acme = object(['server'], { ...acmeServer, fallback: object(['server'], acmeServer) });

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

const forward = object(['port', 'host', 'hostPort'], {
  protocol: { const: 'udp' },
  port,
  host: address,
  hostPort: port,
});
const origin = object(['ports'], {
  ports: { ...list(port, 0, 65_535), uniqueItems: true },
  udpPorts: { ...list(port, 1, 65_535), uniqueItems: true },
  forwards: list(forward, 1, FORWARDS_MAX),
  asked: {
    ...object([], { icmp: yes, scripts: { ...list(name, 1, SCRIPTS_MAX), uniqueItems: true } }),
    minProperties: 1,
  },
});

const limits = {
  ...object(['maxBodyBytes'], {
    maxBodyBytes: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    requestsPerSecond: { type: 'integer', minimum: 1, maximum: 100_000 },
    burst: { type: 'integer', minimum: 0, maximum: 100_000 },
    connections: { type: 'integer', minimum: 1, maximum: CONNECTIONS_MAX },
  }),
  dependencies: { burst: ['requestsPerSecond'] },
};

const backend = object(['address', 'port'], {
  address,
  port,
  weight: { type: 'integer', minimum: 2, maximum: 100 },
  backup: yes,
});
const serverName = { ...hostname, pattern: `^(${LABEL}\\.)+(?![0-9]+$)${LABEL}$` } as const;
/** A route and its paths have no more of one kind. */
const TEXTS_MAX = PATHS_MAX + 1;
/** Stands for one of the route's texts; that there is such a one is checked beyond the schema. */
const textNumber = { type: 'integer', minimum: 0, maximum: TEXTS_MAX - 1 } as const;
const texts = {
  ...object([], {
    sealed: list({ type: 'string', maxLength: 6000, pattern: '^[A-Za-z0-9+/]+={0,2}$' }, 1, TEXTS_MAX),
    ca: list({ type: 'string', maxLength: 6000, pattern: PEM }, 1, TEXTS_MAX),
    certificate: list({ type: 'string', maxLength: SEALED_CERTIFICATE_MAX, pattern: '^[A-Za-z0-9+/]+={0,2}$' }, 1, 1),
  }),
  minProperties: 1,
};
const originTls = {
  oneOf: [
    object(['verify'], { verify: { enum: ['none', 'public'] }, serverName }),
    object(['verify', 'ca'], {
      verify: { const: 'ca' },
      ca: textNumber,
      serverName,
    }),
  ],
};
/** An IPv4 or IPv6 network, as its canonical text. */
const network = {
  type: 'string',
  maxLength: 49,
  pattern: `^(${IPV4}/${PREFIX}|[0-9a-f:]{2,39}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$`,
} as const;
const networks = list(network, 1, NETWORKS_MAX);
const urlPath = { type: 'string', maxLength: 200, pattern: '^/[A-Za-z0-9/._~-]*$' } as const;
/** 44: nginx keeps the names for gRPC in buckets of 64 bytes, which no directive enlarges. */
const headerName = { type: 'string', maxLength: 44, pattern: '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$' } as const;
/** Printable ASCII without dollar and backslash (RFC 9110 §5.5, less what nginx would interpret). */
const headerValue = {
  type: 'string',
  minLength: 1,
  maxLength: 1000,
  pattern: '^[!-#%-[\\]-~]([ -#%-[\\]-~]*[!-#%-[\\]-~])?$',
} as const;
const auth = {
  oneOf: [
    object(['kind'], { kind: { const: 'basic' }, sealed: textNumber }),
    object(['kind', 'address', 'port', 'path'], {
      kind: { const: 'forward' },
      address,
      port,
      path: urlPath,
      signIn: urlPath,
      identityHeaders: list(headerName, 1, 16),
    }),
  ],
};
const pace = {
  intervalMs: { type: 'integer', minimum: CHECK_INTERVAL_MS_MIN, maximum: CHECK_MS_MAX },
  timeoutMs: { type: 'integer', minimum: 1, maximum: CHECK_TIMEOUT_MS_MAX },
  healthy: { type: 'integer', minimum: 1, maximum: CHECK_COUNT_MAX },
  unhealthy: { type: 'integer', minimum: 1, maximum: CHECK_COUNT_MAX },
} as const;
const httpStatus = { type: 'integer', minimum: 100, maximum: 599 } as const;
const backendCheck = {
  oneOf: [
    object(['kind'], { kind: { enum: ['none', 'tcp', 'icmp'] }, ...pace }),
    object(['kind', 'path'], {
      kind: { const: 'http' },
      path: { type: 'string', maxLength: 500, pattern: CHECK_PATH },
      hostname: serverName,
      status: object(['from', 'to'], { from: httpStatus, to: httpStatus }),
      body: { type: 'string', maxLength: 200, pattern: CHECK_BODY },
      ...pace,
    }),
    object(['kind', 'script'], { kind: { const: 'script' }, script: name, ...pace }),
  ],
};
const place = {
  backends: list(backend, 0, BACKENDS_MAX),
  sticky: yes,
  check: backendCheck,
  protocol: { enum: ['https', 'h2c', 'tls'] },
  originTls,
  allow: networks,
  deny: networks,
  auth,
};
const path = object(['prefix', 'backends'], {
  prefix: { type: 'string', maxLength: 200, pattern: `^(/[A-Za-z0-9._~@:+,=!-]+){1,${PREFIX_PARTS_MAX}}$` },
  stripPrefix: yes,
  ...place,
  backends: list(backend, 1, BACKENDS_MAX),
});
const headerChanges = object([], {
  set: list(object(['name', 'value'], { name: headerName, value: headerValue }), 1, 32),
  remove: list(headerName, 1, 32),
});
const milliseconds = { type: 'integer', minimum: 1, maximum: 86_400_000 } as const;
const timeouts = object([], { connectMs: milliseconds, readMs: milliseconds, sendMs: milliseconds });
/** Kept short of what a reader of HTML could not be shown: any text, but no NUL. */
const page = { type: 'string', minLength: 1, maxLength: 4000, pattern: '^[^\u0000]*$' } as const;
const route = object(['hostname', 'backends', 'limits'], {
  hostname,
  ...place,
  limits,
  certificate: { ...hostname, pattern: `^\\*\\.(${LABEL}\\.)+(?![0-9]+$)${LABEL}$` },
  orderer: name,
  ownCertificate: object([], { sealed: { const: 0 } }),
  paths: list(path, 1, PATHS_MAX),
  texts,
  timeouts,
  headers: object([], { request: headerChanges, response: headerChanges }),
  hsts: object(['maxAge'], {
    maxAge: { type: 'integer', minimum: 0, maximum: 63_072_000 },
    includeSubDomains: yes,
    preload: yes,
  }),
  redirect: object(['to', 'status'], {
    to: { type: 'string', maxLength: 500, pattern: REDIRECT_TARGET },
    status: { enum: [301, 302, 307, 308] },
    keepPath: yes,
  }),
  maintenance: object(['allow'], { allow: list(network, 0, NETWORKS_MAX) }),
  errorPages: object([], { '404': page, '502': page, '503': page, '504': page }),
  proxyProtocol: yes,
  closed: { const: 'expired' },
});

const stream = object(['protocol', 'port', 'backends'], {
  protocol: { enum: ['tcp', 'udp'] },
  port,
  backends: list(backend, 1, BACKENDS_MAX),
  sticky: yes,
  check: backendCheck,
  proxyProtocol: yes,
  allow: networks,
  deny: networks,
  connections: { type: 'integer', minimum: 1, maximum: CONNECTIONS_MAX },
  timeouts,
});

/** What can be an address with colons; the agent looks closer. */
const IPV6 = '(?=[0-9a-f]*:)[0-9a-f:.]{2,45}';
const check = object(['node', 'addresses', 'intervalMs', 'timeoutMs', 'healthy', 'unhealthy'], {
  node: name,
  addresses: {
    ...list({ type: 'string', pattern: `^(${IPV4}|${IPV6})$` }, 1, CHECK_ADDRESSES_MAX),
    uniqueItems: true,
  },
  hostname: serverName,
  ...pace,
});

const edge = object(['pool', 'members', 'acme', 'chunks'], {
  pool: name,
  members: list(member, 0, 1_000),
  escrow: recipient,
  identityEpoch: { type: 'integer', minimum: 1, maximum: IDENTITY_EPOCH_MAX },
  compromised: list({ type: 'string', pattern: COMPROMISED_PATTERN }, 1, COMPROMISED_MAX),
  acme,
  chunks: list(chunkReference, 0, CHUNKS_MAX),
  streams: list(stream, 1, STREAMS_MAX),
  tlsPassthrough: yes,
  checks: list(check, 1, CHECKS_MAX),
  proxyProtocolFrom: networks,
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
