// What properties of other programs are called here: for people who come from cloudflared, Traefik, Nginx Proxy Manager, Caddy or nginx
// and type what they know. Law: a word stands here only where the answer is one line.

/** Lower case, without dashes and underscores → what to do, for a route. */
const ROUTE_WORDS: Readonly<Record<string, string>> = {
  // cloudflared: https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/do-more-with-tunnels/local-management/configuration-file/
  service: 'write origin: NAME and port: NUMBER; host: ADDRESS too where the service is behind the origin',
  ingress: 'write one file for each hostname, with origin and port',
  originrequest: 'write what it holds on the route itself: originTls, timeouts, headers',
  notlsverify: 'write protocol: https and originTls: {verify: none}',
  originservername: 'write originTls: {serverName: NAME}',
  capool: 'write originTls: {verify: ca, ca: CERTIFICATES}',
  httphostheader: 'delete it: your service gets the hostname that visitors type, so let it accept that name',
  http2origin: 'write protocol: h2c for gRPC; else delete it',
  connecttimeout: 'write timeouts: {connect: 2s}',
  tunnel: 'write origin: NAME, the machine that runs the service',
  credentialsfile: 'delete it: a machine joins once, with the token of its file in origins/',
  // Traefik: https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/router/
  rule: 'write hostname: NAME, and paths for parts of it',
  entrypoints: 'delete it: visitors come by HTTPS on every edge of the pool; see pool',
  middlewares: 'write what they do on the route: auth, allow, headers, limits, redirect',
  loadbalancer: 'write backends, a list of origin and port',
  servers: 'write backends, a list of origin and port',
  certresolver: 'delete it: the edges order certificates by themselves',
  insecureskipverify: 'write originTls: {verify: none}',
  basicauth: 'write auth: {basic: {users: …}} with what kokoa seal prints',
  forwardauth: 'write auth: {forward: {origin: NAME, port: NUMBER, path: /PATH}}',
  ipallowlist: 'write allow: [NETWORK]',
  ipwhitelist: 'write allow: [NETWORK]',
  // Nginx Proxy Manager: https://nginxproxymanager.com/guide/
  domain: 'write hostname: NAME, one file for each',
  domains: 'write hostname: NAME, one file for each',
  domainnames: 'write hostname: NAME, one file for each',
  hostnames: 'write hostname: NAME, one file for each',
  forwardhost: 'write origin: NAME; host: ADDRESS too where the service is behind the origin',
  forwardport: 'write port: NUMBER',
  forwardscheme: 'write protocol: http or https',
  websocket: 'delete it: WebSockets always pass',
  websockets: 'delete it: WebSockets always pass',
  allowwebsocketupgrade: 'delete it: WebSockets always pass',
  sslforced: 'delete it: visitors are always sent to HTTPS',
  forcessl: 'delete it: visitors are always sent to HTTPS',
  http2support: 'delete it: visitors always get HTTP/2',
  hstsenabled: 'write hsts: {maxAge: 31536000}',
  blockexploits: 'delete it: there is none; see allow, deny and limits',
  accesslist: 'write allow or deny, or auth',
  cachingenabled: 'delete it: the edge keeps no copies of answers',
  cache: 'delete it: the edge keeps no copies of answers',
  locations: 'write paths, a list of blocks with a prefix',
  location: 'write paths, a list of blocks with a prefix',
  advancedconfig: 'delete it: there are no lines of nginx here; every field is in docs/routes.md',
  certificate: 'delete it: the edges order certificates by themselves',
  // Caddy and nginx
  reverseproxy: 'write origin: NAME and port: NUMBER',
  proxypass: 'write origin: NAME and port: NUMBER',
  upstream: 'write origin: NAME and port: NUMBER, or backends for several',
  upstreams: 'write backends, a list of origin and port',
  backend: 'write origin: NAME and port: NUMBER, or backends for several',
  target: 'write origin: NAME and port: NUMBER',
  url: 'write origin: NAME and port: NUMBER, or redirect: {to: URL}',
  servername: 'write hostname: NAME; what the backend is called in TLS is originTls: {serverName: NAME}',
  clientmaxbodysize: 'write limits: {maxBody: 10m}',
  proxyreadtimeout: 'write timeouts: {read: 60s}',
  addheader: 'write headers: {response: {set: {NAME: VALUE}}}',
  proxysetheader: 'write headers: {request: {set: {NAME: VALUE}}}',
  healthcheck: 'write check: {kind: http, path: /PATH}',
  health: 'write check: {kind: http, path: /PATH}',
  healthuri: 'write check: {kind: http, path: /PATH}',
  ratelimit: 'write limits: {requestsPerSecond: 50}',
  ssl: 'delete it: visitors always come by HTTPS; for TLS to your service write protocol: https and originTls',
};

/** What to do about a property of a route that another program knows; undefined: none is known. */
export function foreignWordHint(word: string): string | undefined {
  const plain = word.toLowerCase().replace(/[-_]/g, '');
  return Object.hasOwn(ROUTE_WORDS, plain) ? ROUTE_WORDS[plain] : undefined;
}

/** Every word, for the test. */
export const FOREIGN_WORDS = Object.keys(ROUTE_WORDS);
