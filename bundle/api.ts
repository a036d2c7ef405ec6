// The shapes of the node API: what an agent sends, what the reconciler answers. No behaviour here.

/** Accept value that asks for the signed texts instead of the plain summary. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.kokoa.bundle+json';

/** `GET`: root version 1 as signed, for anybody; a node compares its sha256 with the pin before it shows its token. */
export const PUBLIC_ROOT_PATH = '/api/v1/root';

/** `GET /api/v1/edge-nodes/me/config?have=…&root=…&wait=…` with Accept: BUNDLE_MEDIA_TYPE. All texts are exact bytes as signed. */
export interface BundleResponse {
  node: string;
  /** `N.root.json` for every N above the agent's `root` (0: from version 1 on), then timestamp.json, V.snapshot.json, V.targets.json, HASH.config.json. */
  files: Record<string, string>;
  /** sha256 → text: the chunks of this config that the config `have` did not hold. */
  chunks: Record<string, string>;
}

/** The plain form, for any HTTP client. */
export interface ConfigSummary {
  config_hash: string;
  /** hostname → `address:port` of the first backend. */
  routes: Record<string, string>;
  hostnames: string[];
  /** Public port, such as `tcp 25565` → `address:port` of the first backend; absent: none. */
  streams?: Record<string, string>;
  /** Hostname or public port → every backend, where there are several. */
  backends: Record<string, string[]>;
}

/** What a node announces about itself. Public data only. The first announcement under a token binds. */
export interface Enrolment {
  /** Base64, as `wg pubkey` prints it. */
  wireguardPublicKey: string;
  /** The key that the node will use soon; there while it is being replaced (ADR 24). */
  nextWireguardPublicKey?: string;
  /** Raw ed25519 public key, base64url. */
  signingKey: string;
  /** age recipient; edges only. */
  recipient?: string;
  /** RFC 7638 thumbprint of the ACME account; edges only, once registered. May be set later without a new binding. */
  acmeThumbprint?: string;
  /** The public addresses the node believes it has. */
  address?: { ipv4?: string; ipv6?: string };
  /** What the owner of an origin allows, as `port` or `from-to`, for hosts behind it with `ADDRESS:` before, for UDP with `/udp` behind; origins only. */
  allow?: string[];
  /** Config formats this agent understands. */
  formats: number[];
}

/** Of `answers` in a report. */
export const ANSWERS_MAX = 100;
/** Of a `failure`: `code: words`, letters, digits and ` .,:;_'()-` only, so that it can be shown anywhere. */
export const FAILURE_CHARACTERS_MAX = 200;

/** What an edge got for `GET /` of a hostname when it asked its own web server as a visitor does. Exactly one of `status` and `failure`. */
export interface VisitorAnswer {
  hostname: string;
  /** Of HTTP, whatever it is; redirects are not followed. */
  status?: number;
  /** Why there was none, such as `timeout: no answer within 5 s`. */
  failure?: string;
  /** Since when it is this answer, ISO 8601. */
  since: string;
}

/** Of `checks` in a report. */
export const PEER_VIEWS_MAX = 64;

/** What an edge found another one to be when it asked it from outside, as its config says (`EdgeCheck`). */
export interface PeerView {
  node: string;
  up: boolean;
  /** Since when, ISO 8601. */
  since: string;
  /** Why it is down: what the failure said that decided it. As `failure` of a VisitorAnswer. */
  reason?: string;
}

/** Of `backends` in a report. */
export const BACKEND_VIEWS_MAX = 200;

export const BACKEND_CHECKS = ['tcp', 'icmp', 'http', 'https', 'script'] as const;

/** What an edge found a backend to be when it asked it through the tunnel, as its config says (`WireCheck`). */
export interface BackendView {
  /** Inside the tunnels. */
  address: string;
  port: number;
  check: (typeof BACKEND_CHECKS)[number];
  /** Whom it was asked for; with http and https. */
  hostname?: string;
  /** With script. */
  script?: string;
  up: boolean;
  /** Since when, ISO 8601. */
  since: string;
  /** Why it is down: what the failure said that decided it. As `failure` of a VisitorAnswer. */
  reason?: string;
  /** This edge sends nobody there, where another backend of the route can answer. */
  withdrawn?: true;
}

/** Of `reason` in a report. */
export const STATE_REASON_CHARACTERS_MAX = 300;

/** Of `restored.what`, and the length of each. */
export const RESTORED_MAX = 20;
export const RESTORED_CHARACTERS_MAX = 100;

