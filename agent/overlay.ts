// What the moment adds to a bundle: which certificates stand in for others that are not held yet, and which backends are not asked because they are
// down. Law: it is worked out anew only when something of it may differ, so that looking every second costs nothing.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import { downAmongSeveral } from './core/backend-checks.ts';
import { stopgapsOf } from './core/certificate-choice.ts';
import type { VerifiedBundle } from './ports/state.ts';

export interface Overlay {
  /** Hostname → name of the certificate that serves it. */
  stopgaps: ReadonlyMap<string, string>;
  /** Names of checks. */
  down: ReadonlySet<string>;
  /** Differs when one of these does. */
  text: string;
}

/** The certificates that could be served now. */
export interface HeldCertificates {
  isHeld(certificate: string): boolean;
  /** Differs when an answer of `isHeld` may. */
  revision(): string;
}

/** Absent: every certificate counts as held, every backend as up. */
export interface OverlayParts {
  held?: HeldCertificates | undefined;
  /** Names of checks; the same object while nothing changed. */
  down?: (() => ReadonlySet<string>) | undefined;
}

export type OverlayOf = (config: EdgeConfig, chunks: VerifiedBundle['chunks']) => Overlay;

interface Remembered {
  config: EdgeConfig;
  chunks: VerifiedBundle['chunks'];
  revision: string | undefined;
  down: ReadonlySet<string>;
  overlay: Overlay;
}

const NOBODY: ReadonlySet<string> = new Set();

export function rememberedOverlay({ held, down: downNow = () => NOBODY }: OverlayParts): OverlayOf {
  let last: Remembered | undefined;
  return (config, chunks) => {
    const [revision, down] = [held?.revision(), downNow()];
    const same = last?.config === config && last.chunks === chunks && last.revision === revision && last.down === down;
    if (!last || !same) last = { config, chunks, revision, down, overlay: overlayOf(config, chunks, held, down) };
    return last.overlay;
  };
}

function overlayOf(
  { edge }: EdgeConfig,
  chunks: VerifiedBundle['chunks'],
  held: HeldCertificates | undefined,
  everybodyDown: ReadonlySet<string>,
): Overlay {
  const stopgaps: Overlay['stopgaps'] = held ? stopgapsOf(chunks, held.isHeld) : new Map();
  const down = downAmongSeveral(chunks, edge.streams, everybodyDown);
  return { stopgaps, down: new Set(down), text: sha256Hex(canonicalJson({ stopgaps: [...stopgaps], down })) };
}
