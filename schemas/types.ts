// Generated from the JSON Schemas beside this file by schemas/generate.ts. Do not edit: run `npm run bless`.

/**
 * Several machines instead of origin and port. A request goes to one of them; when it cannot be reached, to another.
 *
 * @minItems 1
 * @maxItems 16
 */
export type Backends = Backend[];

/**
 * A hostname, or a public port, and where its visitors go. One file for each, in routes/TEAM/.
 */
export interface Route {
  /**
   * The name visitors type. It must match a pattern that kokoa.yaml grants your team. A leading `*.` stands for exactly one label here, while `*.hoge.com` as a grant covers names of any depth. Capitals and letters beyond ASCII are converted as browsers do: T.Hoge.com is t.hoge.com, café.hoge.com is xn--caf-dma.hoge.com. Not with protocol: tcp and udp, which have a publicPort instead.
   */
  hostname?: string;
  /**
   * The machine that runs the service: the name of a file in origins/ that lists your team.
   */
  origin?: string;
  /**
   * The port of the service on that machine: TCP, or UDP with protocol: udp. Without host none of 1023 and 61000 to 64199, where an origin answers edges and leads to services behind it.
   */
  port?: number;
  /**
   * A LAN address behind that machine, or 127.0.0.1 for a service that listens only there. Default: the machine's own tunnel address. Its owner must allow it on the machine.
   */
  host?: string;
  backends?: Backends;
  /**
   * Keeps a visitor, by address, on one of the backends while it answers. Not together with backup. Default false.
   */
  sticky?: boolean;
  check?: Check;
  /**
   * What the backend speaks: http (HTTP/1.1), https (needs originTls), h2c (HTTP/2 without TLS: gRPC); for these visitors always come by HTTPS. Or layer 4, which the edge passes on unopened: tls (by the name in the handshake; your service has the certificate), tcp and udp (a publicPort of the edges). Default http.
   */
  protocol?: "http" | "https" | "h2c" | "tls" | "tcp" | "udp";
  /**
   * The port of every edge of the pool under which visitors come. It must stand in the ports that kokoa.yaml grants your team, and no other route of the pool may have it with the same protocol. With protocol: tcp and udp only.
   */
  publicPort?: number;
  /**
   * Tells your service the address of each visitor by PROXY protocol, version 1, before anything else. true: your service must expect that, or it understands nothing. false: it takes all visitors for the edge. Must be stated with protocol: tls and tcp, and stands nowhere else.
   */
  proxyProtocol?: boolean;
  originTls?: OriginTls;
  auth?: Auth;
  /**
   * Only visitors from these addresses may come in; others are answered 403, or with layer 4 not at all. Default: everybody.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: An IPv4 or IPv6 address, or a network in CIDR form.
   */
  allow?: string[];
  /**
   * Visitors from these addresses are answered 403, or with layer 4 not at all, also where allow names them.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: An IPv4 or IPv6 address, or a network in CIDR form.
   */
  deny?: string[];
  /**
   * Parts of the site that go elsewhere or follow other rules. The longest matching prefix wins.
   *
   * @minItems 1
   * @maxItems 32
   */
  paths?: Path[];
  limits?: Limits;
  timeouts?: Timeouts;
  headers?: Headers;
  hsts?: Hsts;
  tls?: Tls;
  redirect?: Redirect;
  maintenance?: Maintenance;
  errorPages?: ErrorPages;
  /**
   * From this moment (UTC) the hostname answers 404, without a commit; with layer 4 nothing answers any more. `kokoa validate` warns of a moment that is past. Default: never.
   */
  expiresAt?: string;
  /**
   * The pool of edges that serves this route. Default: the first pool in kokoa.yaml.
   */
  pool?: string;
}
/**
 * One machine and port that can answer.
 */