/** What somebody else had changed on the machine and the agent put back, the last time that happened. */
export interface Restored {
  /** ISO 8601. */
  at: string;
  /** One entry for each thing, such as `set peer home`. */
  what: string[];
}

export type NodeState = 'waiting' | 'converging' | 'applied' | 'degraded' | 'refused' | 'rolled_back' | 'stale';

/** Of `unacknowledged` in a report. */
export const UNACKNOWLEDGED_MAX = 20;

/** The name under which the escrow key stands among the recipients of a pool; no node can have it. */
export const ESCROW_NAME = '*escrow';

/** A recipient of the pool identity that an edge had not seen before, and that nobody acknowledged there. */
export interface Unacknowledged {
  /** A node, or ESCROW_NAME. */
  name: string;
  /** ISO 8601. */
  since: string;
  /** This edge wraps nothing for it; absent: it did, or is about to. */
  withheld?: true;
}

/** `POST /api/v1/edge-nodes/me/status`. */
export interface StatusReport {
  agentVersion: string;
  state: NodeState;
  /** Since when, ISO 8601; a restart does not begin it anew. */
  stateSince?: string;
  /** Why it is not `applied`: the error, or the first part that is not served. One line of printable ASCII. */
  reason?: string;
  /** The newest version of the root that the node trusts; absent: none yet, or this agent does not say. */
  rootVersion?: number;
  /** Config hashes: last offered, applied now, last known good. */
  offered?: string;
  applied?: string;
  lkg?: string;
  error?: { stage: string; code: string; detail: string };
  /** Hosts that are left out, have no certificate yet, or are served with another one than the node holds, with the reason. */
  quarantined?: { hostname: string; reason: string }[];
  /**
   * Hosts with a certificate, notAfter as ISO 8601. `ending`: less than a quarter of its life is left, and why it was not replaced yet. `exposed`: an
   * edge that is compromised had its key, and why it was not replaced yet.
   */
  certificates?: { hostname: string; notAfter: string; ending?: string; exposed?: string }[];
  /**
   * Hosts that a change touched, the newest change first; one that was not answered yet is left out. Never older than `applied`. Edges
   * only; absent: this agent does not ask.
   */
  answers?: VisitorAnswer[];
  /**
   * Edges that this one watches, by node; one that is not decided yet is left out. Edges only; absent: it watches none, or was itself cut off and
   * has decided nothing since.
   */
  checks?: PeerView[];
  /** Backends that this edge asked: those that are down first, then those of routes with several. Edges only; absent: none is decided. */
  backends?: BackendView[];
  /** How many backends are decided; more than `backends` holds: its list was cut, and of those that it lacks nothing is known. Absent as that is. */
  backendsDecided?: number;
  /** Newest handshake per peer, age in seconds; null: never. */
  tunnels?: { node: string; handshakeAgeSeconds: number | null }[];
  /** Absent: nothing was ever restored here, or what was is not known any more. */
  restored?: Restored;
  /** Edges only; absent: none. */
  unacknowledged?: Unacknowledged[];
  enrolment: Enrolment;
  /** Larger than in every report before, also after a restart with a clock that went back: ms of the clock, or one more than the last. */
  sequence?: number;
  /** Ed25519 of everything else and the node's name, by `enrolment.signingKey` (announcement.ts). Without it and `sequence` a report is refused. */
  signature?: string;
}

/** `200` to a status post. `bound: false` says that the announcement was refused, and with it the whole report. */
export interface StatusAnswer {
  bound: boolean;
  reason?: string;
  /** The report was signed as it should be but is not the newest: the number that the next one must exceed. */
  newest?: number;
  /** There while the announcement holds a next WireGuard key. */
  rotation?: RotationAnswer;
}

/** What becomes of the next WireGuard key `publicKey`. */
export type RotationAnswer = { publicKey: string } /** Every peer that is heard knows it: use it now. */ & (
  | { kind: 'go' }
  /** Names of peers, some of them where there are many; none: it is another node's turn. */
  | { kind: 'wait'; for: string[] }
  | { kind: 'refused'; reason: string }
);

/** Of `for` in a RotationAnswer. */
export const WAITING_FOR_MAX = 20;

/**
 * A pool's age identity, wrapped to each member. Made by one edge; the control plane cannot open it.
 * `POST /api/v1/edge-nodes/me/relay/identity` brings one.
 */
