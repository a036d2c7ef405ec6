// Generated from the JSON Schemas beside this file by schemas/generate.ts. Do not edit: run `npm run bless`.

/**
 * A hostname and where it goes. One file per hostname, in routes/TEAM/.
 */
export interface Route {
  /**
   * The name visitors type. It must match a pattern that kokoa.yaml grants your team. A leading `*.` stands for exactly one label.
   */
  hostname: string;
  /**
   * The machine that runs the service: the name of a file in origins/ that lists your team.
   */
  origin: string;
  /**
   * The TCP port of the service on that machine.
   */
  port: number;
  limits?: Limits;
  /**
   * The pool of edges that serves this hostname. Default: the first pool in kokoa.yaml.
   */
  pool?: string;
}
/**
 * What one hostname may take. Requests and connections are counted per hostname and client address.
 */
export interface Limits {
  /**
   * Largest request body: a number and k, m or g. Larger uploads are answered 413. Default 10m.
   */
  maxBody?: string;
  /**
   * Requests per second from one address; more are answered 429. Default: not limited.
   */
  requestsPerSecond?: number;
  /**
   * How many requests may come at once above requestsPerSecond. Needs requestsPerSecond.
   */
  burst?: number;
  /**
   * Requests in flight from one address; more are answered 429. Default: not limited.
   */
  connections?: number;
}
/**
 * A private machine that runs services, in origins/NAME.yaml. `kokoa origin add NAME` writes it.
 */
export interface Origin {
  /**
   * Equal to the file name, and unique across origins and edges.
   */
  name: string;
  /**
   * Who answers for this machine.
   */
  owner?: string;
  /**
   * The teams whose routes may point here.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: Lower-case letters, digits and dashes, at most 63.
   */
  teams: string[];
  /**
   * This machine's end of the tunnel.
   */
  wireguard: {
    /**
     * Its address inside network.wireguard of kokoa.yaml, without a prefix length.
     */
    address: string;
    /**
     * Pins the key. Without it the first key the machine announces is bound.
     */
    publicKey?: string;
    /**
     * `ip:port` where edges can reach it. Without it the origin dials every edge, which works behind NAT.
     */
    endpoint?: string;
  };
  /**
   * The sha256 of the machine's bearer token. The token itself is shown once by `kokoa edge add` or `kokoa origin add` and is never in git. Without it the machine counts as revoked.
   */
  token?: string;
  /**
   * Raise it together with a new token to let a reinstalled machine announce new keys.
   */
  generation?: number;
  /**
   * suspended: no new configuration, keeps serving. revoked: out of every tunnel. compromised: revoked, and every certificate it held is issued again.
   */
  state?: "active" | "suspended" | "revoked" | "compromised";
}
/**
 * A public machine that terminates TLS, in edges/NAME.yaml. `kokoa edge add NAME` writes it.
 */
export interface Edge {
  /**
   * Equal to the file name, and unique across origins and edges.
   */
  name: string;
  /**
   * Its public addresses. Without them the machine announces its own.
   */
  address?: {
    /**
     * Its public IPv4 address.
     */
    ipv4?: string;
    /**
     * Its public IPv6 address.
     */
    ipv6?: string;
  };
  /**
   * This machine's end of the tunnel.
   */
  wireguard: {
    /**
     * Its address inside network.wireguard of kokoa.yaml, without a prefix length.
     */
    address: string;
    /**
     * The UDP port that origins dial.
     */
    port?: number;
    /**
     * Pins the key. Without it the first key the machine announces is bound.
     */
    publicKey?: string;
  };
  /**
   * The sha256 of the machine's bearer token. The token itself is shown once by `kokoa edge add` or `kokoa origin add` and is never in git. Without it the machine counts as revoked.
   */
  token?: string;
  /**
   * The pool it belongs to. Default: the first pool in kokoa.yaml.
   */
  pool?: string;
  /**
   * Free words for people: region, vendor.
   */
  labels?: {
    /**
     * A word, at most 63 characters.
     */
    [k: string]: string;
  };
  /**
   * Raise it together with a new token to let a reinstalled machine announce new keys.
   */
  generation?: number;
  /**
   * draining: serves, orders no certificate, about to leave. suspended: no new configuration, keeps serving. revoked: out of every tunnel and pool. compromised: revoked, and every certificate it held is issued again.
   */
  state?: "active" | "draining" | "suspended" | "revoked" | "compromised";
}
/**
 * What operators decide for the whole fleet: kokoa.yaml.
 */
export interface Kokoa {
  /**
   * Where nodes reach the reconciler.
   */
  controlPlane: {
    /**
     * URLs of the reconciler, tried in this order: scheme, host and port, no path.
     *
     * @minItems 1
     * @maxItems 8
     *
     * Items: Scheme, host and port, no path.
     */
    urls: string[];
  };
  /**
   * The certificate authority.
   */
  acme: {
    /**
     * Where the certificate authority writes when something is wrong.
     */
    email?: string;
    /**
     * The ACME directory URL.
     */
    server: string;
  };
  /**
   * The DNS zones that operators own.
   *
   * @maxItems 1000
   */
  zones?: Zone[];
  /**
   * Who may claim which hostnames. A team is a folder of routes/.
   *
   * @minItems 1
   * @maxItems 1000
   */
  teams: Team[];
  /**
   * The private network between edges and origins.
   */
  network: {
    /**
     * The private IPv4 network of the tunnels, in CIDR form, /8 to /29.
     */
    wireguard: string;
  };
  /**
   * Groups of edges that serve the same routes. The first is the default.
   *
   * @minItems 1
   * @maxItems 50
   */
  pools: Pool[];
  /**
   * What a route gets when it does not say.
   */
  defaults?: {
    limits?: Limits;
  };
  /**
   * What keeps one bad merge from taking everything down.
   */
  guards?: {
    /**
     * Lets one plan pass that a guard refused. Good once: for this plan, on top of this base.
     */
    override?: {
      /**
       * The hash that the refusal printed.
       */
      plan: string;
      /**
       * The commit published now, as the refusal printed it.
       */
      base: string;
      /**
       * Why it is right, for those who read it later.
       */
      reason: string;
    };
  };
}
/**
 * One DNS zone.
 */
export interface Zone {
  /**
   * The name of the zone, which is a domain that you registered.
   */
  name: string;
  /**
   * manual: people set the records that the documentation names.
   */
  provider: "manual";
}
/**
 * One team.
 */
export interface Team {
  /**
   * The name of its folder in routes/.
   */
  name: string;
  /**
   * Names and patterns the team may use. `*.hoge.com` covers every name below hoge.com, at any depth, but not hoge.com itself.
   *
   * @minItems 1
   * @maxItems 1000
   *
   * Items: A hostname, or *. and a domain.
   */
  hostnames: string[];
  /**
   * The people or groups who approve the team's changes.
   *
   * @maxItems 50
   *
   * Items: A GitHub user or team, with a leading @.
   */
  owners?: string[];
}
/**
 * One pool.
 */
export interface Pool {
  /**
   * What routes and edges call it.
   */
  name: string;
}