export interface Backend {
  /**
   * The machine that runs the service: the name of a file in origins/ that lists your team.
   */
  origin: string;
  /**
   * The port of the service on that machine: TCP, or UDP with protocol: udp. Without host none of 1023 and 61000 to 64199, where an origin answers edges and leads to services behind it.
   */
  port: number;
  /**
   * A LAN address behind that machine, or 127.0.0.1 for a service that listens only there. Default: the machine's own tunnel address. Its owner must allow it on the machine.
   */
  host?: string;
  /**
   * Its share of the requests beside the others. Default 1.
   */
  weight?: number;
  /**
   * Asked only when all others fail. Default false.
   */
  backup?: boolean;
}
/**
 * How every edge asks each backend, through the tunnel, whether it can answer. One that cannot is sent no visitors while another backend of the route can; what is down is shown and told either way.
 */
export interface Check {
  /**
   * What is asked. tcp: a connection is accepted. http: GET path is answered; by HTTPS, with the name of originTls, where the route has protocol: https. icmp: the machine replies to ping. script: a program that the owner of the machine put there says so. none: nobody asks. Default tcp.
   */
  kind?: "tcp" | "http" | "icmp" | "script" | "none";
  /**
   * With kind: http: a path, and a query if need be. It should cost little: every edge asks for it. Default /.
   */
  path?: string;
  /**
   * With kind: http: whom the request is for. Default: the name in originTls, else the hostname of the route.
   */
  hostname?: string;
  /**
   * With kind: http: the status that counts as an answer, or the first and the last one. Default [200, 399].
   *
   * @minItems 1
   * @maxItems 2
   *
   * Items: A status of HTTP.
   */
  status?: number[];
  /**
   * With kind: http: what must stand somewhere in the first 64 KiB of the answer. Default: anything.
   */
  body?: string;
  /**
   * With kind: script: the name of a program in the directory /etc/kokoa/checks of the machine. It never comes from git.
   */
  script?: string;
  /**
   * From one question to the next, 1s to 1h. Default 5s.
   */
  interval?: string;
  /**
   * How long an answer may take, at most 10s and the interval. Default 2s.
   */
  timeout?: string;
  /**
   * Answers in a row that bring a backend up again. Default 2.
   */
  healthy?: number;
  /**
   * Failures in a row that bring it down. Default 3.
   */
  unhealthy?: number;
}
/**
 * How an https backend's certificate is judged.
 */
export interface OriginTls {
  /**
   * public: by the certificate authorities that browsers trust. ca: by your own one, given as ca. none: not at all; the tunnel still encrypts the way to the machine.
   */
  verify: "public" | "ca" | "none";
  /**
   * The certificates of your own authority, in PEM form.
   */
  ca?: string;
  /**
   * The name that the backend's certificate must carry, which is also sent as SNI. Default: the hostname that the visitor asked for.
   */
  serverName?: string;
}
/**
 * Who may come in: asked by the edge, before a request reaches your service.
 */
export interface Auth {
  basic?: BasicAuth;
  forward?: ForwardAuth;
}
/**
 * User names and passwords, asked by the browser (RFC 7617).
 */
export interface BasicAuth {
  users: SecretReference;
}
/**
 * Lines of NAME:HASH, as htpasswd writes them.
 */
export interface SecretReference {
  /**
   * What `kokoa seal` printed: encrypted to the reconciler, safe in git.
   */
  sealed?: string;
  /**
   * A file of this name in your team's folder of the reconciler's secrets directory.
   */
  file?: string;
  /**
   * A systemd credential TEAM.NAME of the reconciler.
   */
  credential?: string;
  /**
   * An environment variable KOKOA_SECRET_TEAM__NAME of the reconciler. Other processes may see it: prefer file or credential.
   */
  env?: string;
}
/**
 * A login service of yours (oauth2-proxy, Authelia, Authentik) is asked about each request: 2xx lets it pass, 401 and 403 do not.
 */