export interface PoolIdentity {
  pool: string;
  /** Starts at 1; a larger epoch replaces. */
  epoch: number;
  /** age recipient of the pool identity. */
  recipient: string;
  /** node → the identity, encrypted to that node's recipient; base64. */
  wraps: Record<string, string>;
  /** The same for the offline key that the signed config names as the pool's escrow; absent: there is none. */
  escrow?: EscrowWrap;
  /** Members to whom the signer wraps nothing until a person approves them there, sorted; absent: none. */
  withheld?: string[];
  /** The member that signed this. */
  by: string;
  /** Base64url ed25519 over canonicalJson of everything else. */
  signature: string;
}

export interface EscrowWrap {
  /** age recipient of the escrow key. */
  recipient: string;
  /** The identity, encrypted to it; base64. */
  wrap: string;
}

/** A certificate and key, encrypted to the pool's identity. `POST /api/v1/edge-nodes/me/relay/certificates` brings one. */
export interface SealedCertificate {
  hostname: string;
  /** Pool recipient it is encrypted to. */
  recipient: string;
  /** Base64 age ciphertext of JSON `{fullchain, key}` (PEM). */
  sealed: string;
  /** Leaf validity, ISO 8601: what the receiver checks again after opening. */
  notBefore: string;
  notAfter: string;
  by: string;
  signature: string;
}

/** First line of a file that `kokoa certs escrow-restore` writes and `kokoa-agent certs restore` reads; every other line is a ParcelItem. */
export interface ParcelHead {
  format: typeof PARCEL_FORMAT;
  pool: string;
  /** age recipient of the machine that it is for. */
  recipient: string;
}

export const PARCEL_FORMAT = 'kokoa-parcel-1';

export interface ParcelItem {
  /** Of the certificate. */
  name: string;
  /** Base64 age ciphertext, for that machine, of JSON `{fullchain, key}` (PEM). */
  sealed: string;
}

/** `GET /api/v1/edge-nodes/me/relay?since=N&wait=S`: what changed in the pool's mailbox after sequence N. */
export interface RelayResponse {
  sequence: number;
  identity?: PoolIdentity;
  certificates: SealedCertificate[];
}

/** What an edge says of a certificate, so that a stolen token alone says nothing. */
interface OfCertificate {
  /** Of the certificate. */
  name: string;
  /** The edge that says it. */
  by: string;
  /** Base64url ed25519 over canonicalJson of everything else. */
  signature: string;
}

interface OfOrder extends OfCertificate {
  /** URL of the ACME directory. */
  server: string;
}

/**
 * What is to be ordered, as the body of a request for a lease. Agents that are older send `{}`, which is taken for no wildcard, and their
 * orders are not counted.
 */
export interface LeaseQuestion extends OfOrder {
  kind: 'lease';
  /** There is a certificate of this name already. */
  renewal: boolean;
}

/** `POST /api/v1/edge-nodes/me/relay/leases/NAME`, of a certificate: may this node order it now? */
export type LeaseAnswer =
  | { granted: true; expiresAt: string }
  | { granted: false; reason: string; retryAfterMs: number };

export type OrderOutcome = 'issued' | 'validation_failed' | 'rate_limited' | 'failed';

/** `POST /api/v1/edge-nodes/me/relay/orders/NAME`: how the order under a lease ended. Answered `{"outcome": "ended" | "unknown"}`. */
export interface OrderEnd extends OfOrder, OrderResult {
  kind: 'order_end';
}

export interface OrderResult {
  outcome: OrderOutcome;
  /** As long as the CA asked to wait. */
  retryAfterMs?: number;
  /** What the CA limits, where its words tell; the account where it named no time either; absent: whatever is asked of it. */
  limit?: 'name' | 'domain' | 'account';
}

/** `POST /api/v1/edge-nodes/me/relay/challenges/NAME`, of a wildcard: may the CA be asked to look in DNS now? */
export interface ChallengeQuestion extends OfCertificate {
  kind: 'challenge';
  /** What the CA wants to see: a sha256, base64url. */
  value: string;
}

/** `POST /api/v1/edge-nodes/me/relay/challenges/NAME/end`: the order has ended. */
export interface ChallengeEnd extends OfCertificate {
  kind: 'challenge_end';
}

/** `ready`: the record is there; or it is taken out. */
export type ChallengeAnswer =
  | { outcome: 'ready' }
  | { outcome: 'wait'; reason: string; retryAfterMs: number }
  | { outcome: 'refused'; reason: string };

/** Body of every 4xx and 5xx answer. */
export interface ApiError {
  error: string;
  message: string;
  hint?: string;
}
