// What the agent believes, on disk. A bundle is verified whole before anything is written; then chunks, floor, bundle and link are written
// in this order, each durable before the next, so that a cut at any point leaves the old bundle or the new one and never lowers the floor.
import { join } from 'node:path';
import type { BundleResponse } from '../../bundle/api.ts';
import type { Chunk } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { ROOTS_PER_RESPONSE_MAX } from '../../bundle/limits.ts';
import { type BundleFiles, readBundle } from '../../bundle/read-bundle.ts';
import { isRefusal, type Refusal, refuse } from '../../bundle/refusal.ts';
import { extendRootChain } from '../../bundle/root-chain.ts';
import { checkExpiry, checkSameVersion, type VerifiedFiles, verifyFiles } from '../../bundle/verify.ts';
import type { Acceptance, TrustedState, VerifiedBundle } from '../ports/state.ts';
import {
  type BundleLink,
  linkedName,
  pointAt,
  pruneBundles,
  readStored,
  storeBundle,
  storedNames,
} from './bundle-files.ts';
import { chunkFiles, collectChunks, type ReadText, referencesOf } from './chunk-files.ts';
import { makeOwnDirectory } from './durable-write.ts';
import { updateTuf } from './tuf-update.ts';
import { turnstile } from './turnstile.ts';
import { checkFloors, floorFromName, floorName, floorOf, readFloor, scopeOf, writeFloor } from './version-floor.ts';

/** A bundle is swapped once in a while; three swaps during one reading are not met. */
const READ_TRIES_MAX = 3;

export interface TrustedDirOptions {
  /** The agent's state directory. One process at a time. */
  directory: string;
  /** The node's own name. */
  node: string;
  /** sha256 hex of root version 1, as pinned at join. */
  fingerprint: string;
}

/** A bundle that would be accepted, and is not yet: nothing that is believed was changed. */
export interface Acceptable {
  kind: 'acceptable';
  verified: VerifiedBundle;
  /**
   * Stores it, and writes into `place` the `floor` and the `trusted` that make it the accepted one as soon as they stand in the state
   * directory; nothing where it is that already. @throws KokoaError state_unwritable
   */
  placeIn(place: string): Promise<void>;
  /** Once they stand there: removes what nobody needs any more. Never fails. */
  clear(): Promise<void>;
}

export interface TrustedDir extends TrustedState {
  /** Judges as `accept` does, and leaves it to the caller when it is accepted. */
  judge(bundle: BundleResponse, nowMs: number): Promise<Acceptable | Refusal>;
}

/** What is to be stored. */
interface Judged {
  files: VerifiedFiles;
  held: VerifiedFiles | undefined;
  arrived: ReadonlyMap<string, ReadText>;
  chunks: Chunk[];
}

