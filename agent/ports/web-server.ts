// The web server of an edge. The agent owns its whole configuration tree and decides when it reads it.

export interface WebServerTest {
  ok: boolean;
  /** The server's own words, bounded. */
  detail: string;
}

export interface WebServer {
  /** What this server understands; decides what is rendered. */
  features(): Promise<WebServerFeatures>;
  /** Asks the server whether it would accept the tree in `release`, without touching the running one. */
  test(release: string): Promise<WebServerTest>;
  /** Makes the running server read `current`; starts it, detached, when none runs. @throws KokoaError web_server_failed */
  reload(): Promise<void>;
  /** The release that answers on the probe socket, or undefined when nothing answers. */
  serving(): Promise<string | undefined>;
  /** True when the master process is alive. */
  running(): Promise<boolean>;
  stop(): Promise<void>;
}

export interface WebServerFeatures {
  version: string;
  /** `http2 on;` instead of the listen parameter (nginx ≥ 1.25.1). */
  http2Directive: boolean;
  /** ssl_certificate_cache and keepalive_min_timeout (nginx ≥ 1.27.4). */
  certificateCache: boolean;
  /** HTTP/3 was built in (nginx ≥ 1.25.0, `--with-http_v3_module`). */
  http3: boolean;
  /** Layer 4: built in, a module to load from its usual place, or not there. */
  stream: 'none' | 'built-in' | 'module';
}
