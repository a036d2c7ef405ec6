// A pool whose clock is the test's, for tests of renewal: real loops, mailbox, keys and X.509 certificates of 6 hours; CA and control plane are
// in memory.
import { X509Certificate } from 'node:crypto';
import { expect } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import type { CertificateMaker } from '../test/certificate-maker.ts';
import { createMemoryCertificateAuthority } from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { createTestPool, POOL, served, type TestEdge, type TestPool, until } from './pool.fixture.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const LIFE_MS = 6 * HOUR_MS;

const ENDED = /certificate ordered|could not be ordered/;

export interface RenewalSite {
  pool: TestPool;
  edges: TestEdge[];
  orderers: Record<string, string>;
  /** ms since the epoch, of every edge, the control plane and the CA. */
  clockMs: number;
  caIsDown: boolean;
  /** What the CA issues is so old already. */
  ageMs: number;
  /** Called by the CA before it answers. */
  beforeIssue(name: string): void | Promise<void>;
  /** What the CA issued, and when; what it refused. */
  issued: { name: string; node: string; atMs: number }[];
  refused: number;
  begin(nodes: readonly string[], orderers: Record<string, string>): Promise<void>;
  /** Time passes, and every edge has looked at it and ended what it ordered. */
  step(ms: number): Promise<void>;
  /** Every edge holds the newest certificate of each name. */
  shared(): Promise<boolean>;
  /** Waits for it. */
  share(): Promise<void>;
  /** Every name is served by every edge, nothing has ended, and nothing was issued before a third of its predecessor was left. */
  expectWell(): Promise<void>;
  close(): Promise<void>;
}

export async function createRenewalSite(maker: CertificateMaker): Promise<RenewalSite> {
  const ca = createMemoryCertificateAuthority(maker);
  const plane = createMemoryControlPlane(POOL, () => site.clockMs);
  const pool = await createTestPool(plane, ca, () => site.clockMs);
  /** Orders that each edge began. */
  const begun = new Map<string, number>();
  /** Edges that have looked for something to order since the last step, with no order under way. */
  const looked = new Set<string>();

  ca.connect = (thumbprint) => ({
    async account() {
      const edge = site.edges.find(({ member }) => member.acmeThumbprint === thumbprint);
      if (edge && !isAtWork(edge)) looked.add(thumbprint);
      return thumbprint;
    },
    async order(_acme, name) {
      looked.delete(thumbprint);
      begun.set(thumbprint, (begun.get(thumbprint) ?? 0) + 1);
      await site.beforeIssue(name);
      if (site.caIsDown) {
        site.refused += 1;
        throw new KokoaError('acme_unavailable', 'the CA does not answer');
      }
      const atMs = site.clockMs - site.ageMs;
      site.issued.push({ name, node: thumbprint.replace('thumbprint-of-', ''), atMs });
      const [notBefore, notAfter] = [new Date(atMs), new Date(atMs + LIFE_MS)];
      const { fullchain, key } = await maker.make({ names: [`DNS:${name}`], notBefore, notAfter });
      return { fullchain, key };
    },
  });

  /** Until an order is stored, or said to have failed. */
  const isAtWork = ({ member, log }: TestEdge) =>
    log.filter((line) => ENDED.test(line)).length < (begun.get(member.acmeThumbprint!) ?? 0);
  const isQuiet = () => site.edges.every((edge) => looked.has(edge.member.acmeThumbprint!) && !isAtWork(edge));
  const site: RenewalSite = {
    ...{ pool, edges: [], orderers: {}, clockMs: Math.ceil(Date.now() / 1000) * 1000 },
    ...{ caIsDown: false, ageMs: 0, beforeIssue() {}, issued: [], refused: 0 },
    async begin(nodes, orderers) {
      site.orderers = orderers;
      for (const node of nodes) site.edges.push(await pool.addEdge(node));
      for (const edge of site.edges) edge.start();
      pool.configure(site.edges, orderers);
      const count = Object.keys(orderers).length;
      await until('all serve all', () => site.edges.every((edge) => served(edge).length === count));
    },
    async step(ms) {
      site.clockMs += ms;
      looked.clear();
      pool.configure(site.edges, site.orderers);
      await until('every edge has looked', isQuiet);
    },
    async shared() {
      for (const name of Object.keys(site.orderers)) {
        const newestMs = site.issued.findLast((one) => one.name === name)?.atMs;
        for (const edge of site.edges)
          if ((await leafOf(edge, name))?.validFromDate.getTime() !== newestMs) return false;
      }
      return true;
    },
    share: () => until('everybody holds the newest', async () => isQuiet() && (await site.shared())),
    async expectWell() {
      const names = Object.keys(site.orderers).sort();
      for (const edge of site.edges) {
        expect(served(edge)).toEqual(names);
        for (const name of names)
          expect((await leafOf(edge, name))!.validToDate.getTime()).toBeGreaterThan(site.clockMs);
      }
      for (const name of names) {
        const times = site.issued.filter((one) => one.name === name).map(({ atMs }) => atMs);
        for (const [index, atMs] of times.slice(1).entries())
          expect(atMs - times[index]!).toBeGreaterThanOrEqual((LIFE_MS * 2) / 3);
      }
    },
    close: pool.close,
  };
  return site;
}

async function leafOf(edge: TestEdge, name: string): Promise<X509Certificate | undefined> {
  const pair = await edge.store.read(name);
  return pair && new X509Certificate(pair.fullchain);
}

/** So many lives, of each of which the CA is down for the last third but its final tenth; asserted every half hour. */
export async function liveThroughOutages(site: RenewalSite, lives: number): Promise<void> {
  const names = Object.keys(site.orderers).length;
  const go = async (ms: number) => {
    await site.step(ms);
    await site.share();
    await site.expectWell();
  };
  for (let life = 1; life <= lives; life += 1) {
    const startMs = Math.max(...site.issued.map(({ atMs }) => atMs));
    while (site.clockMs < startMs + LIFE_MS * (2 / 3) - 30 * MINUTE_MS) await go(30 * MINUTE_MS);
    expect(site.issued).toHaveLength(life * names);
    const firstEndMs = Math.min(...site.issued.slice(-names).map(({ atMs }) => atMs)) + LIFE_MS;
    const refusedBefore = site.refused;
    site.caIsDown = true;
    while (site.clockMs < firstEndMs - LIFE_MS / 10) await go(10 * MINUTE_MS);
    expect(site.issued).toHaveLength(life * names);
    expect(site.refused).toBeGreaterThan(refusedBefore);
    site.caIsDown = false;
    for (let tries = 0; tries < 3; tries += 1) await go(3 * MINUTE_MS);
    expect(site.issued).toHaveLength((life + 1) * names);
  }
}
