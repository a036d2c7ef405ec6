// What a secret reference leads to. Law: a reference that leads nowhere is a problem with a reason, never an exception, and the reason
// repeats nothing of what was read.
import { canonicalJson } from '../bundle/canonical.ts';
import type { SecretReference } from '../schemas/types.ts';
import { checkUsers } from './core/htpasswd.ts';
import { placeOf, type ReadablePlace, referenceKey } from './core/secret-reference.ts';
import { readTeamSecret } from './core/team-secret.ts';
import type { SecretPlaces, SecretSealing } from './ports/secrets.ts';

const READS_AT_ONCE = 32;
/** Of what a digest is made; a new number when other users are accepted than before. */
const DIGEST_VERSION = 1;
const SEEN_BY_OTHERS = 'other processes may see variables: prefer file or credential';

/** What a reference led to. `digest` is of what stands there, `users` opens it. */
export type Found = { digest: string; users(): Promise<Users>; warning?: string } | { problem: string };
type Users = { text: string } | { problem: string };

interface TeamReference {
  team: string;
  reference: SecretReference;
}

interface FindingParts {
  places: SecretPlaces;
  sealing: SecretSealing;
}

/** Reference key → what stands there. Each is read once, however many pools ask. */
export async function findAll(uses: Iterable<TeamReference>, parts: FindingParts): Promise<Map<string, Found>> {
  const pending = new Map([...uses].map((use) => [referenceKey(use.team, use.reference), use]));
  const entries = [...pending];
  const found = new Map<string, Found>();
  for (let start = 0; start < entries.length; start += READS_AT_ONCE) {
    const batch = entries.slice(start, start + READS_AT_ONCE);
    const results = await Promise.all(batch.map(([, use]) => find(use, parts)));
    for (const [index, [key]] of batch.entries()) found.set(key, results[index]!);
  }
  return found;
}

async function find({ team, reference }: TeamReference, parts: FindingParts): Promise<Found> {
  const place = placeOf(team, reference);
  if (place.kind === 'nowhere') return { problem: place.reason };
  return place.kind === 'sealed' ? findSealed(team, place.text, parts) : findPlace(place, parts);
}

async function findPlace(place: ReadablePlace, { places, sealing }: FindingParts): Promise<Found> {
  const reading = await places.read(place);
  if (reading.kind === 'unreadable') return { problem: reading.reason };
  const users = checkUsers(reading.text);
  if (!users.ok) return { problem: users.reason };
  return {
    digest: sealing.digest(canonicalJson({ version: DIGEST_VERSION, users: users.text })),
    users: async () => users,
    ...(place.kind === 'env' && { warning: SEEN_BY_OTHERS }),
  };
}

/** A sealed text says the same for ever, so it is opened only when its users must be sealed to a pool. */
function findSealed(team: string, sealed: string, { sealing }: FindingParts): Found {
  return {
    digest: sealing.digest(canonicalJson({ version: DIGEST_VERSION, team, sealed })),
    async users() {
      const text = await sealing.open(sealed).catch(() => undefined);
      if (text === undefined) return { problem: 'it does not open with the key of this reconciler: seal it again' };
      const secret = readTeamSecret(text);
      if (secret === undefined) return { problem: 'it holds something else than what `kokoa seal` writes' };
      if (secret.team !== team) return { problem: 'it was sealed for another team' };
      const users = checkUsers(secret.users);
      return users.ok ? users : { problem: users.reason };
    },
  };
}
