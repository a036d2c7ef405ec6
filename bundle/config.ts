// The contract of the wire: what one node is told. A node's `config.json` holds its own part and, for an edge, references to
// chunks of routes shared by its pool. Both are canonical JSON, so the same desired state is the same bytes.

/** The format this code writes; a node announces those it understands. */
export const CONFIG_FORMAT = 1;

/** The name of the one TUF target of a node. */
export const CONFIG_TARGET = 'config.json';

export type NodeRole = 'edge' | 'origin';

/** A WireGuard peer of the node. `address` is the peer's bare IPv4 inside the network (AllowedIPs is that /32). */
export interface Peer {
  node: string;
  /** Base64, 32 bytes, as `wg` prints it. */
  publicKey: string;
  address: string;
  /** `ip:port` or `[ip6]:port`. Present when this node dials the peer. */
  endpoint?: string;
}

/** An edge of the same pool, named by the signed config so that certificates are wrapped to nobody else. */
export interface PoolMember {
  node: string;
  /** age X25519 recipient, `age1…`. */
  recipient: string;
  /** Raw ed25519 public key, base64url, 32 bytes: it signs what the member relays. */
  signingKey: string;
  /** RFC 7638 thumbprint of the member's ACME account key, once it has one. */
  acmeThumbprint?: string;
}

export interface ChunkReference {
  /** Leading bits of sha256(hostname) as lower-case hex: '' (0 bits), one digit (4) or two digits (8). */
  bucket: string;
  sha256: string;
  bytes: number;
}

export interface EdgePart {
  pool: string;
  /** Sorted by name; this node is among them once it announced its keys. */
  members: PoolMember[];
  acme: { server: string; email?: string };
  /** Sorted by bucket; empty buckets are omitted. */
  chunks: ChunkReference[];
}

export interface OriginPart {
  /** TCP ports that a route declares, ascending. What is opened is these and the owner's local allow-list, both. */
  ports: number[];
}

interface NodeConfigBase {
  format: typeof CONFIG_FORMAT;
  node: string;
  network: { wireguard: string };
  wireguard: {
    address: string;
    /** UDP listen port; absent: any. */
    port?: number;
    /** Sorted by node name. */
    peers: Peer[];
  };
  controlPlane: { urls: string[] };
}

export interface EdgeConfig extends NodeConfigBase {
  role: 'edge';
  edge: EdgePart;
}

export interface OriginConfig extends NodeConfigBase {
  role: 'origin';
  origin: OriginPart;
}

export type NodeConfig = EdgeConfig | OriginConfig;

export interface WireLimits {
  maxBodyBytes: number;
  requestsPerSecond?: number;
  burst?: number;
  connections?: number;
}

/** One hostname as an edge serves it. */
export interface WireRoute {
  /** Canonical: lower case, A-label, no trailing dot. May be `*.name`. */
  hostname: string;
  /** Ordered; addresses are origins inside the WireGuard network. */
  backends: { address: string; port: number }[];
  limits: WireLimits;
  /** The one pool member that orders this host's certificate. Absent while no member announced its keys. */
  orderer?: string;
}

/** A content-addressed part of a pool's routes, sorted by hostname. */
export interface Chunk {
  routes: WireRoute[];
}
