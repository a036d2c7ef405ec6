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
  /** The key that the peer will use soon, or uses already: whichever it shook hands with last has the address (ADR 24). */
  nextPublicKey?: string;
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
  /** age X25519 recipient of an offline key that the pool identity is wrapped to as well; absent: none. */
  escrow?: string;
  /** The pool identity has at least this epoch: edges with an older one make a new one. Absent: any. */
  identityEpoch?: number;
  /**
   * Edges that had the certificates of this pool and are compromised: `NODE/GENERATION`, sorted; absent: none. What they may have had is ordered
   * anew (ADR 29).
   */
  compromised?: string[];
  /** `fallback`: used for a day when `server` refuses for too long; never the same one. */
  acme: { server: string; email?: string; fallback?: { server: string; email?: string } };
  /** Sorted by bucket; empty buckets are omitted. */
  chunks: ChunkReference[];
  /** Layer 4 on ports of its own, sorted by protocol, then port; absent: none. */
  streams?: WireStream[];
  /** The name in a TLS handshake is read before the connection is taken, so that `tls` routes pass through. A setting of the pool. */
  tlsPassthrough?: true;
  /** Other edges that this one watches from outside, sorted by node; absent: none. */
  checks?: EdgeCheck[];
  /** A load balancer stands in front: only these networks may connect, and say by PROXY protocol for whom. Canonical CIDRs, sorted. */
  proxyProtocolFrom?: string[];
}

/** How often somebody is asked whether he can answer, and how much of it counts. */
export interface CheckPace {
  /** From one question to the next. */
  intervalMs: number;
  /** One question ends after this. */
  timeoutMs: number;
  /** Answers in a row that bring it up, failures in a row that bring it down. */
  healthy: number;
  unhealthy: number;
}

/** How one edge asks another whether it serves. */
export interface EdgeCheck extends CheckPace {
  /** Never this node. */
  node: string;
  /** Public addresses, IPv4 first: each is asked. */
  addresses: string[];
  /** A name that the edge serves, for the handshake; absent: none yet, then plain HTTP is asked. */
  hostname?: string;
}

/** How each backend of a place is asked, through the tunnel, whether it can answer. What of the pace is absent has the edge's default. */
export type WireCheck = Partial<CheckPace> & WireQuestion;

export type WireQuestion =
  /** Not at all, a connection, an echo request. */
  | { kind: 'none' | 'tcp' | 'icmp' }
  /** `GET path`, spoken as the place speaks: with or without TLS. */
  | {
      kind: 'http';
      path: string;
      /** Whom it is for; absent: the hostname of the route. */
      hostname?: string;
      /** Both included; absent: 200 to 399. */
      status?: { from: number; to: number };
      /** Stands somewhere in the answer. */
      body?: string;
    }
  /** A program that the owner of the origin put there under this name. */
  | { kind: 'script'; script: string };

/** A public port of every edge of the pool. */
export interface WireStream {
  protocol: 'tcp' | 'udp';
  port: number;
  backends: WireBackend[];
  sticky?: true;
  check?: WireCheck;
  /** The backend is told the visitor's address by PROXY protocol, version 1. TCP only. */
  proxyProtocol?: true;
  allow?: string[];
  deny?: string[];
  /** Connections from one address. */
  connections?: number;
  timeouts?: WireTimeouts;
}

export interface OriginPart {
  /** TCP ports that a route declares, ascending. What is opened is these and the owner's local allow-list, both. */
  ports: number[];
  /** The same for UDP; absent: none. */
  udpPorts?: number[];
  /** Services behind this machine, or on its loopback, ascending by `port`; absent: none. The same double consent. */
  forwards?: Forward[];
  /** What edges ask the machine itself; absent: nothing. */
  asked?: AskedOrigin;
}

/** How checks of routes ask an origin for more than its services. */
export interface AskedOrigin {
  /** Edges ping it. */
  icmp?: true;
  /** Names of programs that its owner put there, sorted: edges may ask what they say (script-check.ts). */
  scripts?: string[];
}

