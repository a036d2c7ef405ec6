// Which edge orders a certificate by a published config, found by the certificate's name. A wildcard serves many hosts, which stand in any
// chunk: what each chunk says of wildcards is read once, because chunks never change.
import { isWildcard } from '../../bundle/certificate-name.ts';
import type { PackedChunk } from '../../bundle/route-texts.ts';
import { chunkOf, routeIn, type ServedConfig } from './served-config.ts';

/** A certificate that a config wants. */
export interface WantedCertificate {
  orderer?: string;
}

/** Chunks remembered; a pool has at most 256, and few of them change at once. */
const CHUNKS_REMEMBERED_MAX = 4_096;

type Wildcards = ReadonlyMap<string, WantedCertificate>;

/** `chunk`: the text of a chunk, undefined when the store lost it. The answer is undefined for a certificate that the config does not want. */
export function createCertificateFinder(
  chunk: (sha256: string) => Promise<string | undefined>,
): (config: ServedConfig, name: string) => Promise<WantedCertificate | undefined> {
  const known = new Map<string, Wildcards>();

  async function wildcardsIn(sha256: string): Promise<Wildcards> {
    const before = known.get(sha256);
    if (before !== undefined) return before;
    const text = await chunk(sha256);
    if (text === undefined) return new Map();
    const found = readWildcards(text);
    if (known.size >= CHUNKS_REMEMBERED_MAX) known.clear();
    known.set(sha256, found);
    return found;
  }

  return async (config, name) => {
    if (isWildcard(name)) {
      for (const sha256 of config.chunks.values()) {
        const wanted = (await wildcardsIn(sha256)).get(name);
        if (wanted !== undefined) return wanted;
      }
      return undefined;
    }
    const sha256 = chunkOf(config, name);
    const text = sha256 === undefined ? undefined : await chunk(sha256);
    const route = text === undefined ? undefined : routeIn(text, name);
    return route?.certificate === undefined ? route : undefined;
  };
}

/** Every route of one certificate has the same orderer: that of the first counts. */
function readWildcards(text: string): Wildcards {
  const found = new Map<string, WantedCertificate>();
  for (const { hostname, certificate = hostname, orderer } of (JSON.parse(text) as PackedChunk).routes) {
    if (isWildcard(certificate) && !found.has(certificate))
      found.set(certificate, orderer === undefined ? {} : { orderer });
  }
  return found;
}
