// What a doctor reads on the reconciler's machine: programs, the certificate of the API, the store. Changes nothing.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { readFile, stat, statfs } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { NodeFact, TlsFact } from '../core/doctor-reconciler.ts';
import { DATABASE_FILE, openDatabaseBeside, translated } from './store-database.ts';

const ADDRESSES_MAX = 16;

export function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** `hosts`: those that it must name. @throws Error for files that cannot be read or are no PEM */
export async function readTls(certFile: string, keyFile: string, hosts: readonly string[]): Promise<TlsFact> {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  const leaf = new X509Certificate(cert);
  return {
    endMs: Date.parse(leaf.validTo),
    isOfKey: leaf.checkPrivateKey(createPrivateKey(key)),
    lacks: hosts.filter((host) => leaf.checkHost(host) === undefined && leaf.checkIP(host) === undefined),
  };
}

/** Where a host leads, and whether that is this machine. Undefined: nowhere. */
export async function whereIs(host: string): Promise<{ addresses: string[]; isHere: boolean } | undefined> {
  const found = await lookup(host, { all: true }).catch(() => []);
  if (found.length === 0) return undefined;
  const own = new Set(Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []));
  const addresses = found.slice(0, ADDRESSES_MAX).map(({ address }) => address);
  return { addresses, isHere: addresses.some((address) => own.has(address)) };
}

/** @throws KokoaError store_missing, store_denied, store_damaged … */
export async function readStore(directory: string): Promise<{ bytes: number; freeBytes: number; reports: NodeFact[] }> {
  const reports = readReports(directory);
  const [{ size }, { bavail, bsize }] = await Promise.all([stat(join(directory, DATABASE_FILE)), statfs(directory)]);
  return { bytes: size, freeBytes: bavail * bsize, reports };
}

function readReports(directory: string): NodeFact[] {
  const database = openDatabaseBeside(directory);
  try {
    const rows = translated(directory, () => database.prepare('SELECT node, last_seen_ms, report FROM reports').all());
    return rows.map(({ node, last_seen_ms: ms, report }) => ({
      ...{ node: String(node), lastSeenMs: Number(ms), agentVersion: versionIn(String(report)) },
    }));
  } finally {
    database.close();
  }
}

function versionIn(report: string): string | undefined {
  try {
    const { agentVersion } = JSON.parse(report) as { agentVersion?: unknown };
    return typeof agentVersion === 'string' ? agentVersion : undefined;
  } catch {
    return undefined;
  }
}