export interface ForwardAuth {
  /**
   * The machine that runs the login service.
   */
  origin: string;
  /**
   * The port of the service on that machine: TCP, or UDP with protocol: udp. Without host none of 1023 and 61000 to 64199, where an origin answers edges and leads to services behind it.
   */
  port: number;
  /**
   * A LAN address behind that machine, or 127.0.0.1 for a service that listens only there. Default: the machine's own tunnel address. Its owner must allow it on the machine.
   */
  host?: string;
  /**
   * Where it answers the question.
   */
  path: string;
  /**
   * Its page for visitors who must log in, shown in place of 401. Default: where the Location header of its 401 leads, else a plain 401.
   */
  signIn?: string;
  /**
   * Headers of its answer that your service gets. The same ones from a visitor are dropped. Default none.
   *
   * @maxItems 16
   *
   * Items: The name of an HTTP header: letters, digits and dashes.
   */
  identityHeaders?: string[];
}
/**
 * A part of the site. Without origin or backends it goes where the route goes.
 */
export interface Path {
  /**
   * Whole parts of a path: /api stands for /api and everything below it, not for /apix. At most 6 parts.
   */
  prefix: string;
  /**
   * The machine that runs the service: the name of a file in origins/ that lists your team.
   */
  origin?: string;
  /**
   * The port of the service on that machine: TCP, or UDP with protocol: udp. Without host none of 1023 and 61000 to 64199, where an origin answers edges and leads to services behind it.
   */
  port?: number;
  /**
   * A LAN address behind that machine, or 127.0.0.1 for a service that listens only there. Default: the machine's own tunnel address. Its owner must allow it on the machine.
   */
  host?: string;
  backends?: Backends;
  /**
   * Takes the prefix away before your service sees the path, and tells it in X-Forwarded-Prefix. Not with protocol: h2c. Default false.
   */
  stripPrefix?: boolean;
  /**
   * Keeps a visitor, by address, on one of the backends while it answers. Not together with backup. Default false.
   */
  sticky?: boolean;
  check?: Check;
  /**
   * What the backend speaks: http (HTTP/1.1), https (needs originTls), h2c (HTTP/2 without TLS: gRPC). Default http.
   */
  protocol?: "http" | "https" | "h2c";
  originTls?: OriginTls;
  auth?: Auth;
  /**
   * Only visitors from these addresses may come in here; others are answered 403. Replaces the route's list. Default: the route's.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: An IPv4 or IPv6 address, or a network in CIDR form.
   */
  allow?: string[];
  /**
   * Visitors from these addresses are answered 403 here, also where allow names them. Replaces the route's list. Default: the route's.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: An IPv4 or IPv6 address, or a network in CIDR form.
   */
  deny?: string[];
  /**
   * Nobody is asked to log in here, although the route has auth; without auth nobody is asked anywhere. Default false.
   */
  public?: boolean;
}
/**
 * What one hostname may take. Requests and connections are counted per hostname and client address. What is not said here comes from defaults in kokoa.yaml.
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
   * How many requests may come at once above requestsPerSecond. Needs requestsPerSecond. Default 0.
   */
  burst?: number;
  /**
   * Requests in flight from one address; more are answered 429. With protocol: tcp and udp, connections; more are closed at once. Default: not limited.
   */
  connections?: number;
}
/**
 * How long the edge waits for the backend.
 */
export interface Timeouts {
  /**
   * For a connection, at most 1m; then another backend is tried. Default 1s.
   */
  connect?: string;
  /**
   * Between two pieces of an answer, at most 24h; then 504. With protocol: tcp and udp, how long a connection may be silent in both directions; then it ends. With udp that is 1m unless it is said here. Default 1h.
   */
  read?: string;
  /**
   * Between two pieces of a request that the backend takes, at most 24h. Default 1m.
   */
  send?: string;
}
/**
 * Headers that the edge changes: request on the way to your service, response on the way to the visitor.
 */
export interface Headers {
  request?: HeaderChanges;
  response?: HeaderChanges;
}
/**
 * Headers that are set or removed.
 */
export interface HeaderChanges {
  /**
   * Name and value; one of the same name is replaced. No secrets: everybody who reads git reads them. An API key that your service asks for is best added beside the service, by a small proxy that has it in a file.
   */
  set?: {
    /**
     * The value, printable ASCII without $ and backslash.
     */
    [k: string]: string;
  };
  /**
   * Names that do not pass.
   *
   * @maxItems 32
   *
   * Items: The name of an HTTP header: letters, digits and dashes.
   */
  remove?: string[];
}
/**
 * Tells browsers to use nothing but HTTPS from now on (RFC 6797). It cannot be taken back before maxAge is over.
 */
