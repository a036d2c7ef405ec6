// The web servers that an edge is compared with, set up by hand for one host as somebody would who knows them well: the same certificate,
// versions of TLS, ciphers, session cache and number of workers as the edge, kept connections to the same backend, no log of visitors.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WebServerFeatures } from '../agent/ports/web-server.ts';
import { WORKERS } from './bench-edge-server.ts';
import { freePort } from './loopback-port.ts';
import { addLoopbackHost, type Host } from './namespace.ts';
import type { CertificateFiles } from './pki.ts';
import type { Proc } from './proc.ts';
import type { Run } from './run.ts';

/** As in the edge's own tree. */
export const CIPHERS =
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305';

export interface Place {
  run: Run;
  /** Path of the program. */
  nginx: string;
  features: WebServerFeatures;
  certificate: CertificateFiles;
  hostname: string;
  /** `address:port`. */
  backend: string;
}

export interface Contender {
  port: number;
  proc: Proc;
}

/**
 * Answers every request with two bytes, and keeps every connection. `endpoint`: `address:port`.
 * @returns how many requests it has answered, when asked
 */
export async function startBackend(run: Run, nginx: string, endpoint: string): Promise<() => Promise<number>> {
  const host = addLoopbackHost(run, 'backend');
  const conf = `${nginxMain(host, 1)}
http {
    access_log off;
    ${temporaryFolders(host)}
    server {
        listen ${endpoint} backlog=4096;
        keepalive_requests 100000000;
        default_type text/plain;
        location / {
            return 200 ok;
        }
        location = /answered {
            stub_status;
        }
    }
}
`;
  await startNginx(host, nginx, conf, Number(endpoint.split(':')[1]));
  return async () => {
    const response = await fetch(`http://${endpoint}/answered`);
    const [, answered] = /^ *[0-9]+ [0-9]+ ([0-9]+) *$/m.exec(await response.text()) ?? [];
    if (answered === undefined) throw new Error(`the backend does not count: ${response.status}`);
    return Number(answered);
  };
}

/**
 * `bare`: the fewest headers that a service needs, no WebSocket. `whole`: as an edge, all headers about the visitor, and WebSocket.
 * `dressed`: whole, and the host has two parts: `/api` without its prefix and for few, everything with limits.
 */
export type ByHand = 'bare' | 'whole' | 'dressed';

const BARE_HEADERS = `proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;`;

/** What common generators of such configurations write, DigitalOcean's among them; our names for the maps. */
const WHOLE_HEADERS = `map $http_upgrade $connection_upgrade {
        default upgrade;
        "" "";
    }
    map $remote_addr $forwarded_for {
        default $remote_addr;
        "~:" "\\"[$remote_addr]\\"";
    }
    proxy_set_header Host $host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header Forwarded "for=$forwarded_for;host=$host;proto=$scheme";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Port $server_port;`;

/** One host. What it does not need costs nothing. */
export async function startNginxByHand(place: Place, kind: ByHand): Promise<Contender> {
  const { run, nginx, features, certificate, hostname, backend } = place;
  const dressed = kind === 'dressed';
  const host = addLoopbackHost(run, `by-hand-${kind}`);
  const port = await freePort();
  const zones = `limit_req_zone $binary_remote_addr zone=requests:10m rate=100000r/s;
    limit_conn_zone $binary_remote_addr zone=connections:10m;`;
  const limits = `client_max_body_size 20m;
        limit_req zone=requests burst=10000 nodelay;
        limit_conn connections 1000;
        location /api/ {
            allow 127.0.0.0/8;
            deny all;
            proxy_pass http://app/;
        }`;
  const conf = `${nginxMain(host, WORKERS.processes)}
http {
    access_log off;
    server_tokens off;
    ${temporaryFolders(host)}
    keepalive_requests 10000;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ${CIPHERS};
    ssl_prefer_server_ciphers off;
    ssl_session_cache shared:tls:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
    ${features.http2Directive ? 'http2 on;' : ''}
    ${dressed ? zones : ''}
    proxy_http_version 1.1;
    ${kind === 'bare' ? BARE_HEADERS : WHOLE_HEADERS}
    upstream app {
        server ${backend};
        keepalive 32;
        keepalive_requests 10000;
    }
    server {
        listen 127.0.0.1:${port} ssl${features.http2Directive ? '' : ' http2'} backlog=4096;
        server_name ${hostname};
        ssl_certificate ${certificate.certFile};
        ssl_certificate_key ${certificate.keyFile};
        ${dressed ? limits : ''}
        location / {
            proxy_pass http://app;
        }
    }
}
`;
  return { port, proc: await startNginx(host, nginx, conf, port) };
}

export async function startHaproxy({ run, certificate, backend }: Place): Promise<Contender> {
  const host = addLoopbackHost(run, 'haproxy');
  const port = await freePort();
  const pair = join(host.directory, 'pair.pem');
  writeFileSync(pair, readFileSync(certificate.certFile, 'utf8') + readFileSync(certificate.keyFile, 'utf8'), {
    mode: 0o600,
  });
  const conf = join(host.directory, 'haproxy.cfg');
  writeFileSync(
    conf,
    `global
    nbthread ${WORKERS.processes}
    maxconn ${WORKERS.connections}
    ssl-default-bind-ciphers ${CIPHERS}
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets prefer-client-ciphers
defaults
    mode http
    option forwardfor
    timeout connect 1s
    timeout client 75s
    timeout server 3600s
frontend visitors
    bind 127.0.0.1:${port} ssl crt ${pair} alpn h2,http/1.1
    http-request set-header X-Forwarded-Proto https
    default_backend app
backend app
    http-reuse always
    server one ${backend}
`,
  );
  const proc = host.start('haproxy', 'haproxy', ['-db', '-f', conf]);
  await proc.listening(port);
  return { port, proc };
}

export async function startCaddy({ run, certificate, hostname, backend }: Place): Promise<Contender> {
  const host = addLoopbackHost(run, 'caddy');
  const port = await freePort();
  const conf = join(host.directory, 'Caddyfile');
  writeFileSync(
    conf,
    `{
    admin off
    auto_https off
}
https://${hostname}:${port} {
    bind 127.0.0.1
    tls ${certificate.certFile} ${certificate.keyFile}
    reverse_proxy ${backend}
}
`,
  );
  const proc = host.start('caddy', 'caddy', ['run', '--config', conf, '--adapter', 'caddyfile']);
  await proc.listening(port);
  return { port, proc };
}

function nginxMain(host: Host, workers: number): string {
  const asRoot = process.getuid?.() === 0 ? 'user www-data;\n' : '';
  return `${asRoot}daemon off;
pid ${host.directory}/nginx.pid;
error_log ${host.directory}/error.log error;
worker_processes ${workers};
worker_rlimit_nofile ${4 * WORKERS.connections};
events {
    worker_connections ${WORKERS.connections};
}`;
}

function temporaryFolders(host: Host): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return kinds.map((kind) => `${kind}_temp_path ${host.directory}/${kind};`).join('\n    ');
}

async function startNginx(host: Host, nginx: string, text: string, port: number): Promise<Proc> {
  mkdirSync(host.directory, { recursive: true });
  const conf = join(host.directory, 'nginx.conf');
  writeFileSync(conf, text);
  const proc = host.start('nginx', nginx, ['-e', 'stderr', '-p', host.directory, '-c', conf]);
  await proc.listening(port);
  return proc;
}
