// What a secret reference leads to. Law: a reference that leads nowhere is a problem with a reason, never an exception, and the reason
// repeats nothing of what was read.
import { canonicalJson } from '../bundle/canonical.ts';
import type { RouteSecret } from './core/route-secrets.ts';
import { placeOf, type ReadablePlace, referenceKey } from './core/secret-reference.ts';
import { readTeamSecret } from './core/team-secret.ts';
import type { SecretPlaces, SecretSealing } from './ports/secrets.ts';
import { kindOf, type SecretChecks } from './secret-checks.ts';

const READS_AT_ONCE = 32;
/** Of what a digest is made; a new number when other texts are accepted than before. */
const DIGEST_VERSION = 1;
const TOO_LARGE_TO_SEAL = 'a certificate and its key stand in a file or a credential, not in git';
const SEEN_BY_OTHERS = 'other processes may see variables: prefer file or credential';

/** What a reference led to. `digest` is of what stands there, `open` answers the text to be sealed. */
export type Found = { digest: string; open(): Promise<Opened>; warnings: readonly string[] } | { problem: string };
type Opened = { text: string } | { problem: string };

interface TeamSecretReference extends RouteSecret {
  team: string;
}

interface FindingParts {
  places: SecretPlaces;
  sealing: SecretSealing;
  checks: SecretChecks;
}

/** Reference key → what stands there. Each is read once, however many pools ask. */
export async function findAll(
  uses: Iterable<TeamSecretReference>,
  parts: FindingParts,
  nowMs: number,
): Promise<Map<string, Found>> {
  const pending = new Map([...uses].map((use) => [referenceKey(use.team, use.reference, use.hostname), use]));
  const entries = [...pending];
  const found = new Map<string, Found>();
  for (let start = 0; start < entries.length; start += READS_AT_ONCE) {
    const batch = entries.slice(start, start + READS_AT_ONCE);
    const results = await Promise.all(batch.map(([, use]) => find(use, parts, nowMs)));
    for (const [index, [key]] of batch.entries()) found.set(key, results[index]!);
  }
  return found;
}

async function find(use: TeamSecretReference, parts: FindingParts, nowMs: number): Promise<Found> {
  const place = placeOf(use.team, use.reference);
  if (place.kind === 'nowhere') return { problem: place.reason };
  if (place.kind !== 'sealed') return findPlace(place, use, parts, nowMs);
  return kindOf(use) === 'users' ? findSealed(use.team, place.text, parts, nowMs) : { problem: TOO_LARGE_TO_SEAL };
}

async function findPlace(
  place: ReadablePlace,
  use: TeamSecretReference,
  { places, sealing, checks }: FindingParts,
  nowMs: number,
): Promise<Found> {
  const reading = await places.read(place);
  if (reading.kind === 'unreadable') return { problem: reading.reason };
  const checked = checks.check(use, reading.text, nowMs);
  if (!checked.ok) return { problem: checked.reason };
  const { text, warnings = [] } = checked;
  return {
    digest: sealing.digest(canonicalJson({ version: DIGEST_VERSION, [kindOf(use)]: text })),
    open: async () => ({ text }),
    warnings: place.kind === 'env' ? [...warnings, SEEN_BY_OTHERS] : warnings,
  };
}

/** Users that a team sealed. The text says the same for ever, so it is opened only when they must be sealed to a pool. */
function findSealed(team: string, sealed: string, { sealing, checks }: FindingParts, nowMs: number): Found {
  return {
    digest: sealing.digest(canonicalJson({ version: DIGEST_VERSION, team, sealed })),
    warnings: [],
    async open() {
      const text = await sealing.open(sealed).catch(() => undefined);
      if (text === undefined) return { problem: 'it does not open with the key of this reconciler: seal it again' };
      const secret = readTeamSecret(text);
      if (secret === undefined) return { problem: 'it holds something else than what `kokoa seal` writes' };
      if (secret.team !== team) return { problem: 'it was sealed for another team' };
      const users = checks.check({}, secret.users, nowMs);
      return users.ok ? users : { problem: users.reason };
    },
  };
}