export interface Hsts {
  /**
   * Seconds; 31536000 is a year, 0 ends it.
   */
  maxAge: number;
  /**
   * Also for every name below this one. Default false.
   */
  includeSubDomains?: boolean;
  /**
   * Agrees to the lists that browsers ship. Needs a year and includeSubDomains. Default false.
   */
  preload?: boolean;
}
/**
 * The certificate that visitors are shown, where the edges are not to order it themselves.
 */
export interface Tls {
  certificate?: CertificateReference;
}
/**
 * Where a certificate of your own and its private key are found: one PEM text with the chain and the unencrypted key, at most 64 KiB. Neither stands in git. Nothing is ordered then, and nobody but you renews it.
 */
export interface CertificateReference {
  /**
   * A file of this name in your team's folder of the reconciler's secrets directory.
   */
  file?: string;
  /**
   * A systemd credential TEAM.NAME of the reconciler.
   */
  credential?: string;
}
/**
 * Sends every visitor elsewhere, instead of a backend.
 */
export interface Redirect {
  /**
   * An http or https URL.
   */
  to: string;
  /**
   * 301 and 308 are for ever, 302 and 307 for now; 307 and 308 keep the method. Default 308.
   */
  status?: 301 | 302 | 307 | 308;
  /**
   * Adds the visitor's path and query to the URL, which then must be bare: https://www.hoge.com. Default true.
   */
  keepPath?: boolean;
}
/**
 * Answers 503 to everybody but the addresses in allow; with `allow: []` to everybody.
 */
export interface Maintenance {
  /**
   * Who still gets through, to see whether all is well; an empty list lets nobody through.
   *
   * @maxItems 200
   *
   * Items: An IPv4 or IPv6 address, or a network in CIDR form.
   */
  allow: string[];
}
/**
 * HTML of your own for what the edge itself answers. What your service answers passes unchanged.
 */