/** The agent's memory of what it accepted, in a directory. */
export function trustedDir({ directory, node, fingerprint }: TrustedDirOptions): TrustedDir {
  const chunks = chunkFiles(directory);
  const scope = scopeOf(node, fingerprint);
  const inTurn = turnstile();
  /** Roots of a chain too long for one response; kept in memory until a bundle that ends it is accepted. */
  let learned: readonly string[] = [];

  async function load(link: BundleLink): Promise<VerifiedFiles | undefined> {
    const files = await readStored(directory, link);
    if (files === undefined) return undefined;
    const verified = await verifyFiles(files, { node, fingerprint, roots: [] });
    return isRefusal(verified) ? undefined : verified;
  }

  async function rootsHeld(held: VerifiedFiles | undefined): Promise<readonly string[]> {
    const texts = held?.chain.texts ?? [];
    return learned.length > texts.length ? learned : texts;
  }

  async function accept(bundle: BundleResponse, nowMs: number): Promise<Acceptance> {
    const judged = await judge(bundle, nowMs);
    if (isRefusal(judged)) return judged;
    if (await placeIn(directory, judged)) {
      learned = [];
      await prune(judged.files);
    }
    return { kind: 'accepted', verified: bundleOf(judged.files, judged.chunks) };
  }

  async function judge(bundle: BundleResponse, nowMs: number): Promise<Judged | Refusal> {
    const read = readBundle(bundle);
    if (isRefusal(read)) return read;
    const held = await load('trusted');
    const roots = await rootsHeld(held);
    const verified = await verifyFiles(read.files, { node, fingerprint, roots });
    if (isRefusal(verified)) {
      learnRoots(read.files, roots);
      return verified;
    }
    const refusal = (await checkHistory(verified, held)) ?? checkExpiry(verified, nowMs);
    if (refusal) return refusal;
    const collected = await collectChunks(chunks, verified.config, read.chunks);
    if (isRefusal(collected)) {
      // Their hashes held: the same routes would come again.
      return collected.code === 'malformed' ? { ...collected, configHash: verified.configHash } : collected;
    }
    const opinion = await secondOpinion(verified, held, nowMs);
    if (isRefusal(opinion)) return opinion;
    return { files: verified, held, ...collected };
  }

  function learnRoots(files: BundleFiles, roots: readonly string[]): void {
    if (files.roots.size < ROOTS_PER_RESPONSE_MAX) return;
    const chain = extendRootChain(roots, files.roots, fingerprint);
    if (!isRefusal(chain)) learned = chain.texts;
  }

  async function checkHistory(verified: VerifiedFiles, held: VerifiedFiles | undefined): Promise<Refusal | undefined> {
    const floors = [await readFloor(directory), ...(await storedNames(directory)).map(floorFromName)];
    const candidate = floorOf(verified, scope);
    return (
      checkFloors(candidate, held ? [...floors, floorOf(held, scope)] : floors) ?? checkSameVersion(verified, held)
    );
  }

  async function secondOpinion(
    verified: VerifiedFiles,
    held: VerifiedFiles | undefined,
    nowMs: number,
  ): Promise<Refusal | undefined> {
    const { chain } = verified;
    const offered = new Map(chain.texts.map((text, index) => [`${index + 1}.root.json`, text]));
    offered.set('timestamp.json', verified.timestamp);
    offered.set(`${verified.version}.snapshot.json`, verified.snapshot);
    offered.set(`${verified.version}.targets.json`, verified.targets);
    const { timestamp, snapshot, targets } = held ?? {};
    const state = held
      ? { root: held.chain.texts.at(-1) ?? '', timestamp, snapshot, targets }
      : { root: chain.texts[0] ?? '' };
    const bundles = join(directory, 'bundles');
    await makeOwnDirectory(bundles);
    const updated = await updateTuf(bundles, state, offered, nowMs);
    if (isRefusal(updated)) return updated;
    if (updated.configHash === verified.configHash) return undefined;
    return refuse('rollback', `version ${verified.version} comes again with other content`);
  }

  /** False when it is the accepted one already. */
  async function placeIn(place: string, { files, held, arrived }: Judged): Promise<boolean> {
    await chunks.write(arrived);
    if (held?.timestamp === files.timestamp && held.chain.version === files.chain.version) return false;
    const floor = floorOf(files, scope);
    await writeFloor(place, floor);
    await pointAt(place, 'trusted', await storeBundle(directory, files, floorName(floor)));
    return true;
  }

  function acceptable(judged: Judged | Refusal): Acceptable | Refusal {
    if (isRefusal(judged)) return judged;
    return {
      kind: 'acceptable',
      verified: bundleOf(judged.files, judged.chunks),
      placeIn: (place) => inTurn(async () => void (await placeIn(place, judged))),
      clear: () => inTurn(() => prune(judged.files)),
    };
  }

  /** Never fails what was accepted: what a disk does not let go is removed after another bundle. */
  async function prune(trusted: VerifiedFiles): Promise<void> {
    await removeUnused(trusted).catch(() => undefined);
  }

  async function removeUnused(trusted: VerifiedFiles): Promise<void> {
    await pruneBundles(directory);
    const kept = new Set(referencesOf(trusted.config).map(({ sha256 }) => sha256));
    const lkg = await linkedName(directory, 'lkg');
    if (lkg !== undefined && lkg !== (await linkedName(directory, 'trusted'))) {
      const files = await load('lkg');
      // A damaged bundle may still name chunks that are nowhere else; leave all until a whole one takes its place.
      if (files === undefined) return;
      for (const { sha256 } of referencesOf(files.config)) kept.add(sha256);
    }
    await chunks.prune(kept);
  }

  /** `kokoa-agent status` reads while the agent swaps and prunes: what vanished under a link that moved is read again. */
  async function whole(link: BundleLink, tries = READ_TRIES_MAX): Promise<VerifiedBundle | undefined> {
    const name = await linkedName(directory, link);
    const bundle = await wholeNow(link);
    if (bundle !== undefined || tries <= 1 || (await linkedName(directory, link)) === name) return bundle;
    return whole(link, tries - 1);
  }

  async function wholeNow(link: BundleLink): Promise<VerifiedBundle | undefined> {
    const files = await load(link);
    if (files === undefined) return undefined;
    const collected = await collectChunks(chunks, files.config, new Map());
    return isRefusal(collected) ? undefined : bundleOf(files, collected.chunks);
  }

  async function markGood(configHash: string): Promise<void> {
    const name = await linkedName(directory, 'trusted');
    const trusted = await load('trusted');
    if (name !== undefined && trusted?.configHash === configHash) {
      if ((await linkedName(directory, 'lkg')) !== name) await pointAt(directory, 'lkg', name);
      return prune(trusted);
    }
    if ((await load('lkg'))?.configHash === configHash) return;
    throw new KokoaError('not_accepted', `the bundle ${configHash.slice(0, 64)} is not the accepted one`, {
      hint: 'Only a bundle that was accepted and applied becomes the last known good.',
    });
  }

  return {
    rootVersion: () => inTurn(async () => (await rootsHeld(await load('trusted'))).length),
    accept: (bundle, nowMs) => inTurn(() => accept(bundle, nowMs)),
    judge: (bundle, nowMs) => inTurn(async () => acceptable(await judge(bundle, nowMs))),
    lastKnownGood: () => inTurn(() => whole('lkg')),
    accepted: () => inTurn(() => whole('trusted')),
    markGood: (configHash) => inTurn(() => markGood(configHash)),
  };
}

function bundleOf({ configHash, version, config, expiresMs }: VerifiedFiles, chunks: Chunk[]): VerifiedBundle {
  return { configHash, version, config, chunks, timestampExpiresMs: expiresMs.timestamp };
}
