// A certificate as it travels sealed: the JSON text `{fullchain, key, keptFrom}`. Nothing in it is judged here but its shape.

/** `NODE/GENERATION` of an edge that was compromised. */
export const COMPROMISED_PATTERN = '^[a-z0-9-]{1,63}/[1-9][0-9]{0,15}$';
/** As many as members of a pool. */
export const COMPROMISED_MAX = 1_000;

const ENTRY = new RegExp(COMPROMISED_PATTERN);

export interface CertificateText {
  /** PEM, leaf first. */
  fullchain: string;
  /** PEM. */
  key: string;
  /** Compromised edges that never had the key. */
  keptFrom: readonly string[];
}

export function writeCertificateText({ fullchain, key, keptFrom }: CertificateText): string {
  return JSON.stringify({ fullchain, key, ...(keptFrom.length > 0 && { keptFrom }) });
}

/** Undefined for anything else. `by`: the edge that wrote it; of itself it may say nothing. */
export function readCertificateText(text: string, by?: string): CertificateText | undefined {
  try {
    const { fullchain, key, keptFrom } = JSON.parse(text) as Record<string, unknown>;
    if (typeof fullchain !== 'string' || typeof key !== 'string') return undefined;
    return { fullchain, key, keptFrom: readKeptFrom(keptFrom).filter((entry) => nodeOf(entry) !== by) };
  } catch {
    return undefined;
  }
}

/** What is no such list says nothing. */
export function readKeptFrom(value: unknown): string[] {
  if (!Array.isArray(value) || value.length > COMPROMISED_MAX) return [];
  return value.filter((entry): entry is string => typeof entry === 'string' && ENTRY.test(entry));
}

/** The node of `NODE/GENERATION`. */
export function nodeOf(entry: string): string {
  return entry.slice(0, entry.indexOf('/'));
}