export interface ErrorPages {
  /**
   * Nothing is here (any more).
   */
  "404"?: string;
  /**
   * The service cannot be reached.
   */
  "502"?: string;
  /**
   * Under maintenance.
   */
  "503"?: string;
  /**
   * The service did not answer in time.
   */
  "504"?: string;
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
   * The teams whose routes may point here. Add new ones at the end: a team's place decides its tunnel ports, of which only the first 25 have any.
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
   * suspended: no new configuration, keeps serving. revoked: out of every tunnel. compromised: the same; an origin has no certificate, so nothing is issued again.
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
   * Takes new settings of kokoa.yaml before the other edges of its pool. Where no edge of a pool says so, the first by name does. Default false.
   */
  canary?: boolean;
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
     * Where the certificate authority writes when something is wrong. It begins with no dash: edges hand it to certbot.
     */
    email?: string;
    /**
     * The ACME directory URL.
     */
    server: string;
    fallback?: AcmeFallback;
    limits?: OrderLimits;
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
  sealing?: Sealing;
  /**
   * How a change of these sections goes out: controlPlane, acme, network, defaults, and what a pool says of its edges. It comes to the edges in waves: the canaries, a quarter of each pool, everybody else. Routes, teams and the files of machines never wait.
   */
  rollout?: {
    /**
     * false: to all edges at once. Written while a rollout runs or has stopped, it sends the newest settings to everybody. Default true.
     */
    waves?: boolean;
    /**
     * Seconds from the moment at which all edges of a wave have applied the change to the next wave. Default 60.
     */
    soak?: number;
  };
  /**
   * Where operators are told when something changes its state: DNS, machines, publishing, certificates, origins. Default: nowhere.
   *
   * @minItems 1
   * @maxItems 20
   */
  notify?: NotifyChannel[];
  /**
   * What keeps one bad merge from taking everything down.
   */
  guards?: {
    /**
     * Lets one plan pass that a guard refused. Good once: for this plan, on top of this base. Without a plan it only lets a history follow in which the base is no longer.
     */
    override?: {
      /**
       * The hash that the refusal printed; left out where only the history was rewritten.
       */
      plan?: string;
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
 * Another certificate authority. An edge uses it for a day when `server` refuses its orders for a day without one success, or for a sixth of the lifetime of a certificate that is due, whichever is shorter. CAA records must name both.
 */
export interface AcmeFallback {
  /**
   * Where it writes when something is wrong.
   */
  email?: string;
  /**
   * Its ACME directory URL; another one than `acme.server`.
   */
  server: string;
}
/**
 * What may be ordered of `server` by all edges together, where it is another authority than Let's Encrypt, whose numbers are the defaults.
 */
export interface OrderLimits {
  /**
   * Orders of one certificate name in 7 days that the authority may have finalised. More by itself where certificates live for days: one for each renewal of the week, and one to spare. Default 2.
   */
  ordersPerName?: number;
  /**
   * Names of one registered domain that get their first certificate, in 7 days. Renewals do not count. Default 50.
   */
  newNamesPerDomain?: number;
  /**
   * Failed validations of one name in an hour. Default 5.
   */
  failedValidations?: number;
  /**
   * Orders of one edge in 3 hours; new names leave a tenth of them to renewals. Default 300.
   */
  ordersPerAccount?: number;
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
   * Who sets its records (docs/dns.md). manual: people. rfc2136: the reconciler, by DNS UPDATE. cloudflare, route53: the reconciler, by their API. exec: a program that operators put on its machine.
   */
  provider: "manual" | "rfc2136" | "cloudflare" | "route53" | "exec";
  /**
   * One certificate `*.NAME` for every hostname that is one label below the zone, in place of one for each. Needs a zone in which DNS-01 works: any provider but manual, or acmeDelegated. Default false.
   */
  wildcard?: boolean;
  /**
   * rfc2136: ADDRESS or ADDRESS:PORT of the zone's primary server, an IPv6 address in brackets. It takes the updates and is asked whether they are there.
   */
  server?: string;
  credentials?: ZoneCredentials;
  /**
   * exec: the name of a program in the folder that the reconciler was given with --dns-programs.
   */
  program?: string;
  /**
   * Of a manual zone: people have pointed `_acme-challenge` names in it, by CNAME, to names below `_acme-challenge.ZONE` of a zone that the reconciler writes (docs/dns.md). Default false.
   */
  acmeDelegated?: boolean;
}
/**
 * Where the reconciler finds what lets it write: rfc2136 a TSIG key, as tsig-keygen prints it; cloudflare a token; route53 an access key; exec anything. Its value never stands in git.
 */
export interface ZoneCredentials {
  /**
   * A file of this name in the folder `_zones` of the reconciler's secrets directory.
   */
  file?: string;
  /**
   * A systemd credential _zones.NAME of the reconciler.
   */
  credential?: string;
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
  /**
   * Public ports that the team's tcp and udp routes may take, on any pool. Default: none. Not 22, 80, 443, nor the tunnel port of an edge (51820 unless its file says otherwise).
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: A port, or a range from the lower to the higher one.
   */
  ports?: (string | number)[];
  /**
   * The tokens with which programs of the team propose hostnames (docs/api.md). `kokoa token add --team TEAM` makes one and writes it here.
   *
   * @minItems 1
   * @maxItems 10
   */
  tokens?: TeamToken[];
}
/**
 * One token of a team.
 */
export interface TeamToken {
  /**
   * Which program has it: what logs say, and what it is revoked by.
   */
  name: string;
  /**
   * The sha256 of the token, never the token itself.
   */
  sha256: string;
}
/**
 * One pool.
 */
export interface Pool {
  /**
   * What routes and edges call it.
   */
  name: string;
  /**
   * The name of the pool in DNS. Its records are the addresses of the edges that serve, and every hostname of the pool is a CNAME to it (docs/dns.md). Default: none, and people set all records.
   */
  hostname?: string;
  /**
   * Seconds for which resolvers keep the records of the pool: so long visitors may go on to an edge that has left. Default 30.
   */
  ttl?: number;
  /**
   * An unhealthy edge leaves DNS only while so many others that are healthy stay in it (docs/failover.md). Default 1.
   */
  minHealthy?: number;
  check?: PoolCheck;
  /**
   * Lets routes of the pool say protocol: tls. Each connection to 443 is then looked at before it is taken, which costs HTTPS 10 to 17 % of its requests per second; switching it on or off breaks some connections, so drain one edge after the other for it. Default false.
   */
  tlsPassthrough?: boolean;
  /**
   * The public half of an age key that is kept offline, as age-keygen prints it. With it an operator gets the certificates of the pool back when all its edges are lost (kokoa certs escrow-restore). Whoever has the other half opens every certificate of the pool. Default: none.
   */
  escrow?: string;
  /**
   * The edges of the pool make a new pool identity when theirs has a smaller number, and seal all certificates to it; nothing is ordered. kokoa certs rekey says which number to write. Default: any number will do.
   */
  identityEpoch?: number;
  /**
   * The load balancer or scrubbing provider in front of the edges: from these addresses alone TCP connections are taken, and each must begin with a PROXY protocol header, which says for whom. Default: none, visitors come directly.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: An IPv4 or IPv6 address, or a network in CIDR form.
   */
  proxyProtocolFrom?: string[];
}
/**
 * How often the edges of the pool are asked whether they serve, by the reconciler and by other edges, where the pool has a hostname (docs/failover.md). Default: every 2s, for 1500ms; down after 3 failures, up after 5 answers.
 */
export interface PoolCheck {
  /**
   * From one question to the next, 1s to 1m. Default 2s.
   */
  interval?: string;
  /**
   * How long an answer may take, at most 10s and the interval. Default 1500ms.
   */
  timeout?: string;
  /**
   * Answers in a row that bring an edge up again. Default 5.
   */
  healthy?: number;
  /**
   * Failures in a row that bring it down. Default 3.
   */
  unhealthy?: number;
}
/**
 * Lets team members seal secrets in a clone, without asking the reconciler.
 */
export interface Sealing {
  /**
   * The public key of the reconciler, as GET /api/v1/sealing-key shows it.
   */
  recipient: string;
}
/**
 * One channel.
 */
export interface NotifyChannel {
  /**
   * What logs and metrics call the channel.
   */
  name: string;
  /**
   * webhook: signed JSON to a program of yours. slack, discord: their incoming webhooks. smtp: e-mail.
   */
  kind: "webhook" | "slack" | "discord" | "smtp";
  credentials?: NotifyCredentials;
  /**
   * webhook: where it is posted to. https, or plain http on this machine. It stands in git, so it holds no secret.
   */
  url?: string;
  /**
   * smtp: HOST or HOST:PORT. TLS is required unless it is this machine: from the beginning on port 465, by STARTTLS on others. Default port 587.
   */
  server?: string;
  /**
   * smtp: the address of the sender.
   */
  from?: string;
  /**
   * smtp: who gets it.
   *
   * @minItems 1
   * @maxItems 20
   *
   * Items: An e-mail address.
   */
  to?: string[];
  /**
   * What the channel is told of. Default: everything.
   *
   * @minItems 1
   * @maxItems 20
   *
   * Items: A kind of trouble; its end is told too.
   */
  on?: (
    | "edge-withdrawn"
    | "edge-kept"
    | "node-silent"
    | "dns-write"
    | "dns-foreign"
    | "publish-held"
    | "reconcile-failing"
    | "origin-down"
    | "rollout-stopped"
    | "certificate-ending"
    | "certificate-exposed"
  )[];
}
/**
 * Where the reconciler finds the secret of the channel: webhook the key of its signatures; slack, discord the URL, which is a secret; smtp the user and, on the next line, the password. Its value never stands in git.
 */
export interface NotifyCredentials {
  /**
   * A file of this name in the folder `_notify` of the reconciler's secrets directory.
   */
  file?: string;
  /**
   * A systemd credential _notify.NAME of the reconciler.
   */
  credential?: string;
}
