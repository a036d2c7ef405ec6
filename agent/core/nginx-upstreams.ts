// Where requests go, as the web server names it. Law: several targets always have a named upstream; single ones have it (and
// with it kept connections) only while they are few, because nginx looks names up by a linear scan. What is spoken, and to whom, is
// part of the name: a connection that was kept for one is never used for another. A backend that is down is not asked while another is not.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { WireBackend, WirePlace } from '../../bundle/config.ts';
import { type CheckedPlace, checkOf } from './backend-checks.ts';
import { allowed } from './mustache-template.ts';

export const NAMED_TARGETS_MAX = 500;

export interface NamedUpstream {
  name: string;
  targets: Target[];
  sticky: boolean;
}

export interface Target {
  /** `address:port`. */
  endpoint: string;
  weight?: number;
  backup: boolean;
  /** Another one of the same place is not; absent: it is asked. */
  down?: true;
}

/** What stands in a table until all targets are known. */
export interface UpstreamReference {
  name: string;
}

interface Found extends UpstreamReference {
  targets: Target[];
  sticky: boolean;
  /** What of it is not in `targets`: empty for plain HTTP. */
  spoken: string;
}

export class Upstreams {
  readonly #found = new Map<string, Found>();
  readonly #down: ReadonlySet<string>;

  /** `down`: names of checks (backend-checks.ts) that say that nobody answers. */
  constructor(down: ReadonlySet<string> = new Set()) {
    this.#down = down;
  }

  /**
   * Where a place of `hostname` goes. The name is there after `named`. `checked`: as its backends are asked.
   * @throws KokoaError unsafe_value for an address or a port that is none
   */
  of(
    place: Pick<WirePlace, 'backends' | 'sticky' | 'protocol' | 'originTls'>,
    hostname: string,
    checked: CheckedPlace = place,
  ): UpstreamReference {
    const { backends, sticky = false, protocol } = place;
    const spoken = protocol === undefined ? '' : spokenTo(place, hostname);
    const down = this.#downOf(checked, hostname);
    const key = `${backends.map(keyOf).join(' ')}${sticky ? ' sticky' : ''} ${spoken} ${down.join()}`;
    let found = this.#found.get(key);
    if (!found) {
      if (backends.length === 0) allowed('endpoint', '');
      const targets = backends.map((backend, index) => ({
        ...targetOf(backend),
        ...(down.includes(index) && { down: true as const }),
      }));
      found = { name: '', targets, sticky: sticky && backends.length > 1, spoken };
      this.#found.set(key, found);
    }
    return found;
  }

  /** Which of its backends are not to be asked. When all are down, it is the question that is believed to be wrong. */
  #downOf(checked: CheckedPlace, hostname: string): number[] {
    const { backends } = checked;
    if (this.#down.size === 0 || backends.length < 2) return [];
    const down = backends.flatMap((backend, index) => {
      const check = checkOf(checked, backend, hostname);
      return check && this.#down.has(check.id) ? index : [];
    });
    return down.length < backends.length ? down : [];
  }

  /** Gives every reference its name, and answers the upstreams to write, sorted by name. Nothing is added after this. */
  named(): NamedUpstream[] {
    const few = this.#found.size <= NAMED_TARGETS_MAX;
    const upstreams: NamedUpstream[] = [];
    for (const found of this.#found.values()) {
      if (few || found.targets.length > 1) {
        found.name = upstreamName(found);
        upstreams.push({ name: found.name, targets: found.targets, sticky: found.sticky });
      } else found.name = found.targets[0]!.endpoint;
    }
    return upstreams.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

function spokenTo({ protocol, originTls }: Pick<WirePlace, 'protocol' | 'originTls'>, hostname: string): string {
  return protocol === 'https' ? canonicalJson({ ...originTls, serverName: originTls?.serverName ?? hostname }) : 'h2c';
}

function keyOf({ address, port, weight, backup }: WireBackend): string {
  return `${address} ${port}${weight === undefined ? '' : ` w${weight}`}${backup ? ' b' : ''}`;
}

function targetOf({ address, port, weight, backup }: WireBackend): Target {
  const endpoint = allowed('endpoint', address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
  return { endpoint, ...(weight !== undefined && { weight }), backup: backup === true };
}

/** The scan compares names from their beginning, so that is where they differ. */
function upstreamName({ targets, sticky, spoken }: Found): string {
  const hash = sha256Hex(canonicalJson({ targets, sticky, spoken }));
  const [first] = targets;
  if (targets.length === 1 && spoken === '' && !first!.endpoint.startsWith('['))
    return `${hash.slice(0, 3)}-${first!.endpoint.replace(':', '-')}`;
  return hash.slice(0, 24);
}
