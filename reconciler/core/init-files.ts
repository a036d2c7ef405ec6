// The files of a repository with data alone, from templates and a few names. Law: every name passed its check before it stands in a file,
// and a template that asks for a name that is not there is a mistake, not an empty place.
import mustache from 'mustache';
import { KokoaError } from '../../bundle/error.ts';
import { isCodeOwner, OWNER_FORMS } from './code-owner.ts';
import { codeowners } from './codeowners.ts';
import { canonicalHostname } from './hostname.ts';
import { shown } from './shown.ts';

export interface InitNames {
  /** Such as `hoge.com`. */
  zone: string;
  team: string;
  /** Who approves what is no team's: at least one. */
  operators: readonly string[];
  /** `https://HOST[:PORT]`. */
  controlPlane: string;
  /** Where Kokoa itself is on GitHub, `OWNER/REPOSITORY`. */
  kokoaRepository: string;
  /** A tag or a commit of it. */
  kokoaRef: string;
}

export interface InitFile {
  /** Below the top of the new repository, with slashes. */
  path: string;
  text: string;
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const REPOSITORY = /^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,100}$/;
const REF = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** What the schema takes for the owner of a team. */
const TEAM_OWNER = /^@[A-Za-z0-9-]+(\/[A-Za-z0-9._-]+)?$/;
/** Nothing in it ends a scalar of YAML, a code span or a link. */
const PLAIN = /^[A-Za-z0-9@._:/[\]-]+$/;
const TAGS: [string, string] = ['<%', '%>'];

/**
 * `templates`: text by path in the new repository, in which `TEAM` stands for the name of the team.
 * @throws KokoaError usage for a name of the wrong form
 */
export function initFiles(templates: ReadonlyMap<string, string>, names: InitNames): InitFile[] {
  const checked = checkedNames(names);
  const view = { ...checked, owners: checked.operators.filter((owner) => TEAM_OWNER.test(owner)) };
  const files = [...templates].map(([path, text]) => ({
    path: path.replace('TEAM', checked.team),
    text: mustache.render(text, strict(view), {}, { tags: TAGS, escape: plain }),
  }));
  const teams = [{ name: checked.team, owners: view.owners }];
  const owned = codeowners({ before: undefined, folder: '', teams, operators: checked.operators });
  if (owned.kind === 'refused') throw usage(owned.message, owned.hint);
  return [...files, { path: '.github/CODEOWNERS', text: owned.text }].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function checkedNames(names: InitNames): InitNames {
  const { zone, team, operators, controlPlane, kokoaRepository, kokoaRef } = names;
  const name = canonicalHostname(zone);
  if (name.kind === 'refused' || zone.startsWith('*'))
    throw usage(
      `--zone: found ${shown(zone)}, expected ${name.kind === 'refused' ? name.expected : 'the name without *.'}`,
      'It is a domain that you registered, such as hoge.com.',
    );
  if (!NAME.test(team))
    throw usage(`--team: found ${shown(team)}, expected lower-case letters, digits and dashes, at most 63`);
  const odd = operators.find((owner) => !isCodeOwner(owner));
  if (odd !== undefined) throw usage(`--operators: found ${shown(odd)}, expected ${OWNER_FORMS}`);
  if (!operators.some((owner) => TEAM_OWNER.test(owner)))
    throw usage('--operators: found no user or team of GitHub, expected at least one', 'Such as @octo-org/ops.');
  if (!isControlPlane(controlPlane))
    throw usage(`--control-plane: found ${shown(controlPlane)}, expected https://HOST or https://HOST:PORT`);
  if (!REPOSITORY.test(kokoaRepository) || !REF.test(kokoaRef))
    throw usage(
      `--kokoa: found ${shown(`${kokoaRepository}@${kokoaRef}`)}, expected OWNER/REPOSITORY or OWNER/REPOSITORY@TAG`,
    );
  return { ...names, zone: name.hostname, controlPlane: controlPlane.replace(/\/$/, '') };
}

/** The form that the schema of kokoa.yaml takes; nodes ask over TLS. */
function isControlPlane(text: string): boolean {
  return /^https:\/\/[A-Za-z0-9.:[\]-]+\/?$/.test(text) && text.length <= 300 && URL.canParse(text);
}

function plain(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  throw new KokoaError('unsafe_value', `the value ${shown(String(value))} cannot stand in a file`);
}

/** Mustache takes a name that is not there for an empty text. */
function strict<T extends object>(view: T): T {
  return new Proxy(view, {
    has: () => true,
    get(target, name) {
      if (name in target || typeof name === 'symbol') return Reflect.get(target, name);
      throw new KokoaError('template_name_unknown', `a template asks for ${shown(name)}, which nobody gives`);
    },
  });
}

function usage(message: string, hint?: string): KokoaError {
  return new KokoaError('usage', message, hint === undefined ? {} : { hint });
}
