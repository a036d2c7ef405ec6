// Certificates of the edge: issued by a CA of the test's own, put on disk by the agent's own store.
import { readFile } from 'node:fs/promises';
import { createCertsDir } from '../../agent/adapters/certs-dir.ts';
import type { Pki } from '../../lab/pki.ts';

export interface EdgeCertificates {
  /** Makes those that are missing. */
  ensure(hostnames: readonly string[]): Promise<void>;
}

export function createEdgeCertificates(pki: Pki, dir: string, gid: number | undefined): EdgeCertificates {
  const store = createCertsDir({ dir, ...(gid !== undefined && { gid }) });
  const held = new Set<string>();

  async function issue(hostname: string): Promise<void> {
    const { certFile, keyFile } = await pki.certificate([hostname]);
    const [fullchain, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    await store.write(hostname, { fullchain, key }, 'imported');
    held.add(hostname);
  }

  return {
    async ensure(hostnames) {
      await Promise.all(hostnames.filter((hostname) => !held.has(hostname)).map(issue));
    },
  };
}
