// The lab's ACME server: Pebble, which validates on ports 80 and 443 like the real one, without its sleeps. It forgets everything and
// has a new root at every start.
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACME_DIRECTORY, NAMES, PORTS, PUBLIC } from './addresses.ts';
import type { Network } from './network.ts';
import type { Pki } from './pki.ts';
import type { Proc } from './proc.ts';

const START_TIMEOUT_MS = 15_000;
/** Written by Pebble when it signs, which it does once per finalised order. */
const ISSUED = /Issued certificate serial ([0-9a-f]+) for order \S+/g;

export interface PebbleOptions {
  /** Percent of good nonces that are refused, as a real CA does under load. certbot copes with 5, not with 50. */
  nonceRejectPercent?: number;
}

export interface Pebble {
  readonly directoryUrl: string;
  /** PEM, what an ACME client must trust to talk to it. */
  readonly caFile: string;
  proc(): Proc;
  /** PEM of the root that its certificates chain to, since its last start. */
  issuingRoot(): Promise<string>;
  /** From the CA's own log and records: hostname → how often it finalised an order for it, over all starts. */
  finalisedOrders(): Promise<Map<string, number>>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts Pebble; the DNS server must be up. */
export async function startPebble(network: Network, pki: Pki, options: PebbleOptions = {}): Promise<Pebble> {
  const host = network.hosts.ca;
  const management = `127.0.0.1:${PORTS.acmeManagement}`;
  const { certFile, keyFile } = await pki.certificate([NAMES.ca, 'localhost'], [PUBLIC.ca.ipv4, '127.0.0.1']);
  const configFile = join(host.directory, 'pebble.json');
  const config = {
    listenAddress: `${PUBLIC.ca.ipv4}:${PORTS.acme}`,
    managementListenAddress: management,
    certificate: certFile,
    privateKey: keyFile,
    httpPort: 80,
    tlsPort: 443,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  };
  writeFileSync(configFile, JSON.stringify({ pebble: config }));
  const env = {
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_AUTHZREUSE: '0',
    PEBBLE_WFE_NONCEREJECT: String(options.nonceRejectPercent ?? 0),
  };
  /** serial → the names in that certificate. Filled while its Pebble lives; a stopped one answers no more. */
  const issued = new Map<string, string[]>();
  let running: Proc | undefined;

  const proc = () => {
    if (running === undefined) throw new TypeError('Pebble is stopped');
    return running;
  };
  const get = async (path: string) => {
    const args = ['-sS', '--fail', '--max-time', '5', '--cacert', pki.caFile, `https://${management}${path}`];
    return (await host.exec('curl', args)).stdout;
  };
  const readIssued = async () => {
    for (const [, serial = ''] of running?.log().matchAll(ISSUED) ?? []) {
      if (issued.has(serial)) continue;
      const record = JSON.parse(await get(`/cert-status-by-serial/${serial}`)) as { Certificate: string };
      issued.set(serial, dnsNames(record.Certificate));
    }
  };
  const start = async () => {
    if (running !== undefined) return;
    const args = ['-config', configFile, '-dnsserver', `${PUBLIC.dns.ipv4}:${PORTS.dns}`];
    running = host.start('pebble', 'pebble', args, { env });
    await running.listening(PORTS.acmeManagement, 'tcp', START_TIMEOUT_MS);
    await running.listening(PORTS.acme, 'tcp', START_TIMEOUT_MS);
  };
  await start();

  return {
    directoryUrl: ACME_DIRECTORY,
    caFile: pki.caFile,
    proc,
    issuingRoot: () => get('/roots/0'),
    finalisedOrders: async () => {
      await readIssued();
      const counts = new Map<string, number>();
      for (const name of [...issued.values()].flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
      return counts;
    },
    stop: async () => {
      await readIssued();
      await running?.stop();
      running = undefined;
    },
    start,
  };
}

function dnsNames(pem: string): string[] {
  const names = new X509Certificate(pem).subjectAltName ?? '';
  return names.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []));
}