/** The tunnel port under which edges reach a service that is not on the origin's own address. */
export interface Forward {
  /** Absent: TCP. */
  protocol?: 'udp';
  /** On the origin's tunnel address; none of `ports`, or for UDP of `udpPorts`. */
  port: number;
  /** Bare IPv4: a LAN address, or 127.0.0.1. */
  host: string;
  hostPort: number;
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

export interface WireBackend {
  /** An origin's address inside the WireGuard network. */
  address: string;
  /** On that address: a declared port, or that of a forward. */
  port: number;
  /** 2 to 100; absent: 1. */
  weight?: number;
  /** Only when all others fail. Never all of them. */
  backup?: true;
}

/**
 * How an https backend's certificate is judged. `serverName` absent: the name that the visitor asked for. `Text` here and below: the text
 * itself, or in a chunk the number that stands for it (route-texts.ts).
 */
export type WireOriginTls<Text = string> =
  | { verify: 'none'; serverName?: string }
  | { verify: 'public'; serverName?: string }
  /** `ca`: PEM certificates, nothing else. */
  | { verify: 'ca'; ca: Text; serverName?: string };

export type WireAuth<Text = string> =
  /** `sealed`: htpasswd lines, encrypted to the pool's identity (base64). Absent: not there yet, and nobody gets in. */
  | { kind: 'basic'; sealed?: Text }
  | {
      kind: 'forward';
      address: string;
      port: number;
      /** Where the question goes. */
      path: string;
      /** Shown in place of a 401. */
      signIn?: string;
      /** Sorted; header names of the answer that the backend gets. */
      identityHeaders?: string[];
    };

/** Where requests go and who may make them. */
export interface WirePlace<Text = string> {
  /** Ordered. Empty only where nothing is asked: a closed route, a redirect. */
  backends: WireBackend[];
  /** One backend per client address. Never together with a backup. */
  sticky?: true;
  /** Absent: whether a backend accepts a connection. */
  check?: WireCheck;
  /** Absent: HTTP/1.1. `tls` (of a whole route, never of a path): the connection passes through as it is. */
  protocol?: 'https' | 'h2c' | 'tls';
  /** There exactly when `protocol` is https. */
  originTls?: WireOriginTls<Text>;
  /** Canonical CIDRs, sorted. `deny` counts first; `allow` absent: everybody. */
  allow?: string[];
  deny?: string[];
  auth?: WireAuth<Text>;
}

/** A part of a site; complete, whatever the rest of the site says. */
export interface WirePath<Text = string> extends WirePlace<Text> {
  /** `/api`: this path and everything below it. Compared byte by byte. */
  prefix: string;
  stripPrefix?: true;
}

export interface WireHeaderChanges {
  /** Sorted by name. */
  set?: { name: string; value: string }[];
  /** Sorted. */
  remove?: string[];
}

/** Milliseconds. */
export interface WireTimeouts {
  connectMs?: number;
  /** Layer 4: how long a connection may be silent. */
  readMs?: number;
  /** Not for layer 4. */
  sendMs?: number;
}

/** `sealed`: the JSON text `{fullchain, key}`, encrypted to the pool's identity (base64). Absent: not there yet. */
export interface WireOwnCertificate<Text = string> {
  sealed?: Text;
}

/** One hostname as an edge serves it. */
export interface WireRoute<Text = string> extends WirePlace<Text> {
  /** Canonical: lower case, A-label, no trailing dot. May be `*.name`. */
  hostname: string;
  limits: WireLimits;
  /** Name of the certificate that serves it, `*.name` one label above; absent: its own hostname. */
  certificate?: string;
  /** The one pool member that orders its certificate. Absent: nobody can, or no member announced its keys yet. */
  orderer?: string;
  /** A person brings its certificate: then nobody orders one. */
  ownCertificate?: WireOwnCertificate<Text>;
  /** Sorted by prefix. */
  paths?: WirePath<Text>[];
  /** What is absent has the edge's default. */
  timeouts?: WireTimeouts;
  headers?: { request?: WireHeaderChanges; response?: WireHeaderChanges };
  hsts?: { maxAge: number; includeSubDomains?: true; preload?: true };
  /** With `keepPath` the visitor's path and query follow `to`, which then has none. */
  redirect?: { to: string; status: 301 | 302 | 307 | 308; keepPath?: true };
  /** 503 for everybody but these networks. */
  maintenance?: { allow: string[] };
  /** HTML by status. */
  errorPages?: { '404'?: string; '502'?: string; '503'?: string; '504'?: string };
  /** `tls` only: the backend is told the visitor's address by PROXY protocol, version 1. */
  proxyProtocol?: true;
  /** Its time is over: the name is still known, and answers 404. */
  closed?: 'expired';
}

/** The long texts of a route, each once; of every kind ascending by code unit, and never none. */
export interface RouteTexts {
  sealed?: string[];
  ca?: string[];
  certificate?: string[];
}

/** A content-addressed part of a pool's routes, sorted by hostname, as it is meant; `PackedChunk` (route-texts.ts) is how it is written. */
export interface Chunk {
  routes: WireRoute[];
}
