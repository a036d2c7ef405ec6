// Edges of one pool in one process, for tests: real keys, real files, real age; the control plane and the CA are in memory.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EdgeConfig, PoolMember, WireOwnCertificate } from '../bundle/config.ts';
import type { MemoryCertificateAuthority } from '../test/fakes/memory-certificate-authority.ts';
import type { MemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { age } from './adapters/age.ts';
import { createCaStandingFile } from './adapters/ca-standing-file.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { createPoolKeyring } from './adapters/pool-keyring.ts';
import { openRecipientBook } from './adapters/recipient-book.ts';
import { createUnwantedFile } from './adapters/unwanted-file.ts';
import { type Certificates, createCertificates } from './certificates.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { RecipientBook } from './ports/recipient-book.ts';
import type { RenewalInfoSource } from './ports/renewal-info.ts';

const WAIT_MS = 30_000;
export const POOL = 'default';

type PoolSettings = Partial<Pick<EdgeConfig['edge'], 'members' | 'escrow' | 'identityEpoch' | 'compromised' | 'acme'>>;

/** Hostname → the certificate that a person brings for it. */
type Brought = Record<string, WireOwnCertificate>;

export interface TestEdge {
  member: PoolMember;
  signingKey: ReturnType<typeof generateKeyPairSync>['privateKey'];
  store: CertificateStore;
  certificates: Certificates;
  /** What was logged, as JSON lines. */
  log: string[];
  accounts: string[];
  /** Its own age identity, secret. */
  ageIdentity: string;
  book: RecipientBook;
  /** Starts the loops; a second start is a restart with the same files. */
  start(): void;
  stop(): Promise<void>;
}

export interface TestPool {
  folder: string;
  addEdge(node: string, asks?: { approvalIsRequired?: boolean }): Promise<TestEdge>;
  /** Gives every edge of `edges` the config that names all of them; hostname → orderer. */
  /** `certificate`: of all of them; absent: each has its own. */
  configure(
    edges: readonly TestEdge[],
    hosts: Record<string, string>,
    settings?: PoolSettings,
    own?: Brought,
    certificate?: string,
  ): void;
  close(): Promise<void>;
}

export async function createTestPool(
  plane: MemoryControlPlane,
  ca: MemoryCertificateAuthority,
  now: () => number = Date.now,
  isClockWrong: () => boolean = () => false,
  renewalInfo: RenewalInfoSource = { ask: async () => ({ kind: 'unsupported' }) },
): Promise<TestPool> {
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-pool-'));
  const edges: TestEdge[] = [];
  return {
    folder,
    async addEdge(node, { approvalIsRequired = false } = {}) {
      const edge = await createTestEdge(node, join(folder, `${node}-${edges.length}`), plane, ca, {
        now,
        isClockWrong,
        renewalInfo,
        approvalIsRequired,
      });
      edges.push(edge);
      return edge;
    },
    configure(configured, hosts, settings = {}, own = {}, certificate = undefined) {
      const members = configured.map(({ member }) => member).sort((a, b) => (a.node < b.node ? -1 : 1));
      const plain = { backends: [], limits: { maxBodyBytes: 0 } };
      const routes = [
        ...Object.entries(hosts).map(([hostname, orderer]) => ({
          ...{ ...plain, hostname, orderer },
          ...(certificate !== undefined && { certificate }),
        })),
        ...Object.entries(own).map(([hostname, ownCertificate]) => ({ ...plain, hostname, ownCertificate })),
      ];
      for (const { member, certificates } of configured)
        certificates.configure(configOf(member.node, members, settings), [{ routes }]);
    },
    async close() {
      await Promise.all(edges.map((edge) => edge.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function createTestEdge(
  node: string,
  folder: string,
  plane: MemoryControlPlane,
  ca: MemoryCertificateAuthority,
  {
    approvalIsRequired,
    ...clock
  }: { now(): number; isClockWrong(): boolean; renewalInfo: RenewalInfoSource; approvalIsRequired: boolean },
): Promise<TestEdge> {
  const { privateKey: signingKey } = generateKeyPairSync('ed25519');
  const ageIdentity = await age.generate();
  const member: PoolMember = {
    node,
    recipient: await age.recipientOf(ageIdentity),
    signingKey: createPublicKey(signingKey).export({ format: 'jwk' }).x!,
    acmeThumbprint: `thumbprint-of-${node}`,
  };
  const store = createCertsDir({ dir: join(folder, 'certs') });
  const log: string[] = [];
  const accounts: string[] = [];
  const book = openRecipientBook(folder);
  let running: { stop: AbortController; ended: Promise<void> } | undefined;
  const create = () =>
    createCertificates({
      signingKey,
      ageIdentity,
      ca: ca.connect(member.acmeThumbprint!),
      caStanding: createCaStandingFile(folder),
      unwanted: createUnwantedFile(join(folder, 'unwanted-certificates.json')),
      store,
      keyring: createPoolKeyring(join(folder, 'pool-identity.json')),
      ...{ book, approvalIsRequired },
      sealing: age,
      control: plane.connect(node),
      onAccount: (thumbprint) => accounts.push(thumbprint),
      log: {
        info: (fields, message) => log.push(JSON.stringify({ message, ...fields })),
        warn: (fields, message) => log.push(JSON.stringify({ message, ...fields })),
      },
      ...clock,
    });
  const edge: TestEdge = {
    member,
    signingKey,
    store,
    certificates: create(),
    log,
    accounts,
    ...{ ageIdentity, book },
    start() {
      const stop = new AbortController();
      running = { stop, ended: edge.certificates.run(stop.signal) };
    },
    async stop() {
      running?.stop.abort();
      await running?.ended;
      running = undefined;
      edge.certificates = create();
    },
  };
  return edge;
}

function configOf(node: string, members: PoolMember[], settings: PoolSettings): EdgeConfig {
  return {
    format: 1,
    role: 'edge',
    node,
    network: { wireguard: '10.100.0.0/16' },
    wireguard: { address: '10.100.0.1', peers: [] },
    controlPlane: { urls: ['https://control.example'] },
    edge: { pool: POOL, members, acme: { server: 'https://ca.example/dir' }, chunks: [], ...settings },
  };
}

/** Waits until `holds` answers true. @throws Error with `what` after 10 s */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`did not happen: ${what}`);
    await delay(10);
  }
}

/** The hostnames an edge says it has a certificate for. */
export function served(edge: TestEdge): string[] {
  return (edge.certificates.status().certificates ?? []).map(({ hostname }) => hostname).sort();
}
