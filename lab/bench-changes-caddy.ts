// caddy as its documentation recommends it: the whole new configuration is posted to its admin API, which answers when it is in force.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OtherSite } from './bench-changes-haproxy.ts';
import { backendAddress } from './bench-changes-site.ts';
import type { Census, Subject } from './bench-changes-subject.ts';
import { familyOf, openFilesOf, proportionalBytes } from './bench-edge-usage.ts';
import { freePort } from './loopback-port.ts';
import { addLoopbackHost } from './namespace.ts';
import type { Run } from './run.ts';

const LOAD_TIMEOUT_MS = 30_000;

export async function startChangingCaddy(run: Run, { backends, certificates, next }: OtherSite): Promise<Subject> {
  const host = addLoopbackHost(run, 'caddy-changes');
  const [port, adminPort] = [await freePort(), await freePort()];
  const where = new Map([...certificates.keys()].map((hostname) => [hostname, backends.ports[0]]));
  const conf = join(host.directory, 'Caddyfile');
  writeFileSync(conf, configuration());
  const proc = host.start('caddy', 'caddy', ['run', '--config', conf, '--adapter', 'caddyfile']);
  await proc.listening(port);

  function configuration(): string {
    const sites = [...where].map(([hostname, target]) => {
      const { certFile, keyFile } = certificates.get(hostname)!;
      return `https://${hostname}:${port} {
    bind 127.0.0.1
    tls ${certFile} ${keyFile}
    reverse_proxy ${backendAddress}:${target}
}
`;
    });
    return `{
    admin 127.0.0.1:${adminPort}
    auto_https off
    servers {
        protocols h1 h2
    }
}
${sites.join('')}`;
  }

  return {
    ...{ title: 'caddy, load by its API', port, keepsIdle: false },

    prepare() {
      const move = next();
      where.set(move.hostname, backends.ports[move.backend]);
      return move;
    },
    async apply() {
      const response = await fetch(`http://127.0.0.1:${adminPort}/load`, {
        method: 'POST',
        headers: { 'content-type': 'text/caddyfile' },
        body: configuration(),
        signal: AbortSignal.timeout(LOAD_TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`caddy answers ${response.status}: ${(await response.text()).slice(0, 500)}`);
      return {};
    },

    end: () => proc.stop(),
    async census(): Promise<Census> {
      const family = familyOf(proc.pid);
      return { memory: proportionalBytes(family), workers: 1, oldWorkers: 0, openFiles: openFilesOf(family) };
    },
  };
}
